"""Storage replication: to another node, between ZFS datastores of the same name."""

from __future__ import annotations

from collections.abc import Iterator

from homelab.config.checks.subject import Subject, listed, nearest
from homelab.config.expansion import ExpandedGuest
from homelab.config.problems import Path, Problem
from homelab.config.proxmox import Datastore
from homelab.config.virtual_machine import VirtualMachine


def check(subject: Subject) -> Iterator[Problem]:
    """Every job has a target that is there and can hold what it copies."""
    for guest in subject.first_guests:
        seen: set[str] = set()
        for index, job in enumerate(guest.definition.replication):
            path: Path = (*guest.path, "replication", index, "target")
            nodes = subject.environment.proxmox.nodes
            if job.target not in nodes:
                fix = nearest(job.target, nodes, "add it to proxmox.nodes")
                known: Path = ("proxmox", "nodes", job.target)
                yield Problem(path, f"there is no node {job.target}", job.target, listed(nodes), fix, refers_to=known)
            elif job.target in seen:
                yield Problem(
                    path, f"{job.target} gets a copy already", job.target, "each node once", "remove one of the two"
                )
            seen.add(job.target)
        yield from _own_node(subject, guest)
        for datastore in dict.fromkeys(_copied(subject, guest)):
            yield from _datastore(subject, guest, datastore)


def _own_node(subject: Subject, guest: ExpandedGuest) -> Iterator[Problem]:
    """A target that is the guest's own node is left out for replicas that are there; one has to remain."""
    replicas = [one for one in subject.guests if one.path == guest.path]
    for replica in replicas:
        targets = {job.target for job in replica.definition.replication}
        if targets and replica.node is not None and targets == {replica.node}:
            others = [node for node in subject.environment.proxmox.nodes if node != replica.node]
            yield Problem(
                (*guest.path, "replication"),
                f"{replica.key} is on {replica.node} itself",
                value=replica.node,
                allowed=listed(others, "another node, and there is none"),
                fix=f"name {others[0]}" if others else "remove replication",
                refers_to=("proxmox", "nodes"),
            )
            return


def _copied(subject: Subject, guest: ExpandedGuest) -> Iterator[str]:
    """The datastores whose volumes are copied."""
    definition = guest.definition
    own = definition.datastore or subject.environment.defaults.datastore
    yield own
    if isinstance(definition, VirtualMachine):
        yield from (disk.datastore or own for disk in definition.disks.values() if disk.replicate)
    else:
        yield from (point.datastore or own for point in definition.mount_points.values() if point.size is not None)


def _datastore(subject: Subject, guest: ExpandedGuest, name: str) -> Iterator[Problem]:
    nodes = subject.environment.proxmox.nodes
    targets = [job.target for job in guest.definition.replication]
    for node in dict.fromkeys([str(guest.node), *targets] if targets else []):
        if node not in nodes:
            continue
        place: Path = ("proxmox", "nodes", node, "datastores", name)
        reason, fix = _reason(nodes[node].datastores.get(name), name, node)
        if reason:
            yield Problem(
                (*guest.path, "replication"),
                f"{guest.key} can't be replicated: {reason}",
                value=name,
                allowed="a ZFS datastore (type: zfspool) of the same name on both nodes",
                fix=fix,
                refers_to=place,
            )
            return


def _reason(datastore: Datastore | None, name: str, node: str) -> tuple[str, str]:
    if datastore is None:
        return f"node {node} has no datastore {name}", f"make a ZFS pool on {node} and add it as {name}"
    if datastore.shared:
        return f"{name} is shared already", "remove replication; every node has these disks"
    if datastore.type is None:
        place = f"proxmox.nodes.{node}.datastores.{name}"
        return f"what type {name} of {node} has is not said", f"add type: zfspool to {place}, if it is a ZFS pool"
    if datastore.type != "zfspool":
        return f"{name} of {node} is of type {datastore.type}", "move its disks to a ZFS pool, or remove replication"
    return "", ""
