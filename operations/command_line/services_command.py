"""``homelab services``: addresses and ports of services, and what the router has to know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from operations.services.tables import Format

if TYPE_CHECKING:
    from homelab.config.environment import Environment

services = typer.Typer(help="The services of the catalogue, and those of an environment.", rich_markup_mode=None)

_ENVIRONMENT = Annotated[
    str, typer.Option("--environment", "-e", metavar="NAME", help="Name of an environment, or path of its file.")
]
_FORMAT = Annotated[Format, typer.Option("--format", help="How it is written.")]


@services.command("catalogue")
def catalogue(output_format: _FORMAT = Format.TEXT) -> int:
    """List every service there is, with its numbers, size and ports."""
    from operations.services.catalogue import HEADER, catalogue_rows
    from operations.services.tables import rendered

    typer.echo(rendered(HEADER, list(catalogue_rows()), output_format))
    return 0


@services.command("table")
def table(environment: _ENVIRONMENT, output_format: _FORMAT = Format.TEXT) -> int:
    """List the services of an environment with their VMIDs, addresses and ports.

    Exit code: 0, or 1 where the file has errors, 2 no such environment.
    """
    from operations.services.tables import HEADER, rendered, service_rows

    loaded = _load(environment)
    rows = list(service_rows(loaded))
    typer.echo(rendered(HEADER, rows, output_format) if rows else f"environment {loaded.name} has no services")
    return 0


@services.command("router")
def router(
    environment: _ENVIRONMENT,
    output_format: _FORMAT = Format.TEXT,
    clients: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="NETWORK",
            help="A network or subnet that uses the services; repeatable. Every other network when left out.",
        ),
    ] = None,
) -> int:
    """Write the checklist for the router of the services' network: interface, rules and routes, in OPNsense's words.

    Exit code: 0, or 1 where the file has errors or there are no services, 2 no such environment.
    """
    from operations.command_line.errors import CommandError
    from operations.services.router import RouterError, as_checklist, router_steps

    loaded = _load(environment)
    try:
        steps = router_steps(loaded, _names(clients))
    except RouterError as error:
        raise CommandError(str(error)) from None
    typer.echo(as_checklist(loaded, steps, output_format))
    return 0


def _names(clients: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(clients or ())


def _load(name: str) -> Environment:
    from homelab.config.loading import load_environments
    from homelab.config.problems import InvalidEnvironment, render
    from operations.command_line.errors import CommandError
    from operations.command_line.project import chosen_files, project_root

    try:
        (loaded,) = load_environments(chosen_files([name], project_root())).environments
    except InvalidEnvironment as error:
        raise CommandError("\n\n".join(render(problem) for problem in error.problems)) from None
    return loaded
