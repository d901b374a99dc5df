"""Moves in a deployment: found before it plans, shown, and done where somebody agrees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from homelab.config.selection import environment_files
from operations.deployment.session import Session
from operations.deployment.synthesis import orphaned_stack, orphans
from operations.moves.applying import apply_moves
from operations.moves.matching import snippets_that_go
from operations.moves.pending import Pending, pending_moves, stack_of_state


def find_pending(session: Session, gone: Sequence[str] = ()) -> Pending:
    """The moves that are pending in the environment of ``session``.

    Args:
        gone: names of stacks that are not synthesized any more; local states of such stacks are found without.

    Raises:
        TerraformError: a state can't be read.
    """
    stacks = session.stacks
    sibling = next((stack for stack in stacks if stack.state_file is not None), None)
    lost = [orphaned_stack(orphan, sibling) for orphan in session.orphans] if sibling else []
    prefix = f"{session.environment.name}-"
    lost += [stack_of_state(name if name.startswith(prefix) else prefix + name, stacks[0]) for name in gone if stacks]
    return pending_moves(session.tools.terraform, stacks, lost)


def lines(pending: Pending) -> list[str]:
    """The moves as lines of text."""
    guests = sum(move.is_guest for move in pending.moves)
    count = len(pending.moves)
    what = f"{count} {'entry is' if count == 1 else 'entries are'} elsewhere in the states than in the file"
    going = snippets_that_go(pending.states, [stack for stack in pending.stacks.values() if stack.resources])
    warning = (
        f"The next plan deletes {', '.join(going)}: machines that were made with it name it still and don't start "
        "without it. Where there are any, keep the old key."
    )
    return [
        f"{what}{f', of {guests} guests' if guests > 1 else ', of one guest' if guests else ''}:",
        *(f"  {move}" for move in pending.moves),
        "Moved there, nothing is made anew; otherwise the plan destroys and creates it.",
        *([warning] if going else []),
    ]


def backups_folder(session: Session) -> Path:
    """A folder for the states as they are now: beside the local ones, or in ``state/`` of the project."""
    local = next((stack.state_file.parent for stack in session.stacks if stack.state_file is not None), None)
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return (local or session.output.parent / "state") / "moves" / f"{session.environment.name}-{now}"


def offer_moves(session: Session, confirm: Callable[[Pending], bool], *, dry_run: bool) -> bool:
    """Looks for moves before a deployment plans, and does them where ``confirm`` says so.

    Returns:
        Whether the deployment may go on: False where somebody declined.

    Raises:
        MoveError: a state changed in between.
        TerraformError: a state can't be read or written.
    """
    pending = find_pending(session)
    if not pending.moves:
        return True
    for line in lines(pending):
        session.progress.print(line, style="yellow", highlight=False, soft_wrap=True, markup=False)
    if dry_run:
        name = session.environment.name
        session.progress.print(
            f"The plan below is made as if nothing was moved. To move it: homelab moves --environment {name} --apply",
            highlight=False,
            soft_wrap=True,
        )
        return True
    if not confirm(pending):
        return False
    apply_moves(session.tools.terraform, pending, backups=backups_folder(session))
    others = [path.stem for path in environment_files(session.settings.root)]
    session.orphans = orphans(session.stacks, session.environment.name, others)
    session.progress.print("Moved; nothing on Proxmox changed.", highlight=False)
    return True
