"""What Terraform hands over: which script, where, with which secrets; and where its files are."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from operations.provisioning.failure import ProvisioningError

SECRET_VARIABLE = "HOMELAB_SECRET_"  # noqa: S105 - the beginning of a name
"""Begins the environment variables in which Terraform hands over its own secrets."""


@dataclass(frozen=True)
class Node:
    """A node's SSH server."""

    name: str
    address: str
    port: int
    user: str

    @property
    def host(self) -> str:
        """As OpenSSH writes it in known_hosts."""
        return self.address if self.port == 22 else f"[{self.address}]:{self.port}"

    @property
    def prefix(self) -> str:
        """What goes before a command that only root may run."""
        return "" if self.user == "root" else "sudo -n "


@dataclass(frozen=True)
class WantedSecret:
    """A secret that the script gets in a shell variable; from the store, or, without ``name``, from Terraform."""

    variable: str
    name: str = ""
    kind: str = "password"
    length: int = 32


@dataclass(frozen=True)
class Order:
    """One script to run.

    Attributes:
        vm_id: the container it runs in; None for the node itself.
        guest: the container's host name; empty for the node.
        address: the guest's address where it is known beforehand.
        state_folder: of the environment; secrets, logs and host keys are in it.
    """

    environment: str
    stack: str
    node: Node
    vm_id: int | None
    guest: str
    address: str | None
    script: str
    text: str
    timeout_seconds: int
    secrets: tuple[WantedSecret, ...]
    state_folder: Path

    @classmethod
    def read(cls, text: str) -> Order:
        """Reads the content of ``HOMELAB_PROVISIONING``: JSON, percent-encoded.

        Raises:
            ProvisioningError: it is no order.
        """
        try:
            data = json.loads(unquote(text))
            return cls(
                environment=data["environment"],
                stack=data["stack"],
                node=Node(**data["node"]),
                vm_id=data["vm_id"],
                guest=data["guest"] or "",
                address=data["address"],
                script=data["script"],
                text=data["text"],
                timeout_seconds=data["timeout_seconds"],
                secrets=tuple(_secret(entry) for entry in data["secrets"]),
                state_folder=Path(data["state_folder"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ProvisioningError(
                f"HOMELAB_PROVISIONING is not what a stack hands over ({type(error).__name__})",
                "synthesize again and apply: stack and project are of different versions",
            ) from None

    @property
    def target(self) -> str:
        """How messages call it: ``dns (CT 9200 on pve)`` or ``node pve``."""
        return f"{self.guest} (CT {self.vm_id} on {self.node.name})" if self.vm_id else f"node {self.node.name}"

    @property
    def command(self) -> str:
        """What is run on the node: a shell that reads from its input, in the guest or right there."""
        inside = f"pct exec {self.vm_id} -- " if self.vm_id else ""
        return f"{self.node.prefix}{inside}/bin/sh -s"

    @property
    def status_command(self) -> str:
        """What asks the node whether the container runs."""
        return f"{self.node.prefix}pct status {self.vm_id}"

    @property
    def log_file(self) -> Path:
        """``<state folder>/logs/<environment>/<guest>-<script>.log``."""
        name = f"{self.guest or f'node-{self.node.name}'}-{self.script}.log"
        return self.state_folder / "logs" / self.environment / name

    @property
    def secrets_file(self) -> Path:
        """``<state folder>/<environment>.secrets.json``."""
        return self.state_folder / f"{self.environment}.secrets.json"

    @property
    def known_hosts_file(self) -> Path:
        """``<state folder>/<environment>.known_hosts``: the host keys of guests."""
        return self.state_folder / f"{self.environment}.known_hosts"

    def given(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The secrets that Terraform hands over, by shell variable.

        Raises:
            ProvisioningError: one is missing.
        """
        wanted = [secret.variable for secret in self.secrets if not secret.name]
        missing = [variable for variable in wanted if f"{SECRET_VARIABLE}{variable}" not in environ]
        if missing:
            raise ProvisioningError(
                f"Terraform did not hand over {', '.join(missing)}",
                "apply the stack with Terraform or homelab deploy; this program is not called by hand",
            )
        return {variable: environ[f"{SECRET_VARIABLE}{variable}"] for variable in wanted}


def _secret(entry: Mapping[str, Any]) -> WantedSecret:
    if entry["source"] == "given":
        return WantedSecret(entry["variable"])
    return WantedSecret(entry["variable"], entry["name"], entry["kind"], entry["length"])


def assignments(values: Mapping[str, str]) -> str:
    """Shell lines that set variables, which are not exported."""
    return "".join(f"{variable}={shlex.quote(value)}\n" for variable, value in values.items())
