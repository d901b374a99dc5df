"""``homelab check``: everything that is wrong with environment files, all at once."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from homelab.config.problems import Problem


class OutputFormat(StrEnum):
    """How the findings are written."""

    TEXT = "text"
    JSON = "json"


def check(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE]...", help="Names of environments, or paths of files. All of environments/ when left out."
        ),
    ] = None,
    output_format: Annotated[
        OutputFormat, typer.Option("--format", help="How the findings are written.")
    ] = OutputFormat.TEXT,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings fail too.")] = False,
) -> int:
    """Say everything that is wrong with environment files. Needs no node, no network, no Terraform.

    HOMELAB_ENVIRONMENTS (comma-separated names or paths) is used when no FILE is given. Environments of one cluster are
    checked together. Exit code: 0 no errors, 1 errors (with --strict also warnings), 2 no such environment.
    """
    from homelab.config.image_lock import ImageLockError, default_lock_path, read_image_lock
    from homelab.config.loading import check_files
    from operations.command_line.errors import CommandError
    from operations.command_line.project import chosen_files, project_root

    root = project_root()
    paths = chosen_files(files or [], root)
    try:
        image_lock = read_image_lock(default_lock_path(root))
    except ImageLockError as error:
        raise CommandError(str(error)) from None
    problems = check_files(paths, image_lock)
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    if output_format is OutputFormat.JSON:
        typer.echo(_as_json(paths, problems, errors, warnings))
    else:
        typer.echo(_as_text(paths, problems, errors, warnings))
    return 1 if errors or (strict and warnings) else 0


def _as_text(paths: Sequence[Path], problems: Sequence[Problem], errors: int, warnings: int) -> str:
    from homelab.config.problems import render
    from operations.command_line.terminal import paint

    parts = []
    for problem in problems:
        head, _, rest = render(problem).partition("\n")
        label = f"{problem.severity}:"
        colored = head.replace(label, paint(label, "red" if problem.severity == "error" else "yellow"), 1)
        parts.append(f"{colored}\n{rest}\n")
    summary = f"{_count(len(paths), 'environment')}, {_count(errors, 'error')}, {_count(warnings, 'warning')}"
    return "\n".join([*parts, summary])


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _as_json(paths: Sequence[Path], problems: Sequence[Problem], errors: int, warnings: int) -> str:
    import json

    findings = [
        {
            "severity": str(problem.severity),
            "file": problem.file,
            "line": problem.line,
            "column": problem.column,
            "key_path": problem.key_path,
            "message": problem.message,
            "value": problem.value,
            "allowed": problem.allowed,
            "fix": problem.fix,
        }
        for problem in problems
    ]
    document = {
        "environments": [str(path) for path in paths],
        "errors": errors,
        "warnings": warnings,
        "problems": findings,
    }
    return json.dumps(document, indent=2, ensure_ascii=False, default=str)
