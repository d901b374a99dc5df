"""What the commands of `python -m bootstrap` share: options, the process's surroundings, locks, and how they report."""

from __future__ import annotations

import getpass
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from pydantic import SecretStr

from bootstrap.authority import AdminLogin
from bootstrap.client import Infisical
from bootstrap.domain import crosses_network_in_clear, normalized_domain
from bootstrap.errors import BootstrapError, ExitCode, UsageError
from bootstrap.private_file import exclusive
from bootstrap.redaction import RedactingFormatter, Redactor
from bootstrap.saved import SavedCredentials
from bootstrap.transport import Clock
from bootstrap.values import Prompt

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


TERMINAL = "/dev/tty"
PIPE_STEP = "pipe it in: terraform output -json | python -m bootstrap ..."


def read_standard_input() -> str:
    """All of standard input.

    Raises:
        UsageError: nothing is piped in.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("standard input is a terminal, or closed", PIPE_STEP)
    return sys.stdin.read()


def ask_at_terminal(question: str) -> str:
    """The answer to a question at the terminal, which does not show it.

    Raises:
        UsageError: there is no terminal, or the answer is empty.
    """
    try:
        # Not standard input: a program that started this one may have that for itself.
        terminal = os.open(TERMINAL, os.O_RDWR)
    except OSError:
        raise UsageError(
            f"{question}: is to be asked for, and there is no terminal", "run the command yourself, at a terminal"
        ) from None
    os.close(terminal)
    answer = getpass.getpass(f"{question}: ")
    if not answer:
        raise UsageError(f"{question}: nothing was entered", "run again and enter it")
    return answer


@dataclass(frozen=True)
class Surroundings:
    """What the process was started with: its environment and the folder for locks that all its runs share."""

    environment: Mapping[str, str]
    lock_directory: Path
    clock: Clock = field(default_factory=Clock)
    redact: Redactor = field(default_factory=Redactor)
    prompt: Prompt = ask_at_terminal
    standard_input: Callable[[], str] = read_standard_input


@contextmanager
def reporting(surroundings: Surroundings, as_json: bool, verbose: bool) -> Iterator[Callable[[str], None]]:
    """Turns failures into a message and an exit code; yields what tells the user about progress."""
    redact = surroundings.redact
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(redact, "%(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("bootstrap")
    before = logger.level
    logger.setLevel(logging.DEBUG if verbose else logging.WARNING)
    logger.addHandler(handler)

    def say(line: str) -> None:
        # Work does not stop half-way because nobody can read about it any more.
        with suppress(OSError):
            typer.echo(redact(line), err=True)

    try:
        yield say
    except BootstrapError as error:
        print_failure(redact(error.message), redact(error.next_step), error.exit_code, as_json=as_json)
        raise typer.Exit(int(error.exit_code)) from None
    except typer.Exit:
        raise
    except UnicodeEncodeError:
        message, step = "an option or a variable is not UTF-8", "write it in UTF-8"
        print_failure(message, step, ExitCode.USAGE, as_json=as_json)
        raise typer.Exit(int(ExitCode.USAGE)) from None
    except Exception as error:
        # A fault of this program: no stack trace for the user unless asked for, and no secret in either.
        logger.debug("unexpected error", exc_info=error)
        message = redact(f"unexpected {type(error).__name__}: {error}")
        print_failure(message, "run again with --verbose for details", ExitCode.FAILED, as_json=as_json)
        raise typer.Exit(int(ExitCode.FAILED)) from None
    except KeyboardInterrupt:
        print_failure("interrupted", "run the same command again", ExitCode.INTERRUPTED, as_json=as_json)
        raise typer.Exit(int(ExitCode.INTERRUPTED)) from None
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def print_failure(message: str, next_step: str, exit_code: ExitCode, *, as_json: bool) -> None:
    """Prints why a command ends: one JSON document on standard output, or two lines on standard error."""
    if as_json:
        document = {"error": message, "next_step": next_step, "exit_code": int(exit_code)}
        try:
            typer.echo(json.dumps(document, indent=2))
        except OSError:
            # Standard output may be what failed.
            as_json = False
    if not as_json:
        with suppress(OSError):
            typer.echo(f"error: {message}", err=True)
            typer.echo(f"next: {next_step}" if next_step else "", err=True, nl=bool(next_step))


def domain_of(surroundings: Surroundings, domain: str) -> str:
    """The server that an option or the environment names. Raises UsageError where neither does."""
    environment = surroundings.environment
    # INFISICAL_API_URL is the official CLI's older name for the same.
    return normalized_domain(domain or environment.get("INFISICAL_DOMAIN") or environment.get("INFISICAL_API_URL", ""))


def login_of(surroundings: Surroundings, email: str, organization: str) -> AdminLogin:
    """The administrator as options and the environment name them; the password from the environment alone."""
    environment = surroundings.environment
    return AdminLogin(
        email=(email or environment.get("INFISICAL_ADMIN_EMAIL", "")).strip(),
        password=SecretStr(environment.get("INFISICAL_ADMIN_PASSWORD", "")),
        organization=(organization or environment.get("INFISICAL_ADMIN_ORGANIZATION", "")).strip(),
    )


def infisical_at(surroundings: Surroundings, url: str, ca_certificate: Path | None) -> Infisical:
    """A client of the server, with the authority that an option or the environment names."""
    from_environment = surroundings.environment.get("INFISICAL_CA_CERTIFICATE", "")
    chosen = ca_certificate or (Path(from_environment) if from_environment else None)
    return Infisical(url, ca_certificate=chosen, clock=surroundings.clock, redact=surroundings.redact)


@dataclass(frozen=True)
class Work:
    """What a command works with: the server, the credentials saved for it, and what tells the user about progress."""

    url: str
    infisical: Infisical
    saved: SavedCredentials
    say: Callable[[str], None]


@contextmanager
def working(
    surroundings: Surroundings,
    domain: str,
    directory: Path,
    ca_certificate: Path | None,
    *,
    as_json: bool,
    verbose: bool,
    changes: bool = True,
) -> Iterator[Work]:
    """The frame of a command that sends credentials to a server; failures become messages and exit codes.

    Where it `changes` something, every other run that would use the same server or the same files is kept out.
    """
    with reporting(surroundings, as_json, verbose) as say, ExitStack() as stack:
        url = domain_of(surroundings, domain)
        if crosses_network_in_clear(url):
            say(f"warning: {url} is not encrypted: passwords and tokens can be read on the way; use it in a LAN only")
        saved = SavedCredentials(directory, url)
        if changes:
            server = urlsplit(url).netloc.replace(":", "_")
            stack.enter_context(exclusive(surroundings.lock_directory / f"infisical_{server}.lock", url))
            stack.enter_context(saved.lock())
        yield Work(url, stack.enter_context(infisical_at(surroundings, url, ca_certificate)), saved, say)


def terraform_output(surroundings: Surroundings, name: str) -> dict[str, str]:
    """The strings of the output `name` in `terraform output -json` on standard input, or of a plain object there.

    Raises:
        UsageError: standard input holds neither.
    """
    try:
        document = json.loads(surroundings.standard_input())
    except (ValueError, RecursionError):
        raise UsageError("standard input is not JSON", PIPE_STEP) from None
    found = document.get(name, document) if isinstance(document, dict) else None
    if isinstance(found, dict) and {"sensitive", "value"} <= found.keys():
        found = found["value"]
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise UsageError(f"standard input has no output {name!r} that is an object of strings", PIPE_STEP)
    for value in found.values():
        surroundings.redact.add(value)
    return found


def print_result(document: Mapping[str, object], *, as_json: bool) -> None:
    """Prints what a command did: one JSON document, or a row for each part of it."""
    if as_json:
        typer.echo(json.dumps({**document, "exit_code": int(ExitCode.OK)}, indent=2))
        return
    typer.echo(aligned({name.replace("_", " "): word(value) for name, value in document.items()}))


def aligned(rows: Mapping[str, str]) -> str:
    """Names and values in two columns."""
    width = max(len(name) for name in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows.items())


def word(value: object) -> str:
    """A value as people read it."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return str(value)
