"""``homelab deploy`` and ``homelab destroy`` from their beginning to their exit code."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

from operations.deployment import Declined, Deployment, Refused, StackResult
from operations.deployment_destroy import Destruction
from operations.deployment_report import (
    Guest,
    as_json,
    guests_of,
    next_steps,
    show_diagnosis,
    show_failures,
    show_guests,
    show_outputs,
    show_results,
)
from operations.deployment_review import Change
from operations.deployment_session import Session, failed
from operations.deployment_synthesis import Orphan, orphaned_stack
from operations.diagnosis import Diagnosis
from operations.preflight import Check, Status
from operations.proxmox_api import ProxmoxError
from operations.terraform_process import Interrupted
from operations.terraform_stacks import Stack, StackError, select_stacks

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

Confirm = Callable[[Sequence[Change]], bool]


def deploy(
    session: Session, patterns: Sequence[str], *, confirm: Confirm, dry_run: bool = False, json_to: TextIO | None = None
) -> int:
    """Deploys the stacks that ``patterns`` name, or plans them only; returns the exit code.

    Args:
        confirm: is asked after the review.
        json_to: gets one JSON document at the end, in place of the summary.
    """
    started = time.monotonic()
    report = _Report(session, "deploy", json_to=json_to)
    try:
        chosen = _with_missing_foundations(session, select_stacks(session.stacks, patterns, session.environment.name))
    except StackError as error:
        return report.usage(str(error))
    report.heading(
        f"{session.environment.name}: {len(chosen)} of {len(session.stacks)} stacks, "
        f"{session.environment.proxmox.endpoint}"
    )
    for orphan in session.orphans:
        report.warn(_about(orphan, session.environment.name))
    if (code := report.preflight(session.preflight())) is not None:
        return code
    deployment = Deployment(session.tools, confirm)
    refusal: Sequence[Diagnosis] = ()
    try:
        deployment.run(chosen, dry_run=dry_run)
    except Declined:
        return report.end(
            deployment.applied,
            "Nothing more was changed." if deployment.applied else "Nothing was changed.",
            code=EXIT_FAILED,
        )
    except Refused as error:
        refusal = error.diagnoses
    except Interrupted:
        pass
    results = deployment.applied if refusal else list(deployment.results.values())
    code = _code(session, results, refusal)
    if code == EXIT_OK and not dry_run:
        return report.deployed(results, time.monotonic() - started)
    return report.end(
        results, _closing(session, results, patterns, dry_run=dry_run, refused=bool(refusal)), code=code, errors=refusal
    )


def destroy(
    session: Session,
    patterns: Sequence[str],
    *,
    confirm: Confirm,
    include_protected: bool = False,
    dry_run: bool = False,
    json_to: TextIO | None = None,
) -> int:
    """Destroys the stacks that ``patterns`` name, also those that no file defines any more; returns the exit code."""
    report = _Report(session, "destroy", json_to=json_to)
    sibling = next((stack for stack in session.stacks if stack.state_file is not None), None)
    lost = [orphaned_stack(orphan, sibling) for orphan in session.orphans] if sibling else []
    everything = [*session.stacks, *lost]
    try:
        chosen = select_stacks(everything, patterns, session.environment.name)
    except StackError as error:
        return report.usage(str(error))
    report.heading(
        f"{session.environment.name}: destroying {len(chosen)} of {len(everything)} stacks, "
        f"{session.environment.proxmox.endpoint}"
    )
    # What is to go need not be as the file says; only the way to it must be open.
    checks = [check for check in session.preflight() if check.name in ("credentials", "connection", "login", "version")]
    if (code := report.preflight(checks)) is not None:
        return code
    destruction = Destruction(session.tools, confirm, include_protected=include_protected)
    refusal: Sequence[Diagnosis] = ()
    try:
        destruction.run(chosen, everything, dry_run=dry_run)
    except Declined:
        return report.end([], "Nothing was destroyed.", code=EXIT_FAILED)
    except Refused as error:
        refusal = error.diagnoses
    except Interrupted:
        pass
    results = [] if refusal else list(destruction.results.values())[::-1]
    if destruction.kept and not refusal:
        names = ", ".join(resource.label for _, resource in destruction.kept)
        report.warn(
            f"Kept, because it is protected: {names}, and what it needs.\n"
            f"    fix:      homelab destroy --environment {session.environment.name} --include-protected"
        )
    code = _code(session, results, refusal)
    closing = (
        "The plan destroys this; nothing was changed."
        if dry_run
        else ""
        if code
        else "Everything that was to go is gone."
    )
    return report.end(results, closing, code=code, errors=refusal)


def _with_missing_foundations(session: Session, chosen: Sequence[Stack]) -> list[Stack]:
    """``chosen`` and those that it depends on and that have no state yet."""
    names = {stack.name for stack in chosen}
    for stack in reversed(session.stacks):
        needed = any(stack.name in other.dependencies for other in session.stacks if other.name in names)
        if needed and stack.name not in names and stack.state_file is not None and not stack.state_file.exists():
            session.progress.print(
                f"{stack.name} is deployed too: it is depended on and not there yet.", highlight=False, soft_wrap=True
            )
            names.add(stack.name)
    return [stack for stack in session.stacks if stack.name in names]


def _code(session: Session, results: Sequence[StackResult], refusal: Sequence[Diagnosis]) -> int:
    if session.processes.interruptions:
        return EXIT_INTERRUPTED
    return EXIT_FAILED if refusal or any(result.status in ("failed", "waiting") for result in results) else EXIT_OK


def _closing(
    session: Session, results: Sequence[StackResult], patterns: Sequence[str], *, dry_run: bool, refused: bool
) -> str:
    command = " ".join(["homelab deploy", *patterns, f"--environment {session.environment.name}"])
    if session.processes.interruptions:
        return f"Stopped. What was made is in the state; continue with: {command}"
    if refused and not results:
        return "Nothing was changed."
    if refused or any(result.status in ("failed", "waiting") for result in results):
        return f"What was done until then is in the state. When the cause is mended, continue with: {command}"
    if dry_run and any(result.status == "planned" for result in results):
        return f"This is what would be done; nothing was changed. To do it: {command}"
    return "No changes: Proxmox is as the file says." if dry_run else ""


def _closing_of_destruction(results: Sequence[StackResult], code: int, *, dry_run: bool) -> str:
    if code == EXIT_INTERRUPTED:
        return "Stopped. What is gone is gone; run the same command again to continue."
    if code:
        return "What is left is in the state; when the cause is mended, run the same command again."
    if dry_run:
        return "This is what would be destroyed; nothing was changed."
    if any(result.status == "destroyed" for result in results):
        return "Everything that was to go is gone."
    return "There was nothing to destroy."


def _about(orphan: Orphan, environment: str) -> str:
    if orphan.resources is None:
        return f"{orphan.name} is no longer in the environment file, and its state can't be read: {orphan.state}"
    guests = f": {', '.join(orphan.guests)}" if orphan.guests else ""
    count = "one resource" if orphan.resources == 1 else f"{orphan.resources} resources"
    return (
        f"{orphan.name} is no longer in the environment file, but its state has {count}{guests}.\n"
        f"    fix:      homelab destroy {orphan.name} --environment {environment}   (or put its guests back)"
    )


class _Report:
    """Prints for people, or collects for machines."""

    def __init__(self, session: Session, command: str, *, json_to: TextIO | None) -> None:
        self.session = session
        self.command = command
        self.json_to = json_to

    def heading(self, text: str) -> None:
        self.session.progress.print(text, style="bold", highlight=False, soft_wrap=True)

    def warn(self, text: str) -> None:
        self.session.progress.print(f"\nwarning: {text}", style="yellow", highlight=False, soft_wrap=True, markup=False)

    def usage(self, text: str) -> int:
        self.session.progress.print(f"error: {text}", style="red", highlight=False, soft_wrap=True, markup=False)
        return EXIT_USAGE

    def preflight(self, checks: Sequence[Check]) -> int | None:
        """Shows what is not in order; an exit code when that keeps the command from going on."""
        for check in checks:
            if check.status is Status.WARNING:
                self.warn(check.message)
        if not failed(checks):
            return None
        errors = [
            Diagnosis(f"preflight_{check.name}", check.message, fix=check.fix)
            for check in checks
            if check.status is Status.FAILED
        ]
        return self.end([], "Nothing was changed. `homelab doctor` checks everything.", code=EXIT_FAILED, errors=errors)

    def deployed(self, results: Sequence[StackResult], seconds: float) -> int:
        """The summary of a deployment that went well."""
        there: Mapping[int, Mapping[str, Any]] | None = None
        try:
            there = self.session.api.guests() if self.session.api else None
        except ProxmoxError as error:
            self.warn(f"Proxmox could not be asked how the guests are: {error}")
        guests = guests_of(results, there)
        missing = [guest for guest in guests if guest.status == "missing"]
        errors = [
            Diagnosis(
                "guest_missing",
                f"{guest.kind} {guest.name} ({guest.vm_id}) is in the state and not on the node",
                fix=("run the command again: the next plan makes it anew",),
            )
            for guest in missing
        ]
        if errors:
            return self.end(results, "", code=EXIT_FAILED, errors=errors, guests=guests)
        steps = "\n".join(f"  {step}" for step in next_steps(self.session.environment.name, guests))
        changed = sum(1 for result in results if result.status == "applied")
        what = f"Deployed in {seconds:.0f} s." if changed else "No changes: Proxmox is as the file says."
        return self.end(results, f"{what} Next:\n{steps}", guests=guests)

    def end(
        self,
        results: Sequence[StackResult],
        closing: str,
        *,
        code: int = EXIT_OK,
        errors: Sequence[Diagnosis] = (),
        guests: Sequence[Guest] = (),
    ) -> int:
        """The end of every command."""
        session = self.session
        if self.json_to is not None:
            document = as_json(self.command, session.environment.name, results, guests, errors=errors, code=code)
            self.json_to.write(json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n")
            return code
        if results:
            session.console.print()
            show_results(session.console, results)
        show_guests(session.console, guests)
        if guests:
            show_outputs(session.console, results, session.environment.name)
        for item in errors:
            show_diagnosis(session.progress, item, verbose=session.settings.verbose)
        show_failures(session.progress, results, verbose=session.settings.verbose)
        if closing:
            session.console.print(f"\n{closing}", highlight=False, soft_wrap=True, markup=False)
        return code
