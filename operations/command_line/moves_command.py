"""``homelab moves``: renames and regroupings in an environment file, done in the states."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from operations.deployment.session import Session
    from operations.moves import Pending

EXIT_PENDING = 2


def moves(
    environment: Annotated[
        str | None, typer.Option("--environment", "-e", help="The environment: its name, or the path of its file.")
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="STACK",
            help="A stack that the file does not have any more, whose state is in S3; can be repeated. Local ones are "
            "found.",
        ),
    ] = None,
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Do the moves.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", help="Where stacks are synthesized; cdktf.out when left out.")
    ] = None,
) -> int:
    """Show what was renamed or regrouped in the file and is elsewhere in the states; with --apply move it there.

    Nothing on Proxmox changes. Exit code: 0 nothing is pending (any more), 2 moves are pending, 1 error.
    """
    from operations.command_line.deploying import session_for
    from operations.command_line.errors import CommandError
    from operations.moves import MoveError
    from operations.terraform.terraform import TerraformError

    with session_for(
        environment, output=output, jobs=None, parallelism=None, verbose=False, json_output=False
    ) as session:
        try:
            return _moves(session, tuple(state or ()), apply=apply)
        except (MoveError, TerraformError) as error:
            raise CommandError(str(error)) from None


def _moves(session: Session, gone: tuple[str, ...], *, apply: bool) -> int:
    from operations.moves.announcing import backups_folder, find_pending, lines

    pending = find_pending(session, gone)
    if not pending.moves:
        typer.echo("Nothing to move: the states have everything where the file does.")
        return 0
    typer.echo("\n".join(lines(pending)))
    if not apply:
        typer.echo(f"\nTo do it: homelab moves --environment {session.environment.name} --apply")
        return EXIT_PENDING
    _apply(session, pending, backups_folder(session))
    return 0


def _apply(session: Session, pending: Pending, backups: Path) -> None:
    from homelab.config.selection import seen_from_here
    from operations.moves.applying import apply_moves, check_plans

    apply_moves(session.tools.terraform, pending, backups=backups)
    typer.echo(f"\nMoved. The states as they were are in {seen_from_here(backups)} (they hold secrets).")
    check_plans(session.tools.terraform, pending, session.workspace)
    typer.echo("Checked: no plan destroys or replaces what was moved.")


def move_first(session: Session, *, yes: bool, dry_run: bool) -> bool:
    """Offers the pending moves before a deployment plans; whether it may go on.

    Args:
        yes: do them without asking.
        dry_run: only show them.

    Raises:
        CommandError: the states can't be read or written.
    """
    from operations.command_line.errors import CommandError
    from operations.moves import MoveError
    from operations.moves.announcing import offer_moves
    from operations.terraform.terraform import TerraformError

    def confirm(_pending: Pending) -> bool:
        return yes or typer.confirm("\nMove them in the states first? Proxmox is not changed by it.", err=True)

    try:
        return offer_moves(session, confirm, dry_run=dry_run)
    except (MoveError, TerraformError) as error:
        raise CommandError(f"{error}\n    note:     nothing on Proxmox was changed") from None
