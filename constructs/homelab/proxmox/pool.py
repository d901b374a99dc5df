"""Resource pools."""

from constructs import Construct

from imports.proxmox.virtual_environment_pool import VirtualEnvironmentPool


class Pool(Construct):
    """Defines a resource pool; guests join it by their own spec.

    Args:
        pool_id: its id, unique in the cluster.
        comment: what it is for.

    Source: ``proxmox_virtual_environment_pool``. The token needs Pool.Allocate.
    """

    def __init__(self, scope: Construct, id_: str, *, pool_id: str, comment: str | None = None) -> None:
        super().__init__(scope, id_)
        VirtualEnvironmentPool(self, "Default", pool_id=pool_id, comment=comment)
