"""Destroys what an environment made, in the reverse order; what is protected stays unless it is told otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from operations.deployment import Declined, Refused, StackResult, Tools
from operations.deployment_review import Change, changes_of, show_review
from operations.deployment_schedule import reversed_order, run_in_order
from operations.diagnosis import Diagnosis
from operations.terraform import Plan, TerraformError
from operations.terraform_stacks import Resource, Stack


@dataclass(frozen=True)
class Holdings:
    """What the state of a stack has, and what of it must stay."""

    stack: Stack
    resources: Mapping[str, Resource] = field(default_factory=dict)
    protected: tuple[Resource, ...] = ()
    kept: frozenset[str] = frozenset()
    """Addresses that stay: what is protected, what belongs to it, and what it depends on."""

    @property
    def targets(self) -> list[str]:
        """What is destroyed when something is kept; empty means everything."""
        return sorted(set(self.resources) - self.kept) if self.kept else []


def holdings(stack: Stack, state: Mapping[str, Any], *, include_protected: bool) -> Holdings:
    """Reads the state, as ``terraform show -json`` gives it."""
    entries = [
        entry for entry in _entries(state.get("values", {}).get("root_module", {})) if entry.get("mode") == "managed"
    ]
    resources = {entry["address"]: stack.resource(entry["address"], entry.get("values")) for entry in entries}
    protected = tuple(
        resources[entry["address"]]
        for entry in entries
        if resources[entry["address"]].prevents_destroy or (entry.get("values") or {}).get("protection") is True
    )
    if include_protected:
        return Holdings(stack, resources, protected)
    constructs = {resource.construct for resource in protected}
    kept = {address for address, resource in resources.items() if resource.construct in constructs}
    for entry in entries:
        if entry["address"] in kept:
            kept.update(address for address in resources if address.partition("[")[0] in entry.get("depends_on", ()))
    return Holdings(stack, resources, protected, frozenset(kept))


def _entries(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from module.get("resources", ())
    for child in module.get("child_modules", ()):
        yield from _entries(child)


@contextmanager
def protection_lifted(stacks: Sequence[Stack]) -> Iterator[list[Stack]]:
    """The same stacks without ``prevent_destroy`` and ``protection``; afterwards the files are as before."""
    originals = {stack: (stack.folder / "cdk.tf.json").read_text(encoding="utf-8") for stack in stacks}
    try:
        for stack, text in originals.items():
            configuration = json.loads(text)
            for instances in configuration.get("resource", {}).values():
                for arguments in instances.values():
                    arguments.get("lifecycle", {}).pop("prevent_destroy", None)
                    if arguments.get("protection"):
                        arguments["protection"] = False
            (stack.folder / "cdk.tf.json").write_text(json.dumps(configuration, indent=2), encoding="utf-8")
        yield [Stack(stack.name, stack.folder, stack.dependencies) for stack in stacks]
    finally:
        for stack, text in originals.items():
            (stack.folder / "cdk.tf.json").write_text(text, encoding="utf-8")


class Destruction:
    """One run over stacks to destroy.

    Args:
        confirm: is asked once, after the review; False ends it with nothing changed.
        include_protected: destroy templates and protected guests too.
    """

    def __init__(
        self, tools: Tools, confirm: Callable[[Sequence[Change]], bool], *, include_protected: bool = False
    ) -> None:
        self.tools = tools
        self.confirm = confirm
        self.include_protected = include_protected
        self.results: dict[str, StackResult] = {}
        self._held: dict[str, Holdings] = {}

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
        plans = self._settle(self._each(work, "planning", self._plan, order={}))
        changes = [change for stack in work for change in self.results[stack.name].changes]
        show_review(self.tools.console, changes, stacks=[stack.name for stack in work])
        if len(plans) < len(work) or dry_run or not work:
            for stack in work if dry_run else ():
                if stack.name in plans:
                    self.results[stack.name].status = "planned"
            return ordered
        if not self.confirm(changes):
            raise Declined
        done = self._settle(
            self._each(work, "destroying", lambda stack: self._destroy(plans[stack.name]), order=reversed_order(work))
        )
        for name in done:
            self.results[name].status = "destroyed"
        return ordered

    def _look(self, stacks: Sequence[Stack], everything: Sequence[Stack]) -> bool:
        chosen = {stack.name for stack in stacks}
        others = [stack for stack in everything if stack.name not in chosen and chosen.intersection(stack.dependencies)]
        for stack in others:
            self.results[stack.name] = StackResult(stack.name, "waiting")
        found = self._settle(self._each([*stacks, *others], "reading", self._read, order={}))
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
        self.results[stack.name].changes = [
            Change(stack.name, held.resources.get(change.resource.address, change.resource), change.action)
            for change in changes_of(plan, self.tools.terraform.show(plan))
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
    ) -> dict[str, Any]:
        def timed(stack: Stack) -> Any:
            with self.tools.timed(stack, step, self.results[stack.name]):
                return work(stack)

        with self.tools.display.showing(len(stacks)):
            return run_in_order(stacks, timed, jobs=self.tools.jobs, order=order)

    def _settle(self, outcomes: dict[str, Any]) -> dict[str, Any]:
        values = {}
        interrupted = bool(self.tools.terraform.processes.interruptions)
        for name, outcome in outcomes.items():
            result = self.results[name]
            if outcome.succeeded:
                values[name] = outcome.value
            elif outcome.error is not None:
                result.status = "interrupted" if interrupted else "failed"
                result.diagnoses = self.tools.failures(outcome.error)
            else:
                result.waits_for = "" if interrupted else outcome.waits_for
                result.status = "interrupted" if interrupted else "waiting"
        return values


def _still_needed(stack: Stack, chosen: set[str]) -> Diagnosis:
    needed = ", ".join(sorted(chosen.intersection(stack.dependencies)))
    return Diagnosis(
        "still_needed",
        f"{needed} can't be destroyed: {stack.name} depends on it and still has resources",
        fix=(f"destroy {stack.name} first, or name both",),
    )
