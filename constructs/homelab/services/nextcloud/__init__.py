"""Nextcloud: the vendor's archive on nginx and PHP, with its data in PostgreSQL here or in the environment's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from homelab.config.names import Domain
from homelab.config.text import Matching
from homelab.provisioning.script import StoredSecret
from homelab.services.postgresql_use import PORT as POSTGRESQL_PORT
from homelab.services.postgresql_use import SERVICE_NAME as POSTGRESQL
from homelab.services.postgresql_use import DatabaseNeed, address_of_postgresql, user_secret
from homelab.services.public_address import proxy_address, public_name, public_url
from homelab.services.service import Download, Service, ServiceContext, ServicePort, Size
from homelab.services.settings import ServiceSettings

VERSION = "33.0.7"
WEB_PORT = 443
DATABASE = "nextcloud"
_RELEASE = f"https://download.nextcloud.com/server/releases/nextcloud-{VERSION}.tar.bz2"


class NextcloudSettings(ServiceSettings):
    """Nextcloud: where its data are, by which names it may be called, and how large uploads are."""

    database: Literal["local", "postgresql"] = Field(
        "local", description="local is a PostgreSQL in the container; postgresql uses the environment's."
    )
    trusted_domains: tuple[Domain, ...] = Field(
        (), description="Further names by which people reach it; its address, host name and proxy host are trusted."
    )
    admin: Annotated[str, Matching(r"[a-z][a-z0-9_-]*", "a user name", "a-z, 0-9, _ and -", longest=32)] = Field(
        "admin", description="The administrator, with the password `nextcloud/admin`."
    )
    upload_limit: Annotated[str, Matching(r"[1-9][0-9]*[MG]", "a size", "a number and M or G", example="16G")] = Field(
        "16G", description="The largest upload."
    )

    def needs(self) -> tuple[str, ...]:
        """PostgreSQL, when it keeps its data there."""
        return (POSTGRESQL,) if self.database == "postgresql" else ()

    def database_need(self) -> DatabaseNeed | None:
        """A database of its own when it uses the environment's PostgreSQL."""
        return DatabaseNeed(DATABASE, DATABASE) if self.database == "postgresql" else None


def trusted_names(context: ServiceContext[NextcloudSettings]) -> tuple[str, ...]:
    """Every name by which it may be called: Nextcloud answers no request for another."""
    domain = f".{context.network.domain}" if context.network.domain else ""
    names = (
        str(context.address),
        context.hostname,
        *((f"{context.hostname}{domain}",) if domain else ()),
        *((public_name(context, SERVICE.name),) if proxy_address(context) else ()),
        *context.settings.trusted_domains,
    )
    return tuple(dict.fromkeys(names))


def _variables(context: ServiceContext[NextcloudSettings]) -> Mapping[str, Any]:
    remote = context.settings.database == "postgresql"
    return {
        "version": VERSION,
        "url": public_url(context, SERVICE.name),
        "names": trusted_names(context),
        "proxy": proxy_address(context),
        "database": DATABASE,
        "database_host": f"{address_of_postgresql(context)}:{POSTGRESQL_PORT}" if remote else "127.0.0.1:5432",
        "remote_database": remote,
    }


def _secrets(context: ServiceContext[NextcloudSettings]) -> tuple[StoredSecret, ...]:
    remote = context.settings.database == "postgresql"
    variable = "DATABASE_PASSWORD"
    return (
        StoredSecret("ADMIN_PASSWORD", "nextcloud/admin"),
        user_secret(DATABASE, variable) if remote else StoredSecret(variable, "nextcloud/database"),
    )


SERVICE = Service(
    name="nextcloud",
    title="Nextcloud",
    description="Files, calendars and contacts of a household.",
    number=2,
    hostname="nextcloud",
    size=Size(cores=2, memory=2048, disk=16),
    settings=NextcloudSettings,
    ports=(ServicePort(WEB_PORT, "web", web=True, tls=True),),
    downloads=(Download("nextcloud", VERSION, _RELEASE, f"{_RELEASE}.sha256"),),
    configure_variables=_variables,
    secrets=_secrets,
    configure_timeout_seconds=1800,
)
