"""Containers that were there before, made by hand or by another tool."""

from typing import Any

from cdktf import TerraformResourceLifecycle
from constructs import Construct

from homelab.config.adoption import ALWAYS_IGNORED_OF_CONTAINERS, Adopted
from homelab.config.container import ContainerSpec
from homelab.proxmox.container import features_of, initialization_of, network_interfaces_of, startup_of
from homelab.proxmox.guest_parts import define_parts
from homelab.proxmox.literal import literal
from homelab.proxmox.node_of_container import stays_on_its_node
from imports.proxmox.virtual_environment_container import (
    VirtualEnvironmentContainer,
    VirtualEnvironmentContainerCpu,
    VirtualEnvironmentContainerDevicePassthrough,
    VirtualEnvironmentContainerDisk,
    VirtualEnvironmentContainerFeatures,
    VirtualEnvironmentContainerMemory,
)

_PROVIDERS_MEMORY = (512, 0)


class AdoptedContainer(VirtualEnvironmentContainer):
    """Defines a container that exists, and imports it (``import`` block with ``<node>/<VMID>``).

    Decided for you: what it was made from, its keys and its mount points are ignored, as the provider would replace the
    container for them; so is what no setting stands for (``ALWAYS_IGNORED_OF_CONTAINERS``) and what
    ``spec.adopted.ignore`` names; where the container is as the provider would make it by default, nothing is said,
    because the provider imports nothing there.

    Source: ``proxmox_virtual_environment_container``, and those of ``GuestFirewall``.
    """

    def __init__(self, scope: Construct, id_: str, *, spec: ContainerSpec) -> None:
        adopted = spec.adopted or Adopted()
        super().__init__(
            scope,
            id_,
            node_name=spec.node,
            vm_id=spec.vm_id,
            start_on_boot=spec.start_on_boot,
            protection=spec.protection,
            unprivileged=spec.unprivileged,
            lifecycle=TerraformResourceLifecycle(
                ignore_changes=sorted(
                    {
                        *ALWAYS_IGNORED_OF_CONTAINERS,
                        *adopted.ignore,
                        "initialization[0].user_account",
                        "mount_point",
                        "node_name",
                        "template",
                    }
                    - ({"initialization[0].user_account"} if "initialization" in adopted.ignore else set())
                ),
                prevent_destroy=spec.protection or None,
                postcondition=stays_on_its_node(id_, spec),
            ),
            **{name: value for name, value in _settings(spec).items() if name not in adopted.ignore},
        )
        self.spec = spec
        self.import_from(f"{spec.node}/{spec.vm_id}")
        define_parts(self, spec)


def _settings(spec: ContainerSpec) -> dict[str, Any]:
    """The arguments that ``ignore`` can take away."""
    return {
        "description": literal(spec.description),
        "tags": list(spec.tags) or None,
        "started": spec.started and not spec.template,
        "startup": startup_of(spec),
        "cpu": VirtualEnvironmentContainerCpu(cores=spec.cores, units=spec.cpu_units)
        if spec.cores != 1 or spec.cpu_units is not None
        else None,
        "memory": VirtualEnvironmentContainerMemory(dedicated=spec.memory, swap=spec.swap)
        if (spec.memory, spec.swap) != _PROVIDERS_MEMORY
        else None,
        "disk": VirtualEnvironmentContainerDisk(datastore_id=spec.datastore, size=spec.disk),
        "features": _features(spec),
        "device_passthrough": [VirtualEnvironmentContainerDevicePassthrough(path=path) for path in spec.devices]
        or None,
        "network_interface": network_interfaces_of(spec),
        "initialization": initialization_of(spec),
    }


def _features(spec: ContainerSpec) -> VirtualEnvironmentContainerFeatures | None:
    features = spec.features
    some = features.nesting or features.keyctl or features.fuse or features.mknod or features.mount
    return features_of(spec) if some else None
