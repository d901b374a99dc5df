"""The address of an Infisical server, as a user writes it and as requests need it."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import httpx

from bootstrap.errors import UsageError

_EXAMPLE = "write it like http://192.168.3.20:8080 or https://infisical.home.arpa"


def normalized_domain(text: str) -> str:
    """`scheme://host[:port]` in lower case.

    A trailing slash and the `/api` that older releases of the official CLI wanted are dropped.

    Raises:
        UsageError: no scheme or host, credentials in the URL, or a path, query or fragment.
    """
    text = text.strip()
    if not text:
        raise UsageError("no Infisical server is named", f"set INFISICAL_DOMAIN or pass --domain; {_EXAMPLE}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"the domain is not a URL: {error}", _EXAMPLE) from None
    if parts.username is not None or parts.password is not None:
        raise UsageError("the domain holds a user name or password", f"leave them out; {_EXAMPLE}")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"the domain {text!r} has no http:// or https:// and host", _EXAMPLE)
    if parts.path.rstrip("/") not in {"", "/api"} or parts.query or parts.fragment:
        raise UsageError(
            f"the domain {text!r} has a path, query or fragment", f"Infisical is served at the root; {_EXAMPLE}"
        )
    try:
        # What a resolver and the HTTP library would stumble over: empty or too long parts, impossible addresses.
        parts.hostname.encode("idna")
        httpx.URL(text).host.encode()
    except (UnicodeError, httpx.InvalidURL) as error:
        raise UsageError(f"the domain {text!r} has no host that can exist: {error}", _EXAMPLE) from None
    if any(sign.isspace() for sign in parts.hostname):
        raise UsageError(f"the domain {text!r} has a space in it", _EXAMPLE)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default_port = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None and port != default_port else "")


def crosses_network_in_clear(domain: str) -> bool:
    """Whether passwords and tokens sent to this domain can be read on the way: http, and not to this machine."""
    parts = urlsplit(domain)
    if parts.scheme == "https":
        return False
    host = parts.hostname or ""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"
