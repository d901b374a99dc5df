"""The policy that every apply has to pass: one review of all plans, and the allow-list that lets things through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.text import Text

from operations.diagnosis.diagnosis import Diagnosis
from operations.review import (
    Allowance,
    AllowList,
    Finding,
    PlanDocument,
    Review,
    ReviewError,
    Verdict,
    as_text,
    read_allow_list,
    review,
)
from operations.review.allow_list import FILE_NAME

LISTED = 12
"""How many additions and changes are listed; what is destroyed, blocked or dangerous always is."""
DAYS = 7
"""For how long the entry that is suggested lets a change pass."""
_STYLES = (("  [blocked]", "red"), ("  [allowed]", "yellow"), ("  ±", "red"), ("  -", "red"))
_LOST = ("guest-destroyed", "guest-replaced", "snippet-cascade")


def allow_list_in(root: Path, file: Path | None = None) -> AllowList:
    """The allow-list of the project in ``root``, or that in ``file``; an empty one where the project has none.

    Raises:
        ReviewError: it can't be read.
    """
    path = file or root / FILE_NAME
    if file is None and not path.exists():
        return AllowList()
    try:
        return read_allow_list(path.read_text(encoding="utf-8"), str(path), today())
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text in UTF-8"
        raise ReviewError(f"{path} can't be read: {reason}") from None


def today() -> date:
    """The day by which entries of the allow-list count: UTC."""
    return datetime.now(UTC).date()


@dataclass(frozen=True)
class Policy:
    """What judges plans before they are applied.

    Attributes:
        allow_list: what a person has decided to let pass.
        secrets: what must not be shown, besides what the plans themselves say is secret.
        file: the allow-list's name, for messages.
    """

    allow_list: AllowList = field(default_factory=AllowList)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    file: str = FILE_NAME

    def judge(self, documents: Sequence[PlanDocument], requested: Iterable[Allowance] = ()) -> Review:
        """Reviews plans together.

        Args:
            requested: what the command itself was asked to destroy, such as by ``--recreate``.

        Raises:
            ReviewError: a plan can't be judged.
        """
        return review(documents, replace(self.allow_list, requested=tuple(requested)), self.secrets)

    def refusal(self, judged: Review) -> Diagnosis | None:
        """Why the plans must not be applied, and what to write where that is meant; None when they may be."""
        if judged.verdict is not Verdict.BLOCKED:
            return None
        blocked = [finding for finding in judged.findings if finding.blocks]
        count = "one change is" if len(blocked) == 1 else f"{len(blocked)} changes are"
        smaller = any(finding.kind == "disk-shrunk" for finding in blocked)
        entries = [line for finding in blocked if finding.address for line in _entry(finding)]
        return Diagnosis(
            "blocked",
            f"{count} blocked, because data or protection would be lost",
            found="\n".join(finding.what for finding in blocked),
            allowed=f"what {self.file} lists, with a reason and a date",
            fix=(
                *(["a disk never gets smaller: write the size it has, or make its guest anew"] if smaller else []),
                "if it is not meant: correct the environment file",
                f"if it is meant: save what is needed, write this with your reason into {self.file}, and run it again:",
                *entries,
            ),
            places=tuple(
                ", ".join(part for part in (f"stack {finding.stack}", finding.address) if part) for finding in blocked
            ),
        )


def _entry(finding: Finding) -> list[str]:
    """An entry of the allow-list. Its reason is left open: an entry without one lets nothing pass."""
    return [
        f"  - address: {finding.address}",
        f"    stack: {finding.stack}",
        f"    finding: {finding.kind}",
        "    reason:",
        f"    expires: {today() + timedelta(days=DAYS)}",
    ]


def guests_lost(judged: Review) -> int:
    """How many guests an apply destroys, or destroys and makes anew."""
    return sum(judged.count(kind) for kind in _LOST)


def show_review(console: Console, judged: Review) -> None:
    """Prints a review for a person who is to decide; nothing when there is nothing to decide."""
    if judged.verdict is Verdict.NOTHING and not judged.drift and not judged.findings:
        return
    # Outputs say nothing that the changes don't, where there are any.
    shown = replace(judged, outputs=()) if judged.changes else judged
    console.print()
    for number, line in enumerate(as_text(shown, LISTED).splitlines()):
        style = next((style for begin, style in _STYLES if line.startswith(begin)), "")
        if number == 0 or (line and not line.startswith(" ")):
            style = "bold red" if number == 0 and judged.verdict is Verdict.BLOCKED else "bold"
        console.print(Text(line, style), soft_wrap=True)
        if number == 0 and len(judged.stacks) == 1:
            console.print(Text(f"plan: {judged.stacks[0]}"), soft_wrap=True)
