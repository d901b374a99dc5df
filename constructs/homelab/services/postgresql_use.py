"""How other services use PostgreSQL: each says what it needs in its settings, and the database service makes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from homelab.provisioning.script import StoredSecret
from homelab.services.service import EnabledService, ServiceContext

SERVICE_NAME = "postgresql"
PORT = 5432
MAINTENANCE_DATABASE = "postgres"
"""What a user without a database of its own connects to."""


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
    return tuple(need for need, _ in _needed(context))


def access_of_services(context: ServiceContext[Any]) -> tuple[tuple[str, str, str], ...]:
    """Database, user and address, as x.x.x.x/32, of every service that uses PostgreSQL."""
    return tuple(
        (need.database or MAINTENANCE_DATABASE, need.user, f"{instance.address}/32")
        for need, enabled in _needed(context)
        for instance in enabled.instances
    )


def _needed(context: ServiceContext[Any]) -> Iterator[tuple[DatabaseNeed, EnabledService]]:
    if SERVICE_NAME not in context.services:
        return
    for enabled in context.services.values():
        need = enabled.settings.database_need() if isinstance(enabled.settings, UsesPostgresql) else None
        if need is not None:
            yield need, enabled


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
