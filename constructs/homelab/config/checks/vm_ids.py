"""VMIDs: each once in a cluster, and in the range that is meant for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from homelab.config.checks.subject import Findings, Subject, seen_from
from homelab.config.container import Container
from homelab.config.environment import VmIdRange
from homelab.config.expansion import ExpandedGuest
from homelab.config.problems import Path, Problem
from homelab.config.service_containers import replica_of_service

_LARGEST = 999_999_999


@dataclass(frozen=True, slots=True)
class _Numbered:
    """A template or guest with its VMID."""

    subject: Subject
    path: Path
    key: str
    vm_id: int
    bands: tuple[str, ...]
    """Keys of ``policy.vm_ids`` in whose ranges it may be, the one meant for it first."""
    setting: str = "vm_id"
    """The key that says its number, or from which on it and others count."""

    @property
    def place(self) -> Path:
        """Where the file says its number."""
        return (*self.path, self.setting)


def _numbered(subject: Subject) -> Iterator[_Numbered]:
    for key, template in subject.environment.templates.items():
        yield _Numbered(subject, ("templates", key), key, template.vm_id, ("templates",))
    for guest in subject.guests:
        setting = "replica_vm_id" if replica_of_service(guest.path, guest.key) else "vm_id"
        yield _Numbered(subject, guest.path, guest.key, guest.vm_id, _bands(guest), setting)


def _bands(guest: ExpandedGuest) -> tuple[str, ...]:
    template = isinstance(guest.definition, Container) and guest.definition.template
    if guest.path[0] == "services":
        return ("service_templates", "templates") if template else ("services", "containers")
    return (guest.kind, "templates") if template else (guest.kind,)


def check_cluster(subjects: Sequence[Subject]) -> Findings:
    """No VMID twice, and each in its band of ``policy.vm_ids``.

    Proxmox has one number space for templates, VMs and containers of all nodes. A template container may have a number
    of the band for templates too.
    """
    owners: dict[int, _Numbered] = {}
    reported: set[tuple[int, Path, int, Path]] = set()
    outside: set[tuple[int, Path]] = set()
    for subject in subjects:
        for entry in _numbered(subject):
            owner = owners.setdefault(entry.vm_id, entry)
            pair = (id(owner.subject), owner.place, id(subject), entry.place)
            if owner is not entry and pair not in reported:
                reported.add(pair)
                yield subject, _taken(subjects, entry, owner)
            bands = _ranges(entry)
            if (id(subject), entry.place) not in outside and not any(
                band.first <= entry.vm_id <= band.last for band in bands
            ):
                outside.add((id(subject), entry.place))
                yield subject, _outside(subjects, entry, bands)


def _taken(subjects: Sequence[Subject], entry: _Numbered, owner: _Numbered) -> Problem:
    name = seen_from(entry.subject, owner.subject, owner.path)
    replica = "" if owner.key == owner.path[-1] else f" ({owner.key})"
    free = _free_number(subjects, entry)
    return Problem(
        entry.place,
        f"VMID {entry.vm_id} of {entry.key} is already that of {name}{replica}",
        value=entry.vm_id,
        allowed="a number that nothing else in the cluster has",
        fix=free or f"widen policy.vm_ids.{entry.bands[0]}, which has no number left",
        refers_to=owner.path if owner.subject is entry.subject else (),
    )


def _outside(subjects: Sequence[Subject], entry: _Numbered, bands: tuple[VmIdRange, ...]) -> Problem:
    kind = entry.bands[0]
    free = _free_number(subjects, entry)
    return Problem(
        entry.place,
        f"VMID {entry.vm_id} of {entry.key} is outside of the range for {kind}",
        value=entry.vm_id,
        allowed=" or ".join(f"{band.first} to {band.last}" for band in bands),
        fix=f"{f'{free}, or ' if free else ''}widen policy.vm_ids.{kind}",
        refers_to=("policy", "vm_ids", kind),
    )


def _free_number(subjects: Sequence[Subject], entry: _Numbered) -> str:
    """The first number of the entry's bands from which enough are free; empty where none is."""
    taken = {other.vm_id for subject in subjects for other in _numbered(subject)}
    wanted = sum(other.place == entry.place for other in _numbered(entry.subject))
    for band in _ranges(entry):
        for first in range(band.first, band.last - wanted + 2):
            if taken.isdisjoint(range(first, first + wanted)):
                return f"write {entry.setting}: {first}" + (f", {wanted} are free from there" if wanted > 1 else "")
    return ""


def _ranges(entry: _Numbered) -> tuple[VmIdRange, ...]:
    policy = entry.subject.environment.policy.vm_ids
    return tuple(getattr(policy, band) for band in entry.bands)


def check(subject: Subject) -> Iterator[Problem]:
    """No replica beyond the largest VMID that Proxmox knows."""
    reported: set[Path] = set()
    for guest in subject.guests:
        if guest.vm_id > _LARGEST and guest.path not in reported:
            reported.add(guest.path)
            yield Problem(
                (*guest.path, "replicas"),
                f"the VMID of {guest.key} would be {guest.vm_id}",
                value=guest.definition.replicas,
                allowed=f"VMIDs up to {_LARGEST}",
                fix="begin with a lower vm_id",
            )
