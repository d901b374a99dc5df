"""What an environment file can say about PostgreSQL."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Self

from pydantic import Field, model_validator

from homelab.config.model import Model
from homelab.config.problems import Refused
from homelab.config.text import Matching
from homelab.services.settings import ReplicatedSettings

SqlName = Annotated[
    str,
    Matching(r"[a-z_][a-z0-9_]*", "a name in PostgreSQL", "a-z, 0-9 and _, no digit first", longest=63),
]
"""The name of a database, user or extension, which needs no quotes."""

ParameterName = Annotated[
    str,
    Matching(
        r"[a-z_][a-z0-9_.]*", "a parameter of PostgreSQL", "a name such as log_min_duration_statement", longest=63
    ),
]
ParameterValue = Annotated[
    str, Matching(r"[^\n'\\]*", "a value of a parameter", "one line without ' and \\", example="250ms")
]

RESERVED_USERS = frozenset({"postgres", "replication", "public", "none", "all"})


class Database(Model):
    """A database; it is never removed when it leaves the file."""

    owner: SqlName | None = Field(None, description="Its owner, one of `users`; a user of its own name if left out.")
    extensions: tuple[Annotated[str, Matching(r"[a-z_][a-z0-9_-]*", "an extension", "a-z, 0-9, _ and -")], ...] = Field(
        (), description="Extensions, of those that the PostgreSQL package has: pg_trgm, citext, uuid-ossp, ..."
    )


class User(Model):
    """A user that can log in with a generated password, `postgresql/<name>` in the secret store."""

    create_databases: bool = Field(False, description="May create databases.")
    member_of: tuple[SqlName, ...] = Field((), description="Roles, such as pg_monitor or pg_read_all_data.")


class Access(Model):
    """Who may connect to what, from where. The method is always scram-sha-256."""

    source: IPv4Network = Field(alias="from", description="A network, or an address as x.x.x.x/32.")
    database: SqlName = Field("all", description="A database, or all.")
    user: SqlName = Field("all", description="A user, or all. postgres never gets in over the network.")


class PostgresqlSettings(ReplicatedSettings):
    """PostgreSQL: databases, users, who may connect, and how much memory it takes.

    Memory for buffers and caches follows the container's.
    """

    databases: dict[SqlName, Database] = Field({}, description="Databases by name.")
    users: dict[SqlName, User] = Field({}, description="Users by name; owners of databases are users already.")
    access: tuple[Access, ...] | None = Field(
        None, description="Lines of pg_hba.conf; every user from the network of the services when left out."
    )
    max_connections: Annotated[int, Field(ge=10, le=5000, strict=True)] = Field(
        100, description="Connections at the same time."
    )
    parameters: dict[ParameterName, ParameterValue] = Field(
        {}, description="Further parameters of postgresql.conf, which win over the catalogue's."
    )

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        names = {*self.users, *(database.owner or name for name, database in self.databases.items())}
        for name in sorted(names & RESERVED_USERS):
            raise Refused(f"the user {name!r} belongs to PostgreSQL itself", fix="choose another name, or an owner")
        return self
