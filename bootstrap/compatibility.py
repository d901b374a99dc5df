"""Which releases of Infisical are supported, and how one is told from another.

The API has no version field. Two of its features date a server: the `/api/v1/projects` routes came with v0.150, and
the status answer names the longest life of a token since the identity tokens were redesigned in v0.160.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from bootstrap.client import Infisical
from bootstrap.errors import UnsupportedServerError
from bootstrap.models import ServerStatus
from bootstrap.readiness import wait_until_ready

MINIMUM_VERSION = "v0.150"
API_VERSION = "v0.162"
"""The release whose recorded API the client was written against."""


class Release(Enum):
    """A span of Infisical releases that the API can tell apart."""

    BEFORE_V0_150 = f"older than {MINIMUM_VERSION}"
    FROM_V0_150 = f"{MINIMUM_VERSION} to v0.159"
    FROM_V0_160 = "v0.160 or later"

    @property
    def supported(self) -> bool:
        """Whether this package works with it."""
        return self is not Release.BEFORE_V0_150


def release_of(infisical: Infisical, status: ServerStatus) -> Release:
    """The span of releases the server belongs to."""
    if status.max_identity_access_token_ttl is not None:
        return Release.FROM_V0_160
    return Release.FROM_V0_150 if infisical.has_project_routes() else Release.BEFORE_V0_150


def wait_until_supported(infisical: Infisical, *, wait_seconds: float, say: Callable[[str], None]) -> None:
    """Waits until the server is ready, and looks whether its release is supported: the start of every command.

    Raises:
        NotReadyError: not ready in time.
        UnsupportedServerError: the server is too old, or not Infisical.
    """
    release = release_of(infisical, wait_until_ready(infisical, wait_seconds=wait_seconds, say=say))
    if not release.supported:
        raise UnsupportedServerError(
            f"{infisical.domain}: Infisical is {release.value}; supported is {MINIMUM_VERSION} or later"
            f" (written against {API_VERSION})",
            "back up the database and the encryption key, then upgrade Infisical",
        )
