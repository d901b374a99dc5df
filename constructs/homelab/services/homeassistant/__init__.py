"""Home Assistant Core in an environment of its own, from the Python package index, with its owner made at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from homelab.config.text import Matching
from homelab.provisioning.script import StoredSecret
from homelab.services.public_address import proxy_address, public_url
from homelab.services.service import Service, ServiceContext, ServicePort, Size
from homelab.services.settings import ServiceSettings

VERSION = "2026.2.3"
"""The last one for the Python of Debian 13; later ones need Python 3.14."""
WEB_PORT = 8123
COMPONENTS = (
    "frontend",
    "config",
    "history",
    "logbook",
    "automation",
    "script",
    "scene",
    "sun",
    "mobile_app",
    "system_health",
)
"""What is there from the start; their packages are in the template."""

Component = Annotated[
    str,
    Matching(
        r"(?!(http|homeassistant)$)[a-z][a-z0-9_]*",
        "a component",
        "a-z, 0-9 and _; not http and homeassistant, which are set already",
        longest=64,
    ),
]


class HomeassistantSettings(ServiceSettings):
    """Home Assistant: who owns it, and which components are there from the start.

    Files below `/var/lib/homeassistant/packages` are part of the configuration; they are yours.
    """

    components: tuple[Component, ...] = Field(
        (), description="Further components that need no settings, such as zeroconf, ssdp or energy."
    )
    admin: Annotated[str, Matching(r"[a-z][a-z0-9_-]*", "a user name", "a-z, 0-9, _ and -", longest=32)] = Field(
        "admin", description="The owner, with the password `homeassistant/admin`."
    )


def _components(settings: HomeassistantSettings) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*COMPONENTS, *settings.components)))


def _install(context: Any) -> Mapping[str, Any]:
    return {"version": VERSION, "components": _components(context.settings)}


def _configure(context: ServiceContext[HomeassistantSettings]) -> Mapping[str, Any]:
    return {
        "port": WEB_PORT,
        "url": public_url(context, SERVICE.name),
        "proxy": proxy_address(context),
        "components": _components(context.settings),
    }


def _secrets(_: ServiceContext[HomeassistantSettings]) -> tuple[StoredSecret, ...]:
    return (StoredSecret("ADMIN_PASSWORD", "homeassistant/admin"),)


SERVICE = Service(
    name="homeassistant",
    title="Home Assistant",
    description="Home automation; its owner is there before anybody else can become it.",
    number=4,
    hostname="homeassistant",
    size=Size(cores=2, memory=2048, disk=16),
    settings=HomeassistantSettings,
    ports=(ServicePort(WEB_PORT, "web", web=True),),
    os="debian-13",
    install_variables=_install,
    configure_variables=_configure,
    secrets=_secrets,
    install_timeout_seconds=3600,
    configure_timeout_seconds=1800,
)
