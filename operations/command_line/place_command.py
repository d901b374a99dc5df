"""``homelab place``: decide once where guests go that a policy places, and record it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from homelab.config.environment import Environment
    from homelab.config.placement import Placement


def place(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE]...", help="Names of environments, or paths of files. All of environments/ when left out."
        ),
    ] = None,
    again: Annotated[
        list[str] | None,
        typer.Option("--again", metavar="GUEST", help="Place this guest anew, such as web-2; may be repeated."),
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it and record nothing.")] = False,
) -> int:
    """Give a node to every guest that `placement` leaves open, and record it in NAME.placement.json beside the file.

    Guests that are on record stay where they are; guests that are gone are dropped from it. Nothing is moved: for a
    guest that exists, --again goes with `homelab migrate`. Exit code: 0 all are placed, 1 some can't be, 2 no such
    environment or guest.
    """
    from homelab.config.loading import read_environment
    from homelab.config.placement import place as decide
    from homelab.config.problems import InvalidEnvironment, render
    from operations.command_line.errors import CommandError
    from operations.command_line.project import chosen_files, project_root

    wanted = set(again or [])
    outcomes: list[tuple[Path, Environment, Placement]] = []
    for path in chosen_files(files or [], project_root()):
        try:
            environment = read_environment(path)
        except InvalidEnvironment as error:
            raise CommandError("\n".join(render(problem) for problem in error.problems)) from None
        forget = [name for name in environment.placed if name.partition(".")[2] in wanted]
        outcomes.append((path, environment, decide(environment, forget)))
    _refuse_unknown(wanted, [outcome for _, _, outcome in outcomes])
    for path, environment, outcome in outcomes:
        _show(environment, outcome)
        _record(path, outcome, dry_run=dry_run)
    return 1 if any(outcome.impossible for _, _, outcome in outcomes) else 0


def _show(environment: Environment, outcome: Placement) -> None:
    names = sorted({*outcome.nodes, *outcome.impossible})
    if names:
        typer.echo(f"{environment.name}:")
    width = max((len(name) for name in names), default=0)
    for name in names:
        before = environment.placed.get(name)
        note = "" if name not in outcome.new else "  (new)" if before is None else f"  (was {before})"
        where = outcome.nodes.get(name) or f"nowhere: {outcome.impossible[name]}"
        typer.echo(f"  {name:{width}}  {where}{note}")


def _record(path: Path, outcome: Placement, *, dry_run: bool) -> None:
    from homelab.config.placement_record import record_path, write_placement_record

    record = record_path(path)
    if dry_run:
        typer.echo(f"Nothing was recorded in {record}.")
    elif write_placement_record(path, outcome.nodes):
        typer.echo(f"Recorded in {record}. Commit it with the environment file.")
    elif outcome.nodes:
        typer.echo(f"{record} is as it was.")


def _refuse_unknown(wanted: set[str], outcomes: Sequence[Placement]) -> None:
    from operations.command_line.errors import UsageError

    known = {name.partition(".")[2] for outcome in outcomes for name in (*outcome.nodes, *outcome.impossible)}
    for name in sorted(wanted - known):
        raise UsageError(
            f"{name} is no guest that a policy places\n"
            f"    allowed:  {', '.join(sorted(known)) or 'there is none'}\n"
            "    fix:      name one of them; a guest with `node` is moved by changing that"
        )
