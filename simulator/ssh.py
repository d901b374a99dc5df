"""The SSH side of the nodes: one server for each, that runs known commands only and gives the node's files by SFTP."""

from __future__ import annotations

import re
import shlex
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh

from . import ssh_commands

if TYPE_CHECKING:
    from .server import Server


@dataclass(slots=True)
class SshCommand:
    """One command line on a node.

    Attributes:
        server: the simulator's server, with cluster and files.
        node: the node it runs on.
        user: who logged in.
        script: the command line; of ``/bin/bash -c '...'`` what is inside.
        match: the match of the handler's pattern in ``script``.
        stdin: all that was sent to it.
        process: the connection's end, for a handler that reads and writes while the command runs.
    """

    server: Server
    node: str
    user: str
    script: str
    match: re.Match[str]
    stdin: bytes
    output: bytes = b""
    process: asyncssh.SSHServerProcess[bytes] | None = None

    def print(self, text: str) -> None:
        """Writes a line to its output."""
        self.output += text.encode() + b"\n"


CommandHandler = Callable[[SshCommand], int | Awaitable[int]]
"""Does the command's work and returns its exit code."""


class SshServer:
    """The SSH servers of all nodes, with one host key."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self._listeners: list[asyncssh.SSHAcceptor] = []
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        client_key = asyncssh.generate_private_key("ssh-ed25519", comment="proxmox-simulator")
        self._client_key = client_key.export_public_key()
        self.private_key_file = folder / "id_ed25519"
        self.private_key_file.touch(mode=0o600)
        client_key.write_private_key(str(self.private_key_file))
        self.host_public_key = self._host_key.export_public_key().decode().strip()
        self._commands: list[tuple[re.Pattern[str], CommandHandler]] = []
        self._connections: set[asyncssh.SSHServerConnection] = set()
        for pattern, handler in ssh_commands.COMMANDS:
            self.register(pattern, handler)

    def register(self, pattern: str, handler: CommandHandler) -> None:
        """Lets ``handler`` do the commands in which the expression ``pattern`` is found; the newest goes first."""
        self._commands.insert(0, (re.compile(pattern, re.DOTALL), handler))

    async def start(self, host: str) -> dict[str, int]:
        """Listens once for every node and returns the ports."""
        ports = {}
        for node in self.server.cluster.nodes:
            listener = await asyncssh.listen(
                host,
                0,
                server_factory=lambda: _Login(self.server, self._client_key, self._connections),
                server_host_keys=[self._host_key],
                process_factory=self._processes(node),
                sftp_factory=self._sftp(node),
                encoding=None,
                login_timeout=30,
            )
            self._listeners.append(listener)
            ports[node] = listener.get_port()
        return ports

    async def close(self) -> None:
        """Stops listening and breaks the connections there are."""
        for listener in self._listeners:
            listener.close()
            await listener.wait_closed()
        for connection in tuple(self._connections):
            connection.abort()

    def _sftp(self, node: str) -> Callable[[asyncssh.SSHServerChannel[bytes]], asyncssh.SFTPServer]:
        root = self.server.files.root(node)
        root.mkdir(parents=True, exist_ok=True)
        return lambda channel: asyncssh.SFTPServer(channel, chroot=str(root).encode())

    def _processes(self, node: str) -> Callable[[asyncssh.SSHServerProcess[bytes]], Awaitable[None]]:
        async def run(process: asyncssh.SSHServerProcess[bytes]) -> None:
            user = str(process.get_extra_info("username"))
            try:
                output, code = await self.execute(node, user, process.command or "", process)
                process.stdout.write(output)
                process.exit(code)
            except (BrokenPipeError, ConnectionError):
                # The client is gone; there is nobody to tell.
                process.close()

        return run

    async def execute(
        self, node: str, user: str, command: str, process: asyncssh.SSHServerProcess[bytes]
    ) -> tuple[bytes, int]:
        """Runs a command line; an unknown one is listed as unimplemented and ends with 127."""
        script = _inner(command)
        for pattern, handler in self._commands:
            if match := pattern.search(script):
                running = SshCommand(self.server, node, user, script, match, b"", process=process)
                if ssh_commands.reads_input(handler):
                    running.stdin = await process.stdin.read()
                result: Any = handler(running)
                code = result if isinstance(result, int) else await result
                self.server.changed()
                return running.output, code
        self.server.unimplemented.append(f"SSH {script}")
        return f"bash: line 1: {script.split(' ')[0]}: command not found\n".encode(), 127


class _Login(asyncssh.SSHServer):
    def __init__(self, server: Server, key: bytes, connections: set[asyncssh.SSHServerConnection]) -> None:
        self.server = server
        self.key = key
        self.connections = connections
        self.connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connection = conn
        self.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh's signature
        if self.connection is not None:
            self.connections.discard(self.connection)

    def begin_auth(self, username: str) -> bool:
        return bool(username)

    def public_key_auth_supported(self) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        ours = self.key.split()[:2] == key.export_public_key().split()[:2]
        return ours and username in self.server.options.ssh_users

    def validate_password(self, username: str, password: str) -> bool:
        return username == "root" and password == self.server.authentication.passwords["root@pam"]


def _inner(command: str) -> str:
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    if len(words) == 3 and words[0].endswith("bash") and words[1] == "-c":
        return words[2]
    return command
