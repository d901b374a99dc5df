"""The order of stacks, what a failure stops, and how many are worked on at once."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.deployment.schedule import batches, held_back, reversed_order, run_in_order
from operations.terraform.process import Interrupted
from operations.terraform.stacks import Stack
from operations.terraform.terraform import TerraformError


def stack(name: str, *dependencies: str) -> Stack:
    return Stack(name, Path("nowhere"), dependencies)


def fail(item: Stack) -> str:
    raise TerraformError(item.name, "apply", (), "broken", 1)


@given(st.integers(1, 4), st.lists(st.lists(st.integers(0, 9), max_size=3), min_size=1, max_size=9))
def test_every_stack_begins_after_its_dependencies_have_ended(jobs: int, graph: list[list[int]]) -> None:
    stacks = [
        stack(str(number), *(str(other) for other in before if other < number)) for number, before in enumerate(graph)
    ]
    ended: list[str] = []
    lock = threading.Lock()

    def work(item: Stack) -> str:
        with lock:
            assert set(item.dependencies) <= set(ended)
            ended.append(item.name)
        return item.name

    outcomes = run_in_order(stacks, work, jobs=jobs)
    assert all(outcomes[item.name].value == item.name for item in stacks)
    assert sorted(ended) == sorted(item.name for item in stacks)


def test_a_failure_stops_what_depends_on_it_and_nothing_else() -> None:
    stacks = [stack("a"), stack("b", "a"), stack("c", "b"), stack("other")]
    outcomes = run_in_order(stacks, lambda item: fail(item) if item.name == "a" else item.name, jobs=2)
    assert outcomes["a"].error is not None
    assert [outcomes[name].waits_for for name in ("b", "c")] == ["a", "a"]
    assert outcomes["other"].succeeded


def test_after_an_interrupt_nothing_is_blamed() -> None:
    def interrupted(_item: Stack) -> str:
        raise Interrupted

    outcomes = run_in_order([stack("a"), stack("b", "a")], interrupted, jobs=1)
    assert [(item.succeeded, item.error, item.waits_for) for item in outcomes.values()] == [(False, None, "")] * 2


def test_only_so_many_are_worked_on_at_once() -> None:
    running: list[int] = []
    most: list[int] = []

    def work(_item: Stack) -> bool:
        running.append(1)
        most.append(len(running))
        time.sleep(0.02)
        running.pop()
        return True

    run_in_order([stack(str(number)) for number in range(9)], work, jobs=3)
    assert max(most) == 3


def test_destroying_goes_the_other_way() -> None:
    stacks = [stack("templates"), stack("web", "templates"), stack("db", "templates")]
    done: list[str] = []

    def work(item: Stack) -> bool:
        done.append(item.name)
        return True

    run_in_order(stacks, work, jobs=1, order=reversed_order(stacks))
    assert done[-1] == "templates"


def test_stacks_that_read_other_states_are_planned_after_those_are_applied(tmp_path: Path) -> None:
    def reading(name: str, *dependencies: str, reads: bool) -> Stack:
        folder = tmp_path / name
        folder.mkdir()
        text = '{"data": {"terraform_remote_state": {}}}' if reads else "{}"
        (folder / "cdk.tf.json").write_text(text, encoding="utf-8")
        return Stack(name, folder, dependencies)

    stacks = [
        reading("host", reads=False),
        reading("docker", "host", reads=True),
        reading("after", "docker", reads=False),
        reading("web", "host", reads=False),
    ]
    assert [[item.name for item in batch] for batch in batches(stacks)] == [["host", "web"], ["docker", "after"]]


@pytest.mark.parametrize(
    ("failed", "held"),
    [
        ({"gitea"}, {"gitea"}),
        # Nothing but what failed needs the foundation of all: then it is left alone too.
        ({"gitea", "redis"}, {"gitea", "redis", "templates"}),
        ({"templates"}, {"templates", "gitea", "redis"}),
        (set(), set()),
    ],
)
def test_what_is_held_back_when_some_can_not_be_planned(failed: set[str], held: set[str]) -> None:
    stacks = [
        Stack("templates", Path()),
        Stack("gitea", Path(), ("templates",)),
        Stack("redis", Path(), ("templates",)),
        Stack("dns", Path()),
    ]
    assert set(held_back(stacks, failed)) == held
