"""``homelab review``: plans judged in Proxmox's terms before anybody applies them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from operations.review import AllowList, PlanDocument, Review

_PLAIN_NAMES = ("plan", "tfplan", "show", "review", "-")


class OutputFormat(StrEnum):
    """How the review is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


Format = Annotated[OutputFormat, typer.Option("--format", help="How the review is written.")]
Allow = Annotated[
    Path | None,
    typer.Option("--allow", metavar="FILE", help="Blocked findings that pass; allowed-changes.yaml of the project."),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write there; what Markdown needs more goes to FILE-2, ..."),
]
Key = Annotated[str, typer.Option("--key", help="Tells the comments of several reviews on one pull request apart.")]


class ReviewCommand(TyperCommand):
    """Ends with 1 when it is called wrongly, as 2 says that there are changes."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments."""
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            error.exit_code = 1
            raise


def review(
    plans: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PLAN.json...", help="What `terraform show -json` wrote about plans; - is stdin."),
    ] = None,
    output_format: Format = OutputFormat.TEXT,
    *,
    allow: Allow = None,
    output: Output = None,
    key: Key = "homelab",
    environment: Annotated[
        str | None,
        typer.Option("--environment", "-e", metavar="E", help="Make the plans of this environment: name or file."),
    ] = None,
    stacks: Annotated[
        list[str] | None,
        typer.Option("--stack", metavar="STACK", help="With --environment: only these platforms or stacks."),
    ] = None,
    drift_only: Annotated[
        bool, typer.Option("--drift-only", help="With --environment: only what was changed without Terraform.")
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="DIR", help="With --environment: keep the plans for `homelab deploy --plans`."),
    ] = None,
    synthesized: Annotated[
        Path | None,
        typer.Option("--synthesized", help="Where stacks are synthesized. [default: cdktf.out]", hidden=True),
    ] = None,
) -> int:
    """Say what plans do to guests, data and protection. Given plans need no node and no Terraform.

    Several plans are judged together. A plan is called after its file, or after its folder where the file is plan.json.
    With --environment the plans are made first, and nothing is changed.
    Exit code: 0 nothing to do, 2 changes, 3 something is blocked, 1 error.
    """
    from operations.command_line.errors import CommandError
    from operations.review import ReviewError

    if environment is not None:
        from operations.command_line.environment_review import review_of

        if plans:
            raise CommandError("plans are given, or made with --environment\n    fix:      leave one of them out")
        made = review_of(environment, stacks or [], allow=allow, drift_only=drift_only, save=save, output=synthesized)
        write_review(made.review, output_format, key, output)
        return 1 if made.errors else made.review.verdict.exit_code
    if stacks or drift_only or save:
        raise CommandError("--stack, --drift-only and --save need --environment\n    fix:      --environment E")
    try:
        result = _judge(plans or [], allow)
    except ReviewError as error:
        raise CommandError(str(error)) from None
    write_review(result, output_format, key, output)
    return result.verdict.exit_code


def write_review(
    result: Review, output_format: OutputFormat, key: str, output: Path | None, *, title: str = "Plan review"
) -> None:
    """Writes a review to ``output``, or to stdout.

    Raises:
        CommandError: the file can't be written.
    """
    pieces = _written(result, output_format, key, title)
    if output is None:
        typer.echo("\n\n".join(pieces))
    else:
        _write(pieces, output)


def _judge(plans: list[Path], allow: Path | None) -> Review:
    import os

    from operations.redaction import secrets_in
    from operations.review import ReviewError
    from operations.review import review as judge

    if not plans:
        raise ReviewError(
            "no plan is given\n    allowed:  one or more files that `terraform show -json` wrote, or - for stdin"
            "\n    fix:      terraform show -json plan.bin | homelab review -"
        )
    return judge([_read(path) for path in plans], read_allow_file(allow), secrets_in(os.environ))


def _read(path: Path) -> PlanDocument:
    import sys

    from operations.review import ReviewError, read_plan

    if str(path) == "-":
        return read_plan(sys.stdin.buffer.read(), "stdin")
    name = path.name.removesuffix(".json")
    if name in _PLAIN_NAMES:
        name = path.resolve().parent.name or name
    try:
        return read_plan(path.read_bytes(), name)
    except OSError as error:
        raise ReviewError(f"{path} can't be read: {error.strerror}") from None


def read_allow_file(path: Path | None) -> AllowList:
    """The allow-list in ``path``; in the project's file when None, and empty where there is none.

    Raises:
        ReviewError: it can't be read, or is not in the shape of one.
    """
    from operations.command_line.project import project_root
    from operations.deployment.policy import allow_list_in

    return allow_list_in(project_root(), path)


def _written(result: Review, output_format: OutputFormat, key: str, title: str) -> list[str]:
    from operations.review import as_json, as_markdown, as_text

    match output_format:
        case OutputFormat.MARKDOWN:
            return as_markdown(result, key, title=title)
        case OutputFormat.JSON:
            return [as_json(result)]
        case OutputFormat.TEXT:
            return [as_text(result)]


def _write(pieces: list[str], output: Path) -> None:
    from operations.command_line.errors import CommandError

    number = len(pieces) + 1
    try:
        for index, piece in enumerate(pieces, 1):
            path = _numbered(output, index)
            part = path.with_name(f".{path.name}.part")
            part.write_text(f"{piece}\n", encoding="utf-8")
            part.replace(path)
        # A longer review from before must not be taken for a part of this one.
        while (stale := _numbered(output, number)).is_file() and stale.read_bytes().startswith(b"<!-- homelab-review "):
            stale.unlink()
            number += 1
    except OSError as error:
        raise CommandError(
            f"{output} can't be written: {error.strerror}\n    fix:      choose another file with --output"
        ) from None


def _numbered(output: Path, index: int) -> Path:
    return output if index == 1 else output.with_name(f"{output.stem}-{index}{output.suffix}")
