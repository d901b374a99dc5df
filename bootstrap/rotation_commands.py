"""`python -m bootstrap rotate`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from bootstrap.command_surroundings import (
    CaOption,
    DirectoryOption,
    DomainOption,
    EmailOption,
    JsonOption,
    Surroundings,
    VerboseOption,
    WaitOption,
    login_of,
    print_result,
    reporting,
    terraform_output,
    working,
)
from bootstrap.database_rotation import Containers, NewCredentials, PostgresRotation, RedisRotation
from bootstrap.identity import IdentitySpec
from bootstrap.private_file import exclusive
from bootstrap.readiness import DEFAULT_WAIT_SECONDS
from bootstrap.rotation import rotate_admin_password, rotate_client_secret

NEW_PASSWORD = "INFISICAL_ADMIN_NEW_PASSWORD"  # noqa: S105 - a variable's name
OUTPUT = "database_rotation"
"""The Terraform output with the new credentials of the databases."""

rotate_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Replace credentials. The old ones work until the new ones are saved and proven.",
)
database_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help=f"Replace PostgreSQL's and Redis's passwords by those in the output {OUTPUT!r} of `terraform output -json`,"
    " which is read from standard input. The containers are reached by `docker exec` (DOCKER_HOST).",
)
rotate_app.add_typer(database_app, name="database")

PostgresOption = Annotated[str, typer.Option("--postgres", help="PostgreSQL's container.")]
RedisOption = Annotated[str, typer.Option("--redis", help="Redis's container.")]


@rotate_app.command("client-secret", help="Replace the machine identity's saved client secret.")
def client_secret(
    context: typer.Context,
    *,
    domain: DomainOption = "",
    directory: DirectoryOption = Path(),
    wait: WaitOption = DEFAULT_WAIT_SECONDS,
    ca_certificate: CaOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """`python -m bootstrap rotate client-secret`."""
    with working(context.obj, domain, directory, ca_certificate, as_json=as_json, verbose=verbose) as work:
        result = rotate_client_secret(work.infisical, work.saved, IdentitySpec(), wait_seconds=wait, say=work.say)
        done = {"domain": work.url, **dataclasses.asdict(result), "saved_to": str(work.saved.token_path)}
        print_result(done, as_json=as_json)


@rotate_app.command(
    "admin-password",
    help=f"Replace the administrator's password, INFISICAL_ADMIN_PASSWORD, by that in {NEW_PASSWORD}.",
)
def admin_password(
    context: typer.Context,
    *,
    domain: DomainOption = "",
    email: EmailOption = "",
    directory: DirectoryOption = Path(),
    wait: WaitOption = DEFAULT_WAIT_SECONDS,
    ca_certificate: CaOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """`python -m bootstrap rotate admin-password`."""
    surroundings: Surroundings = context.obj
    login = login_of(surroundings, email, "")
    new = dataclasses.replace(login, password=SecretStr(surroundings.environment.get(NEW_PASSWORD, "")))
    surroundings.redact.add(new.password.get_secret_value())
    with working(surroundings, domain, directory, ca_certificate, as_json=as_json, verbose=verbose) as work:
        changed = rotate_admin_password(work.infisical, login, new, wait_seconds=wait, say=work.say)
        print_result({"domain": work.url, "email": login.email, "changed": changed}, as_json=as_json)


@database_app.command(help="Make the new credentials valid beside the old ones.")
def prepare(
    context: typer.Context,
    *,
    postgres: PostgresOption = "infisical-postgres",
    redis: RedisOption = "infisical-redis",
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """`python -m bootstrap rotate database prepare`."""
    with _rotating(context.obj, postgres, redis, as_json=as_json, verbose=verbose) as (of_postgres, of_redis):
        made = {"postgres_changed": of_postgres.prepare(), "redis_changed": of_redis.prepare()}
        print_result({**made, "next_step": "terraform apply, then rotate database finish"}, as_json=as_json)


@database_app.command(help="End the old credentials, once the containers were replaced.")
def finish(
    context: typer.Context,
    *,
    postgres: PostgresOption = "infisical-postgres",
    redis: RedisOption = "infisical-redis",
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """`python -m bootstrap rotate database finish`."""
    with _rotating(context.obj, postgres, redis, as_json=as_json, verbose=verbose) as (of_postgres, of_redis):
        ended = {"postgres_logins_ended": of_postgres.finish(), "redis_passwords_ended": of_redis.finish()}
        print_result(ended, as_json=as_json)


@contextmanager
def _rotating(
    surroundings: Surroundings, postgres: str, redis: str, *, as_json: bool, verbose: bool
) -> Iterator[tuple[PostgresRotation, RedisRotation]]:
    """The frame of a command for the databases: failures become messages, and one run goes at a time."""
    lock = surroundings.lock_directory / "infisical_databases.lock"
    with reporting(surroundings, as_json, verbose), exclusive(lock, "the databases"):
        new = NewCredentials.of(terraform_output(surroundings, OUTPUT), surroundings.redact)
        containers = Containers(surroundings.environment, surroundings.redact)
        yield (
            PostgresRotation(containers, postgres, new.postgres_user, new.postgres_password),
            RedisRotation(containers, redis, new.redis_password),
        )
