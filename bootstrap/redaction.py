"""Keeps secrets out of every text that leaves the package."""

from __future__ import annotations

import logging
import re
from urllib.parse import quote

REDACTED = "[redacted]"

SHORTEST_SECRET = 6
"""Characters. Replacing shorter values would mangle ordinary words and protect nothing."""

_TOKEN_PATTERNS = (
    re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"),
    re.compile(r"(?i)(?<=bearer )\S+"),
    re.compile(r"\b[0-9a-f]{64}\b"),
)


class Redactor:
    """Replaces the secrets it was told, and whatever has the shape of an Infisical token, with `[redacted]`."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def add(self, secret: str) -> None:
        """Remembers a secret, as it is and as a URL or a JSON document would write it."""
        if len(secret) >= SHORTEST_SECRET:
            json_form = secret.replace("\\", "\\\\").replace('"', '\\"')
            self._secrets.update({secret, quote(secret, safe=""), json_form})

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, REDACTED)
        for pattern in _TOKEN_PATTERNS:
            text = pattern.sub(REDACTED, text)
        return text


class RedactingFormatter(logging.Formatter):
    """Formats log records as usual and redacts the whole line, tracebacks included."""

    def __init__(self, redact: Redactor, pattern: str) -> None:
        super().__init__(pattern)
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The line to write, without secrets."""
        return self._redact(super().format(record))
