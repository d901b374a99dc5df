"""Plans stacks, several at once, and keeps of each what the review reads; or takes plans that were made before."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field

from operations.deployment.changes import changes_of
from operations.deployment.documents import document_of
from operations.deployment.schedule import run_in_order
from operations.deployment.tools import StackResult, Tools
from operations.guest_nodes import follow
from operations.proxmox_api import ProxmoxError
from operations.review import PlanDocument
from operations.saved_plans import SavedPlans
from operations.terraform.stacks import Stack
from operations.terraform.terraform import Plan


@dataclass
class Planner:
    """Makes the plans of one command.

    Attributes:
        tools: what it works with.
        results: what became of each stack; a failure to plan is noted there.
        replacements: addresses of each stack that are to be made anew although nothing about them changes.
        refresh_only: only look for what was changed without Terraform.
        saved: plans that were made and reviewed before, in place of new ones.
        documents: what the review reads about each plan.
    """

    tools: Tools
    results: MutableMapping[str, StackResult]
    replacements: Mapping[str, Sequence[str]] = field(default_factory=dict)
    refresh_only: bool = False
    saved: SavedPlans | None = None
    documents: dict[str, PlanDocument] = field(default_factory=dict)

    def plan(self, stacks: Sequence[Stack]) -> dict[str, Plan]:
        """The plans of those stacks that can be planned, with the outputs of those that nothing changes in."""

        def work(stack: Stack) -> Plan:
            with self.tools.timed(stack, "planning", self.results[stack.name]):
                plan = self.one(stack, self.replacements.get(stack.name, ()))
                if plan.is_empty and not self.refresh_only:
                    self.results[stack.name].outputs = self.tools.terraform.outputs(stack)
                return plan

        with self.tools.display.showing(len(stacks)):
            outcomes = run_in_order(stacks, work, jobs=self.tools.jobs, order={})
        return self.tools.settle(outcomes, self.results)

    def one(self, stack: Stack, replace: Sequence[str] = ()) -> Plan:
        """Plans one stack, or takes its saved plan.

        Raises:
            TerraformError: it can't be planned.
            ReviewError: the plan is in a format that the review can't read.
        """
        if self.saved is None:
            return self.anew(stack, replace)
        self.tools.terraform.init(stack)
        plan, document = self.saved.take(stack, self.tools.terraform, self.tools.workspace)
        return self._noted(plan, document)

    def anew(self, stack: Stack, replace: Sequence[str] = ()) -> Plan:
        """Plans one stack.

        Raises:
            TerraformError: it can't be planned.
            ReviewError: the plan is in a format that the review can't read.
        """
        terraform = self.tools.terraform
        terraform.init(stack)
        self._follow_guests(stack)
        plan = terraform.plan(
            stack,
            self.tools.workspace / f"{stack.name}.tfplan",
            refresh_only=self.refresh_only,
            replace=replace,
            listener=lambda message: self.tools.display.hear(stack, message),
        )
        return self._noted(plan, document_of(plan, terraform))

    def _follow_guests(self, stack: Stack) -> None:
        """Lets the state know where guests are that HA or a person has moved; see `operations.guest_nodes`."""
        if self.tools.api is None or not any(resource.is_guest for resource in stack.resources.values()):
            return
        try:
            guests = self.tools.api.guests()
        except ProxmoxError:
            # The plan asks the same API, and its error is explained better than this one could be.
            return
        for moved in follow(self.tools.terraform, stack, guests, self.tools.workspace):
            self.tools.display.line(stack.name, f"{moved}: noted in the state", "yellow")

    def _noted(self, plan: Plan, document: PlanDocument) -> Plan:
        self.documents[plan.stack.name] = document
        self.results[plan.stack.name].changes = changes_of(plan, document)
        return plan

    def may_plan(self, stack: Stack, *, dry_run: bool) -> bool:
        """Whether what ``stack`` depends on went well; and in a dry run is there. Notes in the result what is not."""
        result = self.results[stack.name]
        for name in stack.dependencies:
            before = self.results.get(name)
            if before is None:
                continue
            if before.diagnoses or before.status == "interrupted" or (before.waits_for and before.status != "later"):
                result.status, result.waits_for = "waiting", before.waits_for or name
                return False
            if dry_run and stack.is_planned_late and before.status in ("planned", "later"):
                result.status, result.waits_for = "later", name
                return False
        return True
