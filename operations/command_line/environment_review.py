"""The plans that ``homelab review --environment`` makes, and what is said about them besides the review."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from operations.command_line.deploying import EXIT_INTERRUPTED, session_for
from operations.command_line.errors import CommandError, UsageError
from operations.deployment.report import show_diagnosis
from operations.diagnosis.diagnosis import Diagnosis
from operations.environment_review import EnvironmentReview, review_environment
from operations.preflight.preflight import Status
from operations.review import ReviewError
from operations.saved_plans import SavedPlansError
from operations.terraform.process import Interrupted
from operations.terraform.stacks import StackError


def review_of(
    environment: str,
    words: Sequence[str],
    *,
    allow: Path | None,
    drift_only: bool,
    save: Path | None,
    output: Path | None,
) -> EnvironmentReview:
    """Plans and judges an environment; says on stderr which stacks could not be planned, and why.

    Raises:
        CommandError: it could not even begin.
    """
    try:
        return _reviewed(environment, words, allow=allow, drift_only=drift_only, save=save, output=output)
    except UsageError as error:
        # Two says that there are changes.
        raise CommandError(str(error)) from None


def _reviewed(
    environment: str,
    words: Sequence[str],
    *,
    allow: Path | None,
    drift_only: bool,
    save: Path | None,
    output: Path | None,
) -> EnvironmentReview:
    with session_for(
        environment, output=output, jobs=None, parallelism=None, verbose=False, json_output=True, allow=allow
    ) as session:
        failures = [check for check in session.preflight() if check.status is Status.FAILED]
        if failures:
            for check in failures:
                item = Diagnosis(f"preflight_{check.name}", check.message, fix=check.fix)
                show_diagnosis(session.progress, item, verbose=False)
            raise CommandError("nothing was planned")
        try:
            made = review_environment(session, words, drift_only=drift_only, save=save)
        except (ReviewError, SavedPlansError, StackError) as error:
            raise CommandError(str(error)) from None
        except Interrupted:
            raise CommandError("stopped; nothing was changed", exit_code=EXIT_INTERRUPTED) from None
        for name, before in made.later:
            session.progress.print(f"{name} can be planned only when {before} is applied", soft_wrap=True)
        for item in made.errors:
            show_diagnosis(session.progress, item, verbose=False)
        return made
