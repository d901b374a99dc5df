"""A proxy host for every service with a web page: nginx from the distribution's package, configured from the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field

from homelab.config.model import Model
from homelab.config.names import PORT_PATTERN, Domain, Key
from homelab.config.text import Matching
from homelab.services.public_address import PROXY, domain_of, public_name
from homelab.services.service import Reach, Service, ServiceContext, ServicePort, Size
from homelab.services.settings import ServiceSettings

OVERVIEW_PORT = 81
"""Where Nginx Proxy Manager has its administration; here it is a page with all proxy hosts."""


class ProxyHost(Model):
    """A web page somewhere else that gets a name at the proxy too."""

    url: Annotated[
        str,
        Matching(
            rf"https?://[a-zA-Z0-9.-]+(:{PORT_PATTERN})?",
            "an address of a web server",
            "http:// or https://, a name or an IPv4 address, and a port; no path",
            example="https://192.168.1.5:5001",
        ),
    ] = Field(description="Where the proxy finds it; its certificate is not verified.")


class NginxProxySettings(ServiceSettings):
    """The proxy: the domain of its hosts, HTTPS, and hosts besides the environment's services."""

    domain: Domain | None = Field(
        None, description="Domain of the proxy hosts; that of the services' network, or home.arpa, when left out."
    )
    tls: bool = Field(True, description="HTTPS with a certificate authority that the proxy makes, or your certificate.")
    hosts: dict[Key, ProxyHost] = Field({}, description="Further proxy hosts by name.")


@dataclass(frozen=True)
class Upstream:
    """A proxy host as the script makes it."""

    key: str
    name: str
    url: str


def upstreams(context: ServiceContext[NginxProxySettings]) -> tuple[Upstream, ...]:
    """Every proxy host: services with a web page in the order of the catalogue, then those of the file."""
    found = {name: enabled.url for name, enabled in context.services.items() if name != PROXY and enabled.url}
    found |= {key: host.url for key, host in context.settings.hosts.items()}
    return tuple(Upstream(key, public_name(context, key), url) for key, url in found.items())


def _reaches(context: ServiceContext[NginxProxySettings]) -> tuple[Reach, ...]:
    found = []
    for key, host in context.settings.hosts.items():
        address = urlsplit(host.url)
        port = address.port or (443 if address.scheme == "https" else 80)
        found.append(Reach(address.hostname or "", f"nginx-proxy serves {key}", port))
    return tuple(found)


def _variables(context: ServiceContext[NginxProxySettings]) -> Mapping[str, Any]:
    return {"domain": domain_of(context), "overview_port": OVERVIEW_PORT, "upstreams": upstreams(context)}


SERVICE = Service(
    name=PROXY,
    title="nginx proxy",
    description="One name and HTTPS for every service with a web page.",
    number=7,
    hostname="npm",
    size=Size(cores=2, memory=2048, disk=8),
    settings=NginxProxySettings,
    ports=(
        ServicePort(OVERVIEW_PORT, "overview", web=True),
        ServicePort(80, "http"),
        ServicePort(443, "https", tls=True),
    ),
    holds_data=False,
    configure_variables=_variables,
    reaches=_reaches,
)
