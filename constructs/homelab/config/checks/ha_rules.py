"""Rules of HA: about guests that HA manages, and free of what Proxmox refuses or drops as a conflict."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from homelab.config.checks.subject import Subject, listed, nearest
from homelab.config.expansion import ExpandedGuest
from homelab.config.ha import HaRule, NodeAffinity, ResourceAffinity
from homelab.config.ha_members import members, node_affinity_of, possible_nodes
from homelab.config.problems import Path, Problem, Severity


def check(subject: Subject) -> Iterator[Problem]:
    """Each rule by itself, and all of them together."""
    rules = subject.environment.ha.rules
    for name, rule in rules.items():
        yield from _guests(subject, name, rule)
        if isinstance(rule, NodeAffinity):
            yield from _nodes(subject, name, rule)
        else:
            yield from _resources(subject, name, rule)
    yield from _two_node_affinities(subject)
    yield from _together_and_apart(subject)


def _guests(subject: Subject, name: str, rule: HaRule) -> Iterator[Problem]:
    known = {guest.key: guest for guest in subject.guests}
    entries = {str(guest.path[-1]) for guest in subject.guests}
    for index, key in enumerate(rule.guests):
        path: Path = ("ha", "rules", name, "guests", index)
        about = [guest for guest in subject.guests if key in (guest.key, guest.path[-1])]
        if not about:
            fix = nearest(key, [*known, *entries], "name a key of vms or containers")
            yield Problem(path, f"there is no guest {key}", key, listed(sorted(entries)), fix)
        elif about[0].definition.ha is None:
            managed = listed((guest.key for guest in subject.guests if guest.definition.ha), "no guest has ha")
            fix = f"add ha: true to {about[0].path[0]}.{about[0].path[-1]}"
            yield Problem(path, f"{key} is not under HA, and Proxmox takes no rule about it", key, managed, fix)


def _nodes(subject: Subject, name: str, rule: NodeAffinity) -> Iterator[Problem]:
    nodes = subject.environment.proxmox.nodes
    for node in rule.nodes:
        if node not in nodes:
            path: Path = ("ha", "rules", name, "nodes", node)
            fix = nearest(node, nodes, "add it to proxmox.nodes, or remove it here")
            refers_to: Path = ("proxmox", "nodes", node)
            yield Problem(path, f"there is no node {node}", node, listed(nodes), fix, refers_to=refers_to)
    for guest in members(rule, subject.guests):
        if rule.strict and rule.enabled and guest.node is not None and guest.node not in rule.nodes:
            yield Problem(
                ("ha", "rules", name),
                f"{guest.key} is made on {guest.node}, and the rule moves it away at once",
                value=guest.node,
                allowed=listed(rule.nodes),
                fix=f"make it on one of these nodes, or add {guest.node} to the rule",
                severity=Severity.WARNING,
            )
    priorities = set(rule.nodes.values())
    apart = [other for other in subject.environment.ha.rules.values() if isinstance(other, ResourceAffinity)]
    shared = {guest.key for other in apart for guest in members(other, subject.guests)} & {
        guest.key for guest in members(rule, subject.guests)
    }
    if len(priorities) > 1 and shared:
        yield Problem(
            ("ha", "rules", name, "nodes"),
            f"{', '.join(sorted(shared))} are in a resource affinity rule too, which Proxmox may not follow together "
            "with nodes of different priorities",
            allowed="nodes without priorities for guests that have both",
            fix="write the nodes as a list",
            severity=Severity.WARNING,
        )


def _resources(subject: Subject, name: str, rule: ResourceAffinity) -> Iterator[Problem]:
    path: Path = ("ha", "rules", name)
    if subject.environment.proxmox.version < 9:
        fix = "remove the rule, or upgrade to Proxmox VE 9 and write proxmox.version: 9"
        yield Problem((*path, "type"), "Proxmox VE 8 has no resource affinity", rule.type, "node-affinity", fix)
        return
    about = members(rule, subject.guests)
    if len(about) < 2:
        fix = "name another guest, or remove the rule"
        yield Problem((*path, "guests"), "the rule is about one guest only", list(rule.guests), "two or more", fix)
    if rule.affinity == "negative" and rule.enabled:
        nodes = {node for guest in about for node in possible_nodes(subject.environment, guest, subject.guests)}
        if len(about) > len(nodes):
            yield Problem(
                (*path, "guests"),
                f"{len(about)} guests can't each be on another one of {len(nodes)} nodes",
                value=", ".join(guest.key for guest in about),
                allowed=f"{len(nodes)} at most",
                fix="remove guests, or add nodes",
            )
    if rule.affinity == "positive" and rule.enabled and about:
        common = set.intersection(*(set(possible_nodes(subject.environment, guest, subject.guests)) for guest in about))
        if not common:
            yield Problem(
                (*path, "guests"),
                "strict node-affinity rules leave these guests no common node",
                value=", ".join(guest.key for guest in about),
                allowed="at least one node for all of them",
                fix="let the node-affinity rules have a node in common, or drop strict",
            )


def _two_node_affinities(subject: Subject) -> Iterator[Problem]:
    environment = subject.environment
    for name, rule in environment.ha.rules.items():
        if not isinstance(rule, NodeAffinity) or not rule.enabled:
            continue
        for guest in members(rule, subject.guests):
            first = node_affinity_of(environment, guest, subject.guests)
            if first is not None and first[0] != name:
                yield Problem(
                    ("ha", "rules", name, "guests"),
                    f"{guest.key} is in the node-affinity rule {first[0]} already, and Proxmox follows neither",
                    value=guest.key,
                    allowed="one node-affinity rule for a guest",
                    fix="put its nodes into one rule",
                    refers_to=("ha", "rules", first[0]),
                )
                break


def _together_and_apart(subject: Subject) -> Iterator[Problem]:
    rules = [
        (name, rule)
        for name, rule in subject.environment.ha.rules.items()
        if isinstance(rule, ResourceAffinity) and rule.enabled
    ]
    for (name, rule), (other, another) in combinations(rules, 2):
        both = _keys(members(rule, subject.guests)) & _keys(members(another, subject.guests))
        if rule.affinity != another.affinity and len(both) > 1:
            yield Problem(
                ("ha", "rules", other),
                f"{', '.join(sorted(both))} shall be together by one of the rules {name} and {other}, and apart by the "
                "other",
                value=another.affinity,
                allowed="one of the two",
                fix="remove one of the rules, or the guests from one",
                refers_to=("ha", "rules", name),
            )


def _keys(guests: list[ExpandedGuest]) -> set[str]:
    return {guest.key for guest in guests}
