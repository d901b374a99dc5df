"""``homelab diff``: what a change of the files means for guests, without a node."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from operations.command_line.review_command import Allow, Format, Key, Output, OutputFormat

if TYPE_CHECKING:
    from operations.comparison.comparison import Comparison


def diff(
    before: Annotated[str, typer.Argument(metavar="REV1", help="The revision that is deployed, such as main.")],
    after: Annotated[
        str, typer.Argument(metavar="[REV2]", help="The revision to come; the files as they are when left out.")
    ] = "",
    environment: Annotated[
        list[str] | None,
        typer.Option("--environment", "-e", metavar="E", help="Only this environment; may be given more than once."),
    ] = None,
    output_format: Format = OutputFormat.TEXT,
    *,
    allow: Allow = None,
    output: Output = None,
    key: Key = "homelab-diff",
) -> int:
    """Say what changes for guests, disks, networks and rules between two git revisions. Needs no node.

    Both revisions are synthesized with their own code, and what leads from one to the other is reviewed as a plan is.
    What was changed by hand on the node can't be seen this way: `homelab review --environment` shows it.
    Exit code: 0 nothing changes, 2 changes, 3 something is blocked, 1 error.
    """
    from operations.command_line.errors import CommandError
    from operations.command_line.project import project_root
    from operations.command_line.review_command import read_allow_file, write_review
    from operations.comparison.comparison import compare
    from operations.comparison.revisions import RevisionError
    from operations.redaction import secrets_in, without_secrets
    from operations.review import ReviewError

    try:
        comparison = compare(
            before,
            after,
            environment or [],
            root=project_root(),
            environ=without_secrets(os.environ),
            allow_list=read_allow_file(allow),
            secrets=secrets_in(os.environ),
        )
    except (RevisionError, ReviewError) as error:
        raise CommandError(str(error)) from None
    for note in _notes(comparison):
        typer.echo(note, err=True)
    write_review(comparison.review, output_format, key, output, title=_title(comparison))
    return comparison.review.verdict.exit_code


def _title(comparison: Comparison) -> str:
    return f"Changes from {comparison.before.name} to {comparison.after.name or 'the work tree'}"


def _notes(comparison: Comparison) -> list[str]:
    return [
        f"note: revision {revision.name} locks other Python packages than those it was synthesized with here"
        for revision in (comparison.before, comparison.after)
        if revision.other_packages
    ]
