"""Which node a guest goes to that leaves it to a policy.

A place is decided once and recorded; from then on only the record counts. So nothing that is added, removed or
reordered moves a guest, which for one with local disks would mean copying them or losing them. What is decided depends
on the environment and its record alone: the same on every machine.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from homelab.config.demand import StoredDisk, cores_of, disks_of, may_run, stored_disks
from homelab.config.environment import Environment
from homelab.config.expansion import ExpandedGuest, default_node, expand
from homelab.config.placement_policy import PlacementPolicy
from homelab.config.platform_containers import containers_by_key
from homelab.config.proxmox import Content, Node
from homelab.config.sdn_reach import vnet_reaches
from homelab.config.units import format_mebibytes
from homelab.config.virtual_machine import VirtualMachine


@dataclass(frozen=True)
class Placement:
    """What placing came to."""

    nodes: Mapping[str, str]
    """The node of every guest that a policy places, by its name in the record."""
    new: frozenset[str]
    """Those of them that had no place before."""
    impossible: Mapping[str, str]
    """Guests for which no node is left, with the reason for each node."""


def record_name(guest: ExpandedGuest) -> str:
    """What the record calls a guest: ``vms.web-1``."""
    return f"{guest.kind}.{guest.key}"


def place(environment: Environment, forget: Iterable[str] = ()) -> Placement:
    """Give every guest with a policy a node: those on record keep theirs, the others get the best that is left.

    ``forget`` names guests of the record that are placed anew, elsewhere if there is anywhere else. Guests of other
    environments are not seen: the checks see that all of them together fit.
    """
    forgotten = set(forget)
    placed = {name: node for name, node in environment.placed.items() if name not in forgotten}
    guests = tuple(expand(environment.model_copy(update={"placed": placed})))
    open_ones = [guest for guest in guests if _is_open(environment, guest)]
    first: list[str] = []
    while True:
        attempt = _Attempt(environment, guests, {name: environment.placed.get(name, "") for name in forgotten})
        failed = attempt.run(sorted(open_ones, key=lambda guest: _order(attempt, guest, first)))
        # One that found no place may find one when it chooses before the others.
        if failed is None or failed in first:
            break
        first.insert(0, failed)
    nodes = {record_name(guest): guest.node for guest in guests if guest.placement and guest.node}
    return Placement({**nodes, **attempt.decided}, frozenset(attempt.decided), attempt.impossible)


def with_placement(environment: Environment) -> Environment:
    """``environment`` with a node for every guest that a policy places, for environments that Python builds."""
    return environment.model_copy(update={"placed": dict(place(environment).nodes)})


def objections(environment: Environment, guest: ExpandedGuest, node: str) -> Iterator[str]:
    """Why ``guest`` can't be on ``node``, whatever else is there."""
    policy = environment.placement.get(guest.placement or "", PlacementPolicy())
    found = environment.proxmox.nodes.get(node)
    if found is None:
        yield "there is no such node"
        return
    if policy.nodes and node not in policy.nodes:
        yield f"it is not among the nodes of placement.{guest.placement}"
    for datastore, content in _stores(environment, replace(guest, node=node)):
        known = found.datastores.get(datastore)
        if known is None or content not in known.content:
            yield f"it has no datastore {datastore} for {content}"
    for interface in guest.interfaces:
        network = interface.network
        if network is None or vnet_reaches(environment, network.bridge, node):
            continue
        bridge = found.bridges.get(network.bridge)
        if bridge is None:
            yield f"it has no bridge {network.bridge}"
        elif interface.vlan is not None and (
            not bridge.vlan_aware or (bridge.vlans is not None and interface.vlan not in bridge.vlans)
        ):
            yield f"VLAN {interface.vlan} does not reach its bridge {network.bridge}"
    if cores_of(guest) > found.cores:
        yield f"it has {found.cores} cores and not {cores_of(guest)}"


def kept_apart(environment: Environment, guest: ExpandedGuest) -> str | None:
    """The name of the set whose members are kept apart and that ``guest`` is in; None where it is in none."""
    policy = environment.placement.get(guest.placement or "")
    if policy is None or policy.spread == "none":
        return None
    if policy.spread == "members":
        return f"placement.{guest.placement}"
    return ".".join(str(part) for part in guest.path) if guest.definition.replicas else None


def _is_open(environment: Environment, guest: ExpandedGuest) -> bool:
    return guest.placement in environment.placement and guest.node is None


def _order(attempt: _Attempt, guest: ExpandedGuest, first: list[str]) -> tuple[object, ...]:
    """First who found nothing before, then what others are cloned from, the least choice, the most memory."""
    name = record_name(guest)
    urgency = first.index(name) if name in first else len(first)
    choice = len(attempt.candidates(guest))
    return urgency, _depth(guest), choice, -guest.definition.memory, name


def _depth(guest: ExpandedGuest) -> int:
    return 0 if isinstance(guest.definition, VirtualMachine) or guest.definition.clone_from is None else 1


