"""`python -m bootstrap rotate`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any

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
    aligned,
    alone,
    domain_of,
    infisical_at,
    login_of,
    reporting,
    terraform_output,
    warn_about_clear_text,
    word,
)
from bootstrap.database_rotation import Containers, NewCredentials, PostgresRotation, RedisRotation
from bootstrap.identity import IdentitySpec
from bootstrap.private_file import exclusive
from bootstrap.readiness import DEFAULT_WAIT_SECONDS
from bootstrap.rotation import rotate_admin_password, rotate_client_secret
from bootstrap.saved import SavedCredentials

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
    surroundings: Surroundings = context.obj
    with reporting(surroundings, as_json, verbose) as say:
        url = domain_of(surroundings, domain)
        warn_about_clear_text(url, say)
        saved = SavedCredentials(directory, url)
        with alone(surroundings, saved), infisical_at(surroundings, url, ca_certificate) as infisical:
            result = rotate_client_secret(infisical, saved, IdentitySpec(), wait_seconds=wait, say=say)
        _print({"domain": url, **dataclasses.asdict(result), "saved_to": str(saved.token_path)}, as_json)


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
    with reporting(surroundings, as_json, verbose) as say:
        url = domain_of(surroundings, domain)
        warn_about_clear_text(url, say)
        login = login_of(surroundings, email, "")
        new = dataclasses.replace(login, password=SecretStr(surroundings.environment.get(NEW_PASSWORD, "")))
        surroundings.redact.add(new.password.get_secret_value())
        saved = SavedCredentials(directory, url)
        with alone(surroundings, saved), infisical_at(surroundings, url, ca_certificate) as infisical:
            changed = rotate_admin_password(infisical, login, new, wait_seconds=wait, say=say)
        _print({"domain": url, "email": login.email, "changed": changed}, as_json)


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
    surroundings: Surroundings = context.obj
    with reporting(surroundings, as_json, verbose), _one_at_a_time(surroundings):
        of_postgres, of_redis = _rotations(surroundings, postgres, redis)
        made = {"postgres_changed": of_postgres.prepare(), "redis_changed": of_redis.prepare()}
        _print({**made, "next_step": "terraform apply, then rotate database finish"}, as_json)


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
    surroundings: Surroundings = context.obj
    with reporting(surroundings, as_json, verbose), _one_at_a_time(surroundings):
        of_postgres, of_redis = _rotations(surroundings, postgres, redis)
        ended = of_postgres.finish()
        _print({"postgres_logins_ended": ended, "redis_passwords_ended": of_redis.finish()}, as_json)


def _one_at_a_time(surroundings: Surroundings) -> AbstractContextManager[None]:
    return exclusive(surroundings.lock_directory / "infisical_databases.lock", "the databases")


def _rotations(surroundings: Surroundings, postgres: str, redis: str) -> tuple[PostgresRotation, RedisRotation]:
    new = NewCredentials.of(terraform_output(surroundings, OUTPUT), surroundings.redact)
    containers = Containers(surroundings.environment, surroundings.redact)
    return (
        PostgresRotation(containers, postgres, new.postgres_user, new.postgres_password),
        RedisRotation(containers, redis, new.redis_password),
    )


def _print(document: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({**document, "exit_code": 0}, indent=2))
        return
    rows = {
        name.replace("_", " "): ", ".join(value) or "none" if isinstance(value, list) else word(value)
        for name, value in document.items()
    }
    typer.echo(aligned(rows))
