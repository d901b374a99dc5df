"""What an environment file can say about PostgreSQL."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from homelab.config.model import Model
from homelab.config.names import Ipv4Network
from homelab.config.problems import Refused
from homelab.config.text import Matching
from homelab.services.settings import ReplicatedSettings

SqlName = Annotated[
    str,
    Matching(r"[a-z_][a-z0-9_]*", "a name in PostgreSQL", "a-z, 0-9 and _, no digit first", longest=63),
]
"""The name of a database, user or extension, which needs no quotes."""

RESERVED_DATABASES = frozenset({"postgres", "template0", "template1", "all", "sameuser", "samerole", "replication"})
"""Databases of PostgreSQL itself, and words that mean something else in pg_hba.conf."""
RESERVED_USERS = frozenset({"postgres", "replication", "public", "none", "all"})
OUR_PARAMETERS = frozenset(
    {
        "config_file",
        "data_directory",
        "hba_file",
        "hot_standby",
        "ident_file",
        "listen_addresses",
        "password_encryption",
        "port",
        "primary_conninfo",
        "primary_slot_name",
        "unix_socket_directories",
        "wal_level",
    }
)
"""Parameters on which the scripts, the replicas and the other services rely."""


def _free_database(name: str) -> str:
    if name in RESERVED_DATABASES:
        raise _taken(f"the database {name}", RESERVED_DATABASES)
    return name


def _free_user(name: str) -> str:
    if name in RESERVED_USERS or name.startswith("pg_"):
        raise _taken(f"the user {name}", RESERVED_USERS, ", and none that begins with pg_")
    return name


def _taken(what: str, reserved: frozenset[str], others: str = "") -> Refused:
    return Refused(
        f"{what} belongs to PostgreSQL itself",
        allowed=f"another name than {', '.join(sorted(reserved))}{others}",
        fix="choose another name",
    )


def _free_parameter(name: str) -> str:
    if name in OUR_PARAMETERS:
        raise Refused(
            f"the parameter {name} is the catalogue's: without its value nothing finds or reaches the database",
            allowed=f"another parameter than {', '.join(sorted(OUR_PARAMETERS))}",
            fix="remove it",
        )
    return name


DatabaseName = Annotated[SqlName, AfterValidator(_free_database)]
UserName = Annotated[SqlName, AfterValidator(_free_user)]
ParameterName = Annotated[
    str,
    Matching(
        r"[a-z_][a-z0-9_.]*", "a parameter of PostgreSQL", "a name such as log_min_duration_statement", longest=63
    ),
    AfterValidator(_free_parameter),
]
ParameterValue = Annotated[
    str, Matching(r"[^\n'\\]*", "a value of a parameter", "one line without ' and \\", example="250ms")
]


def _address_as_network(value: Any) -> Any:
    return value if "/" in str(value) else f"{value}/32"


class Database(Model):
    """A database; it is never removed when it leaves the file."""

    owner: UserName | None = Field(None, description="Its owner, one of `users`; a user of its own name if left out.")
    extensions: tuple[Annotated[str, Matching(r"[a-z_][a-z0-9_-]*", "an extension", "a-z, 0-9, _ and -")], ...] = Field(
        (), description="Extensions, of those that the PostgreSQL package has: pg_trgm, citext, uuid-ossp, ..."
    )


class User(Model):
    """A user that can log in with a generated password, `postgresql/<name>` in the secret store."""

    create_databases: bool = Field(False, description="May create databases.")
    member_of: tuple[SqlName, ...] = Field((), description="Roles, such as pg_monitor or pg_read_all_data.")


class Access(Model):
    """Who may connect to what, from where. The method is always scram-sha-256."""

    source: Annotated[Ipv4Network, BeforeValidator(_address_as_network)] = Field(
        alias="from", description="An IPv4 subnet, or a single address."
    )
    database: SqlName = Field("all", description="A database, or all.")
    user: SqlName = Field("all", description="A user, or all. postgres never gets in over the network.")


class PostgresqlSettings(ReplicatedSettings):
    """PostgreSQL: databases, users, who may connect, and how much memory it takes.

    Memory for buffers and caches follows the container's.
    """

    databases: dict[DatabaseName, Database] = Field({}, description="Databases by name.")
    users: dict[UserName, User] = Field({}, description="Users by name; owners of databases are users already.")
    access: tuple[Access, ...] | None = Field(
        None,
        description="Lines of pg_hba.conf; every user from the network of the services when left out. Services that "
        "keep data here have lines of their own.",
    )
    max_connections: Annotated[int, Field(ge=10, le=5000, strict=True)] = Field(
        100, description="Connections at the same time."
    )
    parameters: dict[ParameterName, ParameterValue] = Field(
        {}, description="Further parameters of postgresql.conf, which win over the catalogue's."
    )

    @model_validator(mode="after")
    def _owners_are_free(self) -> Self:
        for name, database in self.databases.items():
            if database.owner is None:
                _free_user(name)
        return self
