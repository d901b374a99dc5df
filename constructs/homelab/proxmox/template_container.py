"""Containers that a script turns into templates once they are built."""

from cdktf import TerraformResource, TerraformResourceLifecycle
from constructs import Construct

from homelab.config.container import ContainerSpec
from homelab.proxmox.address import address_of
from homelab.proxmox.container import Container


class TemplateContainer(Container):
    """Defines a container that runs while it is built, and is a stopped template afterwards.

    The provider's own ``template = true`` makes an empty template in which nothing was installed, and replaces a
    container that becomes one. So the provider makes a running container, and what builds it stops and converts it;
    that it is stopped and a template is ignored from then on. When ``version`` is replaced it is made anew; full clones
    of it own their disks and are not touched.

    Source: ``proxmox_virtual_environment_container``.
    """

    def __init__(self, scope: Construct, id_: str, *, spec: ContainerSpec, version: TerraformResource) -> None:
        building = spec.model_copy(
            update={"template": False, "started": True, "start_on_boot": False, "protection": False}
        )
        super().__init__(scope, id_, spec=building)
        # As a template's: its clones have what it has, and say nothing about it.
        self.put_disk(datastore_id=spec.datastore, size=spec.disk)
        usual = self.lifecycle
        self.lifecycle = TerraformResourceLifecycle(
            ignore_changes=[*_ignored(usual), "started", "template"],
            postcondition=usual.postcondition if usual else None,
            replace_triggered_by=[address_of(version)],
        )


def _ignored(lifecycle: TerraformResourceLifecycle | None) -> list[str]:
    ignored = lifecycle.ignore_changes if lifecycle else None
    return list(ignored) if isinstance(ignored, list) else []
