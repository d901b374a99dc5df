"""Gitea: the vendor's program, with an administrator, and its data in SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from homelab.config.text import Matching
from homelab.provisioning.script import StoredSecret
from homelab.services.postgresql_use import PORT as POSTGRESQL_PORT
from homelab.services.postgresql_use import SERVICE_NAME as POSTGRESQL
from homelab.services.postgresql_use import DatabaseNeed, address_of_postgresql, user_secret
from homelab.services.public_address import public_url
from homelab.services.service import Download, Service, ServiceContext, ServicePort, Size
from homelab.services.settings import ServiceSettings

VERSION = "1.26.4"
WEB_PORT = 3000
SSH_PORT = 2222
"""Of Gitea's own SSH server; the container's is at 22."""
DATABASE = "gitea"

AdminName = Annotated[
    str, Matching(r"(?!admin$|ghost$)[a-z][a-z0-9_-]*", "a user of Gitea", "a-z, 0-9, _ and -; not admin", longest=40)
]
"""Gitea keeps names such as admin for itself."""
MailAddress = Annotated[str, Matching(r"[^@\s']+@[^@\s']+", "an e-mail address", "name@domain", example="me@home.arpa")]


class GiteaSettings(ServiceSettings):
    """Gitea: where its data are, who administers it, and how it is reached."""

    database: Literal["sqlite", "postgresql"] = Field(
        "sqlite", description="sqlite keeps it in the container; postgresql uses the environment's PostgreSQL."
    )
    admin: AdminName = Field("gitadmin", description="The administrator, with the password `gitea/admin`.")
    email: MailAddress | None = Field(
        None, description="The administrator's e-mail address; a local one when left out."
    )
    registration: bool = Field(False, description="Whether anybody may register.")

    def needs(self) -> tuple[str, ...]:
        """PostgreSQL, when it keeps its data there."""
        return (POSTGRESQL,) if self.database == "postgresql" else ()

    def database_need(self) -> DatabaseNeed | None:
        """A database of its own when it uses PostgreSQL."""
        return DatabaseNeed(DATABASE, DATABASE) if self.database == "postgresql" else None


def _variables(context: ServiceContext[GiteaSettings]) -> Mapping[str, Any]:
    settings = context.settings
    postgresql = settings.database == "postgresql"
    url = public_url(context, SERVICE.name)
    return {
        "web_port": WEB_PORT,
        "ssh_port": SSH_PORT,
        "url": url,
        "domain": url.partition("://")[2].partition(":")[0],
        "email": settings.email or f"{settings.admin}@localhost.localdomain",
        "database_host": f"{address_of_postgresql(context)}:{POSTGRESQL_PORT}" if postgresql else None,
        "database": DATABASE,
    }


def _secrets(context: ServiceContext[GiteaSettings]) -> tuple[StoredSecret, ...]:
    database = context.settings.database == "postgresql"
    return (
        StoredSecret("ADMIN_PASSWORD", "gitea/admin"),
        # Without these a restored database can't be read completely.
        StoredSecret("SECRET_KEY", "gitea/secret-key", "hex", 64),
        StoredSecret("INTERNAL_TOKEN", "gitea/internal-token", length=64),
        StoredSecret("JWT_SECRET", "gitea/jwt-secret", "base64", 32),
        *((user_secret(DATABASE, "DATABASE_PASSWORD"),) if database else ()),
    )


SERVICE = Service(
    name="gitea",
    title="Gitea",
    description="Git repositories with a web page, reviews and packages.",
    number=3,
    hostname="gitea",
    size=Size(cores=1, memory=1024, disk=8),
    settings=GiteaSettings,
    ports=(ServicePort(WEB_PORT, "web", web=True), ServicePort(SSH_PORT, "ssh")),
    downloads=(
        Download(
            "gitea",
            VERSION,
            f"https://dl.gitea.com/gitea/{VERSION}/gitea-{VERSION}-linux-amd64",
            f"https://dl.gitea.com/gitea/{VERSION}/gitea-{VERSION}-linux-amd64.sha256",
        ),
    ),
    configure_variables=_variables,
    secrets=_secrets,
)
