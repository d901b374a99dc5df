"""`python -m bootstrap resources`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from bootstrap.command_surroundings import (
    CaOption,
    DirectoryOption,
    DomainOption,
    JsonOption,
    Surroundings,
    VerboseOption,
    WaitOption,
    working,
)
from bootstrap.desired import read_resources
from bootstrap.errors import CredentialsError, ExitCode
from bootstrap.private_file import read_private, write_private
from bootstrap.readiness import DEFAULT_WAIT_SECONDS
from bootstrap.resources import Credentials, ResourcesResult, ResourcesRun
from bootstrap.saved import SavedCredentials
from bootstrap.values import Values

CLIENT_ID = "INFISICAL_UNIVERSAL_AUTH_CLIENT_ID"
CLIENT_SECRET = "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET"  # noqa: S105 - a variable's name
"""The official CLI's names; used where this directory has no saved machine identity."""

PROJECTS_FILE = "infisical_projects.json"
"""The ids of the projects by slug, for Terraform."""


def resources(
    context: typer.Context,
    *,
    file: Annotated[Path, typer.Option("--file", help="JSON document of what there is to be.", dir_okay=False)],
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would change: exit code 10, or 0.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Also delete what was made for this owner and the file no longer names.")
    ] = False,
    domain: DomainOption = "",
    directory: DirectoryOption = Path(),
    wait: WaitOption = DEFAULT_WAIT_SECONDS,
    ca_certificate: CaOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """`python -m bootstrap resources`."""
    surroundings: Surroundings = context.obj
    frame = working(surroundings, domain, directory, ca_certificate, as_json=as_json, verbose=verbose, changes=not plan)
    with frame as work:
        wanted = read_resources(file)
        credentials = _credentials(surroundings, work.saved)
        values = Values(surroundings.environment, file.parent, surroundings.prompt, surroundings.redact)
        run = ResourcesRun(work.infisical, wanted, values, directory, prune=prune)
        if plan:
            result = run.plan(credentials, wait_seconds=wait, say=work.say)
        else:
            result = run.apply(credentials, wait_seconds=wait, say=work.say)
            _save_project_ids(directory / PROJECTS_FILE, result)
        code = _exit_code(result)
        typer.echo(_document(work.url, result, code) if as_json else _text(result))
        raise typer.Exit(int(code))


def _save_project_ids(path: Path, result: ResourcesResult) -> None:
    text = json.dumps(dict(sorted(result.project_ids.items())), indent=2) + "\n"
    if read_private(path) != text:
        write_private(path, text)


def _credentials(surroundings: Surroundings, saved: SavedCredentials) -> Credentials:
    identity = saved.identity()
    if identity is not None:
        return Credentials(identity.client_id, identity.client_secret, identity.identity_id)
    client_id = surroundings.environment.get(CLIENT_ID, "")
    client_secret = surroundings.environment.get(CLIENT_SECRET, "")
    if client_id and client_secret:
        return Credentials(client_id, SecretStr(client_secret))
    raise CredentialsError(
        f"{saved.token_path} is not there, and {CLIENT_ID} and {CLIENT_SECRET} are not both set",
        "run: python -m bootstrap identity",
    )


def _exit_code(result: ResourcesResult) -> ExitCode:
    if not result.applied:
        return ExitCode.CHANGES if result.changes else ExitCode.OK
    return ExitCode.APPROVAL if result.approvals else ExitCode.OK


def _document(url: str, result: ResourcesResult, code: ExitCode) -> str:
    document = {
        "domain": url,
        "applied": result.applied,
        "changes": [change.document() for change in result.changes],
        "notes": list(result.notes),
        "waiting_for_approval": list(result.approvals),
        "exit_code": int(code),
    }
    return json.dumps(document, indent=2)


def _text(result: ResourcesResult) -> str:
    signs = {"create": "+", "update": "~", "delete": "-"}
    lines = [
        f"{signs[change.action.value]} {change.kind:<11} {change.name}{f'  ({change.detail})' if change.detail else ''}"
        for change in result.changes
    ]
    lines += [f"note: {note}" for note in result.notes]
    lines += [f"waits for approval in Infisical: {approval}" for approval in result.approvals]
    count = len(result.changes)
    counted = f"{count} change{'s' if count != 1 else ''}"
    lines.append(f"{counted} {'done' if result.applied else 'to make'}" if count else "nothing to change")
    return "\n".join(lines)
