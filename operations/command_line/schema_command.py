"""``homelab schema``: the JSON Schema that lets editors complete and check environment files."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer


def schema(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File to write; docs/environment.schema.json of the project when left out."
        ),
    ] = None,
    *,
    print_only: Annotated[bool, typer.Option("--print", help="Print it and write no file.")] = False,
) -> int:
    """Write the JSON Schema of environment files to docs/environment.schema.json."""
    from homelab.config.json_schema import FILE_NAME, write_schema
    from operations.command_line.errors import CommandError
    from operations.command_line.project import project_root

    text = write_schema()
    if print_only:
        typer.echo(text, nl=False)
        return 0
    path = output or project_root() / "docs" / FILE_NAME
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise CommandError(
            f"{path} can't be written: {error.strerror}\n    fix:      choose another file with --output"
        ) from None
    typer.echo(f"wrote {path}")
    return 0
