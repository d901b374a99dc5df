"""Proxmox's own protection of guests."""

from __future__ import annotations

from collections.abc import Iterator

from operations.review.findings import Case, Finding, Severity
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
