"""Moves state entries so that no interruption loses one: they are written where they belong before they leave."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from operations.moves.matching import Move, State, name_of, type_of
from operations.moves.pending import Pending, read_state, run
from operations.moves.rewriting import empty_state, with_arrivals, without_departures
from operations.terraform.stacks import Stack
from operations.terraform.terraform import Terraform, TerraformError

_MOVED = "homelab-moved.tf.json"


class MoveError(Exception):
    """The states are not as they were when the moves were found, or the plan after them is not as it should be."""


def apply_moves(terraform: Terraform, pending: Pending, *, backups: Path) -> None:
    """Does the pending moves.

    First a copy of every state concerned is put into ``backups``. Then the states get what arrives in them; only when
    all of them have it, what has moved leaves. Terraform writes every state, with its lock, and refuses where somebody
    wrote in between. Interrupted between the two, an entry is in both states, which the next `pending_moves` finds.

    Args:
        backups: a folder of its own for this run; it holds secrets and is made for this user alone.

    Raises:
        MoveError: a state changed since the moves were found; nothing was written.
        TerraformError: a state could not be written; what was done until then is safe.
    """
    moves = pending.moves
    names = sorted({place[0] for move in moves for place in (move.source, move.target)})
    states: dict[str, State] = {}
    for name in names:
        # From the backend even where the file could be read, so that only what Terraform knows is written back.
        terraform.init(pending.stacks[name])
        found = read_state(terraform, pending.stacks[name])
        if _version(found) != _version(pending.states.get(name)):
            raise MoveError(f"the state of {name} changed while this was prepared\n    fix:      run it again")
        if found is not None:
            states[name] = found
    _back_up(states, backups)
    like = next(iter(states.values()))
    for name in names:
        states.setdefault(name, empty_state(like))
    for name, state in with_arrivals(states, moves).items():
        states[name] = _push(terraform, pending.stacks[name], state, backups)
    for name, state in without_departures(states, moves).items():
        states[name] = _push(terraform, pending.stacks[name], state, backups)
    _rename_types(terraform, pending.stacks, moves)


def _version(state: State | None) -> tuple[str, int] | None:
    return (str(state["lineage"]), int(state["serial"])) if state is not None else None


def _back_up(states: Mapping[str, State], folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o700)
    for name, state in states.items():
        _write(folder / f"{name}.tfstate", state)


def _write(path: Path, state: State) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(state, indent=2), encoding="utf-8")


def _push(terraform: Terraform, stack: Stack, state: State, folder: Path) -> State:
    """Writes a state and returns it as it is from then on: Terraform may give it a later serial."""
    file = folder / f".{stack.name}.new"
    try:
        _write(file, state)
        run(terraform, stack, "state", "push", "-no-color", str(file.resolve()))
    finally:
        file.unlink(missing_ok=True)
    return read_state(terraform, stack) or state


def _rename_types(terraform: Terraform, stacks: Mapping[str, Stack], moves: Sequence[Move]) -> None:
    """Has the provider turn entries of a deprecated type into those of its short one (``moved`` blocks)."""
    changing = [move for move in moves if move.changes_type and move.kind == "move"]
    for name in sorted({move.target[0] for move in changing}):
        own = [move for move in changing if move.target[0] == name]
        file = stacks[name].folder / _MOVED
        file.write_text(
            json.dumps(
                {
                    "moved": [
                        {"from": f"{type_of(move.source[1])}.{name_of(move.target[1])}", "to": move.target[1]}
                        for move in own
                    ]
                }
            ),
            encoding="utf-8",
        )
        try:
            run(terraform, stacks[name], "apply", "-refresh-only", "-auto-approve", "-input=false", "-no-color")
        finally:
            file.unlink(missing_ok=True)


def check_plans(terraform: Terraform, pending: Pending, workspace: Path) -> None:
    """Plans the stacks that got something and makes sure that nothing that moved would be destroyed.

    Raises:
        MoveError: a plan destroys or replaces what has moved.
        TerraformError: a plan can't be made.
    """
    moved = {move.target for move in pending.moves}
    lost: list[str] = []
    for name in sorted({target[0] for target in moved}):
        plan = terraform.plan(pending.stacks[name], workspace / f"{name}.moved.tfplan")
        lost += [
            f"{name}: {change.address} would be {change.action}d"
            for change in plan.changes
            if change.action in ("delete", "replace") and (name, change.address) in moved
        ]
    if lost:
        raise MoveError("after the moves the plan is still not harmless\n    " + "\n    ".join(lost))


__all__ = ["MoveError", "TerraformError", "apply_moves", "check_plans"]
