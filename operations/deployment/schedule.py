"""Works on several stacks at once, each after those that it depends on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Generic, TypeVar

from operations.diagnosis.diagnosis import Diagnosis
from operations.terraform.process import Interrupted
from operations.terraform.stacks import Stack
from operations.terraform.terraform import TerraformError

T = TypeVar("T")


class StackFailure(Exception):
    """What was to be done with a stack failed, and not for a reason of Terraform's; ``diagnoses`` say why."""

    def __init__(self, *diagnoses: Diagnosis) -> None:
        super().__init__("; ".join(item.message for item in diagnoses))
        self.diagnoses = diagnoses


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What became of one stack: a value, an error, or neither because it was not begun."""

    value: T | None = None
    error: TerraformError | StackFailure | None = None
    waits_for: str = ""
    """The stack whose failure kept this one from being begun; empty after a Ctrl-C."""

    @property
    def succeeded(self) -> bool:
        """Whether it was begun and went well."""
        return self.value is not None


def run_in_order(
    stacks: Sequence[Stack], work: Callable[[Stack], T], *, jobs: int, order: Mapping[str, Iterable[str]] | None = None
) -> dict[str, Outcome[T]]:
    """Does ``work`` for every stack, ``jobs`` at a time, and returns what became of each.

    A stack that fails, or that a Ctrl-C stops, keeps those after it from being begun; the others go on.

    Args:
        order: for each stack the names of those before it; the stacks' own dependencies when None.
    """
    by_name = {stack.name: stack for stack in stacks}
    graph = order if order is not None else {stack.name: stack.dependencies for stack in stacks}
    before = {name: {other for other in graph.get(name, ()) if other in by_name} for name in by_name}
    sorter = TopologicalSorter(before)
    sorter.prepare()
    outcomes: dict[str, Outcome[T]] = {}
    running: dict[Future[T], str] = {}
    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="stack") as pool:
        while sorter.is_active():
            for name in sorter.get_ready():
                blocked = next((other for other in before[name] if not outcomes[other].succeeded), None)
                if blocked is None:
                    running[pool.submit(work, by_name[name])] = name
                else:
                    outcomes[name] = Outcome(
                        waits_for=outcomes[blocked].waits_for or (blocked if outcomes[blocked].error else "")
                    )
                    sorter.done(name)
            if not running:
                continue
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                name = running.pop(future)
                outcomes[name] = _outcome(future)
                sorter.done(name)
    return outcomes


def _outcome(future: Future[T]) -> Outcome[T]:
    try:
        return Outcome(value=future.result())
    except (TerraformError, StackFailure) as error:
        return Outcome(error=error)
    except Interrupted:
        return Outcome()


def batches(stacks: Sequence[Stack]) -> Iterator[list[Stack]]:
    """Groups of stacks that can be planned together.

    A stack that reads another one's state, or whose provider talks to what another one makes, is planned after that
    one is applied; most are not so, and there is one group.
    """
    remaining = list(stacks)
    while remaining:
        names = {stack.name for stack in remaining}
        late: set[str] = set()
        for stack in remaining:
            waits = names.intersection(stack.dependencies)
            if waits.intersection(late) or (waits and stack.is_planned_late):
                late.add(stack.name)
        yield [stack for stack in remaining if stack.name not in late]
        remaining = [stack for stack in remaining if stack.name in late]


def held_back(stacks: Sequence[Stack], failed: Collection[str]) -> dict[str, str]:
    """The stacks that nothing is done with because others of them can't be planned, each with one that it is for.

    These are the failed ones, what depends on them, and what only they need. The rest does not become another one by
    their failure.
    """
    held = {name: name for name in failed}
    for stack in stacks:
        if stack.name not in held:
            because = next((name for name in stack.dependencies if name in held), None)
            if because is not None:
                held[stack.name] = because
    for stack in reversed(stacks):
        needing = [other.name for other in stacks if stack.name in other.dependencies]
        if stack.name not in held and needing and all(name in held for name in needing):
            held[stack.name] = needing[0]
    return held


def reversed_order(stacks: Sequence[Stack]) -> dict[str, list[str]]:
    """For each stack those that depend on it: the order in which to destroy."""
    return {stack.name: [other.name for other in stacks if stack.name in other.dependencies] for stack in stacks}
