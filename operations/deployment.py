"""Deploys the stacks of one environment: plan, review, confirm, apply what was reviewed, look again.

Where to continue is read from the states and from Proxmox, not from a journal: running the same command again is
always right.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from operations.deployment_display import Display
from operations.deployment_guard import Taken, foreign_guest, taken
from operations.deployment_review import Change, changes_of, show_review
from operations.deployment_schedule import Outcome, run_in_order
from operations.diagnosis import Diagnosis, Surroundings, diagnose
from operations.proxmox_api import ProxmoxApi
from operations.terraform import Plan, Terraform, TerraformError
from operations.terraform_messages import Outputs
from operations.terraform_stacks import Stack

Status = Literal["applied", "unchanged", "planned", "failed", "waiting", "interrupted", "destroyed", "kept"]
JOBS = 4
"""How many stacks are worked on at once. They wait for the node most of the time; measured in docs/performance.md."""


class Refused(Exception):
    """The deployment goes no further before anything was changed; ``diagnoses`` say why."""

    def __init__(self, diagnoses: Sequence[Diagnosis]) -> None:
        super().__init__("; ".join(item.message for item in diagnoses))
        self.diagnoses = tuple(diagnoses)


class Declined(Exception):
    """The person who was asked said no."""


@dataclass
class StackResult:
    """What became of one stack."""

    name: str
    status: Status
    changes: list[Change] = field(default_factory=list)
    seconds: float = 0.0
    outputs: Outputs = field(default_factory=Outputs)
    diagnoses: list[Diagnosis] = field(default_factory=list)
    waits_for: str = ""

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "name": self.name,
            "status": self.status,
            "seconds": round(self.seconds, 1),
            "changes": [change.as_json() for change in self.changes],
            "outputs": dict(self.outputs.values),
            "sensitive_outputs": list(self.outputs.sensitive),
            "errors": [item.as_json() for item in self.diagnoses],
            "waits_for": self.waits_for,
        }


@dataclass(frozen=True)
class Tools:
    """What a deployment works with.

    Attributes:
        terraform: runs Terraform.
        display: shows progress.
        console: where reviews are printed.
        surroundings: what diagnoses may name.
        workspace: a private folder for saved plans, which may hold secrets.
        api: asks Proxmox; None for stacks that are not on one.
        jobs: how many stacks are worked on at once.
    """

    terraform: Terraform
    display: Display
    console: Console
    surroundings: Surroundings
    workspace: Path
    api: ProxmoxApi | None = None
    jobs: int = JOBS

    @contextmanager
    def timed(self, stack: Stack, step: str, result: StackResult) -> Iterator[None]:
        """Shows ``step`` of ``stack`` and adds the time it takes to ``result``."""
        started = time.monotonic()
        try:
            with self.display.step(stack, step):
                yield
        finally:
            result.seconds += time.monotonic() - started

    def failures(self, error: TerraformError) -> list[Diagnosis]:
        """The causes of a failed run."""
        return diagnose(error, self.surroundings)


def batches(stacks: Sequence[Stack]) -> Iterator[list[Stack]]:
    """Groups of stacks that can be planned together.

    A stack that reads another one's state is planned after that one is applied; most read none, and there is one group.
    """
    remaining = list(stacks)
    while remaining:
        names = {stack.name for stack in remaining}
        late: set[str] = set()
        for stack in remaining:
            waits = names.intersection(stack.dependencies)
            if waits.intersection(late) or (waits and stack.reads_other_states):
                late.add(stack.name)
        batch = [stack for stack in remaining if stack.name not in late]
        yield batch
        remaining = [stack for stack in remaining if stack.name in late]


class Deployment:
    """One run over the stacks of an environment.

    Args:
        confirm: is asked once for each batch, after its review; False ends the deployment.
    """

    def __init__(self, tools: Tools, confirm: Callable[[Sequence[Change]], bool]) -> None:
        self.tools = tools
        self.confirm = confirm
        self.results: dict[str, StackResult] = {}
        self._shown: dict[str, list[Change]] = {}

    def run(self, stacks: Sequence[Stack], *, dry_run: bool = False) -> list[StackResult]:
        """Deploys ``stacks``, or plans them only; returns what became of each, in order.

        Raises:
            Refused: a plan can't be applied safely; nothing of its batch was changed.
            Declined: the person said no.
        """
        self.results = {stack.name: StackResult(stack.name, "waiting") for stack in stacks}
        for batch in batches(stacks):
            self._batch(batch, dry_run=dry_run)
        return [self.results[stack.name] for stack in stacks]

    @property
    def applied(self) -> list[StackResult]:
        """The stacks that were changed so far."""
        return [result for result in self.results.values() if result.status == "applied"]

    def _batch(self, batch: Sequence[Stack], *, dry_run: bool) -> None:
        ready = [stack for stack in batch if self._may_begin(stack)]
        plans = self._plan(ready)
        if len(plans) < len(ready):
            # Nothing is changed while it isn't known what all of it would be.
            return
        changes = [change for stack in ready for change in self._shown.get(stack.name, [])]
        only_outputs = [name for name, plan in plans.items() if not plan.changes and plan.outputs_change]
        show_review(self.tools.console, changes, stacks=[stack.name for stack in ready], outputs_only=only_outputs)
        unfinished = self._guarded(changes)
        work = [stack for stack in ready if not plans[stack.name].is_empty]
        for stack in ready:
            if plans[stack.name].is_empty:
                self.results[stack.name].status = "unchanged"
        if dry_run:
            for stack in work:
                self.results[stack.name].status = "planned"
            return
        if work and not self.confirm(changes):
            raise Declined
        self._apply(work, plans, unfinished)

    def _may_begin(self, stack: Stack) -> bool:
        for name in stack.dependencies:
            before = self.results.get(name)
            if before is not None and (before.diagnoses or before.waits_for or before.status == "interrupted"):
                self.results[stack.name].waits_for = name
                return False
        return True

    def _plan(self, stacks: Sequence[Stack]) -> dict[str, Plan]:
        def work(stack: Stack) -> Plan:
            with self.tools.timed(stack, "planning", self.results[stack.name]):
                plan = self.plan_one(stack)
                if plan.is_empty:
                    self.results[stack.name].outputs = self.tools.terraform.outputs(stack)
                return plan

        with self.tools.display.showing(len(stacks)):
            outcomes = run_in_order(stacks, work, jobs=self.tools.jobs, order={})
        return self._settle(outcomes)

    def plan_one(self, stack: Stack) -> Plan:
        """Plans one stack and keeps what the review says of it."""
        self.tools.terraform.init(stack)
        plan = self.tools.terraform.plan(
            stack,
            self.tools.workspace / f"{stack.name}.tfplan",
            listener=lambda message: self.tools.display.hear(stack, message),
        )
        # Only a new resource is known well enough from the stack alone; the full plan costs another start of
        # the provider.
        in_full = any(change.action != "create" for change in plan.changes)
        self._shown[stack.name] = changes_of(plan, self.tools.terraform.show(plan) if in_full else None)
        self.results[stack.name].changes = self._shown[stack.name]
        return plan

    def _guarded(self, changes: Sequence[Change]) -> Taken:
        creations = [change for change in changes if change.action == "create" and change.resource.vm_id is not None]
        if not creations or self.tools.api is None:
            return Taken()
        found = taken(creations, self.tools.api.guests(), self.tools.surroundings.environment)
        if found.foreign:
            raise Refused([foreign_guest(change, who, self.tools.surroundings) for change, who in found.foreign])
        for change in found.unfinished:
            self.tools.display.line(
                change.stack,
                f"{change.resource.label} was left unfinished by an earlier deployment: it is completed",
                "yellow",
            )
        return found

    def _apply(self, stacks: Sequence[Stack], plans: dict[str, Plan], unfinished: Taken) -> None:
        incomplete = {change.stack for change in unfinished.unfinished}

        def work(stack: Stack) -> Outputs:
            with self.tools.timed(stack, "applying", self.results[stack.name]):
                outputs = self.apply_one(plans[stack.name])
                if stack.name in incomplete:
                    outputs = self._complete(stack) or outputs
                return outputs

        with self.tools.display.showing(len(stacks)):
            outcomes = run_in_order(stacks, work, jobs=self.tools.jobs)
        for name, outputs in self._settle(outcomes).items():
            self.results[name].status = "applied"
            self.results[name].outputs = outputs

    def apply_one(self, plan: Plan) -> Outputs:
        """Applies a saved plan, with progress."""
        try:
            return self.tools.terraform.apply(plan, lambda message: self.tools.display.hear(plan.stack, message))
        finally:
            plan.file.unlink(missing_ok=True)

    def _complete(self, stack: Stack) -> Outputs | None:
        """What the provider left out of a guest that it found half-made is an ordinary change for the next plan."""
        plan = self.plan_one(stack)
        if plan.is_empty or any(change.is_loss for change in self._shown[stack.name]):
            return None
        return self.apply_one(plan)

    def _settle(self, outcomes: dict[str, Outcome[Any]]) -> dict[str, Any]:
        values = {}
        for name, outcome in outcomes.items():
            result = self.results[name]
            if outcome.succeeded:
                values[name] = outcome.value
            elif outcome.error is not None:
                interrupted = bool(self.tools.terraform.processes.interruptions)
                result.status = "interrupted" if interrupted else "failed"
                result.diagnoses = self.tools.failures(outcome.error)
            else:
                interrupted = bool(self.tools.terraform.processes.interruptions)
                result.status = "interrupted" if interrupted else "waiting"
                result.waits_for = "" if interrupted else outcome.waits_for
        return values
