"""A shell at the other end of an SSH connection that gets its commands on its input.

Nothing that is run is ever an argument: arguments can be read by everybody on a machine. A script is sent only after
the shell has said that it is there, so whatever fails before has changed nothing. The shell waits for the end of its
input while the script runs: when this process, the connection or Terraform ends, the input ends, and the script is
stopped instead of going on unseen.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from tempfile import TemporaryFile
from typing import IO, Self

STOPPING_SECONDS = 5
"""What a script gets between being asked to stop and being killed."""
HANGING_UP_SECONDS = STOPPING_SECONDS + 10
# Its own session, so that a script can be stopped with all that it has started; setsid of util-linux has to be told
# to wait, that of BusyBox knows no such option. After this line the first shell reads no more: what it had read beyond
# it would be lost to the second.
_OWN_SESSION = (
    "echo {mark}; if setsid -w true 2>/dev/null; then exec setsid -w /bin/sh -s; else exec setsid /bin/sh -s; fi\n"
)


class Expired(Exception):
    """What was waited for did not happen in time."""


class Session:
    """One connection. A context manager that hangs up in the end."""

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
        nonce = secrets.token_hex(8)
        self._ready, self._ended = f"homelab-ready-{nonce}", f"homelab-ended-{nonce}"
        self._errors: IO[bytes] = TemporaryFile()  # noqa: SIM115 - closed with the session
        try:
            # A group of its own: a terminal's Ctrl-C is for this process, which ends the other side first.
            self._process = subprocess.Popen(
                list(arguments),
                env=dict(environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                process_group=0,
            )
        except OSError:
            self._errors.close()
            raise
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101, PT018 - for mypy
        self._input, self._output = self._process.stdin, self._process.stdout
        os.set_blocking(self._input.fileno(), False)
        self._unsent = b""
        self._received = b""
        self.exit_code: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.hang_up()
        self._errors.close()

    @property
    def errors(self) -> str:
        """What the client, or a program at the other end that can't write to the output, has said."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")

    def is_ready(self, seconds: float) -> bool:
        """Starts the shell; False when the connection ends before that.

        Raises:
            Expired: nothing has answered in time.
        """
        first = f"{self._ready}-first"
        self._send(_OWN_SESSION.format(mark=first))
        for line in self.lines(seconds):
            if line == first:
                self._send(f"echo {self._ready}\n")
            elif line == self._ready:
                return True
        return False

    def start(self, text: str) -> None:
        """Sends a script. It begins when all of it has arrived, or not at all."""
        self._send(_wrapped(text, self._ended))

    def output(self, seconds: float) -> Iterator[str]:
        """The lines of the script as they come, until it ends; ``exit_code`` is set then.

        It stays None where the connection ended first.

        Raises:
            Expired: it still runs.
        """
        empty = False
        for line in self.lines(seconds):
            if line.startswith(self._ended):
                # The mark comes after an empty line of its own, or has ended the script's last one.
                self.exit_code = int(line.removeprefix(self._ended))
                return
            if empty:
                yield ""
            empty = not line
            if line:
                yield line
        if empty:
            yield ""

    def lines(self, seconds: float) -> Iterator[str]:
        """The lines from the other end until it hangs up.

        Raises:
            Expired: after so many seconds it has not.
        """
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ)
            while True:
                *complete, self._received = self._received.split(b"\n")
                for line in complete:
                    yield _as_shown(line)
                chunk = self._next(selector, deadline)
                if not chunk:
                    break
                self._received += chunk
        if self._received:
            last, self._received = self._received, b""
            yield _as_shown(last)

    def hang_up(self) -> list[str]:
        """Ends the input, at which the other end stops what still runs; returns what it said until it was gone."""
        if self._output.closed:
            return []
        said: list[str] = []
        with contextlib.suppress(OSError):
            self._input.close()
        try:
            said.extend(self.lines(HANGING_UP_SECONDS))
            self._process.wait(HANGING_UP_SECONDS)
        except (Expired, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._output.close()
        return [line for line in said if line and not line.startswith(self._ended)]

    def close(self) -> int:
        """Hangs up and returns the client's exit code."""
        self.hang_up()
        return self._process.returncode

    def _send(self, text: str) -> None:
        self._unsent += text.encode()

    def _next(self, selector: selectors.BaseSelector, deadline: float) -> bytes:
        while True:
            self._register_input(selector)
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise Expired
            for key, _ in selector.select(remaining):
                if key.fileobj is self._output:
                    return os.read(self._output.fileno(), 65536)
                self._write()

    def _register_input(self, selector: selectors.BaseSelector) -> None:
        registered = not self._input.closed and self._input in selector.get_map()
        wanted = bool(self._unsent) and not self._input.closed
        if wanted and not registered:
            selector.register(self._input, selectors.EVENT_WRITE)
        elif registered and not wanted:
            selector.unregister(self._input)

    def _write(self) -> None:
        try:
            self._unsent = self._unsent[os.write(self._input.fileno(), self._unsent) :]
        except BrokenPipeError:
            # The output says why: its end comes next.
            self._unsent = b""
        except BlockingIOError:
            pass


def _as_shown(line: bytes) -> str:
    """A line as a terminal leaves it: of a progress that overwrites itself, the end."""
    return line.decode(errors="replace").rstrip("\r").rpartition("\r")[2]


def _wrapped(text: str, ended: str) -> str:
    """The script as a function, and what runs it as one group: a shell reads all of each before it runs any of it.

    The watcher reads the same input: of lines that the shell had yet to read it would take the rest.
    """
    return f"""homelab_script() {{
:
{text}
}}
{{
exec 3<&0
trap : TERM
homelab_script </dev/null 2>&1 3<&- &
homelab_pid=$!
{{ trap '' TERM; cat <&3; kill -TERM 0; sleep {STOPPING_SECONDS}; kill -KILL 0; }} >/dev/null 2>&1 &
homelab_watch=$!
exec 3<&-
while :; do wait $homelab_pid; homelab_code=$?; kill -0 $homelab_pid 2>/dev/null || break; done
kill -KILL $homelab_watch 2>/dev/null
printf '\\n%s %s\\n' {ended} $homelab_code
exit $homelab_code
}}
"""
