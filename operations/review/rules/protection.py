"""Protection against mistakes: Proxmox's own of guests, and Terraform's of anything."""

from __future__ import annotations

from collections.abc import Iterator

from operations.review.findings import Case, Finding, Severity
from operations.review.guests import is_guest
from operations.review.objects import loss_of
from operations.review.plan import Action
from operations.review.values import masked


def switched_off(case: Case) -> Iterator[Finding]:
    """A guest's protection goes: from then on a mistake can remove it or its disks."""
    change = case.change
    if not case.successors:
        return
    if change.before.get("protection") is not True or change.after.get("protection") is True:
        return
    word = "may be" if masked(change.after_unknown, "protection") else "is"
    yield case.finding(
        "protection-off",
        Severity.BLOCKED,
        f"{case.successors[0].label}: protection {word} switched off",
        consequence="Proxmox then lets anybody with the permission remove the guest and its disks; Terraform too",
    )


def no_longer_kept(case: Case) -> Iterator[Finding]:
    """Terraform's ``prevent_destroy`` goes: from then on a plan that destroys the object can be applied."""
    change = case.change
    if not change.no_longer_kept or change.action is Action.DELETE or any(switched_off(case)):
        # Who switches Proxmox's protection off decides about both.
        return
    guest = case.before or case.after
    if is_guest(change.type):
        lost = "destroys the guest with its disks"
    else:
        lost = "destroys it" + (f": {loss}" if (loss := loss_of(change).destroyed) else "")
    yield case.finding(
        "prevent-destroy-off",
        Severity.BLOCKED,
        f"{guest.label if guest else change.address}: Terraform's prevent_destroy is switched off",
        consequence=f"Nothing changes on the node now. Until now Terraform refused every plan that {lost}",
    )
