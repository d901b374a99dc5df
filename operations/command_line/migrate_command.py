"""``homelab migrate``: move a guest to another node, and let state and record know."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from operations.command_line.deploy_command import Environment as EnvironmentName
from operations.command_line.deploy_command import Verbose, Yes

if TYPE_CHECKING:
    from homelab.config.environment import Environment
    from homelab.config.expansion import ExpandedGuest
    from homelab.config.problems import Problem
    from operations.deployment.session import Session


def migrate(
    guest: Annotated[str, typer.Argument(metavar="GUEST", help="Key of the guest, such as dns or web-2.")],
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="NODE", help="The node. [default: the one that the environment says]"),
    ] = None,
    environment: EnvironmentName = None,
    *,
    yes: Yes = False,
    verbose: Verbose = False,
    output: Annotated[
        Path | None, typer.Option("--output", help="Where stacks are synthesized. [default: cdktf.out]", hidden=True)
    ] = None,
) -> int:
    """Move a guest to another node without making it anew, its disks with it.

    A machine that runs keeps running, a container that runs is restarted; under HA the HA manager moves it. Everything
    is looked at first. Then the state gets to know the new node, and for guests that a policy places the record.

    Exit code: 0 it is there, 1 it can't be moved or you said no, 2 called wrongly, 130 interrupted (the task goes on).
    """
    from operations.command_line.deploying import require_terminal, session_for
    from operations.command_line.errors import CommandError
    from operations.migration import MigrationError
    from operations.proxmox_api import ProxmoxError
    from operations.terraform.terraform import TerraformError

    require_terminal(yes=yes)
    with session_for(
        environment, output=output, jobs=None, parallelism=None, verbose=verbose, json_output=False
    ) as session:
        try:
            return _migrate(session, _meant(session, guest), to, yes=yes)
        except (MigrationError, ProxmoxError, TerraformError) as error:
            raise CommandError(str(error)) from None


def _meant(session: Session, key: str) -> ExpandedGuest:
    from homelab.config.checks.subject import listed, nearest
    from homelab.config.expansion import expand
    from operations.command_line.errors import UsageError

    guests = {guest.key: guest for guest in expand(session.environment)}
    if key not in guests:
        fix = nearest(key, guests, "name one of them")
        raise UsageError(f"there is no guest {key}\n    allowed:  {listed(guests)}\n    fix:      {fix}")
    return guests[key]


def _migrate(session: Session, guest: ExpandedGuest, to: str | None, *, yes: bool) -> int:
    from homelab.config.placement import objections
    from operations.command_line.errors import CommandError
    from operations.migration import MigrationError, find_guest, prepare
    from operations.migration import migrate as move

    api = session.api
    target = to or guest.node
    if api is None or target is None:
        raise MigrationError("nothing says where to\n    fix:      --to NODE")
    there = find_guest(api, guest.vm_id)
    if there.node == target:
        typer.echo(f"{there.label} is on {target} already.")
        _take_note(session, guest, target)
        return 0
    reason = next(objections(session.environment, guest, target), None)
    if reason is not None:
        raise MigrationError(
            f"{guest.key} does not fit on {target}: {reason}\n    fix:      change the environment file first"
        )
    wrong = _what_the_record_may_not_say(session.environment, guest, target)
    if wrong is not None:
        raise MigrationError(
            f"{guest.key} may not be on {target}: {wrong.message}\n    allowed:  {wrong.allowed}\n"
            "    fix:      another node, or change the environment file first"
        )
    migration = prepare(api, there, target)
    typer.echo(f"{migration.summary}.")
    if not yes and not typer.confirm("Move it?", err=True):
        raise CommandError("nothing was moved")
    now = move(api, migration, say=typer.echo)
    typer.echo(f"{now.label} is on {now.node} and {'runs' if now.running else 'does not run'}.")
    _take_note(session, guest, target)
    return 0


def _what_the_record_may_not_say(environment: Environment, guest: ExpandedGuest, node: str) -> Problem | None:
    """What would be wrong with the environment once its record has ``guest`` on ``node``; None without a record."""
    from homelab.config.checks import check_environment
    from homelab.config.placement import record_name
    from homelab.config.problems import errors_of

    if guest.placement is None:
        return None
    moved = environment.model_copy(update={"placed": {**environment.placed, record_name(guest): node}})
    return next(iter(errors_of(check_environment(moved))), None)


def _take_note(session: Session, guest: ExpandedGuest, node: str) -> None:
    """Lets the state know, the record of a guest that a policy places, and the person what is left to write."""
    from homelab.config.placement import record_name
    from homelab.config.placement_record import record_path, write_placement_record
    from operations.guest_nodes import follow

    tools = session.tools
    guests = session.api.guests() if session.api else {}
    for stack in session.stacks:
        if any(resource.vm_id == guest.vm_id for resource in stack.resources.values()):
            tools.terraform.init(stack)
            for moved in follow(tools.terraform, stack, guests, tools.workspace):
                typer.echo(f"State of {stack.name}: {moved}.")
    file = session.settings.file
    if guest.placement is not None:
        if write_placement_record(file, {**session.environment.placed, record_name(guest): node}):
            typer.echo(f"Recorded in {record_path(file)}. Commit it with the environment file.")
    elif guest.definition.ha is None and guest.node != node:
        where = ".".join(str(part) for part in guest.path)
        typer.echo(f"Now write `node: {node}` at {where} in {file}: the next plan would ask for {guest.node} again.")
