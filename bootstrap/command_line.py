"""The command line of `python -m bootstrap`: options, locks, output and exit codes."""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from pydantic import SecretStr

from bootstrap.admin import AdminResult, set_up_admin
from bootstrap.authority import AdminLogin
from bootstrap.client import Infisical
from bootstrap.compatibility import API_VERSION, MINIMUM_VERSION
from bootstrap.domain import crosses_network_in_clear, normalized_domain
from bootstrap.errors import BootstrapError, ExitCode
from bootstrap.identity import (
    DEFAULT_NAME,
    DEFAULT_ROLE,
    DEFAULT_TOKEN_TTL_SECONDS,
    IdentityResult,
    IdentitySpec,
    set_up_identity,
)
from bootstrap.private_file import exclusive
from bootstrap.readiness import DEFAULT_WAIT_SECONDS
from bootstrap.redaction import RedactingFormatter, Redactor
from bootstrap.saved import SavedCredentials
from bootstrap.status import StatusReport, status_of
from bootstrap.transport import Clock

_EXIT_CODES = """
Exit codes: 0 done; 1 Infisical refused; 2 a wrong or missing input; 3 not reachable or not ready in time;
4 not Infisical, or an unsupported version; 5 set up by somebody else; 6 saved credentials missing, faulty or not
writable; 7 another bootstrap is running; 8 no administrator yet; 9 the answer was lost, run again; 130 interrupted.
"""

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=f"Sets up an Infisical server ({MINIMUM_VERSION} or later; written against {API_VERSION}).",
    epilog=_EXIT_CODES,
)

