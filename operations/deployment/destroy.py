"""Destroys what an environment made, in the reverse order; what is protected stays unless it is told otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from operations.deployment.backup import BackupError, Backups, Target, not_saved
from operations.deployment.changes import Change, changes_of
from operations.deployment.documents import document_of
from operations.deployment.holdings import Data, Holdings, holdings, left_out_of_backups, protection_lifted
from operations.deployment.policy import show_review
from operations.deployment.schedule import Outcome, StackFailure, reversed_order, run_in_order
from operations.deployment.tools import Declined, Refused, StackResult, Tools
from operations.diagnosis.diagnosis import Diagnosis
from operations.review import PlanDocument, Review, Severity, Verdict
from operations.review.guests import CONTAINER
from operations.terraform.stacks import Resource, Stack
from operations.terraform.terraform import Plan, TerraformError

Confirm = Callable[[Review, Sequence[Data]], bool]


class Destruction:
    """One run over stacks to destroy.

    The review is shown and blocks nothing: everything that goes was asked for, protected things by an option of their
    own and what holds data by its name.

    Args:
        confirm: is asked once, after the review, with what holds data; False ends it with nothing changed.
        include_protected: destroy templates and protected guests too.
        backups: save every guest before anything is destroyed; None saves nothing.
        backup_to: the datastore for that; the one with the most room when empty.
    """

    def __init__(
        self,
        tools: Tools,
        confirm: Confirm,
        *,
        include_protected: bool = False,
        backups: Backups | None = None,
        backup_to: str = "",
    ) -> None:
        self.tools = tools
        self.confirm = confirm
        self.include_protected = include_protected
        self.backups = backups
        self.backup_to = backup_to
        self.results: dict[str, StackResult] = {}
        self._held: dict[str, Holdings] = {}
        self._documents: dict[str, PlanDocument] = {}

    def run(self, stacks: Sequence[Stack], everything: Sequence[Stack], *, dry_run: bool = False) -> list[StackResult]:
        """Destroys ``stacks`` out of ``everything``; returns what became of each, in the order of destruction.

        Raises:
            Refused: a stack that stays depends on one of them.
            Declined: the person said no.
        """
        if not self.include_protected:
            return self._run(stacks, everything, dry_run=dry_run)
        with protection_lifted(stacks) as lifted:
            return self._run(lifted, everything, dry_run=dry_run)

    def _run(self, stacks: Sequence[Stack], everything: Sequence[Stack], *, dry_run: bool) -> list[StackResult]:
        self.results = {stack.name: StackResult(stack.name, "waiting") for stack in stacks}
        ordered = [self.results[stack.name] for stack in reversed(stacks)]
        if not self._look(stacks, everything):
            return ordered
        self._keep(stacks)
        work = [stack for stack in stacks if self.results[stack.name].status == "waiting"]
        plans = self.tools.settle(self._each(work, "planning", self._plan, order={}), self.results)
        judged = self._judge()
        show_review(self.tools.console, judged)
        if len(plans) < len(work) or dry_run or not work:
            for stack in work if dry_run else ():
                if stack.name in plans:
                    self.results[stack.name].status = "planned"
            return ordered
        if not self.confirm(judged, [data for stack in work for data in self._held[stack.name].data]):
            raise Declined
        unsaved = self._save(work)

        def destroy(stack: Stack) -> bool:
            if stack.name in unsaved:
                raise StackFailure(*unsaved[stack.name])
            return self._destroy(plans[stack.name])

        done = self.tools.settle(self._each(work, "destroying", destroy, order=reversed_order(work)), self.results)
        for name in done:
            self.results[name].status = "destroyed"
        return ordered

    def _judge(self) -> Review:
        """The review of what goes, in which nothing is blocked."""
        judged = self.tools.policy.judge(list(self._documents.values()))
        findings = tuple(
            replace(finding, severity=Severity.DANGER) if finding.severity is Severity.BLOCKED else finding
            for finding in judged.findings
        )
        verdict = Verdict.CHANGES if judged.verdict is Verdict.BLOCKED else judged.verdict
        return replace(judged, verdict=verdict, findings=findings)

    def _save(self, stacks: Sequence[Stack]) -> dict[str, list[Diagnosis]]:
        """Backs every guest up; returns the stacks that have to stay because something of them was not saved.

        What runs in a guest goes with it: a stack that depends on one with an unsaved guest, such as that of Docker
        volumes in a container, stays too.
        """
        if self.backups is None:
            return {}
        outcomes = self._each(stacks, "backing up", self._save_one, order={})
        self.tools.settle(outcomes, self.results)
        unsaved: dict[str, list[Diagnosis]] = {}
        for stack in stacks:
            own = self.results[stack.name].diagnoses
            below = [item for name in stack.dependencies for item in unsaved.get(name, [])]
            if own or below:
                unsaved[stack.name] = own or below
        return unsaved

    def _save_one(self, stack: Stack) -> bool:
        held = self._held[stack.name]
        failures = []
        for change in self.results[stack.name].changes:
            values = held.values.get(change.resource.address, {})
            if change.action != "delete" or not change.resource.is_guest or values.get("template"):
                continue
            try:
                self._save_guest(stack, change.resource, values)
            except BackupError as error:
                failures.append(not_saved(change.resource.label, stack.name, str(error)))
        if failures:
            raise StackFailure(*failures)
        return True

    def _save_guest(self, stack: Stack, guest: Resource, values: Mapping[str, Any]) -> None:
        if left_out := left_out_of_backups(guest.type, values):
            names = ", ".join(disk.label for disk in left_out)
            raise BackupError(f"{names} {'is' if len(left_out) == 1 else 'are'} not part of backups (backup: false)")
        if self.backups is not None:
            kind = "lxc" if guest.type == CONTAINER else "qemu"
            target = Target(str(values["node_name"]), kind, int(values["vm_id"]))
            backup = self.backups.save(target, self.backup_to)
            self.results[stack.name].backups.append(backup.volume)
            self.tools.display.line(stack.name, f"saved {guest.label}: {backup.volume}")

    def _look(self, stacks: Sequence[Stack], everything: Sequence[Stack]) -> bool:
        chosen = {stack.name for stack in stacks}
        others = [stack for stack in everything if stack.name not in chosen and chosen.intersection(stack.dependencies)]
        for stack in others:
            self.results[stack.name] = StackResult(stack.name, "waiting")
        found = self.tools.settle(self._each([*stacks, *others], "reading", self._read, order={}), self.results)
        self._held = found
        remaining = [stack for stack in others if stack.name in found and found[stack.name].resources]
        for stack in others:
            # Only looked at: not part of what is asked for.
            failed = self.results.pop(stack.name)
            if failed.diagnoses:
                self.results[stack.name] = failed
        if remaining:
            raise Refused([_still_needed(stack, chosen) for stack in remaining])
        return len(found) == len(stacks) + len(others)

    def _read(self, stack: Stack) -> Holdings:
        self.tools.terraform.init(stack)
        return holdings(stack, self.tools.terraform.state(stack), include_protected=self.include_protected)

    def _keep(self, stacks: Sequence[Stack]) -> None:
        """Settles which stacks stay: empty ones, and those that what stays elsewhere depends on."""
        needed: set[str] = set()
        for stack in reversed(stacks):
            held, result = self._held[stack.name], self.results[stack.name]
            if not held.resources:
                result.status = "unchanged"
            elif stack.name in needed or not set(held.resources) - held.kept:
                result.status = "kept"
            if held.resources and (held.kept or stack.name in needed):
                needed.update(stack.dependencies)

    @property
    def kept(self) -> list[tuple[str, Resource]]:
        """The protected guests and templates that stay, with their stacks."""
        return [(name, resource) for name, held in self._held.items() if held.kept for resource in held.protected]

    def _plan(self, stack: Stack) -> Plan:
        held = self._held[stack.name]
        plan = self.tools.terraform.plan(
            stack, self.tools.workspace / f"{stack.name}.tfplan", destroy=True, targets=held.targets
        )
        document = document_of(plan, self.tools.terraform)
        labels = {address: resource.label for address, resource in held.resources.items()}
        self._documents[stack.name] = replace(document, labels=labels)
        self.results[stack.name].changes = [
            Change(stack.name, held.resources.get(change.resource.address, change.resource), change.action)
            for change in changes_of(plan, document)
        ]
        return plan

    def _destroy(self, plan: Plan) -> bool:
        stack = plan.stack
        held = self._held[stack.name]
        protected = [resource for resource in held.protected if resource.address in stack.resources]
        if self.include_protected and protected:
            self._lift(stack, protected)
            plan = self._plan(stack)
        try:
            self.tools.terraform.apply(plan, lambda message: self.tools.display.hear(stack, message))
        finally:
            plan.file.unlink(missing_ok=True)
        return True

    def _lift(self, stack: Stack, protected: Sequence[Resource]) -> None:
        """Takes Proxmox's own protection off; Terraform's is gone from the synthesized files already."""
        addresses = [resource.address for resource in protected]
        plan = self.tools.terraform.plan(stack, self.tools.workspace / f"{stack.name}-lift.tfplan", targets=addresses)
        try:
            other = [
                change
                for change in plan.changes
                if change.action not in ("update", "delete") or change.address not in addresses
            ]
            if other:
                words = ", ".join(f"{change.action} {stack.resource(change.address).label}" for change in other)
                raise TerraformError(
                    stack.name,
                    "destroy",
                    (),
                    f"lifting the protection would also {words}: deploy first, so that state and file agree",
                    1,
                )
            if plan.changes:
                self.tools.terraform.apply(plan)
        finally:
            plan.file.unlink(missing_ok=True)

    def _each(
        self, stacks: Sequence[Stack], step: str, work: Callable[[Stack], Any], *, order: Mapping[str, list[str]]
    ) -> dict[str, Outcome[Any]]:
        def timed(stack: Stack) -> Any:
            with self.tools.timed(stack, step, self.results[stack.name]):
                return work(stack)

        with self.tools.display.showing(len(stacks)):
            return run_in_order(stacks, timed, jobs=self.tools.jobs, order=order)


def _still_needed(stack: Stack, chosen: set[str]) -> Diagnosis:
    needed = ", ".join(sorted(chosen.intersection(stack.dependencies)))
    return Diagnosis(
        "still_needed",
        f"{needed} can't be destroyed: {stack.name} depends on it and still has resources",
        fix=(f"destroy {stack.name} first, or name both",),
    )
