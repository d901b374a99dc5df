"""Memory, cores and disk: what guests are promised against what nodes and datastores have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from homelab.config.checks.subject import Findings, Subject, written
from homelab.config.environment import OverCommit, Reaction
from homelab.config.expansion import ExpandedGuest
from homelab.config.problems import Path, Problem, Severity
from homelab.config.proxmox import Datastore, Node
from homelab.config.units import format_gibibytes, format_mebibytes
from homelab.config.virtual_machine import VirtualMachine

Resource = Literal["memory", "cores", "disk"]
_SHOWN = 5


@dataclass
class _Promises:
    """What guests are promised of one thing: how often which amount, by the entry that says so."""

    amounts: Counter[tuple[str, int]] = field(default_factory=Counter)
    subjects: list[Subject] = field(default_factory=list)

    def add(self, subject: Subject, path: Path, amount: int, *, several: bool) -> None:
        name = written(path) if not several else f"{written(path)} ({subject.environment.name})"
        self.amounts[name, amount] += 1
        if subject not in self.subjects:
            self.subjects.append(subject)

    @property
    def total(self) -> int:
        return sum(amount * count for (_, amount), count in self.amounts.items())

    def breakdown(self, show: Callable[[int], str]) -> str:
        """The largest amounts with their entries, and the rest as one sum."""
        largest = sorted(self.amounts.items(), key=lambda item: -item[0][1] * item[1])
        parts = [
            f"{name} {f'{count} x ' if count > 1 else ''}{show(amount)}" for (name, amount), count in largest[:_SHOWN]
        ]
        rest = sum(amount * count for (_, amount), count in largest[_SHOWN:])
        return " + ".join([*parts, *([f"{len(largest) - _SHOWN} more {show(rest)}"] if rest else [])])


def check(subject: Subject) -> Iterator[Problem]:
    """No guest alone has more cores than its node, which Proxmox refuses to start."""
    for guest in subject.first_guests:
        node = subject.node(guest.node)
        if node is not None and _cores(guest) > node.cores:
            yield Problem(
                (*guest.path, "cores"),
                f"{written(guest.path)} has more cores than node {guest.node}, and Proxmox would not start it",
                value=_cores(guest),
                allowed=f"1 to {node.cores}",
                fix=f"write {'cores and sockets that make' if _sockets(guest) > 1 else 'cores:'} {node.cores} at most",
                refers_to=("proxmox", "nodes", str(guest.node)),
            )


def check_cluster(subjects: Sequence[Subject]) -> Findings:
    """The sums of all guests of a cluster fit, or ``policy.over_commit`` says what happens."""
    nodes: dict[str, tuple[Subject, Node]] = {}
    for subject in subjects:
        for name, node in subject.environment.proxmox.nodes.items():
            owner, known = nodes.setdefault(name, (subject, node))
            if (known.cores, known.memory) != (node.cores, node.memory):
                yield subject, _different_node(name, node, owner, known)
    memory: dict[str, _Promises] = {}
    cores: dict[str, _Promises] = {}
    several = len(subjects) > 1
    for subject in subjects:
        for guest in subject.guests:
            if guest.node not in nodes or not _may_run(guest):
                continue
            memory.setdefault(guest.node, _Promises()).add(
                subject, guest.path, guest.definition.memory, several=several
            )
            cores.setdefault(guest.node, _Promises()).add(subject, guest.path, _cores(guest), several=several)
    for name, promised in memory.items():
        node = nodes[name][1]
        what = f"the memory of node {name}, {format_mebibytes(node.memory)} less {format_mebibytes(node.memory_reserved)} for Proxmox"
        path: Path = ("proxmox", "nodes", name, "memory")
        yield from _over_commit(
            promised, "memory", what, path, max(0, node.memory - node.memory_reserved), format_mebibytes
        )
    for name, promised in cores.items():
        ratio = min(subject.environment.policy.over_commit.cores_ratio for subject in promised.subjects)
        what = f"the cores of node {name}, {nodes[name][1].cores} times cores_ratio {ratio:g}"
        path = ("proxmox", "nodes", name, "cores")
        yield from _over_commit(promised, "cores", what, path, int(nodes[name][1].cores * ratio), str)
    yield from _disks(subjects, nodes)


def _different_node(name: str, node: Node, owner: Subject, known: Node) -> Problem:
    return Problem(
        ("proxmox", "nodes", name),
        f"environment {owner.environment.name} says that node {name} has {known.cores} cores and "
        f"{format_mebibytes(known.memory)}, here it has {node.cores} and {format_mebibytes(node.memory)}",
        allowed="the same in all environments of a cluster",
        fix="correct one of the two",
        severity=Severity.WARNING,
    )


def _may_run(guest: ExpandedGuest) -> bool:
    definition = guest.definition
    is_template = not isinstance(definition, VirtualMachine) and definition.template
    return not is_template and (definition.started or definition.start_on_boot)


def _sockets(guest: ExpandedGuest) -> int:
    return guest.definition.sockets if isinstance(guest.definition, VirtualMachine) else 1


def _cores(guest: ExpandedGuest) -> int:
    return guest.definition.cores * _sockets(guest)


def _disks(subjects: Sequence[Subject], nodes: dict[str, tuple[Subject, Node]]) -> Findings:
    """Every disk counts where it lies; a shared datastore is one, whichever node names it."""
    promises: dict[tuple[str, str], _Promises] = {}
    places: dict[tuple[str, str], tuple[str, Datastore]] = {}
    several = len(subjects) > 1
    for subject in subjects:
        for node_name, datastore_name, path, size in _stored(subject):
            node = nodes.get(node_name)
            datastore = node[1].datastores.get(datastore_name) if node else None
            if datastore is None:
                continue
            key = ("", datastore_name) if datastore.shared else (node_name, datastore_name)
            places.setdefault(key, (node_name, datastore))
            promises.setdefault(key, _Promises()).add(subject, path, size, several=several)
    for key, promised in promises.items():
        node_name, datastore = places[key]
        name = key[1]
        if datastore.size is not None:
            where = "the shared datastore" if datastore.shared else f"node {node_name}'s datastore"
            path: Path = ("proxmox", "nodes", node_name, "datastores", name, "size")
            what = f"{where} {name}"
            yield from _over_commit(promised, "disk", what, path, datastore.size, format_gibibytes)


def _stored(subject: Subject) -> Iterator[tuple[str, str, Path, int]]:
    """Node, datastore, entry and size in GiB of every disk."""
    environment = subject.environment
    fallback = environment.defaults.datastore
    for key, template in environment.templates.items():
        node = template.node or subject.default_node
        if node is not None:
            yield node, template.datastore or fallback, ("templates", key), template.disk
    for guest in subject.guests:
        definition = guest.definition
        if guest.node is None:
            continue
        own = definition.datastore or fallback
        yield guest.node, own, guest.path, definition.disk
        if isinstance(definition, VirtualMachine):
            for name, disk in definition.disks.items():
                yield guest.node, disk.datastore or own, (*guest.path, "disks", name), disk.size
        else:
            for name, mount_point in definition.mount_points.items():
                if mount_point.size is not None:
                    yield (
                        guest.node,
                        mount_point.datastore or own,
                        (*guest.path, "mount_points", name),
                        mount_point.size,
                    )


def _over_commit(
    promised: _Promises, resource: Resource, what: str, path: Path, limit: int, show: Callable[[int], str]
) -> Findings:
    if promised.total <= limit:
        return
    subject = min(promised.subjects, key=lambda one: _STRICTEST.index(_reaction(one, resource)))
    reaction = _reaction(subject, resource)
    if reaction == "ignore":
        return
    yield (
        subject,
        Problem(
            path,
            f"guests are promised more than {what}: {promised.breakdown(show)} = {show(promised.total)} of {show(limit)}",
            value=show(promised.total),
            allowed=f"{show(limit)} in all",
            fix=f"make guests smaller or move them, or set policy.over_commit.{resource} to warning or ignore",
            severity=Severity(reaction),
            refers_to=path[:-1],
        ),
    )


_STRICTEST: tuple[Reaction, ...] = ("error", "warning", "ignore")


def _reaction(subject: Subject, resource: Resource) -> Reaction:
    policy: OverCommit = subject.environment.policy.over_commit
    return {"memory": policy.memory, "cores": policy.cores, "disk": policy.disk}[resource]
