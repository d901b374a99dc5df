"""A process of this machine at the end of an SSH command: its input and output are those of the connection.

For simulations in which something real answers, such as ``pct exec`` into a container that runs here.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import asyncssh

if TYPE_CHECKING:
    from .ssh import SshCommand

_CHUNK = 65536


async def run_process(
    command: SshCommand, arguments: Sequence[str], *, environment: Mapping[str, str] | None = None
) -> int:
    """Runs a program for an SSH command and returns its exit code, 128 more than the signal that ended it.

    Everything streams: input as it comes, output as it is written. When the client goes away the program's input ends,
    as with OpenSSH's server; the program itself is not killed.
    """
    remote = command.process
    if remote is None:
        raise ValueError("only a command of an SSH connection has streams")
    process = await asyncio.create_subprocess_exec(
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise RuntimeError("a process without pipes")
    feeding = asyncio.create_task(_feed(remote.stdin, process.stdin))
    try:
        await asyncio.gather(_copy(process.stdout, remote.stdout), _copy(process.stderr, remote.stderr))
        code = await process.wait()
    finally:
        feeding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await feeding
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            await process.wait()
    return code if code >= 0 else 128 - code


async def _feed(source: asyncssh.SSHReader[bytes], target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(_CHUNK):
            target.write(data)
            await target.drain()
    except (BrokenPipeError, ConnectionError, asyncssh.Error):
        pass
    finally:
        target.close()


async def _copy(source: asyncio.StreamReader, target: asyncssh.SSHWriter[bytes]) -> None:
    while data := await source.read(_CHUNK):
        # A client that is gone reads nothing; the program goes on until it notices the end of its input.
        with contextlib.suppress(BrokenPipeError, ConnectionError, asyncssh.Error):
            target.write(data)
            await target.drain()
