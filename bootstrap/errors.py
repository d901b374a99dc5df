"""Every failure the package reports, with the exit code a caller of `python -m bootstrap` sees."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What `python -m bootstrap` returns. The numbers are an interface: scripts and Terraform depend on them."""

    OK = 0
    """Done, or nothing was left to do."""
    FAILED = 1
    """Infisical refused the request or answered something unexpected."""
    USAGE = 2
    """An option or variable is missing or wrong; nothing was sent that changes the server."""
    UNREACHABLE = 3
    """No connection, a certificate that isn't trusted, or not ready in time."""
    UNSUPPORTED = 4
    """The server is not Infisical, or a version that is not supported."""
    NOT_OURS = 5
    """The instance is set up, and nothing at hand proves that it was by us."""
    CREDENTIALS = 6
    """The saved credentials are missing, unreadable, open to other users, or can't be written."""
    BUSY = 7
    """Another bootstrap of the same server or directory is running."""
    NOT_INITIALIZED = 8
    """The server is ready and has no administrator yet."""
    OUTCOME_UNKNOWN = 9
    """The connection broke after a request was sent; the server may have carried it out."""
    CHANGES = 10
    """A plan was asked for, and something would change."""
    APPROVAL = 11
    """Done but for changes that wait for somebody's approval in Infisical."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C."""


class BootstrapError(Exception):
    """A failure a user can act on.

    `message` says what happened and where, `next_step` what to do about it. Neither holds a secret.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class UsageError(BootstrapError):
    """An input is missing or wrong."""

    exit_code = ExitCode.USAGE


class UnreachableError(BootstrapError):
    """No answer from Infisical: no name, no route, connection refused, certificate not trusted, no reply in time.

    A request that must not be carried out twice was certainly not carried out. `passing` tells whether it may help to
    wait, `connected` whether something took the connection.
    """

    exit_code = ExitCode.UNREACHABLE

    def __init__(self, message: str, next_step: str = "", *, passing: bool = True, connected: bool = False) -> None:
        super().__init__(message, next_step)
        self.passing = passing
        self.connected = connected


class NotReadyError(UnreachableError):
    """The server did not become ready before the deadline."""


class UnsupportedServerError(BootstrapError):
    """The server is not Infisical, or not a supported version."""

    exit_code = ExitCode.UNSUPPORTED


class NotOursError(BootstrapError):
    """The instance was set up by somebody else, or the proof that it was us is gone."""

    exit_code = ExitCode.NOT_OURS


class CredentialsError(BootstrapError):
    """A file of saved credentials can't be used or written."""

    exit_code = ExitCode.CREDENTIALS


class BusyError(BootstrapError):
    """Another process holds the lock."""

    exit_code = ExitCode.BUSY


class NotInitializedError(BootstrapError):
    """The instance has no administrator yet."""

    exit_code = ExitCode.NOT_INITIALIZED


class OutcomeUnknownError(BootstrapError):
    """The answer to a request was lost after it was sent: the server may or may not have carried it out."""

    exit_code = ExitCode.OUTCOME_UNKNOWN


class NotEmptyError(BootstrapError):
    """A folder is not deleted, because something is in it that this package did not make or see."""


class LockedError(BootstrapError):
    """A machine identity can't log in for some minutes, because somebody tried wrong client secrets."""


class ApiError(BootstrapError):
    """Infisical answered with an error.

    `status` is the HTTP status, `reason` Infisical's own message, `kind` its name for the error (`BadRequest`,
    `NotFound`, ...), `request_id` what to look for in the server's log.
    """

    def __init__(
        self,
        *,
        method: str,
        path: str,
        status: int,
        reason: str,
        kind: str = "",
        request_id: str = "",
        next_step: str = "",
    ) -> None:
        details = ", ".join(part for part in (f"HTTP {status}", kind, request_id) if part)
        super().__init__(f"{method} {path}: {reason} ({details})", next_step)
        self.status = status
        self.reason = reason
        self.kind = kind
        self.request_id = request_id


class UnauthorizedError(ApiError):
    """The credentials are wrong, expired, revoked or locked (HTTP 401, and 403 when the token itself is at fault)."""


class ForbiddenError(ApiError):
    """The credentials are valid and not allowed to do this (HTTP 403)."""


class NotFoundError(ApiError):
    """What was asked for does not exist (HTTP 404)."""


class ServerFailureError(ApiError):
    """Infisical or a proxy before it failed (HTTP 5xx): whether the request was carried out is not known."""
