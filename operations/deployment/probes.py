"""Probes: whether what a stack made does answer. They are what waiting is for; nothing here waits for its own sake.

A stack names them in its output ``probes``, a list of::

    {"name": "the web page of gitea", "url": "http://10.0.30.40:3000", "tcp": null, "command": null,
     "timeout_seconds": 120, "repeat": ["null_resource.gitea-configure"]}

``url`` is asked over HTTP, ``tcp`` is ``host:port``, ``command`` is what follows ``python -m``. ``repeat`` names
resources whose scripts may run again where nothing has changed and the probe fails all the same.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from operations.diagnosis.diagnosis import Diagnosis
from operations.redaction import redact, secrets_in
from operations.terraform.process import Processes

OUTPUT = "probes"
TIMEOUT_SECONDS = 60.0
"""How long a probe is tried that doesn't say so itself."""
ATTEMPT_SECONDS = 5.0
"""How long one attempt over the network may take."""
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.1, 1.0, 1.5
_LONGEST_REASON = 15
"""Lines of a command's last words."""
_WANTS_A_LOGIN = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)


@dataclass(frozen=True)
class Probe:
    """One probe; exactly one of ``url``, ``tcp`` and ``command`` is given."""

    name: str
    url: str = ""
    tcp: str = ""
    command: tuple[str, ...] = ()
    timeout_seconds: float = TIMEOUT_SECONDS
    repeat: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        """What is asked."""
        return self.url or self.tcp or f"python -m {' '.join(self.command)}"


def probes_in(values: Mapping[str, Any]) -> list[Probe]:
    """The probes that a stack's outputs name.

    Raises:
        ValueError: the output is not what it should be; the message says how.
    """
    return [_probe(entry) for entry in values.get(OUTPUT) or ()]


def _probe(entry: Mapping[str, Any]) -> Probe:
    given = [key for key in ("url", "tcp", "command") if entry.get(key)]
    if len(given) != 1 or not entry.get("name"):
        raise ValueError(f"a probe needs a name and one of url, tcp and command: {dict(entry)}")
    if entry.get("tcp") and not str(entry["tcp"]).rpartition(":")[2].isdigit():
        raise ValueError(f"tcp of the probe {entry['name']} is host:port, not {entry['tcp']}")
    return Probe(
        str(entry["name"]),
        str(entry.get("url") or ""),
        str(entry.get("tcp") or ""),
        tuple(str(word) for word in entry.get("command") or ()),
        float(entry.get("timeout_seconds") or TIMEOUT_SECONDS),
        tuple(str(address) for address in entry.get("repeat") or ()),
    )


@dataclass(frozen=True)
class Failed:
    """A probe that did not answer in its time, and what it said last."""

    probe: Probe
    reason: str


@dataclass(frozen=True)
class Prober:
    """Tries probes until they answer.

    Attributes:
        processes: what runs commands, and passes Ctrl-C on to them.
        environ: the environment variables of commands; certificates are verified by its ``SSL_CERT_FILE``.
        root: the folder in which commands run.
    """

    processes: Processes
    environ: Mapping[str, str]
    root: Path

    def run(self, probe: Probe) -> Failed | None:
        """Tries ``probe`` until it answers; None when it did.

        Raises:
            Interrupted: a Ctrl-C came.
        """
        reason = self._until_it_answers(probe)
        return Failed(probe, redact(reason, secrets_in(self.environ))) if reason else None

    def _until_it_answers(self, probe: Probe) -> str:
        deadline = time.monotonic() + probe.timeout_seconds
        pause = _FIRST_PAUSE
        while True:
            self.processes.stop_if_interrupted()
            reason = self._attempt(probe, deadline)
            left = deadline - time.monotonic()
            if not reason or left <= 0:
                return reason
            time.sleep(min(pause, left))
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)

    def _attempt(self, probe: Probe, deadline: float) -> str:
        """Why it does not answer; empty when it does."""
        if probe.url:
            return _http(probe.url)
        if probe.tcp:
            return _tcp(probe.tcp)
        return self._command(probe.command, max(deadline - time.monotonic(), ATTEMPT_SECONDS))

    def _command(self, command: Sequence[str], longest: float) -> str:
        finished = self.processes.run(
            [sys.executable, "-m", *command], folder=self.root, environment=self.environ, longest=longest
        )
        if finished.code == 0:
            return ""
        self.processes.stop_if_interrupted()
        # A table or a plan is on standard output, warnings and errors are not.
        said = [line for line in f"{finished.stdout}\n{finished.stderr}".splitlines() if line.strip()]
        return "\n".join(said[-_LONGEST_REASON:]) or f"it ended with {finished.code}"


def _http(url: str) -> str:
    try:
        answer = httpx.get(url, timeout=ATTEMPT_SECONDS, trust_env=True)
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__
    if answer.status_code < httpx.codes.BAD_REQUEST or answer.status_code in _WANTS_A_LOGIN:
        return ""
    return f"HTTP {answer.status_code} {answer.reason_phrase}".strip()


def _tcp(address: str) -> str:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=ATTEMPT_SECONDS):
            return ""
    except OSError as error:
        return (os.strerror(error.errno) if error.errno else str(error)) or type(error).__name__


def no_answer(failed: Failed, stack: str, *, repeated: bool) -> Diagnosis:
    """The error about a probe that failed."""
    probe = failed.probe
    again = ", also after its scripts have run again" if repeated else ""
    return Diagnosis(
        "probe_failed",
        f"{probe.name} does not answer{again}",
        found=probe.target + (":\n" if "\n" in failed.reason else ": ") + failed.reason,
        allowed=f"an answer within {probe.timeout_seconds:g} s",
        fix=("see what is wrong with it where it runs, and run the command again: it looks once more",),
        places=(f"stack {stack}",),
    )
