"""What a command that changes Proxmox prints, for people or as one document, and what it ends with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from operations.deployment.advice import key_backup_problem
from operations.deployment.report import (
    Guest,
    as_json,
    guests_of,
    next_steps,
    pages_of,
    show_diagnosis,
    show_failures,
    show_guests,
    show_outputs,
    show_pages,
    show_results,
)
from operations.deployment.session import Session, failed
from operations.deployment.tools import StackResult
from operations.diagnosis.diagnosis import Diagnosis
from operations.preflight.preflight import Check, Status
from operations.proxmox_api import ProxmoxError
from operations.review import Review

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_BLOCKED = 3
EXIT_INTERRUPTED = 130


def code_of(session: Session, results: Sequence[StackResult], refusal: Sequence[Diagnosis]) -> int:
    """The exit code of what became of the stacks, and of why it went no further."""
    if session.processes.interruptions:
        return EXIT_INTERRUPTED
    if any(item.kind == "blocked" for item in refusal):
        return EXIT_BLOCKED
    unfinished = ("failed", "waiting", "held")
    return EXIT_FAILED if refusal or any(result.status in unfinished for result in results) else EXIT_OK


class Report:
    """Prints for people, or collects for machines."""

    def __init__(self, session: Session, command: str, *, json_to: TextIO | None) -> None:
        self.session = session
        self.command = command
        self.json_to = json_to
        self.reviews: list[Review] = []

    def heading(self, text: str) -> None:
        """What is about to be done."""
        self.session.progress.print(text, style="bold", highlight=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """Something to know before a question is answered."""
        self.session.progress.print(text, highlight=False, soft_wrap=True, markup=False)

    def warn(self, text: str) -> None:
        """Something that keeps nothing from going on."""
        self.session.progress.print(f"\nwarning: {text}", style="yellow", highlight=False, soft_wrap=True, markup=False)

    def usage(self, text: str) -> int:
        """The end of a command that was called wrongly."""
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
        terraform, root = self.session.tools.terraform, self.session.settings.root
        if problem := key_backup_problem(results, self.session.processes, terraform.environment, root):
            self.warn(
                f"{problem}\n    why:      without the encryption key every secret is lost with its host"
                '\n    fix:      docs/bootstrap.md, "backup-keys"'
            )
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
            document = as_json(
                self.command, session.environment.name, results, guests, errors=errors, reviews=self.reviews, code=code
            )
            self.json_to.write(json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n")
            return code
        if results:
            session.console.print()
            show_results(session.console, results)
        show_guests(session.console, guests)
        show_pages(session.console, pages_of(results))
        if guests:
            show_outputs(session.console, results, session.environment.name)
        for item in errors:
            show_diagnosis(session.progress, item, verbose=session.settings.verbose)
        show_failures(session.progress, results, verbose=session.settings.verbose)
        if closing:
            session.console.print(f"\n{closing}", highlight=False, soft_wrap=True, markup=False)
        return code
