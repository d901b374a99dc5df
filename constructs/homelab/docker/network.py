"""Docker networks."""

from cdktf_cdktf_provider_docker.network import Network as DockerNetwork
from cdktf_cdktf_provider_docker.network import NetworkIpamConfig
from constructs import Construct


class Network(DockerNetwork):
    """Defines a bridge network, on which containers find each other by name.

    Args:
        name: its name on the engine.
        subnet: its subnet with prefix length; the engine chooses one when None.

    Source: ``docker_network``.
    """

    def __init__(self, scope: Construct, id_: str, *, name: str, subnet: str | None = None) -> None:
        super().__init__(
            scope,
            id_,
            name=name,
            driver="bridge",
            ipam_config=[NetworkIpamConfig(subnet=subnet)] if subnet else None,
        )
