"""PostgreSQL from the distribution's package, with replicas that follow by streaming."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from homelab.provisioning.script import StoredSecret
from homelab.services.postgresql.settings import PostgresqlSettings, User
from homelab.services.postgresql_use import PORT, access_of_services, database_needs, user_secret
from homelab.services.service import Service, ServiceContext, ServicePort, Size

REPLICATION = StoredSecret("REPLICATION_PASSWORD", "postgresql/replication")
"""The password with which replicas follow; whoever has it can read every database."""


@dataclass(frozen=True)
class Login:
    """A user as the script makes it."""

    name: str
    variable: str
    create_databases: bool = False
    member_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class OwnedDatabase:
    """A database as the script makes it."""

    name: str
    owner: str
    extensions: tuple[str, ...] = ()


def logins(context: ServiceContext[PostgresqlSettings]) -> tuple[Login, ...]:
    """Every user: those of the file, owners of its databases, and what other services need. By name."""
    settings = context.settings
    users: dict[str, User] = {database.owner or name: User() for name, database in settings.databases.items()}
    users |= settings.users
    for need in database_needs(context):
        known = users.get(need.user, User())
        users[need.user] = known.model_copy(update={"member_of": tuple({*known.member_of, *need.member_of})})
    return tuple(
        Login(name, f"PASSWORD_{number}", user.create_databases, tuple(sorted(user.member_of)))
        for number, (name, user) in enumerate(sorted(users.items()), start=1)
    )


def databases(context: ServiceContext[PostgresqlSettings]) -> tuple[OwnedDatabase, ...]:
    """Every database: those of the file, and those that other services need. By name."""
    found = {
        need.database: OwnedDatabase(need.database, need.user) for need in database_needs(context) if need.database
    }
    for name, database in context.settings.databases.items():
        owned = OwnedDatabase(name, database.owner or name, database.extensions)
        found[name] = replace(found[name], extensions=owned.extensions) if name in found else owned
    return tuple(found[name] for name in sorted(found))


def memory_parameters(memory_mib: int, max_connections: int) -> dict[str, str]:
    """Parameters that follow the container's memory: a quarter for shared buffers, half as what the system caches."""
    return {
        "shared_buffers": f"{max(memory_mib // 4, 16)}MB",
        "effective_cache_size": f"{max(memory_mib // 2, 32)}MB",
        "maintenance_work_mem": f"{min(max(memory_mib // 16, 16), 1024)}MB",
        "work_mem": f"{min(max(memory_mib // 4 // max_connections, 2), 64)}MB",
    }


def parameters(context: ServiceContext[PostgresqlSettings]) -> dict[str, str]:
    """What the script writes into its part of postgresql.conf."""
    settings = context.settings
    size = SERVICE.size
    disk = settings.disk or size.disk
    return {
        "listen_addresses": "*",
        "port": str(PORT),
        "password_encryption": "scram-sha-256",
        "max_connections": str(settings.max_connections),
        **memory_parameters(settings.memory or size.memory, settings.max_connections),
        "wal_level": "replica",
        "max_wal_senders": "20",
        "max_replication_slots": "20",
        # A replica that stays away must not fill the primary's disk: it is made anew instead.
        "max_slot_wal_keep_size": f"{max(disk * 1024 // 4, 256)}MB",
        "wal_keep_size": "64MB",
        "hot_standby": "on",
        **settings.parameters,
    }


def _variables(context: ServiceContext[PostgresqlSettings]) -> Mapping[str, Any]:
    settings = context.settings
    sources = settings.access
    return {
        "port": PORT,
        "parameters": parameters(context),
        "logins": logins(context),
        "databases": databases(context),
        "access": [*((one.database, one.user, one.source) for one in sources), *access_of_services(context)]
        if sources is not None
        else [("all", "all", context.network.cidr)],
        "slots": [f"replica_{replica.index}" for replica in context.replicas],
        "slot": f"replica_{context.index}",
    }


def _secrets(context: ServiceContext[PostgresqlSettings]) -> tuple[StoredSecret, ...]:
    users = tuple(user_secret(login.name, login.variable) for login in logins(context)) if context.is_primary else ()
    return (*users, REPLICATION)


SERVICE = Service(
    name="postgresql",
    title="PostgreSQL",
    description="A database server with users and databases from the file, and read-only replicas.",
    number=0,
    hostname="postgresql-db",
    size=Size(cores=1, memory=1024, disk=8),
    settings=PostgresqlSettings,
    ports=(ServicePort(PORT, "postgresql"),),
    configure_variables=_variables,
    secrets=_secrets,
)
