"""``homelab destroy``: removes what an environment made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from operations.command_line.deploy_command import DryRun, Environment, Jobs, Json, Parallelism, Verbose, Yes


def destroy(
    stacks: Annotated[
        list[str] | None,
        typer.Argument(metavar="[STACK]...", help="Only these stacks, such as web. All when left out."),
    ] = None,
    environment: Environment = None,
    *,
    include_protected: Annotated[
        bool, typer.Option("--include-protected", help="Templates and guests with protection: true too.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    confirm: Annotated[
        list[str] | None,
        typer.Option(
            "--confirm",
            metavar="NAME",
            help="In place of typing it: the environment's name, and once more for each thing that holds data.",
        ),
    ] = None,
    backup: Annotated[
        bool, typer.Option("--backup", help="Save every guest first; what can't be saved is not destroyed.")
    ] = False,
    backup_to: Annotated[
        str, typer.Option("--backup-to", metavar="DATASTORE", help="Where to. [default: the one with the most room]")
    ] = "",
    json_output: Json = False,
    jobs: Jobs = None,
    parallelism: Parallelism = None,
    verbose: Verbose = False,
    output: Annotated[
        Path | None, typer.Option("--output", help="Where stacks are synthesized. [default: cdktf.out]", hidden=True)
    ] = None,
) -> int:
    """Show what would be destroyed, and after the environment's name is typed destroy it, with all data in it.

    What holds data (protected guests, data disks, mount points, Docker volumes) is asked for by its own name.

    Templates and protected guests stay, with all that they need, unless --include-protected is given. Stacks whose last
    guest has left the environment file are destroyed too.

    Exit code: 0 done or nothing to do, 1 something failed or you said no, 2 called wrongly, 130 interrupted.
    """
    import sys

    from operations.command_line.deploying import require_terminal, session_for, typed_names
    from operations.command_line.errors import UsageError
    from operations.deployment.run import destroy as run

    require_terminal(yes=yes or dry_run)
    with session_for(
        environment, output=output, jobs=jobs, parallelism=parallelism, verbose=verbose, json_output=json_output
    ) as session:
        name = session.environment.name
        given = confirm or []
        if yes and not dry_run and name not in given:
            raise UsageError(
                f"--confirm {given[0]} is not the environment {name}\n    fix:      --confirm {name}, or another "
                "--environment"
                if given
                else f"--yes without a terminal needs the name of what is destroyed\n    fix:      add --confirm {name}"
            )
        return run(
            session,
            stacks or [],
            confirm=typed_names(session, yes=yes, given=given),
            include_protected=include_protected,
            backup=backup or bool(backup_to),
            backup_to=backup_to,
            dry_run=dry_run,
            json_to=sys.stdout if json_output else None,
        )
