"""How many more guests of a size fit."""

from __future__ import annotations

from dataclasses import dataclass

from operations.capacity.cluster import Cluster, NodeUse


@dataclass(frozen=True)
class GuestSize:
    """A guest that somebody thinks of: memory in MiB, disk in GiB."""

    cores: int = 2
    memory: int = 2048
    disk: int = 20


@dataclass(frozen=True)
class Room:
    """How many guests of a size fit on a node, and what runs out first."""

    node: str
    count: int
    limit: str
    """``memory``, ``cores``, or the datastore; what would have to grow for more."""


def room_on(cluster: Cluster, node: NodeUse, size: GuestSize) -> Room:
    """How many guests of ``size`` fit on ``node`` beside those that are there.

    Cores count up to `policy.over_commit.cores_ratio` times the node's; the disk goes to the datastore with the most
    room, and one of unknown size has room for all.
    """
    limits = {
        "memory": max(0, node.memory_free) // size.memory,
        "cores": max(0, int(node.node.cores * cluster.cores_ratio) - node.cores) // size.cores,
    }
    datastores = [one for one in cluster.datastores_of(node.name) if one.takes_disks]
    if not any(one.free is None for one in datastores):
        best = max(datastores, key=lambda one: one.free or 0, default=None)
        limits[f"datastore {best.name}" if best else "no datastore for disks"] = (
            max(0, best.free or 0) // size.disk if best else 0
        )
    limit = min(limits, key=lambda name: limits[name])
    return Room(node.name, limits[limit], limit)
