"""Grafana from the vendor's package repository, with the environment's Prometheus and PostgreSQL as data sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import yaml
from pydantic import Field

from homelab.config.text import Matching
from homelab.provisioning.script import StoredSecret
from homelab.services.postgresql_use import MAINTENANCE_DATABASE, DatabaseNeed, user_secret
from homelab.services.postgresql_use import PORT as POSTGRESQL_PORT
from homelab.services.postgresql_use import SERVICE_NAME as POSTGRESQL
from homelab.services.public_address import public_url
from homelab.services.service import Service, ServiceContext, ServicePort, Size
from homelab.services.settings import ServiceSettings

VERSION = "13.2.3"
KEY_URL = "https://apt.grafana.com/gpg.key"
KEY_FINGERPRINT = "B53AE77BADB630A683046005963FA27710458545"
"""Of the key that signs the vendor's packages, as the vendor publishes it."""
WEB_PORT = 3000
DATABASE_USER = "grafana"
DATABASE_PASSWORD_FILE = "/etc/grafana/postgresql-password"  # noqa: S105 - where it is, not what it is


class GrafanaSettings(ServiceSettings):
    """Grafana: who may look without a login, and which data sources it has."""

    anonymous: bool = Field(False, description="Whether anybody in the network may look at dashboards.")
    postgresql: bool = Field(
        True,
        description="Show statistics of the environment's PostgreSQL, if there is one, as a user that reads no tables.",
    )
    admin: Annotated[str, Matching(r"[a-z][a-z0-9_-]*", "a user name", "a-z, 0-9, _ and -", longest=32)] = Field(
        "admin", description="The administrator, with the password `grafana/admin`."
    )

    def database_need(self) -> DatabaseNeed | None:
        """A user that may see statistics and no data."""
        return DatabaseNeed(DATABASE_USER, member_of=("pg_monitor",)) if self.postgresql else None


def data_sources(context: ServiceContext[GrafanaSettings]) -> list[dict[str, Any]]:
    """Grafana's data sources, of what the environment has."""
    found: list[dict[str, Any]] = []
    prometheus, postgresql = context.services.get("prometheus"), context.services.get(POSTGRESQL)
    if prometheus:
        found.append(
            {
                "name": "Prometheus",
                "uid": "prometheus",
                "type": "prometheus",
                "access": "proxy",
                "url": prometheus.url,
                "isDefault": True,
            }
        )
    if postgresql and context.settings.postgresql:
        found.append(
            {
                "name": "PostgreSQL",
                "uid": "postgresql",
                "type": "grafana-postgresql-datasource",
                "access": "proxy",
                "url": f"{postgresql.address}:{POSTGRESQL_PORT}",
                "user": DATABASE_USER,
                "jsonData": {"database": MAINTENANCE_DATABASE, "sslmode": "require"},
                "secureJsonData": {"password": f"$__file{{{DATABASE_PASSWORD_FILE}}}"},
            }
        )
    return found


def _install_variables(_: Any) -> Mapping[str, Any]:
    return {"version": VERSION, "key_url": KEY_URL, "key_fingerprint": KEY_FINGERPRINT}


def _uses_postgresql(context: ServiceContext[GrafanaSettings]) -> bool:
    return context.settings.postgresql and POSTGRESQL in context.services


def _variables(context: ServiceContext[GrafanaSettings]) -> Mapping[str, Any]:
    sources = {"apiVersion": 1, "prune": True, "datasources": data_sources(context)}
    return {
        "web_port": WEB_PORT,
        "url": public_url(context, SERVICE.name),
        "sources": yaml.safe_dump(sources, sort_keys=False),
        "password_file": DATABASE_PASSWORD_FILE if _uses_postgresql(context) else None,
    }


def _secrets(context: ServiceContext[GrafanaSettings]) -> tuple[StoredSecret, ...]:
    database = (user_secret(DATABASE_USER, "DATABASE_PASSWORD"),) if _uses_postgresql(context) else ()
    return (
        StoredSecret("ADMIN_PASSWORD", "grafana/admin"),
        # It encrypts what Grafana keeps in its database.
        StoredSecret("SECRET_KEY", "grafana/secret-key", "hex", 64),
        *database,
    )


SERVICE = Service(
    name="grafana",
    title="Grafana",
    description="Dashboards, with the environment's Prometheus and PostgreSQL as data sources.",
    number=5,
    hostname="grafana",
    size=Size(cores=1, memory=512, disk=8),
    settings=GrafanaSettings,
    ports=(ServicePort(WEB_PORT, "web", web=True),),
    after=(POSTGRESQL, "prometheus"),
    install_variables=_install_variables,
    configure_variables=_variables,
    secrets=_secrets,
)
