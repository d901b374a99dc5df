"""Keeps secrets out of what is shown: the credentials in the environment, wherever they turn up in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

HIDDEN = "***"
_SECRET_NAMES = re.compile(r"(TOKEN|PASSWORD|PASSPHRASE|SECRET|PRIVATE_KEY|AUTH_TICKET|TF_VAR_|ACCESS_KEY)")
_NO_SECRET_NAMES = re.compile(r"(AUTH_SOCK|_ID$)")
_API_TOKEN = re.compile(r"(PVEAPIToken=)?([A-Za-z0-9._-]+@[A-Za-z0-9._-]+![A-Za-z0-9._-]+=)[0-9a-fA-F-]{8,}")
SHORTEST = 6
"""Shorter values are left alone: hiding every ``1`` would make a text unreadable and protect nothing."""


def secrets_in(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values in ``environment`` that must never be shown, the longest first."""
    found: set[str] = set()
    for name, value in environment.items():
        if not _SECRET_NAMES.search(name.upper()) or _NO_SECRET_NAMES.search(name.upper()):
            continue
        # Of user@realm!name=secret only what follows the sign is secret, and it also turns up alone.
        pieces = {value, value.rpartition("=")[2] if "!" in value else value, *value.splitlines()}
        found |= {piece.strip() for piece in pieces if len(piece.strip()) >= SHORTEST}
    return tuple(sorted(found, key=len, reverse=True))


def redact(text: str, secrets: Iterable[str]) -> str:
    """``text`` without ``secrets``, and without anything that looks like the value of an API token."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return _API_TOKEN.sub(lambda match: f"{match[1] or ''}{match[2]}{HIDDEN}", text)