@dataclass
class _Attempt:
    """One order in which guests choose."""

    environment: Environment
    guests: tuple[ExpandedGuest, ...]
    left: Mapping[str, str]
    """The nodes that guests come from which are placed anew."""
    decided: dict[str, str] = field(default_factory=dict)
    impossible: dict[str, str] = field(default_factory=dict)
    memory: Counter[str] = field(default_factory=Counter)
    disk: Counter[tuple[str, str]] = field(default_factory=Counter)
    members: Counter[tuple[str, str]] = field(default_factory=Counter)
    origins: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for disk in stored_disks(self.environment, ()):
            self._store(disk)
        for guest in self.guests:
            if guest.node is not None:
                self._settle(guest, guest.node)

    def run(self, guests: Iterable[ExpandedGuest]) -> str | None:
        """Let ``guests`` choose; the first that found nothing."""
        failed: str | None = None
        for guest in guests:
            name = record_name(guest)
            reasons = {node: self._why_not(guest, node) for node in self.environment.proxmox.nodes}
            possible = [node for node, reason in reasons.items() if not reason]
            if not possible:
                self.impossible[name] = "; ".join(f"{node}: {reason}" for node, reason in reasons.items())
                failed = failed or name
                continue
            chosen = min(possible, key=lambda node: self._rank(guest, node))
            self.decided[name] = chosen
            self._settle(guest, chosen)
        return failed

    def candidates(self, guest: ExpandedGuest) -> list[str]:
        """The nodes that could hold ``guest`` if they were empty."""
        return [node for node in self.environment.proxmox.nodes if not any(objections(self.environment, guest, node))]

    def _why_not(self, guest: ExpandedGuest, node: str) -> str:
        """Why ``guest`` can't go to ``node`` now; empty where it can."""
        reason = next(objections(self.environment, guest, node), "")
        if reason:
            return reason
        policy = self.environment.placement[guest.placement or ""]
        apart = kept_apart(self.environment, guest)
        if policy.strict and apart and self.members[apart, node]:
            return f"another one of {apart} is there"
        origin = self._origin(guest)
        if origin is not None and origin != node:
            return f"what it is cloned from is on {origin}, on storage that is not shared"
        over = self.environment.policy.over_commit
        known = self.environment.proxmox.nodes[node]
        if over.memory == "error" and may_run(guest) and self._free(node, known) < guest.definition.memory:
            free = format_mebibytes(max(0, self._free(node, known)))
            return f"{free} of its memory are free, and {format_mebibytes(guest.definition.memory)} are needed"
        if over.disk == "error":
            for disk in disks_of(self.environment, replace(guest, node=node)):
                store = known.datastores[disk.datastore]
                key = ("" if store.shared else node, disk.datastore)
                if store.size is not None and self.disk[key] + disk.size > store.size:
                    return f"its datastore {disk.datastore} is full"
        return ""

    def _rank(self, guest: ExpandedGuest, node: str) -> tuple[object, ...]:
        """The best node has the smallest: fewest of those that keep apart, then the largest share of free memory."""
        known = self.environment.proxmox.nodes[node]
        apart = kept_apart(self.environment, guest)
        share = (self._free(node, known) - guest.definition.memory) / max(1, known.memory)
        name = record_name(guest)
        return self.left.get(name) == node, self.members[apart or "", node], -round(share, 3), _weight(name, node)

    def _free(self, node: str, known: Node) -> int:
        return known.memory - known.memory_reserved - self.memory[node]

    def _settle(self, guest: ExpandedGuest, node: str) -> None:
        if may_run(guest):
            self.memory[node] += guest.definition.memory
        for disk in disks_of(self.environment, replace(guest, node=node)):
            self._store(disk)
        apart = kept_apart(self.environment, guest)
        if apart:
            self.members[apart, node] += 1
        self.origins[guest.key] = node

    def _store(self, disk: StoredDisk) -> None:
        known = self.environment.proxmox.nodes.get(disk.node)
        store = known.datastores.get(disk.datastore) if known else None
        self.disk["" if store and store.shared else disk.node, disk.datastore] += disk.size

    def _origin(self, guest: ExpandedGuest) -> str | None:
        """The node that a clone is bound to by what it is made from; None where it is bound to none."""
        definition = guest.definition
        fallback = self.environment.defaults.datastore
        if isinstance(definition, VirtualMachine):
            template = self.environment.templates.get(definition.template or "")
            if template is None or definition.full_clone:
                return None
            node, datastore = template.node or default_node(self.environment), template.datastore or fallback
        else:
            origin = containers_by_key(self.environment).get(definition.clone_from or "")
            if origin is None:
                return None
            node, datastore = self.origins.get(origin.key), origin.container.datastore or fallback
        known = self.environment.proxmox.nodes.get(node or "")
        store = known.datastores.get(datastore) if known else None
        return None if store is not None and store.shared else node


def _weight(name: str, node: str) -> str:
    # Between nodes that are alike the digest decides, so that not every first guest goes to the first node.
    return hashlib.sha256(f"{name}|{node}".encode()).hexdigest()


def _stores(environment: Environment, guest: ExpandedGuest) -> Iterator[tuple[str, Content]]:
    """The datastores that the guest needs on its node, which has to be known, each with what for."""
    definition, defaults = guest.definition, environment.defaults
    content: Content = "images" if isinstance(definition, VirtualMachine) else "rootdir"
    for disk in disks_of(environment, guest):
        yield disk.datastore, content
    if isinstance(definition, VirtualMachine):
        template = environment.templates.get(definition.template or "")
        has_vendor_data = template is not None and (
            template.guest_agent or template.packages or template.run_commands or template.vendor_data
        )
        if has_vendor_data or definition.cloud_init.user_data is not None:
            yield defaults.snippet_datastore, "snippets"
    elif definition.os is not None or definition.image is not None:
        yield defaults.image_datastore, "vztmpl"
    elif definition.template_file is not None:
        yield definition.template_file.partition(":")[0], "vztmpl"
