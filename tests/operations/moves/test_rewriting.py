"""States rewritten: nothing is lost on the way, and everything is where it belongs at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from operations.moves.matching import State, find_moves
from operations.moves.rewriting import PARKED, empty_state, with_arrivals, without_departures
from tests.operations.moves.estate import OPTIONS, VM, guests_in, stack, state

NAMES = ("a-one", "a-two", "a-three")
KEYS = ("p", "q", "r", "s")
PLACES = some.tuples(some.sampled_from(NAMES), some.sampled_from(KEYS))
LAYOUTS = some.dictionaries(some.integers(100, 109), PLACES, min_size=1).filter(
    lambda layout: len(set(layout.values())) == len(layout)
)


def by_stack(layout: dict[int, tuple[str, str]]) -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in NAMES}
    for vm_id, (name, key) in layout.items():
        found[name][f"{VM}.{key}"] = {"vm_id": vm_id}
    return found


REGROUPINGS = LAYOUTS.flatmap(
    lambda before: some.tuples(
        some.just(before),
        LAYOUTS | some.permutations(list(before.values())).map(lambda places: dict(zip(before, places, strict=True))),
    )
)
"""Any other layout, or guests that change places with each other."""


@given(layouts=REGROUPINGS)
def test_at_no_moment_is_a_guest_in_no_state(
    layouts: tuple[dict[int, tuple[str, str]], dict[int, tuple[str, str]]], tmp_path_factory: Any
) -> None:
    before, after = layouts
    folder: Path = tmp_path_factory.mktemp("moves")
    states: dict[str, State] = {
        name: state(resources, lineage=name) for name, resources in by_stack(before).items() if resources
    }
    stacks = [stack(folder, name, resources) for name, resources in by_stack(after).items()]
    moves = find_moves(states, stacks)
    full = {name: states.get(name) or empty_state(next(iter(states.values()))) for name in NAMES}
    everything = set(before)

    for changed in (with_arrivals, without_departures):
        for name, new in changed(full, moves).items():
            # Each of these is one write; somebody can pull the plug after any of them.
            assert new["serial"] == full[name]["serial"] + 1
            full[name] = new
            assert {vm_id for one in full.values() for vm_id in guests_in(one).values()} == everything

    where = [(vm_id, name, address) for name, one in full.items() for address, vm_id in guests_in(one).items()]
    assert len(where) == len(everything), "each is there once"
    for vm_id, name, address in where:
        if vm_id in after:
            assert (name, address) == (after[vm_id][0], f"{VM}.{after[vm_id][1]}")
    assert find_moves(full, stacks) == []


def test_an_entry_whose_place_is_taken_is_left_for_terraform_to_destroy(tmp_path: Path) -> None:
    states = {"a": state({f"{VM}.x": {"vm_id": 100}, f"{VM}.y": {"vm_id": 101}})}
    moves = find_moves(states, [stack(tmp_path, "a", {f"{VM}.y": {"vm_id": 100}})])

    changed = with_arrivals(states, moves)

    assert guests_in(changed["a"]) == {f"{VM}.y": 100, f"{VM}.y{PARKED}": 101}


def test_dependencies_go_along(tmp_path: Path) -> None:
    options = {"vm_id": 100, "dependencies": [f"{VM}.x", f"{VM}.other"]}
    states = {"a": state({f"{VM}.x": {"vm_id": 100}, f"{VM}.other": {"vm_id": 102}, f"{OPTIONS}.x": options})}
    guest = {f"{VM}.y": {"vm_id": 100}, f"{OPTIONS}.y": {"vm_id": 100}}
    within = [stack(tmp_path / "within", "a", guest)]
    away = [stack(tmp_path / "away", "a", {}), stack(tmp_path / "away", "b", guest)]

    renamed = with_arrivals(states, find_moves(states, within))["a"]
    moved = with_arrivals({**states, "b": empty_state(states["a"])}, find_moves(states, away))["b"]

    assert dependencies(renamed) == [f"{VM}.other", f"{VM}.y"]
    assert dependencies(moved) == [f"{VM}.y"], "the other stayed behind"


def dependencies(found: State) -> list[str]:
    [entry] = [entry for entry in found["resources"] if entry["type"] == OPTIONS]
    listed: list[str] = entry["instances"][0]["dependencies"]
    return listed
