"""``homelab deploy`` and ``homelab destroy`` from their beginning to their exit code."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from operations.deployment.backup import Backups
from operations.deployment.deployment import Confirm, Deployment, Replacements
from operations.deployment.destroy import Confirm as ConfirmDestruction
from operations.deployment.destroy import Destruction
from operations.deployment.ending import EXIT_FAILED, EXIT_OK, Report, code_of
from operations.deployment.platforms import Range, phase_of, select_stacks
from operations.deployment.session import Session
from operations.deployment.synthesis import Orphan, orphaned_stack
from operations.deployment.tools import Declined, Refused, StackResult
from operations.diagnosis.diagnosis import Diagnosis
from operations.review import ReviewError
from operations.saved_plans import SavedPlansError, read_saved_plans
from operations.terraform.process import Interrupted
from operations.terraform.stacks import Stack, StackError


def deploy(
    session: Session,
    words: Sequence[str],
    *,
    confirm: Confirm,
    part: Range | None = None,
    replacements: Replacements | None = None,
    plans: Path | None = None,
    again: str = "",
    dry_run: bool = False,
    json_to: TextIO | None = None,
) -> int:
    """Deploys the platforms and stacks that ``words`` name, or plans them only; returns the exit code.

    Args:
        confirm: is asked after each review.
        part: which phases of the one platform that ``words`` name.
        replacements: what is to be made anew although the plan would not.
        plans: a folder with saved plans, which are applied in place of new ones.
        again: the command that continues, where it is another one than these words make.
        json_to: gets one JSON document at the end, in place of the summary.
    """
    started = time.monotonic()
    part = part or Range()
    report = Report(session, "deploy", json_to=json_to)
    try:
        saved = read_saved_plans(plans, session.environment.name) if plans else None
        chosen = select_stacks(session.stacks, words, session.environment.name, part)
        if saved is None:
            chosen = _with_missing_foundations(session, chosen)
        else:
            chosen = [stack for stack in chosen if stack.name in saved.digests]
    except (StackError, SavedPlansError) as error:
        return report.usage(str(error))
    report.heading(
        f"{session.environment.name}: {len(chosen)} of {len(session.stacks)} stacks, "
        f"{session.environment.proxmox.endpoint}"
    )
    for orphan in session.orphans:
        report.warn(_about(orphan, session.environment.name))
    if (code := report.preflight(session.preflight(chosen))) is not None:
        return code
    deployment = Deployment(session.tools, confirm, replacements, saved)
    report.reviews = deployment.reviews
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
    except ReviewError as error:
        refusal = [Diagnosis("not_reviewed", f"a plan can't be reviewed, so it is not applied: {error}")]
    except Interrupted:
        pass
    results = deployment.applied if refusal else list(deployment.results.values())
    code = code_of(session, results, refusal)
    if code == EXIT_OK and not dry_run:
        return report.deployed(results, time.monotonic() - started)
    command = again or _command_to_continue(session, list(deployment.results.values()), words, part)
    command += (
        f" --plans {plans}   (of what was not applied; else make them again: homelab review --save)" if plans else ""
    )
    closing = _closing(session, results, command, dry_run=dry_run, refused=bool(refusal))
    return report.end(results, closing, code=code, errors=refusal)


def destroy(
    session: Session,
    words: Sequence[str],
    *,
    confirm: ConfirmDestruction,
    include_protected: bool = False,
    backup: bool = False,
    backup_to: str = "",
    dry_run: bool = False,
    json_to: TextIO | None = None,
) -> int:
    """Destroys the stacks that ``words`` name, also those that no file defines any more; returns the exit code.

    Args:
        confirm: is asked after the review, with what holds data.
        backup: save every guest first, to ``backup_to`` where that is not empty.
    """
    report = Report(session, "destroy", json_to=json_to)
    sibling = next((stack for stack in session.stacks if stack.state_file is not None), None)
    lost = [orphaned_stack(orphan, sibling) for orphan in session.orphans] if sibling else []
    everything = [*session.stacks, *lost]
    try:
        chosen = select_stacks(everything, words, session.environment.name)
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
    backups = Backups(session.api, session.processes.stop_if_interrupted) if backup and session.api else None
    destruction = Destruction(
        session.tools, confirm, include_protected=include_protected, backups=backups, backup_to=backup_to
    )
    refusal: Sequence[Diagnosis] = ()
    try:
        destruction.run(chosen, everything, dry_run=dry_run)
    except Declined:
        return report.end([], "Nothing was destroyed.", code=EXIT_FAILED)
    except Refused as error:
        refusal = error.diagnoses
    except ReviewError as error:
        refusal = [Diagnosis("not_reviewed", f"a plan can't be reviewed, so nothing is destroyed: {error}")]
    except Interrupted:
        pass
    results = [] if refusal else list(destruction.results.values())[::-1]
    if destruction.kept and not refusal:
        names = ", ".join(resource.label for _, resource in destruction.kept)
        report.warn(
            f"Kept, because it is protected: {names}, and what it needs.\n"
            f"    fix:      homelab destroy --environment {session.environment.name} --include-protected"
        )
    code = code_of(session, results, refusal)
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


def _command_to_continue(session: Session, results: Sequence[StackResult], words: Sequence[str], part: Range) -> str:
    """The command that goes on where a deployment stopped: for a platform from the phase that it stopped in."""
    environment = session.environment.name
    options = part.options
    stopped = next((result for result in results if result.status in ("failed", "interrupted", "waiting")), None)
    stack = next((stack for stack in session.stacks if stopped and stack.name == stopped.name), None)
    if stack is not None and len(words) == 1:
        platform, phase = phase_of(stack, environment)
        if platform == words[0] and phase:
            options = Range(phase, part.last).options
    return " ".join(["homelab deploy", *words, f"--environment {environment}{options}"])


def _closing(session: Session, results: Sequence[StackResult], command: str, *, dry_run: bool, refused: bool) -> str:
    if session.processes.interruptions:
        return f"Stopped. What was made is in the state; continue with: {command}"
    if refused and not results:
        return "Nothing was changed."
    if refused or any(result.status in ("failed", "waiting", "held") for result in results):
        return f"What was done until then is in the state. When the cause is mended, continue with: {command}"
    if dry_run and any(result.status == "planned" for result in results):
        return f"This is what would be done; nothing was changed. To do it: {command}"
    return "No changes: Proxmox is as the file says." if dry_run else ""


def _about(orphan: Orphan, environment: str) -> str:
    if orphan.resources is None:
        return f"{orphan.name} is no longer in the environment file, and its state can't be read: {orphan.state}"
    guests = f": {', '.join(orphan.guests)}" if orphan.guests else ""
    count = "one resource" if orphan.resources == 1 else f"{orphan.resources} resources"
    return (
        f"{orphan.name} is no longer in the environment file, but its state has {count}{guests}.\n"
        f"    fix:      homelab destroy {orphan.name} --environment {environment}   (or put its guests back)"
    )
