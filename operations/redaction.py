"""Keeps secrets out of what is shown: which names hold them, and the credentials in the environment in any text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

HIDDEN = "***"
_SECRET_NAME = re.compile(
    r"(passw|passphrase|secret|token|credential|private_?key|api_?key|access_?key|encryption_?key|hmac|cookie"
    r"|(^|_)(pin|key|auth|auth_ticket|eab_kid)$|_wo$)",
    re.IGNORECASE,
)
_NO_SECRET_NAMES = frozenset({"token_id", "token_name", "public_key", "generate_encryption_key"})
_VARIABLE_OF_TERRAFORM = "TF_VAR_"
"""Nobody knows what Terraform's input variables hold."""
_API_TOKEN = re.compile(r"(PVEAPIToken=)?([A-Za-z0-9._-]+@[A-Za-z0-9._-]+![A-Za-z0-9._-]+=)[0-9a-fA-F-]{8,}")
SHORTEST = 6
"""Shorter values are left alone: hiding every ``1`` would make a text unreadable and protect nothing."""


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether an argument or a variable of this name holds a secret, whatever anybody else says."""
    return name.lower() not in _NO_SECRET_NAMES and bool(_SECRET_NAME.search(name))


def secrets_in(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values in ``environment`` that must never be shown, the longest first."""
    found: set[str] = set()
    for name, value in environment.items():
        if not _is_secret(name):
            continue
        # Of user@realm!name=secret only what follows the sign is secret, and it also turns up alone.
        pieces = {value, value.rpartition("=")[2] if "!" in value else value, *value.splitlines()}
        found |= {piece.strip() for piece in pieces if len(piece.strip()) >= SHORTEST}
    return tuple(sorted(found, key=len, reverse=True))


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """``environment`` without the variables that hold credentials, for programs that need none."""
    return {name: value for name, value in environment.items() if not _is_secret(name)}


def _is_secret(name: str) -> bool:
    upper = name.upper()
    return not upper.endswith("_ID") and (is_secret_name(name) or upper.startswith(_VARIABLE_OF_TERRAFORM))


def redact(text: str, secrets: Iterable[str]) -> str:
    """``text`` without ``secrets``, and without anything that looks like the value of an API token."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return _API_TOKEN.sub(lambda match: f"{match[1] or ''}{match[2]}{HIDDEN}", text)
