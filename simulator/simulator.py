"""The simulator as an object: starts the API and SSH servers in their own thread and tells how to reach them."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from aiohttp import web

from . import ha_manager
from .certificates import make_bundle, make_certificates
from .files import NodeFiles
from .guest_backend import GuestBackend
from .options import SimulatorOptions
from .permissions import Identity
from .server import RequestHook, RequestRecord, Server
from .ssh import SshServer
from .state import Cluster, Guest

T = TypeVar("T")
TOKEN = "simulator"  # noqa: S105 - its name, not its secret
START_SECONDS = 30
MAX_REQUEST_BYTES = 4 * 1024**3


class Simulator:
    """A Proxmox VE cluster on loopback; a context manager, or `start` and `stop`.

    Keys, certificates, passwords and tokens are made at the start, in a temporary folder that `stop` removes.

    Attributes:
        endpoint: base URL, for ``PROXMOX_VE_ENDPOINT``.
        api_token: a token of ``root@pam`` without privilege separation.
        root_password: password of ``root@pam``.
        ca_file: the certificate authority alone; ``ca_bundle`` has the system's too.
        ssh_ports: SSH port of each node; ``ssh_port`` is the first node's.
        ssh_private_key_file: the key that SSH accepts for ``root``.
        known_hosts: host key of the SSH servers in OpenSSH's format.
        faults: what is to go wrong.
    """

    def __init__(
        self, options: SimulatorOptions | None = None, *, request_hook: RequestHook | None = None, **changes: Any
    ) -> None:
        self.options = replace(options or SimulatorOptions(), **changes)
        self._temporary = tempfile.TemporaryDirectory(prefix="homelab-simulator-", ignore_cleanup_errors=True)
        self._folder = Path(self._temporary.name)
        self.root_password = self.options.root_password or secrets.token_urlsafe(18)
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._serve, name="proxmox-simulator", daemon=True)
        cluster = Cluster(self.options)
        self._server = Server(self.options, cluster, NodeFiles(self._folder / "nodes", cluster), self.root_password)
        self._server.hook = request_hook
        self.faults = self._server.faults
        self.ca_file, self._context = make_certificates(self._folder, self.options.host)
        self.ca_bundle = make_bundle(self._folder, self.ca_file)
        value = self._server.authentication.add_token("root@pam", TOKEN, privsep=False)
        self.api_token = f"root@pam!{TOKEN}={value}"
        self._ssh = SshServer(self._server, self._folder)
        self.ssh_private_key_file = self._ssh.private_key_file
        self.endpoint = ""
        self.ssh_ports: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Starts the servers; returns when they accept connections.

        Raises:
            OSError: the port is taken.
        """
        self._thread.start()
        self._ready.wait(START_SECONDS)
        if self._failure:
            self.stop()
            raise self._failure
        return self

    def stop(self) -> None:
        """Stops the servers and removes the temporary folder."""
        if self._loop and self._stop and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(START_SECONDS)
        self._temporary.cleanup()

    @property
    def ssh_port(self) -> int:
        """SSH port of the first node."""
        return self.ssh_ports[self.options.nodes[0]]

    @property
    def known_hosts(self) -> str:
        """Lines for a ``known_hosts`` file, one for each node."""
        return "".join(
            f"[{self.options.host}]:{port} {self._ssh.host_public_key}\n" for port in self.ssh_ports.values()
        )

    @property
    def requests(self) -> list[RequestRecord]:
        """The requests answered so far, oldest first."""
        return list(self._server.requests)

    @property
    def refusals(self) -> list[RequestRecord]:
        """The requests answered with another status than 200."""
        return [record for record in self.requests if record.status >= 400]

    @property
    def unimplemented(self) -> list[str]:
        """Requests and SSH commands that were refused because nothing implements them."""
        return list(self._server.unimplemented)

    @property
    def violations(self) -> list[str]:
        """What the request hook found wrong."""
        return list(self._server.violations)

    def environment(self) -> dict[str, str]:
        """Environment variables for Terraform and the provider; ``HOME`` and ``TMPDIR`` are folders of this run."""
        home = self._folder / "home"
        temporary = self._folder / "tmp"
        ssh = home / ".ssh"
        for folder in (temporary, ssh):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (ssh / "known_hosts").write_text(self.known_hosts)
        return {
            "PROXMOX_VE_ENDPOINT": self.endpoint,
            "PROXMOX_VE_API_TOKEN": self.api_token,
            "PROXMOX_VE_SSH_USERNAME": "root",
            "PROXMOX_VE_SSH_PRIVATE_KEY": self.ssh_private_key_file.read_text(),
            "SSL_CERT_FILE": str(self.ca_bundle),
            "HOME": str(home),
            "TMPDIR": str(temporary),
        }

    def guests(self) -> dict[int, Guest]:
        """The guests by VMID; a snapshot of the moment."""
        return self._call(lambda: dict(self._server.cluster.guests))

    def inspect(self, look: Callable[[Cluster], T]) -> T:
        """What ``look`` returns for the cluster, run in the server's thread; may change the cluster too."""
        return self._call(lambda: look(self._server.cluster))

    def lock_guest(self, vmid: int, lock: str = "backup") -> None:
        """Puts a configuration lock on a guest, as a running backup does."""
        self.inspect(lambda cluster: cluster.guests[vmid].config.__setitem__("lock", lock))

    def unlock_guest(self, vmid: int) -> None:
        """Takes the configuration lock off a guest."""
        self.inspect(lambda cluster: cluster.guests[vmid].config.pop("lock", None))

    def fail_node(self, node: str) -> None:
        """Takes a node off the network: nothing answers for it, and HA recovers its guests on other nodes."""
        self.inspect(lambda cluster: ha_manager.fail_node(cluster, node))

    def return_node(self, node: str) -> None:
        """Brings a failed node back; HA moves guests to it that prefer it."""
        self.inspect(lambda cluster: ha_manager.return_node(cluster, node))

    def add_user(self, user: str, *, password: str = "", roles: dict[str, str] | None = None) -> None:
        """Adds a user, with a role for each path in ``roles``."""

        def add(cluster: Cluster) -> None:
            cluster.users[user] = {"enable": 1, "expire": 0, "tokens": {}}
            self._server.authentication.passwords[user] = password
            for path, role in (roles or {}).items():
                cluster.acl[(path, role, "user", user)] = 1

        self.inspect(add)

    def add_token(self, user: str, token: str, *, privsep: bool = False, roles: dict[str, str] | None = None) -> str:
        """Adds a token to a user, with own roles where privileges are separated; returns ``user!id=secret``."""

        def add(cluster: Cluster) -> str:
            value = self._server.authentication.add_token(user, token, privsep=privsep)
            for path, role in (roles or {}).items():
                cluster.acl[(path, role, "token", Identity(user, token).name)] = 1
            return f"{user}!{token}={value}"

        return self.inspect(add)

    def on_command(self, pattern: str, handler: Any) -> None:
        """Adds an SSH command; see `SshServer.register`."""
        self._ssh.register(pattern, handler)

    def use_backend(self, backend: GuestBackend) -> None:
        """Lets something real stand behind the containers from now on."""
        self._server.tasks.backend = backend

    def _call(self, function: Callable[[], T]) -> T:
        if self._loop is None or not self._thread.is_alive():
            return function()

        async def run() -> T:
            self._server.changed()
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def _serve(self) -> None:
        try:
            asyncio.run(self._main())
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - the thread that started it gets it
            self._failure = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = web.Server(self._server.handle, request_factory=_request, access_log=None)
        runner = web.ServerRunner(server)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self.options.host, self.options.port, ssl_context=self._context, backlog=512)
            await site.start()
            self.endpoint = f"https://{self.options.host}:{runner.addresses[0][1]}/"
            self.ssh_ports = await self._ssh.start(self.options.host)
            self._ready.set()
            await self._stop.wait()
        finally:
            await self._server.tasks.close()
            await self._ssh.close()
            for connection in server.connections:
                connection.force_close()
                if connection.transport:
                    connection.transport.abort()
            await runner.cleanup()
            await asyncio.sleep(0)


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_REQUEST_BYTES)
