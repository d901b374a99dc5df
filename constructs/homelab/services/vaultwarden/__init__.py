"""Vaultwarden: passwords of a household, in the vendor's container image, closed to strangers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from homelab.config.container import Features
from homelab.provisioning.script import StoredSecret
from homelab.services.public_address import public_url
from homelab.services.service import ContainerImage, Service, ServiceContext, ServicePort, Size
from homelab.services.settings import ServiceSettings

WEB_PORT = 8000
IMAGE = "vaultwarden/server:1.37.3"


class VaultwardenSettings(ServiceSettings):
    """Vaultwarden: who may open an account.

    Browsers let its page work over HTTPS only: reach it through the proxy.
    """

    signups: bool = Field(
        False, description="Whether anybody may open an account; otherwise /admin invites, with `vaultwarden/admin`."
    )


def _configure(context: ServiceContext[VaultwardenSettings]) -> Mapping[str, Any]:
    return {"url": public_url(context, SERVICE.name), "web_port": WEB_PORT}


def _secrets(_: ServiceContext[VaultwardenSettings]) -> tuple[StoredSecret, ...]:
    return (StoredSecret("ADMIN_TOKEN", "vaultwarden/admin", length=48),)


SERVICE = Service(
    name="vaultwarden",
    title="Vaultwarden",
    description="Passwords for the Bitwarden apps; accounts by invitation.",
    number=9,
    hostname="vaultwarden",
    size=Size(cores=1, memory=1024, disk=8),
    settings=VaultwardenSettings,
    ports=(ServicePort(WEB_PORT, "web", web=True),),
    features=Features(nesting=True, keyctl=True),
    images=(ContainerImage("vaultwarden", IMAGE),),
    configure_variables=_configure,
    secrets=_secrets,
)
