"""A simulated Proxmox whose containers are real: what the API does to one, happens to a container of this machine."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv4Network, ip_interface
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simulator import Simulator
from simulator.addresses import interfaces
from simulator.errors import TaskFailure
from simulator.local_process import run_process
from simulator.pct_program import write_program
from simulator.ssh import SshCommand
from simulator.state import Guest
from tests.real_guests.container import Container, Interface
from tests.real_guests.site import Site, own_site

BRIDGES = ("vmbr0", "vmbr1", "vmbr2")
NOT_RUNNING = 255
NO_SUCH_GUEST = 2


class RealContainers:
    """A context manager with a simulator and the containers behind it; everything is gone in the end.

    Every bridge of the simulated nodes is the one bridge of this run. Addresses are those of its ``network``: static
    ones as configured, with DHCP the one that the API names. All are reached from here.

    Args:
        unprivileged: make unprivileged containers, as the product does on Proxmox.
        options: of the simulator.

    Attributes:
        simulator: its API and SSH side; ``pct`` on its nodes reaches into the containers.
        network: the network of this run, which no other has.
    """

    def __init__(self, *, unprivileged: bool = False, **options: Any) -> None:
        self._unprivileged = unprivileged
        self._options = options
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._site: Site = stack.enter_context(own_site())
            self.network: IPv4Network = self._site.bridge.network
            dhcp = dict.fromkeys(BRIDGES, str(self.network))
            options = {"task_seconds": 0, "address_seconds": 0, "dhcp": dhcp, **self._options}
            self.simulator = stack.enter_context(Simulator(**options))
            self.simulator.use_backend(_Backend(self))
            programs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="homelab-pct-")))
            self._answer_commands(programs)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def gateway(self) -> IPv4Address:
        """The gateway of every guest."""
        return self._site.bridge.gateway

    def address(self, number: int) -> str:
        """An address in the network: ``address(53)`` ends with .53."""
        return str(self.network[number])

    def container(self, vm_id: int) -> Container:
        """What is behind a VMID."""
        return self._site.container(str(vm_id), unprivileged=self._unprivileged)

    def archive(self, volume: str) -> Container:
        """What a backup holds: a container that is never started."""
        return self._site.container(volume.rpartition("/")[2], unprivileged=self._unprivileged)

    def run(self, vm_id: int, command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Runs a shell command in a container."""
        return self.container(vm_id).run(["/bin/sh", "-c", command], stdin)

    def interfaces(self, guest: Guest) -> list[Interface]:
        """A guest's interfaces as they are configured.

        Raises:
            TaskFailure: an address is in another network than this run's.
        """
        found = []
        named = interfaces(self.simulator._server.cluster, self.simulator.options, guest)
        for index, interface in enumerate(named):
            address = next((text for text in interface.addresses if "." in text), None)
            if address and ip_interface(address).ip not in self.network:
                raise TaskFailure(f"{guest.label}: {address} is not in {self.network}, the network of these containers")
            has_gateway = index == 0 and address is not None
            gateway = str(self.gateway) if has_gateway else None
            found.append(Interface(interface.name, self._site.bridge.name, address, gateway, interface.mac or None))
        return found

    def _answer_commands(self, folder: Path) -> None:
        environ = {}
        for node in self.simulator.options.nodes:
            programs = folder / node
            programs.mkdir()
            environ[node] = write_program(
                programs,
                api_endpoint=self.simulator.endpoint,
                token=self.simulator.api_token,
                node=node,
                ca_file=self.simulator.ca_file,
            )

        async def on_node(command: SshCommand) -> int:
            return await run_process(command, ["/bin/sh", "-s"], environment=environ[command.node])

        self.simulator.on_command(r"^(?:sudo -n )?/bin/sh -s$", on_node)
        self.simulator.on_command(r"^(?:sudo -n )?pct status (?P<vmid>\d+)$", _status)
        self.simulator.on_command(r"^(?:sudo -n )?pct exec (?P<vmid>\d+) -- (?P<words>.+)$", self._execute)

    async def _execute(self, command: SshCommand) -> int:
        guest = _guest(command)
        if guest is None:
            return _say(command, _no_configuration(command), NO_SUCH_GUEST)
        container = self.container(guest.vmid)
        if not guest.running or not await asyncio.to_thread(lambda: container.is_running):
            return _say(command, f"CT {guest.vmid} not running", NOT_RUNNING)
        return await run_process(command, container.attach(*shlex.split(command.match["words"])))


class _Backend:
    """Does what the simulator's tasks say, each in a thread of its own."""

    def __init__(self, real: RealContainers) -> None:
        self._real = real

    async def create(self, guest: Guest) -> None:
        keys = guest.ssh_public_keys
        await _do(lambda: self._container(guest).create(authorized_keys=keys))

    async def clone(self, source: int, guest: Guest) -> None:
        origin = self._real.container(source)
        if origin.is_running:
            raise TaskFailure(f"CT {source} runs: its file system can't be copied")
        await _do(lambda: self._container(guest).copy_of(origin))

    async def start(self, guest: Guest) -> None:
        found = self._real.interfaces(guest)
        await _do(lambda: self._container(guest).start(guest.name, found))

    async def stop(self, guest: Guest, *, clean: bool) -> None:
        await _do(lambda: self._container(guest).stop(clean=clean))

    async def destroy(self, guest: Guest) -> None:
        container = self._container(guest)
        if container.folder.exists():
            await _do(container.destroy)

    async def save(self, guest: Guest) -> None:
        container = self._container(guest)
        runs = container.is_running
        await _do(container.stop)
        await _do(lambda: self._archive(guest).copy_of(container))
        if runs:
            await self.start(guest)

    async def restore(self, guest: Guest) -> None:
        container, archive = self._container(guest), self._archive(guest)
        if not archive.folder.exists():
            raise TaskFailure(f"{guest.archive} is of no container of this machine")
        await self.destroy(guest)
        await _do(lambda: container.copy_of(archive))

    def _archive(self, guest: Guest) -> Container:
        return self._real.archive(guest.archive)

    def _container(self, guest: Guest) -> Container:
        return self._real.container(guest.vmid)


async def _do(work: Callable[[], None]) -> None:
    try:
        await asyncio.to_thread(work)
    except (OSError, RuntimeError) as error:
        raise TaskFailure(str(error)) from error


def _guest(command: SshCommand) -> Guest | None:
    guest = command.server.cluster.guests.get(int(command.match["vmid"]))
    return guest if guest is not None and guest.kind == "lxc" and guest.node == command.node else None


def _status(command: SshCommand) -> int:
    guest = _guest(command)
    if guest is None:
        return _say(command, _no_configuration(command), NO_SUCH_GUEST)
    command.print(f"status: {'running' if guest.running else 'stopped'}")
    return 0


def _no_configuration(command: SshCommand) -> str:
    return f"Configuration file 'nodes/{command.node}/lxc/{command.match['vmid']}.conf' does not exist"


def _say(command: SshCommand, text: str, code: int) -> int:
    if command.process is not None:
        command.process.stderr.write(f"{text}\n".encode())
    return code
