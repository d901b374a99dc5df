"""What happens when a node fails: which guests HA starts elsewhere, and which stay down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from homelab.config.expansion import ExpandedGuest, expand
from homelab.config.ha import ResourceAffinity
from homelab.config.ha_members import members, possible_nodes
from homelab.config.placement import objections
from operations.capacity.cluster import Cluster, Demand


@dataclass(frozen=True)
class Fate:
    """What becomes of one guest of a failed node."""

    guest: Demand
    node: str | None
    """Where HA starts it again; None where it stays down."""
    why: str = ""
    """Why it stays down, or what it loses."""


@dataclass(frozen=True)
class NodeFailure:
    """What the failure of one node takes away."""

    node: str
    quorum: bool
    """Whether the nodes that are left have a majority: without one HA does nothing."""
    fates: tuple[Fate, ...]
    memory_left: int
    """MiB that guests may have on the nodes that are left."""
    memory_wanted: int
    """MiB that all guests of the cluster are promised."""

    @property
    def restarted(self) -> tuple[Fate, ...]:
        """The guests that HA starts elsewhere."""
        return tuple(fate for fate in self.fates if fate.node is not None)

    @property
    def down(self) -> tuple[Fate, ...]:
        """The guests that stay down."""
        return tuple(fate for fate in self.fates if fate.node is None)


def failure_of(cluster: Cluster, node: str) -> NodeFailure:
    """What the failure of ``node`` does to the guests that run on it.

    One way in which it can go: the largest guest chooses first, and takes the node with the most free memory. Proxmox
    itself starts a guest also where memory is short; here it counts as down, because something then is killed.
    """
    left = [one for one in cluster.nodes if one.name != node]
    votes = len(cluster.nodes) + any(environment.ha.qdevice for environment in cluster.environments)
    quorum = (votes - 1) * 2 > votes
    free: Counter[str] = Counter({one.name: one.memory_free for one in left})
    where = {one.guest.vm_id: name.name for name in left for one in name.guests if one.runs}
    fates = []
    for demand in sorted(cluster.node(node).guests, key=lambda one: (-one.memory, one.guest.key)):
        if not demand.runs:
            continue
        fate = _fate(demand, free, where, quorum=quorum)
        if fate.node is not None:
            free[fate.node] -= demand.memory
            where[demand.guest.vm_id] = fate.node
        fates.append(fate)
    return NodeFailure(
        node=node,
        quorum=quorum,
        fates=tuple(fates),
        memory_left=sum(one.memory_limit for one in left),
        memory_wanted=sum(one.memory for one in cluster.nodes),
    )


def _fate(demand: Demand, free: Counter[str], where: Mapping[int, str], *, quorum: bool) -> Fate:
    ha = demand.guest.definition.ha
    if ha is None:
        return Fate(demand, None, "not under HA")
    if ha.state in ("disabled", "ignored", "stopped"):
        return Fate(demand, None, f"HA has it as {ha.state}")
    if not quorum:
        return Fate(demand, None, "no majority of nodes is left")
    reasons: dict[str, list[str]] = {}
    candidates: dict[str, str] = {}
    guests = tuple(expand(demand.environment))
    for node in possible_nodes(demand.environment, demand.guest, guests):
        if node not in free:
            continue
        lost = _disks_there(demand, node)
        problem = next(objections(demand.environment, demand.guest, node), None)
        problem = problem or _affinity(demand, guests, where, node)
        if lost is None:
            reasons.setdefault("its disks are not there", []).append(node)
        elif problem is not None:
            reasons.setdefault(problem, []).append(node)
        elif free[node] < demand.memory:
            reasons.setdefault("no memory", []).append(node)
        else:
            candidates[node] = lost
    if not candidates:
        said = [f"{', '.join(nodes)}: {reason}" for reason, nodes in reasons.items()]
        return Fate(demand, None, "; ".join(said) or "no other node may run it")
    best = max(candidates, key=lambda node: (free[node], node))
    return Fate(demand, best, candidates[best])


def _affinity(demand: Demand, guests: Sequence[ExpandedGuest], where: Mapping[int, str], node: str) -> str | None:
    """The rule that keeps the guest off ``node`` because of what runs there, or elsewhere."""
    for name, rule in demand.environment.ha.rules.items():
        if not isinstance(rule, ResourceAffinity) or not rule.enabled:
            continue
        together = members(rule, guests)
        if demand.guest not in together:
            continue
        others = {where[guest.vm_id] for guest in together if guest.vm_id in where and guest != demand.guest}
        if rule.affinity == "negative" and node in others:
            return f"rule {name} keeps it apart from what runs there"
        if rule.affinity == "positive" and others and others != {node}:
            return f"rule {name} keeps it with what runs elsewhere"
    return None


def _disks_there(demand: Demand, node: str) -> str | None:
    """What is lost when the guest starts on ``node``: nothing, or the time since a copy; None where it can't start."""
    nodes = demand.environment.proxmox.nodes
    local = [
        disk
        for disk in demand.disks
        if not (disk.datastore in nodes[node].datastores and nodes[node].datastores[disk.datastore].shared)
    ]
    if not local:
        return ""
    for job in demand.guest.definition.replication:
        if job.target == node and job.enabled:
            return f"loses what was written since the last copy ({job.schedule})"
    return None
