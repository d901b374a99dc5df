"""`python -m bootstrap backup-keys`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from bootstrap.command_surroundings import (
    DirectoryOption,
    DomainOption,
    JsonOption,
    Surroundings,
    VerboseOption,
    aligned,
    domain_of,
    reporting,
    terraform_output,
)
from bootstrap.errors import ExitCode, UsageError
from bootstrap.key_backup import ENCRYPTION_KEY, NAMES, RESTORE, BackupState, Encryption, Format, back_up, backup_report
from bootstrap.saved import SavedCredentials

OUTPUT = "key_backup"
"""The Terraform output with what a backup holds."""

PREFIX = "INFISICAL_BACKUP_"
"""Before the names in capitals, for `--from-environment`; the two keys also go by the names Infisical has for them."""


def backup_keys(
    context: typer.Context,
    *,
    file: Annotated[Path, typer.Option("--file", help="The encrypted backup.", dir_okay=False)] = Path(
        "infisical_keys.age"
    ),
    recipient: Annotated[list[str] | None, typer.Option("--recipient", help="Public key; can be repeated.")] = None,
    recipients_file: Annotated[
        Path | None, typer.Option("--recipients-file", help="File with one public key a line.", dir_okay=False)
    ] = None,
    identity: Annotated[
        Path | None, typer.Option("--identity", help="Private key to prove with that it decrypts.", dir_okay=False)
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="The program that encrypts.")] = Format.AGE,
    from_environment: Annotated[
        bool, typer.Option("--from-environment", help="Take the keys from variables instead of standard input.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only compare the key with the backup: exit code 6 where it is not in it.")
    ] = False,
    show_restore: Annotated[bool, typer.Option("--show-restore", help="Only say how to restore.")] = False,
    domain: DomainOption = "",
    directory: DirectoryOption = Path(),
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """`python -m bootstrap backup-keys`."""
    surroundings: Surroundings = context.obj
    with reporting(surroundings, as_json, verbose):
        if show_restore:
            typer.echo(json.dumps({"restore": RESTORE, "exit_code": 0}, indent=2) if as_json else RESTORE, nl=as_json)
            return
        values = _from_environment(surroundings) if from_environment else terraform_output(surroundings, OUTPUT)
        if not check:
            recipients = _recipients(recipient or [], recipients_file)
            encryption = Encryption(format_, recipients, identity, surroundings.environment, surroundings.redact)
            saved = SavedCredentials(directory, domain_of(surroundings, domain))
            with saved.lock():
                back_up(values, _about(saved), encryption, file, directory)
        report = backup_report(directory, values.get(ENCRYPTION_KEY))
        code = ExitCode.OK if report.state is BackupState.OK else ExitCode.CREDENTIALS
        if as_json:
            proven = None if check else identity is not None
            typer.echo(json.dumps({**report.document(), "proven": proven, "exit_code": int(code)}, indent=2))
        else:
            rows = {"key backup": report.state.value, "file": report.file or "-"}
            if not check:
                rows["proven by decrypting"] = "yes" if identity else "no: name the private key with --identity"
            typer.echo(aligned({**rows, **({"problem": report.problem} if report.problem else {})}))
        raise typer.Exit(int(code))


def _from_environment(surroundings: Surroundings) -> dict[str, str]:
    environment = surroundings.environment
    values = {name: environment.get(f"{PREFIX}{name.upper()}") or environment.get(name, "") for name in NAMES}
    for value in values.values():
        surroundings.redact.add(value)
    return values


def _recipients(named: list[str], file: Path | None) -> list[str]:
    if file is None:
        return named
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{file}: can't be read", "name a file with one public key a line") from None
    return [*named, *(line for line in lines if line and not line.startswith("#"))]


def _about(saved: SavedCredentials) -> dict[str, str]:
    admin, identity = saved.admin(), saved.identity()
    about = {"domain": saved.domain}
    if admin is not None:
        about["organization_id"] = admin.organization_id
    if identity is not None:
        about |= {"identity_id": identity.identity_id, "client_id": identity.client_id}
    return about
