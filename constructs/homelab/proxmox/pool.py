"""Resource pools."""

from cdktf import TerraformResource
from constructs import Construct

from homelab.proxmox.address import lifecycle_of_part
from homelab.proxmox.literal import literal
from imports.proxmox.pool_membership import PoolMembership
from imports.proxmox.virtual_environment_pool import VirtualEnvironmentPool


class Pool(Construct):
    """Defines a resource pool; guests join it by their own spec.

    Args:
        pool_id: its id, unique in the cluster.
        comment: what it is for.
        adopted: it was there before and is imported.

    Source: ``proxmox_virtual_environment_pool``. The token needs Pool.Allocate.
    """

    def __init__(
        self, scope: Construct, id_: str, *, pool_id: str, comment: str | None = None, adopted: bool = False
    ) -> None:
        super().__init__(scope, id_)
        pool = VirtualEnvironmentPool(self, "Default", pool_id=pool_id, comment=literal(comment))
        if adopted:
            pool.import_from(pool_id)


def join_pool(guest: TerraformResource, *, pool_id: str, vm_id: int, adopted: bool = False) -> None:
    """Defines that ``guest`` is in a pool.

    A resource of its own, because the provider replaces a container whose ``pool_id`` changes, and leaves a virtual
    machine where it is whose ``pool_id`` is gone.

    Args:
        guest: the guest's resource, which gets the membership as its part ``pool``.
        pool_id: the pool.
        vm_id: the guest's VMID.
        adopted: it was in the pool before, and the membership is imported.

    Source: ``proxmox_pool_membership``. The token needs Pool.Allocate.
    """
    membership = PoolMembership(
        guest, "pool", pool_id=pool_id, vm_id=vm_id, depends_on=[guest], lifecycle=lifecycle_of_part(guest)
    )
    if adopted:
        membership.import_from(f"{pool_id}/vm/{vm_id}")
