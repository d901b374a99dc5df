"""Docker volumes."""

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_docker.volume import Volume as DockerVolume
from constructs import Construct


class Volume(DockerVolume):
    """Defines a volume on the engine's own disk.

    Decided for you: Terraform refuses to destroy it (``prevent_destroy``), since it is there for what must not be lost.

    Args:
        name: its name on the engine.

    Source: ``docker_volume``.
    """

    def __init__(self, scope: Construct, id_: str, *, name: str) -> None:
        super().__init__(scope, id_, name=name, lifecycle=TerraformResourceLifecycle(prevent_destroy=True))
