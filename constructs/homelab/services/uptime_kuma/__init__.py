"""Uptime Kuma: whether pages and ports answer, in the vendor's container image, with its administrator made at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from homelab.config.container import Features
from homelab.config.text import Matching
from homelab.provisioning.script import StoredSecret
from homelab.services.service import ContainerImage, Service, ServiceContext, ServicePort, Size
from homelab.services.settings import ServiceSettings

WEB_PORT = 3001
IMAGE = "louislam/uptime-kuma:2.5.5"


class UptimeKumaSettings(ServiceSettings):
    """Uptime Kuma: who administers it. What it watches is said on its page."""

    admin: Annotated[str, Matching(r"[a-z][a-z0-9_-]*", "a user name", "a-z, 0-9, _ and -", longest=32)] = Field(
        "admin", description="The only user, with the password `uptime-kuma/admin`."
    )


def _configure(_: ServiceContext[UptimeKumaSettings]) -> Mapping[str, Any]:
    return {"web_port": WEB_PORT}


def _secrets(_: ServiceContext[UptimeKumaSettings]) -> tuple[StoredSecret, ...]:
    return (StoredSecret("ADMIN_PASSWORD", "uptime-kuma/admin"),)


SERVICE = Service(
    name="uptime-kuma",
    title="Uptime Kuma",
    description="Watches pages and ports, and tells when one is gone.",
    number=10,
    hostname="uptime-kuma",
    size=Size(cores=1, memory=1024, disk=8),
    settings=UptimeKumaSettings,
    ports=(ServicePort(WEB_PORT, "web", web=True),),
    features=Features(nesting=True, keyctl=True),
    images=(ContainerImage("uptime-kuma", IMAGE),),
    configure_variables=_configure,
    secrets=_secrets,
)
