"""The host keys of guests, as guests themselves say them.

A script that sets up an SSH server prints its public host key. That line comes through the node, whose own host key is
verified, so it can be trusted; asking the guest's address over the network (``ssh-keyscan``) could not.
"""

from __future__ import annotations

import re
from pathlib import Path

from operations.provisioning.private_text import locked, write_private

_KEY = re.compile(r"^homelab-host-key: (?P<key>(?:ssh-[a-z0-9-]+|ecdsa-sha2-[a-z0-9-]+) [A-Za-z0-9+/]+={0,3})(?: .*)?$")
_ADDRESS = re.compile(r"^homelab-address: (?P<address>[0-9A-Fa-f.:]+)$")


def host_key(line: str) -> str | None:
    """The key in a line ``homelab-host-key: ssh-ed25519 AAAA...``, without comment; None for other lines."""
    match = _KEY.match(line)
    return match["key"] if match else None


def announced_address(line: str) -> str | None:
    """The address in a line ``homelab-address: 192.168.3.53``, as a guest with DHCP prints it; None for others."""
    match = _ADDRESS.match(line)
    return match["address"] if match else None


def remember(file: Path, address: str, keys: list[str]) -> None:
    """Makes ``keys`` the host keys of ``address`` in a known_hosts file, in place of those it had.

    Raises:
        OSError: the file could not be written; it is as it was.
    """
    with locked(file):
        try:
            before = file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            before = []
        kept = [line for line in before if line.partition(" ")[0] != address]
        lines = [*kept, *(f"{address} {key}" for key in dict.fromkeys(keys))]
        write_private(file, "\n".join(lines) + "\n")
