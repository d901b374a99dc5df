"""OpenSSH's client: how it is called, and what its messages mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from operations.provisioning.failure import NotReached, ProvisioningError
from operations.provisioning.order import Node

FAILED = 255
"""The client's exit code when it is the connection that failed."""
_OPTIONS = (
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "ConnectTimeout=10",
    # A connection that is dead is noticed within a minute.
    "ServerAliveInterval=15",
    "ServerAliveCountMax=4",
    # Nothing of a user's own set-up that reaches beyond this one command.
    "ControlMaster=no",
    "ControlPath=none",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "PermitLocalCommand=no",
)


@dataclass(frozen=True)
class Client:
    """How to log in.

    Attributes:
        known_hosts: the file with the host keys of the nodes.
        private_key: the text of a key; without one the user's own keys and agent are used.
    """

    known_hosts: Path
    private_key: str = ""

    @contextmanager
    def command(self, node: Node, command: str) -> Iterator[list[str]]:
        """The arguments that run ``command`` on ``node``; a key given as text is a private file for as long."""
        with TemporaryDirectory(prefix="homelab-ssh-") as folder:
            identity: list[str] = []
            if self.private_key:
                file = Path(folder) / "key"
                file.touch(mode=0o600)
                file.write_text(self.private_key.rstrip("\n") + "\n", encoding="utf-8")
                identity = ["-i", str(file), "-o", "IdentitiesOnly=yes"]
            options = [f"UserKnownHostsFile={_quoted(self.known_hosts)}", *_OPTIONS]
            yield [
                "ssh",
                "-T",
                *(word for option in options for word in ("-o", option)),
                *identity,
                *("-p", str(node.port), "-l", node.user, "--", node.address, command),
            ]

    def explained(self, text: str, node: Node) -> ProvisioningError:
        """What the client's error messages ``text`` say about the way to ``node``."""
        place = f"node {node.name} ({node.user}@{node.host})"
        if "IDENTIFICATION HAS CHANGED" in text:
            return ProvisioningError(
                f"{place} has another host key than the one in {self.known_hosts}: it is another machine, or was "
                "installed anew",
                *_verify(node),
                f"only if it is the node's own, forget the old one: ssh-keygen -f {self.known_hosts} -R '{node.host}'",
                *self._add(node),
            )
        if "Host key verification failed" in text:
            return ProvisioningError(
                f"the host key of {place} is not known: {self.known_hosts} has none for {node.host}",
                *_verify(node),
                *self._add(node),
            )
        if "error in libcrypto" in text or "invalid format" in text:
            return ProvisioningError(
                "PROXMOX_VE_SSH_PRIVATE_KEY is not a private key that OpenSSH can read",
                "set it to the whole text of the key, its first and last line included, without a passphrase",
            )
        if "Permission denied" in text or "Too many authentication failures" in text:
            key = "the key in PROXMOX_VE_SSH_PRIVATE_KEY" if self.private_key else "your SSH keys and agent"
            return ProvisioningError(
                f"{place} lets nobody in with {key}",
                f"put the public key into ~{node.user}/.ssh/authorized_keys on the node, or set "
                "PROXMOX_VE_SSH_PRIVATE_KEY to the text of a key that is there (a password is not enough)",
            )
        if "Could not resolve hostname" in text:
            return ProvisioningError(
                f"there is no host {node.address}, as which node {node.name} is reached by SSH",
                f"set address of proxmox.nodes.{node.name} in the environment file",
            )
        return NotReached(
            f"{place} can't be reached by SSH: {last_line(text) or 'no reason was given'}",
            "see that the node is up and that SSH gets through",
            f"correct address and ssh_port of proxmox.nodes.{node.name} in the environment file",
        )

    def _add(self, node: Node) -> tuple[str, ...]:
        port = "" if node.port == 22 else f"-p {node.port} "
        return (
            f"then write it down: ssh-keyscan {port}{node.address} >> {self.known_hosts}",
            "another file than that is named in HOMELAB_SSH_KNOWN_HOSTS",
        )


def last_line(text: str) -> str:
    """The last line of ``text`` that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _verify(node: Node) -> tuple[str, ...]:
    port = "" if node.port == 22 else f"-p {node.port} "
    return (
        f"compare: ssh-keyscan {port}{node.address} | ssh-keygen -lf -   (here) with",
        f"  for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done   (web interface: {node.name}, Shell)",
    )


def _quoted(path: Path) -> str:
    text = str(path)
    return f'"{text}"' if re.search(r"\s", text) else text
