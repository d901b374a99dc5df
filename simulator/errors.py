"""Errors as Proxmox VE words them: an HTTP status, a reason line and, for parameters, one message per name."""

from __future__ import annotations

from collections.abc import Mapping


class ApiError(Exception):
    """An answer other than 200. ``message`` goes into the status line and the body, as ``pveproxy`` does."""

    def __init__(self, status: int, message: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = dict(errors) if errors else None


class TaskFailure(Exception):
    """A task that ends with an exit status other than ``OK``; the text becomes the exit status."""


def failed(message: str) -> ApiError:
    """HTTP 500: what a ``die`` in Proxmox's own code becomes."""
    return ApiError(500, message)


def bad_parameters(errors: Mapping[str, str]) -> ApiError:
    """HTTP 400: parameters that are unknown, missing, or of a wrong type or value."""
    return ApiError(400, "Parameter verification failed.", errors)


def forbidden(what: str) -> ApiError:
    """HTTP 403: ``what`` is ``PATH, PRIVILEGE`` or the sentence that names who may do it."""
    return ApiError(403, f"Permission check failed ({what})")


def no_such_guest(node: str, kind: str, vmid: int) -> ApiError:
    """HTTP 500: the configuration file of a guest isn't on this node."""
    directory = "qemu-server" if kind == "qemu" else "lxc"
    return failed(f"Configuration file 'nodes/{node}/{directory}/{vmid}.conf' does not exist")
