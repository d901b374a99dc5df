"""Host names and MAC addresses: each once in a cluster. Keys of replicas: no two guests with the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from homelab.config.checks.subject import Findings, Subject, seen_from, written
from homelab.config.expansion import ExpandedGuest
from homelab.config.problems import Path, Problem

_LONGEST_NAME = 63


def check_cluster(subjects: Sequence[Subject]) -> Findings:
    """No host name and no MAC address twice; two of them on one network can't be told apart."""
    names: dict[str, tuple[Subject, Path]] = {}
    macs: dict[str, tuple[Subject, Path]] = {}
    reported: set[tuple[int, Path, int, Path]] = set()
    for subject in subjects:
        for guest in subject.guests:
            owner, path = names.setdefault(guest.hostname, (subject, guest.path))
            pair = (id(owner), path, id(subject), guest.path)
            if (owner is not subject or path != guest.path) and pair not in reported:
                reported.add(pair)
                yield subject, _same_name(subject, guest, owner, path)
            for interface in guest.interfaces:
                if interface.mac is None:
                    continue
                if interface.mac not in macs:
                    macs[interface.mac] = subject, guest.path
                    continue
                owner, path = macs[interface.mac]
                yield (
                    subject,
                    Problem(
                        (*interface.path, "mac"),
                        f"this is already the MAC address of {seen_from(subject, owner, path)}",
                        value=interface.mac,
                        allowed="an address that no other interface has",
                        fix="remove mac, and Proxmox chooses one",
                        refers_to=path if owner is subject else (),
                    ),
                )


def _same_name(subject: Subject, guest: ExpandedGuest, owner: Subject, owner_path: Path) -> Problem:
    path, hostname, written_name = guest.path, guest.hostname, guest.definition.hostname
    return Problem(
        (*path, "hostname") if written_name else path,
        f"the host name {hostname} is already that of {seen_from(subject, owner, owner_path)}",
        value=hostname,
        allowed="a name that no other guest of the cluster has",
        fix="choose another hostname"
        if written_name
        else f"add hostname: {subject.environment.name}-{hostname}, or rename it",
        refers_to=owner_path if owner is subject else (),
    )


def check(subject: Subject) -> Iterator[Problem]:
    """``replicas`` without ``hostname``; names that replicas make are neither too long nor another guest's."""
    for guest in subject.first_guests:
        if guest.definition.replicas is not None and guest.definition.hostname is not None:
            yield Problem(
                (*guest.path, "hostname"),
                "replicas would all have the same host name",
                value=guest.definition.hostname,
                allowed=f"replicas are called {guest.path[-1]}-1, {guest.path[-1]}-2, ...",
                fix="remove hostname, or replicas",
            )
    owners: dict[tuple[str, str], ExpandedGuest] = {}
    for guest in subject.guests:
        if len(guest.key) > _LONGEST_NAME and guest.definition.replicas == int(guest.key.rpartition("-")[2]):
            yield Problem(
                guest.path,
                f"the name {guest.key} is too long",
                value=guest.key,
                allowed=f"{_LONGEST_NAME} characters, the number included",
                fix="shorten the key",
            )
        owner = owners.setdefault((guest.kind, guest.key), guest)
        if owner.path != guest.path:
            replicated = owner.definition.replicas is not None or guest.definition.replicas is not None
            yield Problem(
                guest.path,
                f"{guest.key} is also the name of {'a replica of ' if replicated else ''}{written(owner.path)}",
                value=guest.key,
                allowed="a key that no replica has" if replicated else "a key that no platform's container has",
                fix="rename one of the two" if replicated else f"rename {written(owner.path)}",
                refers_to=owner.path,
            )
