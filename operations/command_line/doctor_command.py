"""``homelab doctor``: can a deployment work from here, and if not, what is in the way?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from homelab.config.environment import Environment
    from operations.preflight.preflight import Check


def doctor(
    environment: Annotated[
        str | None,
        typer.Option("--environment", "-e", metavar="E", help="Also check this environment's Proxmox: name or file."),
    ] = None,
    *,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Check programs and providers, and with an environment credentials, certificate, privileges, nodes and SSH.

    Changes nothing. Exit code: 0 nothing failed, 1 something did, 2 no such environment.
    """
    import os

    from operations.preflight.preflight import Preflight, Status

    loaded = _load(environment) if environment else None
    checks = []
    for check in Preflight(os.environ, loaded).run():
        checks.append(check)
        if not json_output:
            typer.echo(_as_text(check))
    failed = sum(check.status is Status.FAILED for check in checks)
    if json_output:
        document = {"schema_version": 1, "failed": failed, "checks": [check.as_json() for check in checks]}
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        hint = "" if environment else " With --environment E the way to its Proxmox is checked too."
        typer.echo(f"\n{failed or 'Nothing'} failed.{hint}")
    return 1 if failed else 0


def _as_text(check: Check) -> str:
    from operations.command_line.terminal import paint

    colors = {"failed": "red", "warning": "yellow"}
    status = str(check.status)
    label = paint(f"{status:9}", colors[status]) if status in colors else f"{status:9}"
    lines = [f"{label} {check.name:12} {check.message}"]
    lines += [f"{'fix:' if index == 0 else '':>14}          {step}" for index, step in enumerate(check.fix)]
    return "\n".join(lines)


def _load(name: str) -> Environment:
    from homelab.config.loading import load_environment
    from homelab.config.problems import InvalidEnvironment
    from operations.command_line.deploying import chosen_file
    from operations.command_line.errors import CommandError

    try:
        return load_environment(chosen_file(name))
    except InvalidEnvironment as error:
        raise CommandError(f"{error}\n    fix:      homelab check {name} says what is wrong") from None
