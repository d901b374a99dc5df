"""Which moves are found."""

from __future__ import annotations

from pathlib import Path

from operations.moves.matching import find_moves
from tests.operations.moves.estate import CONTAINER, OPTIONS, VM, stack, state


def texts(*arguments: object) -> list[str]:
    return [str(move) for move in find_moves(*arguments)]  # type: ignore[arg-type]


def test_a_renamed_key_is_found_with_what_belongs_to_it(tmp_path: Path) -> None:
    states = {"a-web": state({f"{VM}.old": {"vm_id": 100}, f"{OPTIONS}.old_options_1": {"vm_id": 100}})}
    stacks = [stack(tmp_path, "a-web", {f"{VM}.new": {"vm_id": 100}, f"{OPTIONS}.new_options_2": {"vm_id": 100}})]

    assert texts(states, stacks) == [
        f"VM new (100): {VM}.old -> {VM}.new",
        f"firewall options new_options_2: {OPTIONS}.old_options_1 -> {OPTIONS}.new_options_2",
    ]


def test_another_group_is_found_and_so_is_a_group_that_is_gone(tmp_path: Path) -> None:
    states = {"a-old": state({f"{CONTAINER}.dns": {"vm_id": 200}}), "a-web": state({f"{VM}.web": {"vm_id": 100}})}
    stacks = [stack(tmp_path, "a-web", {f"{VM}.web": {"vm_id": 100}, f"{CONTAINER}.dns": {"vm_id": 200}})]

    assert texts(states, stacks) == [f"container dns (200): a-old: {CONTAINER}.dns -> a-web: {CONTAINER}.dns"]


def test_what_is_in_both_places_is_left_over_from_an_interrupted_move(tmp_path: Path) -> None:
    states = {"a-old": state({f"{VM}.web": {"vm_id": 100}}), "a-new": state({f"{VM}.web": {"vm_id": 100}})}
    stacks = [stack(tmp_path, "a-old", {}), stack(tmp_path, "a-new", {f"{VM}.web": {"vm_id": 100}})]

    assert texts(states, stacks) == [f"VM web (100): a-old: {VM}.web -> a-new: {VM}.web  (left over)"]


def test_two_that_change_places(tmp_path: Path) -> None:
    states = {"a": state({f"{VM}.x": {"vm_id": 100}, f"{VM}.y": {"vm_id": 101}})}
    stacks = [stack(tmp_path, "a", {f"{VM}.x": {"vm_id": 101}, f"{VM}.y": {"vm_id": 100}})]

    assert len(texts(states, stacks)) == 2


def test_nothing_is_moved_that_is_where_it_belongs_or_belongs_nowhere(tmp_path: Path) -> None:
    states = {"a": state({f"{VM}.stays": {"vm_id": 100}, f"{VM}.deleted": {"vm_id": 101}})}
    stacks = [stack(tmp_path, "a", {f"{VM}.stays": {"vm_id": 100}, f"{VM}.new": {"vm_id": 102}})]

    assert texts(states, stacks) == []


def test_a_number_that_two_entries_claim_moves_nothing(tmp_path: Path) -> None:
    states = {"a": state({f"{VM}.old": {"vm_id": 100}})}
    stacks = [stack(tmp_path, "a", {f"{VM}.x": {"vm_id": 100}}), stack(tmp_path, "b", {f"{VM}.y": {"vm_id": 100}})]

    assert texts(states, stacks) == []
