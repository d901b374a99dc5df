"""``homelab review --environment``: plans the stacks of an environment and judges what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from operations.deployment.planning import Planner
from operations.deployment.platforms import select_stacks
from operations.deployment.schedule import batches
from operations.deployment.session import Session
from operations.deployment.tools import StackResult
from operations.diagnosis.diagnosis import Diagnosis
from operations.review import Review, Verdict
from operations.saved_plans import prepare_folder, save_plans
from operations.terraform.terraform import Plan


@dataclass(frozen=True)
class EnvironmentReview:
    """What the plans of an environment come to.

    Attributes:
        review: of the stacks that could be planned.
        errors: why others could not.
        later: stacks that can be planned only when others are applied, each with one of these.
    """

    review: Review
    errors: tuple[Diagnosis, ...] = ()
    later: tuple[tuple[str, str], ...] = ()


def review_environment(
    session: Session, words: Sequence[str], *, drift_only: bool = False, save: Path | None = None
) -> EnvironmentReview:
    """Plans the stacks that ``words`` name, all of them without words, and judges them together.

    Args:
        drift_only: only what was changed without Terraform, whatever the environment file says.
        save: a folder to keep the plans in, for ``homelab deploy --plans``.

    Raises:
        StackError: a word names no stack.
        SavedPlansError: the plans can't be kept.
        ReviewError: a plan can't be judged.
        Interrupted: a Ctrl-C came.
    """
    if save is not None:
        prepare_folder(save)
    stacks = select_stacks(session.stacks, words, session.environment.name)
    results = {stack.name: StackResult(stack.name, "waiting") for stack in stacks}
    planner = Planner(session.tools, results, refresh_only=drift_only)
    plans: dict[str, Plan] = {}
    for batch in batches(stacks):
        made = planner.plan([stack for stack in batch if planner.may_plan(stack, dry_run=True)])
        for name, plan in made.items():
            results[name].status = "unchanged" if plan.is_empty else "planned"
        plans |= made
    session.processes.stop_if_interrupted()
    judged = session.policy.judge([planner.documents[stack.name] for stack in stacks if stack.name in plans])
    if save is not None:
        save_plans(save, session.environment.name, [plans[stack.name] for stack in stacks if stack.name in plans])
    return EnvironmentReview(
        only_drift(judged) if drift_only else judged,
        tuple(item for result in results.values() for item in result.diagnoses),
        tuple((result.name, result.waits_for) for result in results.values() if result.status == "later"),
    )


def only_drift(judged: Review) -> Review:
    """``judged`` with nothing but what was changed without Terraform."""
    kinds = ("guest-gone", "disk-gone", "plan-failed")
    findings = tuple(finding for finding in judged.findings if finding.kind in kinds)
    if any(finding.blocks for finding in findings):
        verdict = Verdict.BLOCKED
    else:
        verdict = Verdict.CHANGES if judged.drift or findings else Verdict.NOTHING
    return replace(judged, verdict=verdict, findings=findings, changes=(), outputs=())
