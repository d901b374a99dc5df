"""What guests are promised of nodes and datastores, before and after the apply.

Counted are the guests in the reviewed plans, running or not; templates only with their disks. Thin disks count in full.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from operations.review.estate import Estate
from operations.review.guests import Guest


@dataclass(frozen=True)
class NodeCapacity:
    """Cores and memory (MiB) promised on one node."""

    node: str
    cores: tuple[float, float]
    memory: tuple[float, float]
    guests: tuple[int, int]
    at_least: bool = False
    """Some amounts are known only after the apply, or sensitive."""


@dataclass(frozen=True)
class DatastoreCapacity:
    """Disk space (GiB) promised on one datastore of one node."""

    node: str
    datastore: str
    disk: tuple[float, float]
    at_least: bool = False


@dataclass(frozen=True)
class Capacity:
    """All nodes and datastores that the plans name."""

    nodes: tuple[NodeCapacity, ...] = ()
    datastores: tuple[DatastoreCapacity, ...] = ()


@dataclass
class _Sums:
    cores: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    memory: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    guests: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    disk: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    uncertain: set[str | tuple[str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, guests: Iterable[Guest]) -> _Sums:
        sums = cls()
        for guest in guests:
            if not guest.is_template:
                sums.guests[guest.node] += 1
                sums.cores[guest.node] += guest.cores or 0
                sums.memory[guest.node] += guest.memory or 0
                if guest.cores is None or guest.memory is None:
                    sums.uncertain.add(guest.node)
            for disk in guest.own_disks:
                # EFI disks and TPM states have no size of their own in a plan, and next to none on a datastore.
                if disk.size is not None and disk.size_text:
                    sums.disk[guest.node, disk.datastore] += disk.size
                elif disk.size is not None or disk.size_unknown:
                    sums.uncertain.add((guest.node, disk.datastore))
        return sums


def capacity_of(estate: Estate) -> Capacity:
    """The sums over all guests of the reviewed plans."""
    # What is deposed is on its way out and doesn't count twice.
    before = _Sums.of(guest for (_, _, deposed), guest in estate.before.items() if not deposed)
    after = _Sums.of(estate.after.values())
    show = estate.disclosure.text
    nodes = sorted({*before.guests, *after.guests})
    datastores = sorted(
        {*before.disk, *after.disk, *(key for key in before.uncertain | after.uncertain if isinstance(key, tuple))}
    )
    return Capacity(
        tuple(
            NodeCapacity(
                node=show(node) or "unknown",
                cores=(before.cores.get(node, 0), after.cores.get(node, 0)),
                memory=(before.memory.get(node, 0), after.memory.get(node, 0)),
                guests=(before.guests.get(node, 0), after.guests.get(node, 0)),
                at_least=node in before.uncertain or node in after.uncertain,
            )
            for node in nodes
        ),
        tuple(
            DatastoreCapacity(
                node=show(node) or "unknown",
                datastore=show(datastore) or "unknown",
                disk=(before.disk.get((node, datastore), 0), after.disk.get((node, datastore), 0)),
                at_least=(node, datastore) in before.uncertain | after.uncertain,
            )
            for node, datastore in datastores
        ),
    )
