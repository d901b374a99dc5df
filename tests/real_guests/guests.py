"""Real guests without Terraform and without a simulator, for tests of single scripts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from operations.provisioning.order import assignments
from operations.provisioning.session import Session
from tests.real_guests.container import Container, Interface
from tests.real_guests.site import own_site

READY_SECONDS = 60
SCRIPT_SECONDS = 600


@dataclass(frozen=True)
class RealGuest:
    """A running guest.

    Attributes:
        interface: its only one.
    """

    container: Container
    interface: Interface
    hostname: str

    @property
    def address(self) -> str:
        """Its address, without prefix length; this machine reaches it there."""
        return str(self.interface.address).partition("/")[0]

    def run(self, command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Runs a shell command inside."""
        return self.container.run(["/bin/sh", "-c", command], stdin)

    def run_script(
        self, text: str, secrets: Mapping[str, str] | None = None, *, seconds: float = SCRIPT_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Runs a script as the runner does: on stdin, with secrets in shell variables. All output is in ``stdout``."""
        words = self.container.attach("/bin/sh", "-s")
        with Session(words, os.environ) as session:
            assert session.is_ready(READY_SECONDS), session.errors
            session.start(assignments(secrets or {}) + text)
            lines = list(session.output(seconds))
            code = session.exit_code
        assert code is not None, "the guest went away"
        return subprocess.CompletedProcess(words, code, "".join(f"{line}\n" for line in lines), "")

    def reboot(self) -> None:
        """Shuts it down and starts it again; returns when its services have started."""
        self.container.stop()
        self.start()

    def start(self) -> None:
        """Starts it; returns when its services have started."""
        self.container.start(self.hostname, [self.interface])
        self.container.wait_until_booted()


@contextmanager
def real_guests(*names: str, unprivileged: bool = False) -> Iterator[tuple[RealGuest, ...]]:
    """Running guests with these host names, on one network; gone in the end."""
    with own_site() as site:
        network, gateway = site.bridge.network, str(site.bridge.gateway)
        guests = []
        for index, name in enumerate(names):
            address = f"{network[10 + index]}/{network.prefixlen}"
            interface = Interface("eth0", site.bridge.name, address, gateway)
            guest = RealGuest(site.container(name, unprivileged=unprivileged), interface, name)
            guest.container.create()
            guest.start()
            guests.append(guest)
        yield tuple(guests)


@contextmanager
def real_guest(name: str = "guest", *, unprivileged: bool = False) -> Iterator[RealGuest]:
    """One running guest; gone in the end."""
    with real_guests(name, unprivileged=unprivileged) as (guest,):
        yield guest
