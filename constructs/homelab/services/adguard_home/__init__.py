"""AdGuard Home: the vendor's program, with its wizard closed and its DNS servers from the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field

from homelab.config.names import IPV4_PATTERN, PORT_PATTERN
from homelab.config.text import Matching
from homelab.provisioning.script import StoredSecret
from homelab.services.service import Download, Reach, Service, ServiceContext, ServicePort, Size
from homelab.services.settings import ServiceSettings

VERSION = "0.107.79"
WEB_PORT = 3000
DNS_PORT = 53
_RELEASE = f"https://github.com/AdguardTeam/AdGuardHome/releases/download/v{VERSION}"

Upstream = Annotated[
    str,
    Matching(
        rf"(https|tls|quic|tcp|udp)://[a-zA-Z0-9.-]+(:{PORT_PATTERN})?(/[a-zA-Z0-9./_-]*)?|{IPV4_PATTERN}(:{PORT_PATTERN})?",
        "a DNS server",
        "an address, or https://, tls://, quic://, tcp:// or udp:// and where it is",
        example="https://dns.quad9.net/dns-query",
    ),
]


class AdguardHomeSettings(ServiceSettings):
    """AdGuard Home: where it asks, and who administers it. Filters are chosen on its page."""

    upstreams: Annotated[tuple[Upstream, ...], Field(min_length=1)] = Field(
        ("https://dns10.quad9.net/dns-query",), description="DNS servers that it asks."
    )
    bootstrap: tuple[
        Annotated[str, Matching(IPV4_PATTERN, "an IPv4 address", "four numbers from 0 to 255", example="9.9.9.10")], ...
    ] = Field(("9.9.9.10", "149.112.112.10"), description="DNS servers that resolve the names of the others.")
    admin: Annotated[str, Matching(r"[a-z][a-z0-9_-]*", "a user name", "a-z, 0-9, _ and -", longest=32)] = Field(
        "admin", description="The only user, with the password `adguard-home/admin`."
    )


def initial_configuration(settings: AdguardHomeSettings) -> dict[str, Any]:
    """``AdGuardHome.yaml`` before its first start, which skips the wizard; the program completes and then owns it.

    ``$hash`` is the shell variable with the password's hash.
    """
    return {
        "http": {"address": f"0.0.0.0:{WEB_PORT}"},
        "users": [{"name": settings.admin, "password": "$hash"}],
        "auth_attempts": 5,
        "block_auth_min": 15,
        "dns": {
            "bind_hosts": ["0.0.0.0"],  # noqa: S104 - the whole network asks it
            "port": DNS_PORT,
            "upstream_dns": list(settings.upstreams),
            "bootstrap_dns": list(settings.bootstrap),
        },
        "schema_version": 28,
    }


_PORTS = {"https": 443, "tls": 853, "quic": 853}


def _reaches(context: ServiceContext[AdguardHomeSettings]) -> tuple[Reach, ...]:
    found = [_server(address, "udp", "its bootstrap") for address in context.settings.bootstrap]
    for upstream in context.settings.upstreams:
        scheme, _, rest = upstream.rpartition("://")
        found.append(_server(rest.partition("/")[0], scheme or "udp", "an upstream"))
    return tuple(found)


def _server(place: str, scheme: str, what: str) -> Reach:
    """A DNS server: over plain UDP it is asked over TCP too, where an answer is long."""
    host, _, number = place.partition(":")
    protocol: Literal["TCP", "UDP", "TCP/UDP"] = "TCP"
    if scheme in ("udp", "quic"):
        protocol = "TCP/UDP" if scheme == "udp" else "UDP"
    return Reach(host, f"adguard-home asks {what}", int(number or _PORTS.get(scheme, DNS_PORT)), protocol)


def _variables(context: ServiceContext[AdguardHomeSettings]) -> Mapping[str, Any]:
    return {
        "web_port": WEB_PORT,
        "dns_port": DNS_PORT,
        "configuration": yaml.safe_dump(initial_configuration(context.settings), sort_keys=False),
    }


def _secrets(_: ServiceContext[AdguardHomeSettings]) -> tuple[StoredSecret, ...]:
    return (StoredSecret("ADMIN_PASSWORD", "adguard-home/admin"),)


SERVICE = Service(
    name="adguard-home",
    title="AdGuard Home",
    description="A DNS server for the network that blocks advertisements and trackers.",
    number=11,
    hostname="adguard-home",
    size=Size(cores=1, memory=512, disk=8),
    settings=AdguardHomeSettings,
    ports=(
        ServicePort(WEB_PORT, "web", web=True),
        ServicePort(DNS_PORT, "dns"),
        ServicePort(DNS_PORT, "dns", protocol="udp"),
    ),
    downloads=(
        Download(
            "adguard-home",
            VERSION,
            f"{_RELEASE}/AdGuardHome_linux_amd64.tar.gz",
            f"{_RELEASE}/checksums.txt",
        ),
    ),
    configure_variables=_variables,
    reaches=_reaches,
    secrets=_secrets,
)
