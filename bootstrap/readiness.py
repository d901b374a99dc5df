"""Waits until Infisical answers, by asking it."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from bootstrap.client import Infisical
from bootstrap.errors import ApiError, BootstrapError, NotReadyError, UnreachableError
from bootstrap.models import ServerStatus

DEFAULT_WAIT_SECONDS = 180.0
"""A first start runs all database migrations before it listens: 20 s on a fast machine, minutes on a small one."""

_PAUSE_SECONDS = 1.0

# What a reverse proxy says while the server behind it starts.
_STARTING = {httpx.codes.NOT_FOUND, httpx.codes.TOO_MANY_REQUESTS}


def wait_until_ready(infisical: Infisical, *, wait_seconds: float, say: Callable[[str], None]) -> ServerStatus:
    """Asks `/api/status` about once a second until it answers or `wait_seconds` are over.

    A probe is tried at least once. What can't change by waiting ends it at once: a certificate that isn't trusted, a
    redirect, an answer that is not Infisical's.

    Raises:
        NotReadyError: not ready in time; the message holds the last reason.
        BootstrapError: the failure that waiting can't mend.
    """
    clock = infisical.clock
    deadline = clock.monotonic() + wait_seconds
    last_reason = ""
    while True:
        try:
            return infisical.probe()
        except BootstrapError as error:
            if not _may_pass(error):
                raise
            if clock.monotonic() >= deadline:
                raise NotReadyError(
                    f"{infisical.domain} was not ready within {wait_seconds:g} s; last: {error.message}",
                    error.next_step or "look at the server's log, or wait longer with --wait SECONDS",
                ) from None
            if error.message != last_reason:
                say(f"waiting for {infisical.domain}: {error.message}")
                last_reason = error.message
        clock.sleep(_PAUSE_SECONDS)


def _may_pass(error: BootstrapError) -> bool:
    if isinstance(error, ApiError):
        return error.status in _STARTING or error.status >= httpx.codes.INTERNAL_SERVER_ERROR
    return isinstance(error, UnreachableError) and error.passing
