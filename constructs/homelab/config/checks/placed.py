"""Placement by policy: policies that exist, places that are recorded, and whether the record is still right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from homelab.config.checks.subject import Subject, listed, nearest, written
from homelab.config.expansion import ExpandedGuest
from homelab.config.placement import kept_apart, objections, place, record_name
from homelab.config.problems import Path, Problem


def check(subject: Subject) -> Iterator[Problem]:
    """Every guest with a policy has a place on record that its policy and its node allow."""
    environment = subject.environment
    nodes = environment.proxmox.nodes
    for name, policy in environment.placement.items():
        for index, node in enumerate(policy.nodes):
            if node not in nodes:
                path: Path = ("placement", name, "nodes", index)
                fix = nearest(node, nodes, "add it to proxmox.nodes, or remove it here")
                known: Path = ("proxmox", "nodes", node)
                yield Problem(path, f"there is no node {node}", node, listed(nodes), fix, refers_to=known)
    yield from _policies(subject)
    placed = [guest for guest in subject.guests if guest.placement in environment.placement]
    yield from _without_place(subject, [guest for guest in placed if guest.node is None])
    yield from _wrong_places(subject, [guest for guest in placed if guest.node is not None])


def _policies(subject: Subject) -> Iterator[Problem]:
    policies = subject.environment.placement
    named: list[tuple[Path, str]] = [
        ((*guest.path, "placement"), guest.definition.placement)
        for guest in subject.first_guests
        if guest.definition.placement is not None
    ]
    if subject.environment.defaults.placement is not None:
        named.insert(0, (("defaults", "placement"), subject.environment.defaults.placement))
    for path, name in named:
        if name not in policies:
            fix = nearest(name, policies, f"add it to placement: {name}: {{}}")
            refers_to: Path = ("placement", name)
            yield Problem(
                path, f"there is no placement policy {name}", name, listed(policies), fix, refers_to=refers_to
            )


def _without_place(subject: Subject, guests: list[ExpandedGuest]) -> Iterator[Problem]:
    if not guests:
        return
    environment = subject.environment
    outcome = place(environment)
    waiting = []
    for guest in guests:
        reason = outcome.impossible.get(record_name(guest))
        if reason is None:
            waiting.append(guest)
            continue
        yield Problem(
            (*guest.path, "placement"),
            f"no node can take {guest.key}: {reason}",
            value=guest.placement,
            allowed="a node with its datastores, bridges and memory that its policy allows",
            fix="change the policy or the guest, or move another guest with `homelab place --again GUEST`",
            refers_to=("placement", str(guest.placement)),
        )
    if waiting:
        places = ", ".join(f"{guest.key} on {outcome.nodes[record_name(guest)]}" for guest in waiting[:5])
        more = f" and {len(waiting) - 5} more" if len(waiting) > 5 else ""
        yield Problem(
            (*waiting[0].path, "placement"),
            f"no place is recorded yet; it would be: {places}{more}",
            value=waiting[0].placement,
            allowed=f"guests in {environment.name}.placement.json",
            fix=f"run `homelab place {environment.name}` and commit {environment.name}.placement.json",
            refers_to=("placement", str(waiting[0].placement)),
        )


def _wrong_places(subject: Subject, guests: list[ExpandedGuest]) -> Iterator[Problem]:
    environment = subject.environment
    together: dict[tuple[str, str], list[ExpandedGuest]] = defaultdict(list)
    for guest in guests:
        node = str(guest.node)
        reason = next(objections(environment, guest, node), None)
        apart = kept_apart(environment, guest)
        if reason is not None:
            yield Problem(
                (*guest.path, "placement"),
                f"{guest.key} is recorded on {node}, and {reason}",
                value=node,
                allowed="a node with what it needs that its policy allows",
                fix=_another_place(environment.name, guest),
                refers_to=("proxmox", "nodes", node),
            )
        elif apart is not None and environment.placement[str(guest.placement)].strict:
            together[apart, node].append(guest)
    for (apart, node), members in together.items():
        if len(members) > 1:
            names = ", ".join(guest.key for guest in members)
            yield Problem(
                (*members[-1].path, "placement"),
                f"{names} of {apart} are recorded on one node",
                value=node,
                allowed="each on a node of its own, or strict: false",
                fix=_another_place(environment.name, members[-1]),
                refers_to=("placement", str(members[-1].placement)),
            )


def _another_place(environment: str, guest: ExpandedGuest) -> str:
    return (
        f"run `homelab place {environment} --again {guest.key}`, then move {written(guest.path)} with "
        f"`homelab migrate {guest.key}`"
    )
