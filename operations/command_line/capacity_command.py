"""``homelab capacity``: what there is, what is promised, what still fits, and what a failed node takes away."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class OutputFormat(StrEnum):
    """How the capacity is written."""

    TEXT = "text"
    JSON = "json"


def capacity(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE]...", help="Names of environments, or paths of files. All of environments/ when left out."
        ),
    ] = None,
    output_format: Annotated[
        OutputFormat, typer.Option("--format", help="How the capacity is written.")
    ] = OutputFormat.TEXT,
    *,
    cores: Annotated[int, typer.Option("--cores", min=1, help="Cores of the guest that might be added.")] = 2,
    memory: Annotated[str, typer.Option("--memory", help="Its memory, with a unit.")] = "2GiB",
    disk: Annotated[str, typer.Option("--disk", help="Its disk, with a unit.")] = "20GiB",
) -> int:
    """Say what nodes and datastores have, what guests are promised, what still fits, and what a failed node takes away.

    From the files alone, no node is asked: thin disks count in full. Environments of one cluster are counted together.
    Exit code: 0, or 1 where a file has errors, 2 no such environment.
    """
    import json

    from homelab.config.loading import load_environments
    from homelab.config.problems import InvalidEnvironment, Refused, render
    from homelab.config.units import parse_gibibytes, parse_mebibytes
    from operations.capacity.cluster import clusters_of
    from operations.capacity.fits import GuestSize
    from operations.capacity.rendering import as_document, as_text
    from operations.command_line.errors import CommandError, UsageError
    from operations.command_line.project import chosen_files, project_root

    try:
        size = GuestSize(cores, parse_mebibytes(memory), parse_gibibytes(disk))
    except Refused as error:
        raise UsageError(f"--memory {memory}, --disk {disk}: {error}\n    fix:      write 2GiB") from None
    if not (size.memory and size.disk):
        raise UsageError(f"--memory {memory}, --disk {disk}: a guest without either\n    fix:      write 2GiB")
    try:
        loaded = load_environments(chosen_files(files or [], project_root()))
    except InvalidEnvironment as error:
        raise CommandError("\n\n".join(render(problem) for problem in error.problems)) from None
    clusters = clusters_of(loaded.environments)
    if output_format is OutputFormat.JSON:
        typer.echo(json.dumps(as_document(clusters, size), indent=2))
    else:
        typer.echo(as_text(clusters, size))
    return 0
