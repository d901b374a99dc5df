"""What ends provisioning without success."""

from __future__ import annotations


class ProvisioningError(Exception):
    """Says what happened, and in ``fix`` what to do about it, one step a line."""

    def __init__(self, message: str, *fix: str) -> None:
        super().__init__(message)
        self.fix = fix


class NotReached(ProvisioningError):
    """The other end could not be reached, and nothing was sent: trying again is safe and may help."""
