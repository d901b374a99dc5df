"""Storage replication of guests."""

from cdktf import TerraformResource

from homelab.config.guest import GuestSpec
from homelab.proxmox.address import lifecycle_of_part
from homelab.proxmox.literal import literal
from imports.proxmox.replication import Replication


def replicate(guest: TerraformResource, spec: GuestSpec) -> None:
    """Defines the replication jobs of ``guest``.

    Decided for you: where HA may move the guest, its targets are Proxmox's own matter after creation. A guest that
    moves to its target is replicated the other way round from then on, and Terraform would make the job anew for it.

    Args:
        guest: the guest's resource, which gets each job as its part ``replication-<number>``.
        spec: what the guest is.

    Source: ``proxmox_replication``. The token needs VM.Replicate.
    """
    for job in spec.replication:
        Replication(
            guest,
            f"replication-{job.job}",
            id=f"{spec.vm_id}-{job.job}",
            target=job.target,
            type="local",
            schedule=job.schedule,
            rate=job.rate,
            disable=not job.enabled,
            comment=literal(job.comment),
            depends_on=[guest],
            lifecycle=lifecycle_of_part(guest, ignored=["target"] if spec.ha is not None else []),
        )
