"""The capacity of a cluster as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from homelab.config.units import format_mebibytes
from operations.capacity.cluster import Cluster, DatastoreUse, NodeUse
from operations.capacity.failure import NodeFailure, failure_of
from operations.capacity.fits import GuestSize, room_on

SCHEMA_VERSION = 1
LISTED = 8
"""How many guests of one kind a line names."""


def as_text(clusters: Sequence[Cluster], size: GuestSize) -> str:
    """What a person reads; ends without a newline."""
    return "\n\n".join("\n".join(_cluster(cluster, size)) for cluster in clusters)


def as_document(clusters: Sequence[Cluster], size: GuestSize) -> dict[str, Any]:
    """The same for machines. Memory in MiB, disk in GiB."""
    return {
        "schema_version": SCHEMA_VERSION,
        "guest": {"cores": size.cores, "memory_mib": size.memory, "disk_gib": size.disk},
        "clusters": [_document(cluster, size) for cluster in clusters],
    }


def _document(cluster: Cluster, size: GuestSize) -> dict[str, Any]:
    failures = [failure_of(cluster, node.name) for node in cluster.nodes] if len(cluster.nodes) > 1 else []
    return {
        "cluster": cluster.name,
        "environments": [environment.name for environment in cluster.environments],
        "nodes": [
            {
                "node": node.name,
                "guests": len(node.guests),
                "cores": node.node.cores,
                "cores_promised": node.cores,
                "memory_mib": node.memory_limit,
                "memory_promised_mib": node.memory,
                "fits": room_on(cluster, node, size).count,
                "limited_by": room_on(cluster, node, size).limit,
            }
            for node in cluster.nodes
        ],
        "datastores": [
            {
                "datastore": one.name,
                "nodes": one.nodes,
                "shared": one.shared,
                "size_gib": one.size,
                "promised_gib": one.promised,
            }
            for one in cluster.datastores
        ],
        "failures": [
            {
                "node": failure.node,
                "quorum": failure.quorum,
                "restarted": [
                    {"guest": fate.guest.guest.key, "on": fate.node, "note": fate.why} for fate in failure.restarted
                ],
                "down": [{"guest": fate.guest.guest.key, "why": fate.why} for fate in failure.down],
                "memory_left_mib": failure.memory_left,
                "memory_wanted_mib": failure.memory_wanted,
            }
            for failure in failures
        ],
        "unplaced": [demand.guest.key for demand in cluster.unplaced],
    }


def _cluster(cluster: Cluster, size: GuestSize) -> Iterator[str]:
    yield f"{cluster.name}: {', '.join(environment.name for environment in cluster.environments)}"
    yield ""
    yield from table(("node", "guests", "memory", "", "cores", ""), [_node_row(node) for node in cluster.nodes])
    yield ""
    yield from table(("datastore", "of", "disk", ""), [_datastore_row(one) for one in cluster.datastores])
    yield ""
    what = f"{size.cores} cores, {format_mebibytes(size.memory)} memory, {size.disk}GiB disk"
    yield f"What still fits, each with {what}:"
    for node in cluster.nodes:
        room = room_on(cluster, node, size)
        yield f"  {node.name}: {room.count}, then {room.limit} is full"
    if len(cluster.nodes) > 1:
        yield ""
        yield "When a node fails:"
        for node in cluster.nodes:
            yield from _failure(failure_of(cluster, node.name))
    else:
        yield ""
        yield f"When {cluster.nodes[0].name} fails, everything is down: it is the only node."
    if cluster.unplaced:
        yield ""
        yield f"Not counted, as no node is known for them: {_named([one.guest.key for one in cluster.unplaced])}"


def _node_row(node: NodeUse) -> tuple[str, ...]:
    return (
        node.name,
        str(len(node.guests)),
        f"{format_mebibytes(node.memory)} of {format_mebibytes(node.memory_limit)}",
        _share(node.memory, node.memory_limit),
        f"{node.cores} of {node.node.cores}",
        f"{node.cores / node.node.cores:.1f} x",
    )


def _datastore_row(one: DatastoreUse) -> tuple[str, ...]:
    place = f"shared by {', '.join(one.nodes)}" if one.shared else one.nodes[0]
    if one.size is None:
        return one.name, place, f"{one.promised}GiB of unknown", ""
    return one.name, place, f"{one.promised}GiB of {one.size}GiB", _share(one.promised, one.size)


def _share(part: int, whole: int) -> str:
    share = part / whole if whole else float(part > 0)
    filled = min(10, round(share * 10))
    return f"{'█' * filled}{'░' * (10 - filled)} {share:4.0%}{'  over' if part > whole else ''}"


def _failure(failure: NodeFailure) -> Iterator[str]:
    yield f"  {failure.node}: {len(failure.restarted)} of {len(failure.fates)} guests start elsewhere" + (
        "" if failure.quorum else ", as no majority of nodes is left"
    )
    for fate in failure.restarted:
        yield f"      starts  {fate.guest.label} on {fate.node}{f': {fate.why}' if fate.why else ''}"
    by_reason: dict[str, list[str]] = {}
    for fate in failure.down:
        by_reason.setdefault(fate.why, []).append(fate.guest.label)
    for why, guests in by_reason.items():
        yield f"      down    {_named(guests)}: {why}"
    if failure.memory_wanted > failure.memory_left:
        yield (
            f"      note    all guests together want {format_mebibytes(failure.memory_wanted)}, "
            f"and {format_mebibytes(failure.memory_left)} are left"
        )


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:LISTED])
    return f"{shown} and {len(names) - LISTED} more" if len(names) > LISTED else shown


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their longest cell."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
