"""Programs that run beside a test and end with it."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

_STOP_SECONDS = 30


@contextlib.contextmanager
def running(
    arguments: Sequence[str],
    *,
    log: Path,
    ready: Callable[[], bool],
    seconds: float = 60,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is ``ready``; ended with SIGTERM, then with SIGKILL.

    Raises:
        RuntimeError: it ended, or is not ready in time; with the end of its log.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
    try:
        until(
            lambda: process.poll() is not None or ready(),
            f"{arguments[-1]} is not ready",
            seconds=seconds,
            details=lambda: tail(log),
        )
        if process.poll() is not None:
            raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}:\n{tail(log)}")
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(_STOP_SECONDS)


def until(
    condition: Callable[[], bool], message: str, *, seconds: float = 60, details: Callable[[], str] = lambda: ""
) -> None:
    """Waits until ``condition`` holds, and fails with ``message`` when it doesn't in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"{message} after {seconds:g} seconds\n{details()}")
        time.sleep(0.1)


def tail(log: Path, characters: int = 4000) -> str:
    """The end of a log."""
    return log.read_text(encoding="utf-8", errors="replace")[-characters:] if log.exists() else ""
