"""A network of its own for the servers of a test, joined to this machine by a virtual cable."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import IO

_SUBNETS = IPv4Network("10.199.0.0/16")
_LOCKS = Path("/run/homelab-tests")


@dataclass(frozen=True)
class NetworkNamespace:
    """A network namespace of this machine.

    Attributes:
        name: its name, as ``ip netns`` lists it.
        subnet: the four addresses of the cable.
        here: this machine's end.
        address: the end inside.
    """

    name: str
    subnet: IPv4Network
    here: IPv4Address
    address: IPv4Address

    def command(self, *arguments: str) -> list[str]:
        """``arguments`` as a command line that runs inside; all but the network stays that of this machine."""
        # Not `ip netns exec`: it mounts a /sys of its own, in which no engine finds its control groups.
        return ["nsenter", f"--net=/run/netns/{self.name}", *arguments]


@contextlib.contextmanager
def network_namespace() -> Iterator[NetworkNamespace]:
    """A namespace with an address of a subnet that no other test of this machine has; gone at the end."""
    with _reserved_subnet() as (number, subnet):
        name = f"homelab-{number}"
        outer, inner = f"hl{number}a", f"hl{number}b"
        here, inside = subnet[1], subnet[2]
        _remove(name, outer)
        _run("ip", "netns", "add", name)
        try:
            _run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", name)
            _run("ip", "address", "add", f"{here}/30", "dev", outer)
            _run("ip", "link", "set", outer, "up")
            _run("ip", "-n", name, "address", "add", f"{inside}/30", "dev", inner)
            _run("ip", "-n", name, "link", "set", inner, "up")
            _run("ip", "-n", name, "link", "set", "lo", "up")
            yield NetworkNamespace(name, subnet, here, inside)
        finally:
            _remove(name, outer)


def _remove(name: str, outer: str) -> None:
    # The cable by itself: a deleted namespace keeps its end as long as any process is left in it.
    if Path("/sys/class/net", outer).exists():
        _run("ip", "link", "delete", outer)
    if Path("/run/netns", name).exists():
        _run("ip", "netns", "delete", name)


@contextlib.contextmanager
def _reserved_subnet() -> Iterator[tuple[int, IPv4Network]]:
    """A subnet of four addresses, kept by a lock that ends with this process whatever happens to it."""
    _LOCKS.mkdir(exist_ok=True)
    for number, subnet in enumerate(_SUBNETS.subnets(new_prefix=30)):
        lock: IO[str] = (_LOCKS / f"subnet-{number}").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        with lock:
            lock.write(str(os.getpid()))
            yield number, subnet
            return
    raise RuntimeError(f"no subnet of {_SUBNETS} is free")


def _run(*arguments: str) -> None:
    done = subprocess.run(arguments, check=False, capture_output=True, text=True, timeout=30)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr.strip()}")
