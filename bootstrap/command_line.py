"""The command line of `python -m bootstrap`: options, locks, output and exit codes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bootstrap.admin import set_up_admin
from bootstrap.backup_commands import OUTPUT, backup_keys
from bootstrap.command_surroundings import (
    CaOption,
    DirectoryOption,
    DomainOption,
    EmailOption,
    JsonOption,
    OrganizationOption,
    Surroundings,
    VerboseOption,
    WaitOption,
    aligned,
    domain_of,
    infisical_at,
    login_of,
    print_failure,
    print_result,
    reporting,
    word,
    working,
)
from bootstrap.compatibility import API_VERSION, MINIMUM_VERSION
from bootstrap.errors import ExitCode
from bootstrap.identity import (
    DEFAULT_NAME,
    DEFAULT_ROLE,
    DEFAULT_TOKEN_TTL_SECONDS,
    LONGEST_TOKEN_TTL_SECONDS,
    IdentitySpec,
    set_up_identity,
)
from bootstrap.key_backup import ENCRYPTION_KEY
from bootstrap.readiness import DEFAULT_WAIT_SECONDS
from bootstrap.resource_commands import resources
from bootstrap.rotation_commands import rotate_app
from bootstrap.saved import SavedCredentials
from bootstrap.status import Phase, StatusReport, status_of

_EXIT_CODES = """
Exit codes: 0 done; 1 Infisical refused; 2 a wrong or missing input; 3 not reachable or not ready in time;
4 not Infisical, or an unsupported version; 5 set up by somebody else; 6 saved credentials missing, faulty or not
writable; 7 another bootstrap is running; 8 no administrator yet; 9 the answer was lost, run again;
10 a plan with changes; 11 changes wait for an approval; 130 interrupted.
"""

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=f"Sets up an Infisical server ({MINIMUM_VERSION} or later; written against {API_VERSION}).",
    epilog=_EXIT_CODES,
)

_PASSWORD_NOTE = "The administrator's password is read from INFISICAL_ADMIN_PASSWORD."  # noqa: S105 - a help text


def run(arguments: Sequence[str], surroundings: Surroundings) -> int:
    """Runs one command and returns its exit code."""
    surroundings.redact.add(surroundings.environment.get("INFISICAL_ADMIN_PASSWORD", ""))
    as_json = "--json" in arguments
    try:
        code = app(args=list(arguments), obj=surroundings, prog_name="python -m bootstrap", standalone_mode=not as_json)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ExitCode.FAILED)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except typer.TyperException as error:
        # A wrong option, found before any command begins.
        print_failure(error.format_message(), "run it with --help", ExitCode.USAGE, as_json=as_json)
        code = int(ExitCode.USAGE)
    return code if isinstance(code, int) else int(ExitCode.OK)


@app.callback()
def _describe() -> None:
    """Keeps `python -m bootstrap COMMAND` a group of commands."""


@app.command(help="Show what is known about a server and the saved credentials. Changes and sends nothing.")
def status(
    context: typer.Context,
    *,
    phase: Annotated[Phase, typer.Option("--phase", help="The last command that is to be done.")] = Phase.IDENTITY,
    domain: DomainOption = "",
    directory: DirectoryOption = Path(),
    ca_certificate: CaOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """`python -m bootstrap status`."""
    surroundings: Surroundings = context.obj
    with reporting(surroundings, as_json, verbose) as say:
        url = domain_of(surroundings, domain)
        with infisical_at(surroundings, url, ca_certificate) as infisical:
            key = surroundings.environment.get(ENCRYPTION_KEY)
            report = status_of(infisical, SavedCredentials(directory, url), phase, encryption_key=key)
        if as_json:
            typer.echo(json.dumps(report.document(), indent=2))
        else:
            typer.echo(_table(report))
        if report.initialized and report.key_backup.problem:
            say(f"warning: {report.key_backup.problem}: without the key every secret is lost; see backup-keys --help")
        raise typer.Exit(int(report.exit_code))


@app.command(help=f"Make the first administrator and organization, and close public sign-up. {_PASSWORD_NOTE}")
def admin(
    context: typer.Context,
    *,
    domain: DomainOption = "",
    email: EmailOption = "",
    organization: OrganizationOption = "",
    directory: DirectoryOption = Path(),
    wait: WaitOption = DEFAULT_WAIT_SECONDS,
    ca_certificate: CaOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """`python -m bootstrap admin`."""
    login = login_of(context.obj, email, organization)
    with working(context.obj, domain, directory, ca_certificate, as_json=as_json, verbose=verbose) as work:
        result = set_up_admin(work.infisical, work.saved, login, wait_seconds=wait, say=work.say)
        done = {"domain": work.url, **dataclasses.asdict(result), "saved_to": str(work.saved.bootstrap_path)}
        print_result(done, as_json=as_json)


@app.command(
    help="Make the machine identity with Universal Auth, save its client secret, and revoke the bootstrap token."
    f" {_PASSWORD_NOTE}"
)
def identity(
    context: typer.Context,
    *,
    domain: DomainOption = "",
    name: Annotated[str, typer.Option("--name", help="The machine identity's name.")] = DEFAULT_NAME,
    role: Annotated[str, typer.Option("--role", help="Its role in the organization.")] = DEFAULT_ROLE,
    token_ttl: Annotated[
        int,
        typer.Option(
            "--token-ttl", min=60, max=LONGEST_TOKEN_TTL_SECONDS, help="Life of its access tokens in seconds."
        ),
    ] = DEFAULT_TOKEN_TTL_SECONDS,
    email: EmailOption = "",
    organization: OrganizationOption = "",
    directory: DirectoryOption = Path(),
    wait: WaitOption = DEFAULT_WAIT_SECONDS,
    ca_certificate: CaOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """`python -m bootstrap identity`."""
    login = login_of(context.obj, email, organization)
    # Infisical cuts white space off a name, and would never find it again as it was.
    spec = IdentitySpec(name=name.strip() or DEFAULT_NAME, role=role, token_ttl_seconds=token_ttl)
    with working(context.obj, domain, directory, ca_certificate, as_json=as_json, verbose=verbose) as work:
        result = set_up_identity(work.infisical, work.saved, login, spec, wait_seconds=wait, say=work.say)
        done = {"domain": work.url, **dataclasses.asdict(result), "saved_to": str(work.saved.token_path)}
        print_result(done, as_json=as_json)


app.add_typer(rotate_app, name="rotate")
app.command(
    "backup-keys",
    help=f"Put the keys into an encrypted file: those in the output {OUTPUT!r} of `terraform output -json`, read from"
    " standard input.",
)(backup_keys)
app.command(help="Make projects, environments, folders, secrets, identities and roles be as a file says.")(resources)


def _table(report: StatusReport) -> str:
    rows = {
        "server": report.domain,
        "reachable": word(report.reachable),
        "ready": word(report.ready),
        "initialized": word(report.initialized),
        "sign-up open": word(report.sign_up_open),
        "release": "unknown" if report.release is None else report.release.value,
    }
    for file in (report.bootstrap_file, report.token_file):
        rows[file.name] = file.state.value
    rows["key backup"] = report.key_backup.state.value
    if report.problem:
        rows["problem"] = report.problem
        rows["next"] = report.next_step or "-"
    return aligned(rows)
