"""States with their entries moved. Pure: nothing is read or written."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from operations.moves.identity import identity
from operations.moves.matching import Move, State, managed, name_of, type_of

PARKED = "--moved-away"
"""The end of the name under which an entry waits whose place another one takes. No stack has such an address."""


def empty_state(like: State) -> State:
    """The first state of a stack that has none."""
    return {
        "version": 4,
        "terraform_version": like["terraform_version"],
        "serial": 0,
        "lineage": str(uuid.uuid4()),
        "outputs": {},
        "resources": [],
        "check_results": None,
    }


def with_arrivals(states: Mapping[str, State], moves: Sequence[Move]) -> dict[str, State]:
    """The states that change when everything is at its new place and nothing has left its old one.

    What moves within a state is renamed, all at once, so that two entries can change places. An entry whose place is
    taken is parked.
    """
    changed: dict[str, State] = {}
    for name in sorted({move.target[0] for move in moves if move.kind == "move"}):
        arriving = [move for move in moves if move.target[0] == name and move.kind == "move"]
        state = copy.deepcopy(states[name])
        renamed = {move.source[1]: _target(move) for move in arriving if not move.between_states}
        taken = {_target(move) for move in arriving}
        for address, entry in managed(state):
            new = renamed.get(address) or (f"{address}{PARKED}" if address in taken else address)
            entry["type"], entry["name"] = type_of(new), name_of(new)
            renamed[address] = new
        for _, entry in managed(state):
            _depend_on(entry, renamed)
        come = {move.source[1]: _target(move) for move in arriving if move.between_states}
        present = {address for address, _ in managed(state)} | set(come.values())
        for move in arriving:
            if move.between_states:
                entry = copy.deepcopy(dict(managed(states[move.source[0]]))[move.source[1]])
                entry["type"], entry["name"] = type_of(_target(move)), name_of(_target(move))
                _depend_on(entry, come)
                _forget_absent(entry, present)
                state["resources"].append(entry)
        changed[name] = _next(state)
    return changed


def without_departures(states: Mapping[str, State], moves: Sequence[Move]) -> dict[str, State]:
    """The states that change when what has arrived elsewhere leaves its old place."""
    changed: dict[str, State] = {}
    for name in sorted({move.source[0] for move in moves if _leaves(move)}):
        leaving = [move for move in moves if move.source[0] == name and _leaves(move)]
        state = copy.deepcopy(states[name])
        state["resources"] = [entry for entry in state["resources"] if not any(_is(entry, move) for move in leaving)]
        changed[name] = _next(state)
    return changed


def _leaves(move: Move) -> bool:
    return move.between_states or move.kind == "finish"


def _is(entry: State, move: Move) -> bool:
    """Whether this is the entry that moved, and not what came to its place."""
    address = f"{entry['type']}.{entry['name']}"
    if entry.get("mode") != "managed" or address not in (move.source[1], f"{move.source[1]}{PARKED}"):
        return False
    return identity(entry["type"], entry["instances"][0].get("attributes") or {}) == move.identity


def _target(move: Move) -> str:
    """The address in the target state: with the old type, which only the provider can turn into the new one."""
    return f"{type_of(move.source[1])}.{name_of(move.target[1])}"


def _depend_on(entry: State, renamed: Mapping[str, str]) -> None:
    instance: dict[str, Any] = entry["instances"][0]
    if "dependencies" in instance:
        instance["dependencies"] = sorted(renamed.get(address, address) for address in instance["dependencies"])


def _forget_absent(entry: State, present: Collection[str]) -> None:
    instance: dict[str, Any] = entry["instances"][0]
    if "dependencies" in instance:
        instance["dependencies"] = [address for address in instance["dependencies"] if address in present]


def _next(state: State) -> State:
    return {**state, "serial": int(state["serial"]) + 1}
