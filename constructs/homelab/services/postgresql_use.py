"""How other services use PostgreSQL: each says what it needs in its settings, and the database service makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from homelab.provisioning.script import StoredSecret
from homelab.services.service import ServiceContext

SERVICE_NAME = "postgresql"
PORT = 5432


@dataclass(frozen=True)
class DatabaseNeed:
    """What a service needs of PostgreSQL: a user, and a database of its own or rights on what is there."""

    user: str
    database: str | None = None
    """A database that the user owns; None for a user without one."""
    member_of: tuple[str, ...] = ()
    """Roles that the user is a member of, such as ``pg_monitor``."""


@runtime_checkable
class UsesPostgresql(Protocol):
    """Settings of a service that may use the PostgreSQL service."""

    def database_need(self) -> DatabaseNeed | None:
        """What it needs; None when it keeps its data elsewhere."""


def database_needs(context: ServiceContext[Any]) -> tuple[DatabaseNeed, ...]:
    """What the services of the environment need of PostgreSQL, in the order of the catalogue."""
    if SERVICE_NAME not in context.services:
        return ()
    settings = [enabled.settings for enabled in context.services.values()]
    needs = [one.database_need() for one in settings if isinstance(one, UsesPostgresql)]
    return tuple(need for need in needs if need is not None)


def user_secret(user: str, variable: str) -> StoredSecret:
    """The password of a PostgreSQL user, which the database and who uses it share."""
    return StoredSecret(variable, f"postgresql/{user}")


def address_of_postgresql(context: ServiceContext[Any]) -> str:
    """Where the primary is.

    Raises:
        ValueError: the environment has no such service.
    """
    enabled = context.services.get(SERVICE_NAME)
    if enabled is None:
        raise ValueError(
            f"{context.hostname} keeps its data in PostgreSQL, which the environment does not have: "
            "add postgresql to services, or choose another database for it"
        )
    return str(enabled.address)
