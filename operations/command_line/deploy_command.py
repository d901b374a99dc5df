"""``homelab deploy``: from an environment file to guests that run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Environment = Annotated[
    str | None,
    typer.Option(
        "--environment", "-e", metavar="E", help="Name or file of the environment; needed when there are several."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout; progress goes to stderr.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask. Needed where there is no terminal.")]
Jobs = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, max=32, help="How many stacks are worked on at once. [default: 10]")
]
Parallelism = Annotated[
    int | None,
    typer.Option(
        "--parallelism", min=1, max=64, help="How many resources of one stack are. [default: Terraform's, 10]"
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show the original text of errors too.")]
Allow = Annotated[
    Path | None,
    typer.Option("--allow", metavar="FILE", help="Blocked changes that pass; allowed-changes.yaml of the project."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Plan and show what would be done; change nothing.")]


_ONLY_SERVICES = (
    "--recreate and --rebuild-template are for one service\n    fix:      homelab deploy services --recreate SERVICE"
)


def deploy(
    stacks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PLATFORM|STACK]...",
            help="Only these platforms or stacks, such as services, web or 'prod-w*'. All when left out.",
        ),
    ] = None,
    environment: Environment = None,
    *,
    first: Annotated[str, typer.Option("--from", metavar="PHASE", help="Begin with this phase of a platform.")] = "",
    last: Annotated[str, typer.Option("--to", metavar="PHASE", help="End with this phase.")] = "",
    only: Annotated[str, typer.Option("--only", metavar="PHASE", help="This phase and no other.")] = "",
    plans: Annotated[
        Path | None,
        typer.Option("--plans", metavar="DIR", help="Apply exactly the plans that `homelab review --save` kept there."),
    ] = None,
    recreate: Annotated[
        str,
        typer.Option("--recreate", metavar="SERVICE", help="Destroy a service's containers and clone them again."),
    ] = "",
    restore: Annotated[
        str,
        typer.Option("--restore", metavar="latest|VOLUME", help="With --recreate: bring them back from a backup."),
    ] = "",
    rebuild_template: Annotated[
        str,
        typer.Option("--rebuild-template", metavar="SERVICE", help="Build a service's template again, and only that."),
    ] = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    json_output: Json = False,
    jobs: Jobs = None,
    parallelism: Parallelism = None,
    verbose: Verbose = False,
    allow: Allow = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Where stacks are synthesized. [default: cdktf.out]", hidden=True)
    ] = None,
) -> int:
    """Plan the environment, show what would change, and after a yes apply exactly that.

    What would lose data or protection is blocked, unless allowed-changes.yaml lists it with a reason and a date.
    The credentials come from PROXMOX_VE_API_TOKEN, or PROXMOX_VE_USERNAME and PROXMOX_VE_PASSWORD. Running it again is
    always right: it continues where the last run stopped. Ctrl-C lets Terraform finish what it is doing.

    Exit code: 0 done or nothing to do, 1 something failed or you said no, 2 called wrongly, 3 blocked, 130 interrupted.
    """
    import sys

    from operations.command_line.deploying import require_terminal, session_for, typed_service, yes_or_no
    from operations.command_line.errors import UsageError
    from operations.command_line.moves_command import move_first
    from operations.deployment.platforms import Range
    from operations.deployment.recreate_run import Request, make_anew
    from operations.deployment.run import deploy as run

    if only and (first or last):
        raise UsageError("--only goes with neither --from nor --to\n    fix:      leave one of them out")
    request = Request(recreate, restore, rebuild_template)
    if problem := request.problem or (request.is_given and stacks not in (None, [], ["services"]) and _ONLY_SERVICES):
        raise UsageError(problem)
    require_terminal(yes=yes or dry_run)
    with session_for(
        environment,
        output=output,
        jobs=jobs,
        parallelism=parallelism,
        verbose=verbose,
        json_output=json_output,
        allow=allow,
    ) as session:
        if request.is_given:
            return make_anew(
                session,
                request,
                confirm=yes_or_no(session, yes=yes),
                confirm_loss=typed_service(yes=yes),
                dry_run=dry_run,
                json_to=sys.stdout if json_output else None,
            )
        if plans is None and not move_first(session, yes=yes, dry_run=dry_run):
            typer.echo("Nothing was changed.", err=True)
            return 1
        return run(
            session,
            stacks or [],
            confirm=yes_or_no(session, yes=yes),
            part=Range(only or first, only or last),
            plans=plans,
            dry_run=dry_run,
            json_to=sys.stdout if json_output else None,
        )
