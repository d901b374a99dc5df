"""Which guests HA manages, and which a rule is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from homelab.config.environment import Environment
from homelab.config.expansion import ExpandedGuest
from homelab.config.ha import HaRule, NodeAffinity


def resource_id(guest: ExpandedGuest) -> str:
    """What HA calls a guest: ``vm:9100`` or ``ct:9200``."""
    return f"{'vm' if guest.kind == 'vms' else 'ct'}:{guest.vm_id}"


def members(rule: HaRule, guests: Iterable[ExpandedGuest]) -> list[ExpandedGuest]:
    """The guests that ``rule`` names: by their key, or all replicas by the key of the entry."""
    return [guest for guest in guests if guest.key in rule.guests or guest.path[-1] in rule.guests]


def node_affinity_of(
    environment: Environment, guest: ExpandedGuest, guests: Sequence[ExpandedGuest]
) -> tuple[str, NodeAffinity] | None:
    """The first enabled node affinity rule about ``guest`` with its id; None where there is none."""
    for name, rule in environment.ha.rules.items():
        if isinstance(rule, NodeAffinity) and rule.enabled and guest in members(rule, guests):
            return name, rule
    return None


def possible_nodes(environment: Environment, guest: ExpandedGuest, guests: Sequence[ExpandedGuest]) -> tuple[str, ...]:
    """The nodes where HA may start ``guest``: those of a strict rule, else every node."""
    found = node_affinity_of(environment, guest, guests)
    if found is not None and found[1].strict:
        return tuple(node for node in environment.proxmox.nodes if node in found[1].nodes)
    return tuple(environment.proxmox.nodes)
