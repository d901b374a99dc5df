"""``homelab topology``: an environment as a picture, a page or a chart."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from operations.topology.model import Topology


class OutputFormat(StrEnum):
    """How the topology is drawn."""

    MERMAID = "mermaid"
    SVG = "svg"
    HTML = "html"
    MARKDOWN = "markdown"


def topology(
    environment: Annotated[
        str | None,
        typer.Option(
            "--environment", "-e", metavar="E", help="Name or file of the environment; needed when there are several."
        ),
    ] = None,
    output_format: Annotated[
        OutputFormat,
        typer.Option(
            "--format", help="A flowchart, a picture, a page with picture and tables, or the same in Markdown."
        ),
    ] = OutputFormat.MERMAID,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there instead of to stdout.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with 1 where FILE is not as it would be written.")
    ] = False,
) -> int:
    """Draw an environment: nodes, bridges, VLANs, guests, platforms, and who may reach what. Asks no node.

    Exit code: 0, 1 where the file has errors or --check finds another content, 2 no such environment.
    """
    from homelab.config.loading import load_environments
    from homelab.config.problems import InvalidEnvironment, render
    from operations.command_line.deploying import chosen_file
    from operations.command_line.errors import CommandError, UsageError
    from operations.topology.model import topology_of

    if check and output is None:
        raise UsageError("--check compares with a file\n    fix:      name it with --output")
    try:
        (loaded,) = load_environments([chosen_file(environment)]).environments
    except InvalidEnvironment as error:
        raise CommandError("\n\n".join(render(problem) for problem in error.problems)) from None
    drawing = f"{_drawn(output_format)(topology_of(loaded))}\n"
    if output is None:
        typer.echo(drawing, nl=False)
        return 0
    if check:
        if output.is_file() and output.read_text(encoding="utf-8") == drawing:
            return 0
        raise CommandError(
            f"{output} is not what {loaded.name} looks like now\n    fix:      run the same command without --check"
        )
    _write(output, drawing)
    return 0


def _drawn(output_format: OutputFormat) -> Callable[[Topology], str]:
    from operations.topology.markdown import as_markdown
    from operations.topology.mermaid import as_mermaid
    from operations.topology.page import as_page
    from operations.topology.svg import as_svg

    return {
        OutputFormat.MERMAID: as_mermaid,
        OutputFormat.SVG: as_svg,
        OutputFormat.HTML: as_page,
        OutputFormat.MARKDOWN: as_markdown,
    }[output_format]


def _write(output: Path, drawing: str) -> None:
    from operations.command_line.errors import CommandError

    part = output.with_name(f".{output.name}.part")
    try:
        part.write_text(drawing, encoding="utf-8")
        part.replace(output)
    except OSError as error:
        raise CommandError(
            f"{output} can't be written: {error.strerror}\n    fix:      choose another file with --output"
        ) from None
