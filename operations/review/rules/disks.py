"""Disks and mount points of guests that stay: what an ``update`` does to them."""

from __future__ import annotations

from collections.abc import Iterator

from operations.review.findings import Case, Finding, Severity
from operations.review.guests import Disk, Guest
from operations.review.values import masked

_STAYS = (
    "Proxmox detaches it: the guest loses it, the volume stays in the datastore as an unused disk until somebody "
    "deletes it"
)
_NEVER_SMALLER = (
    "Terraform shows an update, but Proxmox never makes a volume smaller: the apply fails there, with what was done "
    "until then"
)


def removed(case: Case) -> Iterator[Finding]:
    """A disk is taken from a guest, which Terraform shows as an update."""
    if not case.guests:
        return
    before, after = case.guests
    left = {disk.key for disk in after.disks}
    for disk in before.disks:
        if disk.key in left:
            continue
        if place := _reattached(disk, before.disks, after.disks):
            yield case.finding(
                "disk-reattached",
                Severity.DANGER,
                f"{before.label}: disk {disk.label} becomes {place.key}",
                consequence="The same volume at another interface: its device name changes inside the guest, and its "
                "place in the boot order",
            )
        elif disk.is_bind:
            yield case.finding(
                "disk-removed",
                Severity.DANGER,
                f"{before.label}: mount point {disk.label} is removed",
                consequence="It is a folder of the node: the guest no longer sees it, what is in it stays",
            )
        else:
            unknown = masked(case.change.after_unknown, "mount_point" if disk.path not in ("", "/") else "disk")
            yield case.finding(
                "disk-removed",
                Severity.BLOCKED,
                f"{before.label}: disk {disk.label} {'may be' if unknown else 'is'} removed",
                consequence=f"Which disks it has is known only after the apply. {_STAYS}" if unknown else _STAYS,
            )


def attached_twice(case: Case) -> Iterator[Finding]:
    """A new disk gets the volume of one that stays.

    Which volume a disk has the provider goes by its place in the list: one that is put before others is planned with
    the volume of the disk that was in that place, and attaches it, while the other one keeps it too.
    """
    if not case.guests or case.guests[0].is_container:
        return
    before, after = case.guests
    staying = {disk.key for disk in after.disks}
    for disk in before.disks:
        if disk.key in staying and (new := _reattached(disk, before.disks, after.disks)):
            yield case.finding(
                "disk-attached-twice",
                Severity.BLOCKED,
                f"{before.label}: new disk {new.key} is no new volume: {disk.label} is attached there a second time",
                consequence="The provider goes by the order of the disks, and gives a new one before others the volume "
                "that is there: the guest doesn't start, or writes to one volume through two devices, which destroys "
                f"what is on it. Put {new.key} after all others",
            )


def _reattached(disk: Disk, before: tuple[Disk, ...], after: tuple[Disk, ...]) -> Disk | None:
    """The new disk that has the volume of ``disk``. One with an image is filled from that, whatever the plan says."""
    known = {other.key for other in before}
    same = (
        new
        for new in after
        if new.key not in known and new.volume == disk.volume and new.datastore == disk.datastore and not new.origin
    )
    return next(same, None) if disk.volume else None


def shrunk(case: Case) -> Iterator[Finding]:
    """A disk gets smaller, or may: Terraform shows an update, Proxmox has no such operation."""
    for old, new in _pairs(case):
        if old.size is None or old.is_bind:
            continue
        label = case.before.label if case.before else ""
        if new.size_unknown:
            yield case.finding(
                "disk-shrunk",
                Severity.BLOCKED,
                f"{label}: the size of disk {old.label} is known only after the apply",
                consequence=f"It may be smaller. {_NEVER_SMALLER}",
            )
        elif new.size is not None and new.size < old.size:
            yield case.finding(
                "disk-shrunk",
                Severity.BLOCKED,
                f"{label}: disk {old.label} shrinks to {new.size_text or 'less'}",
                consequence=_NEVER_SMALLER,
            )


def moved(case: Case) -> Iterator[Finding]:
    """A disk moves to another datastore."""
    for old, new in _pairs(case):
        if old.datastore and new.datastore and old.datastore != new.datastore and case.before:
            is_vm = not case.before.is_container
            yield case.finding(
                "disk-moved",
                Severity.DANGER if is_vm and case.before.runs else Severity.CHANGE,
                f"{case.before.label}: disk {old.label} moves to {new.datastore}",
                consequence="Proxmox copies the disk and deletes the original"
                + ("; the machine is shut down for that" if is_vm and case.before.runs else ""),
            )


def mount_points(case: Case) -> Iterator[Finding]:
    """A mount point appears in another place of its container."""
    for old, new in _pairs(case):
        if old.path != new.path and case.before:
            yield case.finding(
                "mount-point-changed",
                Severity.DANGER,
                f"{case.before.label}: mount point {old.label} becomes {new.label}",
                consequence="The data stays in the volume and is no longer where programs look for it; the old folder "
                "shows what was beneath",
            )


def backups(case: Case) -> Iterator[Finding]:
    """A disk or mount point is taken out of backups."""
    for old, new in _pairs(case, case.successors):
        if old.backup and not new.backup and not old.is_bind and case.before:
            unknown = " may be" if new.backup is None else " is"
            yield case.finding(
                "disk-backup-off",
                Severity.BLOCKED,
                f"{case.before.label}: disk {old.label}{unknown} no longer part of backups",
                consequence="Backup jobs still run and leave it out: a restored guest comes back without what is on it",
            )


def _pairs(case: Case, guests: tuple[Guest, Guest] | None = None) -> Iterator[tuple[Disk, Disk]]:
    """Each disk before and after, of ``guests``, or of one that stays."""
    if pair := guests or case.guests:
        before, after = pair
        later = {disk.key: disk for disk in after.disks}
        for disk in before.disks:
            if new := later.get(disk.key) or _reattached(disk, before.disks, after.disks):
                yield disk, new
