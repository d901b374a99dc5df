"""Deploys the stacks of one environment: plan, review, confirm, apply what was reviewed, see that it answers.

Where to continue is read from the states, from Proxmox and from probes, not from a journal: running the same command
again is always right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from operations.deployment.addresses import conflicts, taken_address
from operations.deployment.changes import Change
from operations.deployment.guard import Taken, foreign_guest, taken
from operations.deployment.leftovers import CONTAINER, FIREWALL_RULES, Engine, existing_rules
from operations.deployment.planning import Planner
from operations.deployment.policy import show_review
from operations.deployment.probes import Failed, Probe, Prober, no_answer, probes_in
from operations.deployment.schedule import StackFailure, batches, held_back, run_in_order
from operations.deployment.tools import Declined, Refused, StackResult, Status, Tools
from operations.diagnosis.diagnosis import Diagnosis
from operations.review import Allowance, Review, Severity, Verdict
from operations.saved_plans import SavedPlans
from operations.terraform.stacks import Stack
from operations.terraform.terraform import Plan

Confirm = Callable[[Review], bool]


@dataclass(frozen=True)
class Replacements:
    """What the command itself was asked to make anew.

    Attributes:
        addresses: what each stack is to replace.
        allowances: what the review lets pass because of that.
    """

    addresses: Mapping[str, Sequence[str]] = field(default_factory=dict)
    allowances: tuple[Allowance, ...] = ()


class Deployment:
    """One run over the stacks of an environment.

    Args:
        confirm: is asked once for each batch, after its review; False ends the deployment.
        replacements: what is to be made anew although the plan would not.
        saved: plans that were made before, which are applied in place of new ones.
    """

    def __init__(
        self,
        tools: Tools,
        confirm: Confirm,
        replacements: Replacements | None = None,
        saved: SavedPlans | None = None,
    ) -> None:
        self.tools = tools
        self.confirm = confirm
        self.replacements = replacements or Replacements()
        self.results: dict[str, StackResult] = {}
        self.reviews: list[Review] = []
        self._planner = Planner(tools, self.results, self.replacements.addresses, saved=saved)

    def run(self, stacks: Sequence[Stack], *, dry_run: bool = False) -> list[StackResult]:
        """Deploys ``stacks``, or plans them only; returns what became of each, in order.

        Raises:
            Refused: a plan can't be applied safely; nothing of its batch was changed.
            Declined: the person said no.
        """
        self.results |= {stack.name: StackResult(stack.name, "waiting") for stack in stacks}
        for batch in batches(stacks):
            self._batch(batch, dry_run=dry_run)
        return [self.results[stack.name] for stack in stacks]

    @property
    def applied(self) -> list[StackResult]:
        """The stacks that were changed so far."""
        return [result for result in self.results.values() if result.status == "applied"]

    def _batch(self, batch: Sequence[Stack], *, dry_run: bool) -> None:
        ready = [stack for stack in batch if self._planner.may_plan(stack, dry_run=dry_run)]
        plans = self._planner.plan(ready)
        going = self._without_failed(ready, plans)
        if not going:
            return
        judged = self._judge(going, self.replacements.allowances)
        self.reviews.append(judged)
        show_review(self.tools.console, judged)
        if refusal := self.tools.policy.refusal(judged):
            raise Refused([refusal])
        unfinished = self._guarded([change for stack in going for change in self.results[stack.name].changes])
        work = [stack for stack in going if not plans[stack.name].is_empty]
        for stack in going:
            self.results[stack.name].status = "planned" if stack in work else "unchanged"
        if dry_run:
            return
        if work and not self.confirm(judged):
            raise Declined
        self._apply(going, plans, unfinished)

    def _judge(self, stacks: Sequence[Stack], requested: Sequence[Allowance] = ()) -> Review:
        return self.tools.policy.judge([self._planner.documents[stack.name] for stack in stacks], requested)

    def _without_failed(self, ready: Sequence[Stack], plans: Mapping[str, Plan]) -> list[Stack]:
        """The stacks to go on with when some can't be planned."""
        failed = {stack.name for stack in ready if stack.name not in plans}
        held = held_back(ready, failed)
        for name, because in held.items():
            result = self.results[name]
            if name not in failed:
                after = any(stack.name == name and because in stack.dependencies for stack in ready)
                result.status, result.waits_for = ("waiting" if after else "held"), because
        if failed and len(held) < len(ready):
            names = ", ".join(name for name in self.results if name in held)
            self.tools.display.note(f"Left out, because it can't be planned or needs what can't: {names}")
        return [stack for stack in ready if stack.name not in held]

    def _guarded(self, changes: Sequence[Change]) -> Taken:
        creations = [change for change in changes if change.action == "create" and change.resource.vm_id is not None]
        if not creations or self.tools.api is None:
            return Taken()
        guests = self.tools.api.guests()
        found = taken(creations, guests, self.tools.surroundings.environment)
        if found.foreign:
            raise Refused([foreign_guest(change, who, self.tools.surroundings) for change, who in found.foreign])
        surroundings = self.tools.surroundings
        if clashes := conflicts(changes, guests, self.tools.api.guest_configuration, surroundings.vm_ids):
            raise Refused([taken_address(clash, surroundings) for clash in clashes])
        for change in found.unfinished:
            self.tools.display.line(
                change.stack,
                f"{change.resource.label} was left unfinished by an earlier deployment: it is completed",
                "yellow",
            )
        return found

    def _apply(self, stacks: Sequence[Stack], plans: Mapping[str, Plan], unfinished: Taken) -> None:
        incomplete = {change.stack for change in unfinished.unfinished}

        def work(stack: Stack) -> Status:
            result, plan = self.results[stack.name], plans[stack.name]
            if plan.is_empty:
                return "applied" if self._see_that_it_answers(stack, may_repeat=True) else "unchanged"
            with self.tools.timed(stack, "applying", result):
                self.apply_one(self._without_leftovers(stack, plan))
                if stack.name in incomplete:
                    self._complete(stack)
            # Outputs that change alone are no script that has run: a file that they are read from is gone, say.
            self._see_that_it_answers(stack, may_repeat=not plan.changes)
            return "applied"

        with self.tools.display.showing(sum(not plan.is_empty for plan in plans.values())):
            outcomes = run_in_order(stacks, work, jobs=self.tools.jobs)
        for name, status in self.tools.settle(outcomes, self.results).items():
            self.results[name].status = status

    def _without_leftovers(self, stack: Stack, plan: Plan) -> Plan:
        """``plan``, or another one where something is there already that a killed deployment has made."""
        result, api = self.results[stack.name], self.tools.api
        if any(change.resource.type == CONTAINER for change in result.changes):
            outputs = {name: value for other in self.results.values() for name, value in other.outputs.values.items()}
            for what in Engine(stack, self.tools.terraform, outputs).remove_leftovers(result.changes):
                self.tools.display.line(stack.name, f"{what} was left unfinished: it is made again", "yellow")
        rules = existing_rules(result.changes, api.guests(), api) if api and _creates_rules(result.changes) else []
        if not rules or self._planner.saved is not None:
            return plan
        plan.file.unlink(missing_ok=True)
        for one in rules:
            self.tools.terraform.take_up(stack, one.resource.address, one.import_id)
            self.tools.display.line(stack.name, f"{one.resource.label} were there already: taken up", "yellow")
        changes = result.changes
        plan = self._planner.anew(stack)
        result.changes = changes
        if refusal := self.tools.policy.refusal(self._judge([stack])):
            raise StackFailure(refusal)
        return plan

    def apply_one(self, plan: Plan) -> None:
        """Applies a saved plan, with progress."""
        try:
            self.results[plan.stack.name].outputs = self.tools.terraform.apply(
                plan, lambda message: self.tools.display.hear(plan.stack, message)
            )
        finally:
            plan.file.unlink(missing_ok=True)

    def _complete(self, stack: Stack) -> None:
        """What the provider left out of a guest that it found half-made is an ordinary change for the next plan."""
        changes = self.results[stack.name].changes
        plan = self._planner.anew(stack)
        self.results[stack.name].changes = changes
        if not plan.is_empty and self._judge([stack]).verdict is not Verdict.BLOCKED:
            self.apply_one(plan)

    def _see_that_it_answers(self, stack: Stack, *, may_repeat: bool) -> bool:
        """Runs the stack's probes; where they fail and scripts may run again, once more after these.

        Returns:
            Whether scripts have run again.

        Raises:
            StackFailure: something does not answer.
        """
        failed = self._try(stack, self._probes(stack))
        addresses = [address for item in failed for address in item.probe.repeat] if may_repeat else []
        repeated = bool(addresses) and self._repeat(stack, addresses)
        if repeated:
            failed = self._try(stack, [item.probe for item in failed])
        if failed:
            raise StackFailure(*(no_answer(item, stack.name, repeated=repeated) for item in failed))
        return repeated

    def _try(self, stack: Stack, probes: Sequence[Probe]) -> list[Failed]:
        prober = Prober(self.tools.terraform.processes, self.tools.terraform.environment, self.tools.root)
        failed = []
        for probe in probes:
            with self.tools.timed(stack, f"waiting for {probe.name}", self.results[stack.name], counts=False):
                failed += [found] if (found := prober.run(probe)) else []
        return failed

    def _probes(self, stack: Stack) -> list[Probe]:
        try:
            return probes_in(self.results[stack.name].outputs.values)
        except (ValueError, TypeError, AttributeError) as error:
            raise StackFailure(
                Diagnosis("probe_malformed", f"the output probes of {stack.name} is not what it should be", str(error))
            ) from None

    def _repeat(self, stack: Stack, addresses: Sequence[str]) -> bool:
        """Runs the scripts at ``addresses`` again, as long as that does nothing else of consequence."""
        self.tools.display.line(stack.name, "does not answer although nothing has changed: its scripts run again")
        with self.tools.timed(stack, "running its scripts again", self.results[stack.name], counts=False):
            plan = self._planner.anew(stack, addresses)
            judged = self._judge([stack])
            dangers = (Severity.BLOCKED, Severity.DANGER)
            if judged.verdict is Verdict.BLOCKED or any(finding.severity in dangers for finding in judged.findings):
                return False
            self.apply_one(plan)
        return True


def _creates_rules(changes: Sequence[Change]) -> bool:
    return any(change.resource.type == FIREWALL_RULES and change.action == "create" for change in changes)
