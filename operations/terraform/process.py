"""Runs Terraform so that Ctrl-C ends it cleanly and its death can't be ours, nor ours its.

Terraform gets a process group of its own, so that a terminal's Ctrl-C reaches only this process, which passes it on
once. It writes to files, not to pipes: when this process is killed, Terraform finishes what it does and saves its
state all the same.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any

POLL_SECONDS = 0.05
LONGEST_FOLDER = 50
"""Terraform and its providers talk over a Unix socket in TMPDIR, whose path may have about 100 characters."""
PRIVATE = 0o077
"""What files and folders of the processes lack: Terraform's state holds secrets in clear, and its hooks write more."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """Somebody asked to stop; what ran has ended."""


@dataclass(frozen=True)
class Finished:
    """A process that has ended. ``stdout`` is empty where its lines went to a listener."""

    code: int
    stdout: str
    stderr: str


class Processes:
    """The processes of one command: starts them, and stops them together.

    Args:
        on_interrupt: is told of each Ctrl-C (1, 2, ...) and the ids of the processes that still run.
    """

    def __init__(self, on_interrupt: Callable[[int, list[int]], None] | None = None) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._told: set[int] = set()
        self._starting = threading.Lock()
        self._on_interrupt = on_interrupt
        self.interruptions = 0

    @contextmanager
    def passing_signals(self) -> Iterator[None]:
        """Passes SIGINT, SIGTERM and SIGHUP to the processes while the context is entered; for the main thread."""
        previous: dict[signal.Signals, Any] = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def stop_if_interrupted(self) -> None:
        """Raises `Interrupted` after a Ctrl-C."""
        if self.interruptions:
            raise Interrupted

    def run(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        on_line: Callable[[str], None] | None = None,
        longest: float | None = None,
    ) -> Finished:
        """Runs ``command`` and returns when it has ended.

        Args:
            on_line: gets each line of standard output while it runs, in the calling thread.
            longest: seconds after which it is killed.

        Raises:
            Interrupted: a Ctrl-C came before it was started.
            OSError: the program can't be started.
        """
        with tempfile.TemporaryDirectory(prefix="homelab-run-", dir=_short_folder()) as temporary:
            # The provider keeps a file of its own in TMPDIR, which two of them must not share.
            own = {**environment, "TMPDIR": temporary}
            with (Path(temporary) / "stdout").open("w+b") as stdout, (Path(temporary) / "stderr").open("w+b") as stderr:
                process = self._start(command, folder, own, stdout, stderr)
                too_long = threading.Timer(longest or 0, process.kill)
                if longest is not None:
                    too_long.start()
                try:
                    text = _follow(process, Path(stdout.name), on_line)
                finally:
                    process.wait()
                    too_long.cancel()
                    self._running.discard(process)
                    self._told.discard(process.pid)
                stderr.seek(0)
                return Finished(process.returncode, text, stderr.read().decode(errors="replace"))

    def _start(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str], stdout: IO[bytes], stderr: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        with self._starting:
            self.stop_if_interrupted()
            process = subprocess.Popen(
                list(command),
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                process_group=0,
                umask=PRIVATE,
            )
            self._running.add(process)
        # A Ctrl-C that came while the process was being started did not find it among the running ones.
        if self.interruptions:
            self._interrupt(process)
        return process

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self.interruptions += 1
        for process in tuple(self._running):
            self._interrupt(process)
        if self._on_interrupt:
            self._on_interrupt(self.interruptions, [process.pid for process in tuple(self._running)])

    def _interrupt(self, process: subprocess.Popen[bytes]) -> None:
        # Terraform takes a second SIGINT for an order to give up without saving its state.
        if process.pid not in self._told and process.returncode is None:
            self._told.add(process.pid)
            process.send_signal(signal.SIGINT)


def _short_folder() -> str | None:
    """A folder for temporary ones: None for the usual one, or a shorter one where that is too deep for a socket."""
    usual = tempfile.gettempdir()
    return None if len(usual) <= LONGEST_FOLDER or not os.access("/tmp", os.W_OK) else "/tmp"  # noqa: S108


def _follow(process: subprocess.Popen[bytes], path: Path, on_line: Callable[[str], None] | None) -> str:
    if on_line is None:
        process.wait()
        return path.read_text(encoding="utf-8", errors="replace")
    rest = b""
    with path.open("rb") as reader:
        while True:
            ended = process.poll() is not None
            rest += reader.read()
            *lines, rest = rest.split(b"\n")
            for line in lines:
                on_line(line.decode(errors="replace"))
            if ended and not lines:
                break
            if not ended and not lines:
                time.sleep(POLL_SECONDS)
    if rest:
        on_line(rest.decode(errors="replace"))
    return ""
