"""Compares states with stacks: which resource is under which address, and which under which it belongs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from operations.moves.identity import Identity, identity
from operations.terraform.stacks import Stack

State = dict[str, Any]
"""A state as ``terraform state pull`` writes it (version 4)."""

Place = tuple[str, str]
"""A stack and an address in it."""


@dataclass(frozen=True)
class Move:
    """A resource whose state entry belongs elsewhere.

    Attributes:
        kind: ``move``; or ``finish`` where it is at its new place already and the old entry is left over, as after a
            move that was interrupted.
        label: what people call it.
        identity: what Proxmox knows it by.
    """

    kind: Literal["move", "finish"]
    source: Place
    target: Place
    label: str
    identity: Identity
    is_guest: bool = False

    @property
    def between_states(self) -> bool:
        """Whether it leaves one state for another."""
        return self.source[0] != self.target[0]

    @property
    def changes_type(self) -> bool:
        """Whether a deprecated type becomes its short one."""
        return type_of(self.source[1]) != type_of(self.target[1])

    def __str__(self) -> str:
        (old_stack, old), (new_stack, new) = self.source, self.target
        where = f"{old_stack}: {old}" if self.between_states else old
        there = f"{new_stack}: {new}" if self.between_states else new
        return f"{self.label}: {where} -> {there}" + ("  (left over)" if self.kind == "finish" else "")


def type_of(address: str) -> str:
    """The type in an address."""
    return address.partition(".")[0]


def name_of(address: str) -> str:
    """The name in an address."""
    return address.partition(".")[2]


def managed(state: State) -> Iterator[tuple[str, State]]:
    """The managed resources of a state with a single instance, by address."""
    for resource in state.get("resources", ()):
        single = len(resource.get("instances", ())) == 1 and "index_key" not in resource["instances"][0]
        if resource.get("mode") == "managed" and "module" not in resource and single:
            yield f"{resource['type']}.{resource['name']}", resource


def find_moves(states: Mapping[str, State], stacks: Sequence[Stack]) -> list[Move]:
    """The moves that bring ``states`` to where ``stacks`` want them, guests first.

    Args:
        states: by the name of the stack, those of groups that are gone too.
    """
    wanted = places(stacks)
    labels = {(stack.name, address): resource for stack in stacks for address, resource in stack.resources.items()}
    placed: set[Identity] = set()
    elsewhere: list[tuple[Place, Identity]] = []
    for name, state in states.items():
        for address, resource in managed(state):
            found = identity(resource["type"], resource["instances"][0].get("attributes") or {})
            if found is None or found not in wanted:
                continue
            if wanted[found] == (name, address):
                placed.add(found)
            else:
                elsewhere.append(((name, address), found))
    moves = []
    for source, found in elsewhere:
        target = wanted[found]
        made = labels[target]
        kind: Literal["move", "finish"] = "finish" if found in placed else "move"
        moves.append(Move(kind, source, target, made.label, found, made.is_guest))
        placed.add(found)
    return sorted(moves, key=lambda move: (not move.is_guest, move.source, move.target))


def snippets_that_go(states: Mapping[str, State], stacks: Sequence[Stack]) -> list[str]:
    """The snippets in ``states`` that no stack has any more, as volumes.

    Their name begins with the key of the template or machine that they belong to, so that a renamed one has others;
    machines that were made before still name the old one, and don't start without it.
    """
    wanted = places(stacks)
    found = set()
    for state in states.values():
        for _, entry in managed(state):
            arguments = entry["instances"][0].get("attributes") or {}
            if arguments.get("content_type") == "snippets" and identity(entry["type"], arguments) not in wanted:
                found.add(str(arguments.get("id")))
    return sorted(found)


def places(stacks: Sequence[Stack]) -> dict[Identity, Place]:
    """Where each thing belongs; what two addresses claim belongs nowhere for sure."""
    found: list[tuple[Identity, Place]] = []
    for stack in stacks:
        for address, resource in stack.resources.items():
            if (known := identity(resource.type, resource.arguments)) is not None:
                found.append((known, (stack.name, address)))
    times = Counter(known for known, _ in found)
    return {known: place for known, place in found if times[known] == 1}
