"""Where people find a service: by its name through the proxy when the environment has one, else by its address."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any, Protocol, runtime_checkable

from homelab.services.service import ServiceContext

PROXY = "nginx-proxy"
FALLBACK_DOMAIN = "home.arpa"
"""The domain for networks at home (RFC 8375)."""


@runtime_checkable
class ProxySettings(Protocol):
    """What the settings of the proxy say about its hosts."""

    @property
    def domain(self) -> str | None:
        """Domain of the proxy hosts; that of the network when None."""

    @property
    def tls(self) -> bool:
        """Whether they are reached over HTTPS."""


def domain_of(context: ServiceContext[Any]) -> str:
    """The domain in which services have names: the proxy's, else the network's, else home.arpa."""
    proxy = context.services.get(PROXY)
    chosen = proxy.settings.domain if proxy and isinstance(proxy.settings, ProxySettings) else None
    return chosen or context.network.domain or FALLBACK_DOMAIN


def proxy_address(context: ServiceContext[Any]) -> IPv4Address | None:
    """Where requests through the proxy come from; None without one."""
    proxy = context.services.get(PROXY)
    return proxy.address if proxy else None


def public_name(context: ServiceContext[Any], service: str) -> str:
    """The name under which the proxy serves ``service``."""
    return f"{service}.{domain_of(context)}"


def public_url(context: ServiceContext[Any], service: str) -> str:
    """What people type to reach the web page of ``service``, without / at the end.

    Raises:
        KeyError: the environment has no such service.
    """
    proxy = context.services.get(PROXY)
    if proxy and isinstance(proxy.settings, ProxySettings) and service != PROXY:
        return f"{'https' if proxy.settings.tls else 'http'}://{public_name(context, service)}"
    return context.services[service].url or f"http://{context.services[service].address}"
