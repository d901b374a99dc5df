"""Memory, cores and disk: what guests are promised against what nodes and datastores have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from homelab.config.checks.subject import Findings, Subject, written
from homelab.config.demand import cores_of, may_run, sockets_of, stored_disks
from homelab.config.environment import Reaction
from homelab.config.problems import Path, Problem, Severity
from homelab.config.proxmox import Node
from homelab.config.units import format_gibibytes, format_mebibytes

Resource = Literal["memory", "cores", "disk"]
_SHOWN = 5
_STRICTEST: tuple[Reaction, ...] = ("error", "warning", "ignore")


@dataclass
class _Budget:
    """What there is of one thing, and what guests are promised of it.

    ``promised`` counts how often which amount is promised, by the entry that says so.
    """

    resource: Resource
    what: str
    path: Path
    limit: int
    show: Callable[[int], str]
    promised: Counter[tuple[str, int]] = field(default_factory=Counter)
    subjects: list[Subject] = field(default_factory=list)

    def promise(self, subject: Subject, path: Path, amount: int, *, several: bool) -> None:
        """Count ``amount`` for the entry at ``path``, named with its environment where there are ``several``."""
        name = f"{written(path)} ({subject.environment.name})" if several else written(path)
        self.promised[name, amount] += 1
        if subject not in self.subjects:
            self.subjects.append(subject)

    def findings(self) -> Findings:
        """The problem that too much is promised, reported for the environment that is strictest about it."""
        total = sum(amount * count for (_, amount), count in self.promised.items())
        if total <= self.limit:
            return
        subject = min(self.subjects, key=lambda one: _STRICTEST.index(self._reaction(one)))
        reaction = self._reaction(subject)
        if reaction == "ignore":
            return
        sums = f"{self._breakdown()} = {self.show(total)} of {self.show(self.limit)}"
        problem = Problem(
            self.path,
            f"guests are promised more than {self.what}: {sums}",
            value=self.show(total),
            allowed=f"{self.show(self.limit)} in all",
            fix=f"make guests smaller or move them, or set policy.over_commit.{self.resource} to warning or ignore",
            severity=Severity(reaction),
            refers_to=self.path[:-1],
        )
        yield subject, problem

    def _reaction(self, subject: Subject) -> Reaction:
        policy = subject.environment.policy.over_commit
        return {"memory": policy.memory, "cores": policy.cores, "disk": policy.disk}[self.resource]

    def _breakdown(self) -> str:
        """The largest amounts with their entries, and the rest as one sum."""
        largest = sorted(self.promised.items(), key=lambda item: -item[0][1] * item[1])
        parts = [
            f"{name} {f'{count} x ' if count > 1 else ''}{self.show(amount)}"
            for (name, amount), count in largest[:_SHOWN]
        ]
        rest = sum(amount * count for (_, amount), count in largest[_SHOWN:])
        return " + ".join([*parts, *([f"{len(largest) - _SHOWN} more {self.show(rest)}"] if rest else [])])


def check(subject: Subject) -> Iterator[Problem]:
    """No guest alone has more cores than its node, which Proxmox refuses to start."""
    for guest in subject.first_guests:
        node = subject.node(guest.node)
        if node is not None and cores_of(guest) > node.cores:
            what = "cores and sockets that make" if sockets_of(guest) > 1 else "cores:"
            yield Problem(
                (*guest.path, "cores"),
                f"{written(guest.path)} has more cores than node {guest.node}, and Proxmox would not start it",
                value=cores_of(guest),
                allowed=f"1 to {node.cores}",
                fix=f"write {what} {node.cores} at most",
                refers_to=("proxmox", "nodes", str(guest.node)),
            )


def check_cluster(subjects: Sequence[Subject]) -> Findings:
    """The sums of all guests of a cluster fit, or ``policy.over_commit`` says what happens."""
    nodes: dict[str, Node] = {}
    owners: dict[str, Subject] = {}
    for subject in subjects:
        for name, node in subject.environment.proxmox.nodes.items():
            if ("proxmox", "nodes", name) in subject.left_out:
                continue
            owner = owners.setdefault(name, subject)
            known = nodes.setdefault(name, node)
            if (known.cores, known.memory) != (node.cores, node.memory):
                yield subject, _different_node(name, node, owner, known)
    ratio = min(subject.environment.policy.over_commit.cores_ratio for subject in subjects)
    memory = {name: _memory_of(name, node) for name, node in nodes.items()}
    cores = {name: _cores_of(name, node, ratio) for name, node in nodes.items()}
    several = len(subjects) > 1
    for subject in subjects:
        for guest in subject.guests:
            if guest.node in nodes and may_run(guest):
                memory[guest.node].promise(subject, guest.path, guest.definition.memory, several=several)
                cores[guest.node].promise(subject, guest.path, cores_of(guest), several=several)
    for budget in (*memory.values(), *cores.values(), *_datastores(subjects, nodes)):
        yield from budget.findings()


def _memory_of(name: str, node: Node) -> _Budget:
    reserved = f"{format_mebibytes(node.memory)} less {format_mebibytes(node.memory_reserved)} for Proxmox"
    limit = max(0, node.memory - node.memory_reserved)
    path: Path = ("proxmox", "nodes", name, "memory")
    return _Budget("memory", f"the memory of node {name}, {reserved}", path, limit, format_mebibytes)


def _cores_of(name: str, node: Node, ratio: float) -> _Budget:
    what = f"the cores of node {name}, {node.cores} times cores_ratio {ratio:g}"
    return _Budget("cores", what, ("proxmox", "nodes", name, "cores"), int(node.cores * ratio), str)


def _different_node(name: str, node: Node, owner: Subject, known: Node) -> Problem:
    return Problem(
        ("proxmox", "nodes", name),
        f"environment {owner.environment.name} says that node {name} has {known.cores} cores and "
        f"{format_mebibytes(known.memory)}, here it has {node.cores} and {format_mebibytes(node.memory)}",
        allowed="the same in all environments of a cluster",
        fix="correct one of the two",
        severity=Severity.WARNING,
    )


def _datastores(subjects: Sequence[Subject], nodes: Mapping[str, Node]) -> Iterable[_Budget]:
    """What lies in each datastore of known size; a shared one is one, whichever node names it."""
    budgets: dict[tuple[str, str], _Budget] = {}
    several = len(subjects) > 1
    for subject in subjects:
        for disk in stored_disks(subject.environment, subject.guests):
            node_name, name = disk.node, disk.datastore
            datastore = nodes[node_name].datastores.get(name) if node_name in nodes else None
            if datastore is None or datastore.size is None:
                continue
            key = ("", name) if datastore.shared else (node_name, name)
            if key not in budgets:
                where = "the shared datastore" if datastore.shared else f"node {node_name}'s datastore"
                place: Path = ("proxmox", "nodes", node_name, "datastores", name, "size")
                budgets[key] = _Budget("disk", f"{where} {name}", place, datastore.size, format_gibibytes)
            budgets[key].promise(subject, disk.path, disk.size, several=several)
    return budgets.values()