DomainOption = Annotated[
    str, typer.Option("--domain", help="Server, like http://192.168.3.20:8080. Default: INFISICAL_DOMAIN.")
]
DirectoryOption = Annotated[
    Path, typer.Option("--directory", help="Where the infisical_*.auto.tfvars files are.", file_okay=False)
]
CaOption = Annotated[
    Path | None,
    typer.Option(
        "--ca-certificate", help="PEM file of the only authority to trust. Default: INFISICAL_CA_CERTIFICATE."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", help="Log requests and retries on standard error.")]
WaitOption = Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait until the server is ready.")]
EmailOption = Annotated[str, typer.Option("--email", help="Administrator's email. Default: INFISICAL_ADMIN_EMAIL.")]
OrganizationOption = Annotated[
    str, typer.Option("--organization", help="Organization's name. Default: INFISICAL_ADMIN_ORGANIZATION.")
]

_PASSWORD_NOTE = "The administrator's password is read from INFISICAL_ADMIN_PASSWORD."  # noqa: S105 - a help text


@dataclass(frozen=True)
class Surroundings:
    """What the process was started with: its environment and the folder for locks that all its runs share."""

    environment: Mapping[str, str]
    lock_directory: Path
    clock: Clock = field(default_factory=Clock)
    redact: Redactor = field(default_factory=Redactor)


def run(arguments: Sequence[str], surroundings: Surroundings) -> int:
    """Runs one command and returns its exit code."""
    surroundings.redact.add(surroundings.environment.get("INFISICAL_ADMIN_PASSWORD", ""))
    try:
        app(args=list(arguments), obj=surroundings, prog_name="python -m bootstrap")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ExitCode.FAILED)
    return int(ExitCode.OK)


@app.callback()
def _describe() -> None:
    """Keeps `python -m bootstrap COMMAND` a group of commands."""


@app.command(help="Show what is known about a server and the saved credentials. Changes and sends nothing.")
def status(
    context: typer.Context,
    *,
    domain: DomainOption = "",
    directory: DirectoryOption = Path(),
    ca_certificate: CaOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """`python -m bootstrap status`."""
    surroundings: Surroundings = context.obj
    with _reporting(surroundings, as_json, verbose):
        url = _domain(surroundings, domain)
        with _infisical(surroundings, url, ca_certificate) as infisical:
            report = status_of(infisical, SavedCredentials(directory, url))
        if as_json:
            typer.echo(json.dumps(report.document(), indent=2))
        else:
            typer.echo(_table(report))
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
    surroundings: Surroundings = context.obj
    with _reporting(surroundings, as_json, verbose) as say:
        url = _domain(surroundings, domain)
        login = _login(surroundings, email, organization)
        _warn_about_clear_text(url, say)
        saved = SavedCredentials(directory, url)
        with _alone(surroundings, saved), _infisical(surroundings, url, ca_certificate) as infisical:
            result = set_up_admin(infisical, saved, login, wait_seconds=wait, say=say)
        _print_result(url, result, saved.bootstrap_path, as_json)


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
        int, typer.Option("--token-ttl", min=60, help="Life of its access tokens in seconds.")
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
    surroundings: Surroundings = context.obj
    with _reporting(surroundings, as_json, verbose) as say:
        url = _domain(surroundings, domain)
        login = _login(surroundings, email, organization)
        _warn_about_clear_text(url, say)
        saved = SavedCredentials(directory, url)
        spec = IdentitySpec(name=name, role=role, token_ttl_seconds=token_ttl)
        with _alone(surroundings, saved), _infisical(surroundings, url, ca_certificate) as infisical:
            result = set_up_identity(infisical, saved, login, spec, wait_seconds=wait, say=say)
        _print_result(url, result, saved.token_path, as_json)


@contextmanager
def _reporting(surroundings: Surroundings, as_json: bool, verbose: bool) -> Iterator[Callable[[str], None]]:
    """Turns failures into a message and an exit code; yields what tells the user about progress."""
    redact = surroundings.redact
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(redact, "%(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("bootstrap")
    before = logger.level
    logger.setLevel(logging.DEBUG if verbose else logging.WARNING)
    logger.addHandler(handler)

    def say(line: str) -> None:
        typer.echo(redact(line), err=True)

    try:
        yield say
    except BootstrapError as error:
        _print_failure(redact(error.message), redact(error.next_step), error.exit_code, as_json)
        raise typer.Exit(int(error.exit_code)) from None
    except typer.Exit:
        raise
    except Exception as error:
        # A fault of this program: no stack trace for the user unless asked for, and no secret in either.
        logger.debug("unexpected error", exc_info=error)
        message = redact(f"unexpected {type(error).__name__}: {error}")
        _print_failure(message, "run again with --verbose for details", ExitCode.FAILED, as_json)
        raise typer.Exit(int(ExitCode.FAILED)) from None
    except KeyboardInterrupt:
        _print_failure("interrupted", "run the same command again", ExitCode.INTERRUPTED, as_json)
        raise typer.Exit(int(ExitCode.INTERRUPTED)) from None
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def _print_failure(message: str, next_step: str, exit_code: ExitCode, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"error": message, "next_step": next_step, "exit_code": int(exit_code)}, indent=2))
        return
    typer.echo(f"error: {message}", err=True)
    if next_step:
        typer.echo(f"next: {next_step}", err=True)


def _domain(surroundings: Surroundings, domain: str) -> str:
    environment = surroundings.environment
    # INFISICAL_API_URL is the official CLI's older name for the same.
    return normalized_domain(domain or environment.get("INFISICAL_DOMAIN") or environment.get("INFISICAL_API_URL", ""))


def _login(surroundings: Surroundings, email: str, organization: str) -> AdminLogin:
    environment = surroundings.environment
    return AdminLogin(
        email=(email or environment.get("INFISICAL_ADMIN_EMAIL", "")).strip(),
        password=SecretStr(environment.get("INFISICAL_ADMIN_PASSWORD", "")),
        organization=(organization or environment.get("INFISICAL_ADMIN_ORGANIZATION", "")).strip(),
    )


def _infisical(surroundings: Surroundings, url: str, ca_certificate: Path | None) -> Infisical:
    from_environment = surroundings.environment.get("INFISICAL_CA_CERTIFICATE", "")
    chosen = ca_certificate or (Path(from_environment) if from_environment else None)
    return Infisical(url, ca_certificate=chosen, clock=surroundings.clock, redact=surroundings.redact)


@contextmanager
def _alone(surroundings: Surroundings, saved: SavedCredentials) -> Iterator[None]:
    """Keeps out every other run that would use the same server or the same files."""
    parts = urlsplit(saved.domain)
    server_lock = surroundings.lock_directory / f"infisical_{parts.netloc.replace(':', '_')}.lock"
    with ExitStack() as stack:
        stack.enter_context(exclusive(server_lock, saved.domain))
        stack.enter_context(saved.lock())
        yield


def _warn_about_clear_text(url: str, say: Callable[[str], None]) -> None:
    if crosses_network_in_clear(url):
        say(
            f"warning: {url} is not encrypted: the password and the tokens can be read on the way; use it in a LAN only"
        )


def _print_result(url: str, result: AdminResult | IdentityResult, path: Path, as_json: bool) -> None:
    document: dict[str, Any] = {"domain": url, **dataclasses.asdict(result), "saved_to": str(path), "exit_code": 0}
    if as_json:
        typer.echo(json.dumps(document, indent=2))
        return
    document.pop("exit_code")
    typer.echo(_aligned({name.replace("_", " "): _word(value) for name, value in document.items()}))


def _table(report: StatusReport) -> str:
    rows = {
        "server": report.domain,
        "reachable": _word(report.reachable),
        "ready": _word(report.ready),
        "initialized": _word(report.initialized),
        "sign-up open": _word(report.sign_up_open),
        "release": "unknown" if report.release is None else report.release.value,
    }
    for file in (report.bootstrap_file, report.token_file):
        rows[file.name] = file.state.value
    if report.problem:
        rows["problem"] = report.problem
        rows["next"] = report.next_step or "-"
    return _aligned(rows)


def _aligned(rows: Mapping[str, str]) -> str:
    width = max(len(name) for name in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows.items())


def _word(value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
