"""Guests with another key or group between two revisions, which ``homelab moves`` moves in the states.

They are found as there, by what Proxmox knows them by, and within one environment: two clusters may use one VMID.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from operations.moves.matching import Place, places
from operations.terraform.stacks import Stack


@dataclass(frozen=True)
class Arrivals:
    """What one stack gets and gives away when entries of the states are moved.

    Attributes:
        origins: the place that each address of the stack had before.
        departed: the addresses that the stack had, and whose entries are elsewhere then.
    """

    origins: Mapping[str, Place] = field(default_factory=dict)
    departed: frozenset[str] = frozenset()


def state_moves(
    before: Mapping[str, Stack], after: Mapping[str, Stack], environments: Collection[str]
) -> dict[str, Arrivals]:
    """The moves between two revisions, by stack.

    Args:
        environments: the names of all environments, which the names of stacks begin with.
    """
    origins: dict[str, dict[str, Place]] = defaultdict(dict)
    departed: dict[str, set[str]] = defaultdict(set)
    old, new = _grouped(before.values(), environments), _grouped(after.values(), environments)
    for environment, stacks in new.items():
        was = places(old.get(environment, []))
        for identity, (stack, address) in places(stacks).items():
            origin = was.get(identity)
            if origin is not None and origin != (stack, address) and not _declares(after[stack], address):
                origins[stack][address] = origin
                departed[origin[0]].add(origin[1])
    return {name: Arrivals(origins.get(name, {}), frozenset(departed.get(name, ()))) for name in {*origins, *departed}}


def _declares(stack: Stack, address: str) -> bool:
    """Whether the stack itself says where what is at ``address`` comes from."""
    return any(entry.get("to") == address for entry in stack.configuration.get("moved", ()))


def _grouped(stacks: Iterable[Stack], environments: Collection[str]) -> dict[str, list[Stack]]:
    found: dict[str, list[Stack]] = defaultdict(list)
    for stack in stacks:
        own = [name for name in environments if stack.name.startswith(f"{name}-")]
        if own:
            found[max(own, key=len)].append(stack)
    return found
