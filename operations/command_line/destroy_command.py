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
        str | None,
        typer.Option("--confirm", metavar="NAME", help="The environment's name; with --yes in place of typing it."),
    ] = None,
    json_output: Json = False,
    jobs: Jobs = None,
    parallelism: Parallelism = None,
    verbose: Verbose = False,
    output: Annotated[
        Path | None, typer.Option("--output", help="Where stacks are synthesized. [default: cdktf.out]", hidden=True)
    ] = None,
) -> int:
    """Show what would be destroyed, and after the environment's name is typed destroy it, with all data in it.

    Templates and protected guests stay, with all that they need, unless --include-protected is given. Stacks whose last
    guest has left the environment file are destroyed too.

    Exit code: 0 done or nothing to do, 1 something failed or you said no, 2 called wrongly, 130 interrupted.
    """
    import sys

    from operations.command_line.deploying import require_terminal, session_for, typed_name
    from operations.command_line.errors import UsageError
    from operations.deployment_run import destroy as run

    require_terminal(yes=yes or dry_run)
    with session_for(
        environment, output=output, jobs=jobs, parallelism=parallelism, verbose=verbose, json_output=json_output
    ) as session:
        name = session.environment.name
        if yes and not dry_run and confirm != name:
            raise UsageError(
                f"--yes without a terminal needs the name of what is destroyed\n    fix:      add --confirm {name}"
                if confirm is None
                else (
                    f"--confirm {confirm} is not the environment {name}\n    fix:      --confirm {name}, or another "
                    "--environment"
                )
            )
        return run(
            session,
            stacks or [],
            confirm=typed_name(session, confirmed=yes),
            include_protected=include_protected,
            dry_run=dry_run,
            json_to=sys.stdout if json_output else None,
        )
