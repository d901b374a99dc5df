"""Plain text with a little colour, where there is a terminal that shows it."""

from __future__ import annotations

import sys
from typing import TextIO

_CODES = {"red": "31", "yellow": "33", "bold": "1"}
_wanted = True


def use_color(*, wanted: bool) -> None:
    """Whether colours may be written at all; they are only ever written to a terminal."""
    global _wanted  # noqa: PLW0603 (one process has one terminal)
    _wanted = wanted


def may_use_color() -> bool:
    """Whether colours may be written to a terminal."""
    return _wanted


def paint(text: str, color: str, stream: TextIO | None = None) -> str:
    """``text`` in ``color`` (red, yellow or bold), where ``stream`` (stdout) is a terminal that may have colours."""
    if not _wanted or not (stream or sys.stdout).isatty():
        return text
    return f"\x1b[{_CODES[color]}m{text}\x1b[0m"


def error_lines(message: str) -> str:
    """``message`` as an error on stderr."""
    return f"{paint('error:', 'red', sys.stderr)} {message}"
