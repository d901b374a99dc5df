"""The nodes, datastores and guests of one cluster, as all of its environments say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from homelab.config.demand import StoredDisk, cores_of, disks_of, may_run, stored_disks
from homelab.config.environment import Environment
from homelab.config.expansion import ExpandedGuest, expand
from homelab.config.proxmox import Node


@dataclass(frozen=True)
class Demand:
    """What one guest takes. Memory in MiB; nothing of either where it never runs."""

    environment: Environment
    guest: ExpandedGuest
    disks: tuple[StoredDisk, ...]

    @property
    def label(self) -> str:
        """``web-1 (9100)``."""
        return f"{self.guest.key} ({self.guest.vm_id})"

    @property
    def runs(self) -> bool:
        """Whether it takes cores and memory."""
        return may_run(self.guest)

    @property
    def cores(self) -> int:
        """Cores in all sockets."""
        return cores_of(self.guest) if self.runs else 0

    @property
    def memory(self) -> int:
        """MiB."""
        return self.guest.definition.memory if self.runs else 0


@dataclass(frozen=True)
class NodeUse:
    """A node: what it has, and what its guests are promised."""

    name: str
    node: Node
    guests: tuple[Demand, ...]

    @property
    def memory(self) -> int:
        """MiB promised to guests."""
        return sum(guest.memory for guest in self.guests)

    @property
    def memory_limit(self) -> int:
        """MiB that guests may have: the node's, less what Proxmox keeps."""
        return max(0, self.node.memory - self.node.memory_reserved)

    @property
    def memory_free(self) -> int:
        """MiB left; below zero where more is promised than there is."""
        return self.memory_limit - self.memory

    @property
    def cores(self) -> int:
        """Cores promised to guests."""
        return sum(guest.cores for guest in self.guests)


@dataclass
class DatastoreUse:
    """A datastore of a node, or one that several nodes share. Sizes in GiB."""

    name: str
    nodes: list[str]
    size: int | None
    shared: bool
    takes_disks: bool
    promised: int = 0

    @property
    def free(self) -> int | None:
        """GiB left; None where the size isn't known."""
        return None if self.size is None else self.size - self.promised


@dataclass(frozen=True)
class Cluster:
    """All environments that share nodes."""

    name: str
    environments: tuple[Environment, ...]
    nodes: tuple[NodeUse, ...]
    datastores: tuple[DatastoreUse, ...]
    unplaced: tuple[Demand, ...] = ()
    """Guests whose node isn't known."""
    cores_ratio: float = field(default=4.0)

    def node(self, name: str) -> NodeUse:
        """The node called ``name``."""
        return next(node for node in self.nodes if node.name == name)

    def datastores_of(self, node: str) -> list[DatastoreUse]:
        """The datastores that ``node`` has."""
        return [datastore for datastore in self.datastores if node in datastore.nodes]


def clusters_of(environments: Iterable[Environment]) -> list[Cluster]:
    """The clusters of ``environments``: those with the same ``proxmox.cluster``, else the same endpoint, are one."""
    groups: dict[str, list[Environment]] = {}
    for environment in environments:
        groups.setdefault(environment.proxmox.cluster or environment.proxmox.endpoint, []).append(environment)
    return [_cluster(name, members) for name, members in groups.items()]


def _cluster(name: str, environments: Sequence[Environment]) -> Cluster:
    nodes: dict[str, Node] = {}
    for environment in environments:
        for key, node in environment.proxmox.nodes.items():
            known = nodes.setdefault(key, node)
            # Each file names the datastores that it uses.
            nodes[key] = known.model_copy(update={"datastores": {**node.datastores, **known.datastores}})
    demands = [
        Demand(environment, guest, tuple(disks_of(environment, guest)))
        for environment in environments
        for guest in expand(environment)
    ]
    return Cluster(
        name=name,
        environments=tuple(environments),
        nodes=tuple(
            NodeUse(key, node, tuple(demand for demand in demands if demand.guest.node == key))
            for key, node in nodes.items()
        ),
        datastores=tuple(_datastores(environments, nodes)),
        unplaced=tuple(demand for demand in demands if demand.guest.node not in nodes),
        cores_ratio=min(environment.policy.over_commit.cores_ratio for environment in environments),
    )


def _datastores(environments: Sequence[Environment], nodes: dict[str, Node]) -> Iterable[DatastoreUse]:
    found: dict[tuple[str, str], DatastoreUse] = {}
    for key, node in nodes.items():
        for name, datastore in node.datastores.items():
            place = ("" if datastore.shared else key, name)
            takes_disks = bool({"images", "rootdir"} & set(datastore.content))
            use = found.setdefault(place, DatastoreUse(name, [], datastore.size, datastore.shared, takes_disks))
            use.nodes.append(key)
    for environment in environments:
        for disk in stored_disks(environment, expand(environment)):
            for place in (("", disk.datastore), (disk.node, disk.datastore)):
                if place in found:
                    found[place].promised += disk.size
    return sorted(found.values(), key=lambda use: (use.shared, list(nodes).index(use.nodes[0]), use.name))
