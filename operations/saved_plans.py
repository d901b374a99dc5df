"""Plans that are reviewed now and applied later, exactly as they are: a private folder with a file for each stack.

``homelab review --save DIR`` writes it and ``homelab deploy --plans DIR`` applies it. Terraform refuses a plan whose
state has changed since; a file that has changed since is refused here.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from operations.deployment.documents import full_document_of
from operations.deployment.schedule import StackFailure
from operations.diagnosis.diagnosis import Diagnosis
from operations.review import Action, PlanDocument
from operations.review.plan import Change
from operations.terraform.messages import Action as Word
from operations.terraform.messages import PlannedChange
from operations.terraform.stacks import Stack
from operations.terraform.terraform import Plan, Terraform

MANIFEST = "plans.json"
SCHEMA_VERSION = 1
_WORDS: dict[Action, Word] = {
    Action.CREATE: "create",
    Action.UPDATE: "update",
    Action.REPLACE: "replace",
    Action.DELETE: "delete",
    Action.FORGET: "forget",
    Action.READ: "read",
}


class SavedPlansError(Exception):
    """A folder of plans can't be written or read; the message says why and what to do."""


def prepare_folder(folder: Path) -> None:
    """Makes a folder for plans, for this user alone: they hold everything that Terraform knows.

    Raises:
        SavedPlansError: there is something in it, or it can't be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise SavedPlansError(f"{folder} is not empty\n    fix:      --save takes a new or an empty folder")
        folder.chmod(0o700)
    except OSError as error:
        raise SavedPlansError(f"{folder} can't be used: {error.strerror}") from None


def save_plans(folder: Path, environment: str, plans: Iterable[Plan]) -> None:
    """Keeps ``plans`` in ``folder``, which `prepare_folder` has made.

    Raises:
        SavedPlansError: a file can't be written.
    """
    digests = {}
    try:
        for plan in plans:
            kept = folder / f"{plan.stack.name}.tfplan"
            kept.touch(mode=0o600)
            shutil.copyfile(plan.file, kept)
            digests[plan.stack.name] = _digest(kept)
        document = {"schema_version": SCHEMA_VERSION, "environment": environment, "sha256": digests}
        part = folder / f".{MANIFEST}.part"
        part.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        part.replace(folder / MANIFEST)
    except OSError as error:
        raise SavedPlansError(f"{folder}: the plans can't be kept: {error.strerror}") from None


@dataclass(frozen=True)
class SavedPlans:
    """The plans in a folder: of which stacks, and what each file's digest was when it was reviewed."""

    folder: Path
    digests: dict[str, str]

    def take(self, stack: Stack, terraform: Terraform, workspace: Path) -> tuple[Plan, PlanDocument]:
        """A copy of the plan of ``stack`` in ``workspace``, and what the review reads about it.

        Raises:
            StackFailure: the file is not the one that was reviewed.
            TerraformError: Terraform can't read it.
            ReviewError: it is in a format that the review can't read.
        """
        file = workspace / f"{stack.name}.tfplan"
        try:
            shutil.copyfile(self.folder / f"{stack.name}.tfplan", file)
        except OSError as error:
            raise _other_plan(stack, f"it can't be read: {error.strerror}") from None
        if _digest(file) != self.digests.get(stack.name):
            raise _other_plan(stack, "the file is not the one that was reviewed")
        document = full_document_of(stack, terraform.show(Plan(stack, file)))
        changes = tuple(
            PlannedChange(change.address, word, change.reason, change.previous_address)
            for change in document.changes
            if (word := _word(change)) != "noop"
        )
        outputs = {output.name: str(output.action) for output in document.outputs}
        return Plan(stack, file, changes, outputs=outputs), document


def read_saved_plans(folder: Path, environment: str) -> SavedPlans:
    """The plans in ``folder``.

    Raises:
        SavedPlansError: there are none, or they are of another environment.
    """
    again = f"make them again: homelab review --environment {environment} --save DIR"
    try:
        document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        of, digests = document["environment"], dict(document["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SavedPlansError(f"{folder} holds no plans: {error}\n    fix:      {again}") from None
    if of != environment:
        raise SavedPlansError(f"the plans in {folder} are of {of}, not of {environment}\n    fix:      {again}")
    return SavedPlans(folder, digests)


def _word(change: Change) -> Word:
    if change.action in _WORDS:
        return _WORDS[change.action]
    if change.action is Action.UNKNOWN:
        return "update"
    return "import" if change.import_id is not None else "move" if change.previous_address else "noop"


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _other_plan(stack: Stack, reason: str) -> StackFailure:
    return StackFailure(
        Diagnosis(
            "other_plan",
            f"the saved plan of {stack.name} is not applied",
            found=reason,
            fix=("make the plans again: homelab review --save, and have them reviewed",),
            places=(f"stack {stack.name}",),
        )
    )
