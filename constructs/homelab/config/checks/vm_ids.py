"""VMIDs: each once in a cluster, and in the range that is meant for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from homelab.config.checks.subject import Findings, Subject, seen_from
from homelab.config.environment import VmIdRange
from homelab.config.expansion import ExpandedGuest
from homelab.config.problems import Path, Problem

_LARGEST = 999_999_999


@dataclass(frozen=True, slots=True)
class _Numbered:
    """A template or guest with its VMID."""

    subject: Subject
    path: Path
    key: str
    vm_id: int


def _numbered(subject: Subject) -> Iterator[_Numbered]:
    for key, template in subject.environment.templates.items():
        yield _Numbered(subject, ("templates", key), key, template.vm_id)
    for guest in subject.guests:
        yield _Numbered(subject, guest.path, guest.key, guest.vm_id)


def check_cluster(subjects: Sequence[Subject]) -> Findings:
    """No VMID twice: Proxmox has one number space for templates, VMs and containers of all nodes."""
    owners: dict[int, _Numbered] = {}
    reported: set[tuple[int, Path, int, Path]] = set()
    for subject in subjects:
        for entry in _numbered(subject):
            owner = owners.setdefault(entry.vm_id, entry)
            pair = (id(owner.subject), owner.path, id(subject), entry.path)
            if owner is entry or pair in reported:
                continue
            reported.add(pair)
            yield (
                subject,
                Problem(
                    (*entry.path, "vm_id"),
                    f"VMID {entry.vm_id} of {entry.key} is already that of "
                    f"{seen_from(subject, owner.subject, owner.path)}",
                    value=entry.vm_id,
                    allowed="a number that nothing else in the cluster has",
                    fix=_free_number(subjects, entry),
                    refers_to=owner.path if owner.subject is subject else (),
                ),
            )


def _free_number(subjects: Sequence[Subject], entry: _Numbered) -> str:
    taken = {other.vm_id for subject in subjects for other in _numbered(subject)}
    wanted = sum(other.path == entry.path for other in _numbered(entry.subject))
    bands = _bands(entry.subject, entry.path)
    for band in bands:
        for first in range(band.first, band.last - wanted + 2):
            if taken.isdisjoint(range(first, first + wanted)):
                return f"write vm_id: {first}" + (f", {wanted} are free from there" if wanted > 1 else "")
    return f"widen policy.vm_ids.{_band_name(entry.path)}, which has no free number left"


def _band_name(path: Path) -> str:
    return str(path[0])


def _bands(subject: Subject, path: Path) -> tuple[VmIdRange, ...]:
    bands = subject.environment.policy.vm_ids
    if path[0] == "templates":
        return (bands.templates,)
    if path[0] == "vms":
        return (bands.vms,)
    definition = subject.environment.containers[str(path[1])]
    return (bands.containers, bands.templates) if definition.template else (bands.containers,)


def check(subject: Subject) -> Iterator[Problem]:
    """Every VMID in its band of ``policy.vm_ids``; a template container may have one of either kind."""
    reported: set[Path] = set()
    for entry in _numbered(subject):
        bands = _bands(subject, entry.path)
        if entry.path in reported or any(band.first <= entry.vm_id <= band.last for band in bands):
            continue
        reported.add(entry.path)
        name = _band_name(entry.path)
        yield Problem(
            (*entry.path, "vm_id"),
            f"VMID {entry.vm_id} of {entry.key} is outside of the range for {name}",
            value=entry.vm_id,
            allowed=" or ".join(f"{band.first} to {band.last}" for band in bands),
            fix=f"{_free_number([subject], entry)}, or widen policy.vm_ids.{name}",
            refers_to=("policy", "vm_ids", name),
        )
    yield from _beyond_the_largest(subject.guests)


def _beyond_the_largest(guests: Sequence[ExpandedGuest]) -> Iterator[Problem]:
    reported: set[Path] = set()
    for guest in guests:
        if guest.vm_id > _LARGEST and guest.path not in reported:
            reported.add(guest.path)
            yield Problem(
                (*guest.path, "replicas"),
                f"the VMID of {guest.key} would be {guest.vm_id}",
                value=guest.definition.replicas,
                allowed=f"VMIDs up to {_LARGEST}",
                fix="begin with a lower vm_id",
            )
