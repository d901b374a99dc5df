"""A fresh machine and a stand-in server for each test of the bootstrap package."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bootstrap.client import Infisical
from bootstrap.command_line import run
from bootstrap.command_surroundings import Surroundings, read_standard_input
from bootstrap.transport import Clock
from tests.bootstrap.stand_in import StandIn

EMAIL = "Admin@example.com"
PASSWORD = "correct horse ${battery} staple"
ORGANIZATION = "homelab"


class PatientClock:
    """A clock on which only sleeping moves the time, and takes a fiftieth of it: a slow machine changes nothing."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        time.sleep(seconds / 50)

    def monotonic(self) -> float:
        return sum(self.slept)

    def clock(self) -> Clock:
        return Clock(sleep=self.sleep, monotonic=self.monotonic, uniform=lambda _, longest: longest)


def wait_for(happened: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    """Waits until something happened, for as long as a very slow machine needs; a process must not end before."""
    deadline = time.monotonic() + 120
    while not happened():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@dataclass
class Machine:
    """Where `python -m bootstrap` runs: a directory, an environment, and what the last command printed."""

    directory: Path
    environment: dict[str, str]
    capture: pytest.CaptureFixture[str]
    patience: PatientClock = field(default_factory=PatientClock)
    standard_input: str | None = None
    out: str = ""
    err: str = ""

    @property
    def bootstrap_file(self) -> Path:
        return self.directory / "infisical_bootstrap.auto.tfvars"

    @property
    def token_file(self) -> Path:
        return self.directory / "infisical_token.auto.tfvars"

    def run(self, *arguments: str) -> int:
        """Runs a command in this machine's directory; its exit code."""
        locks, clock = self.directory.parent / "locks", self.patience.clock()
        piped = self.standard_input
        read = read_standard_input if piped is None else lambda: piped
        surroundings = Surroundings(self.environment, locks, clock, standard_input=read)
        self.capture.readouterr()
        code = run([*arguments, "--directory", str(self.directory)], surroundings)
        self.out, self.err = self.capture.readouterr()
        assert "Traceback" not in self.err
        return code

    def run_json(self, *arguments: str) -> dict[str, Any]:
        """Runs a command with --json; the document it printed, whose exit code is the command's."""
        code = self.run(*arguments, "--json")
        document: dict[str, Any] = json.loads(self.out)
        assert document["exit_code"] == code
        return document

    def files(self) -> dict[str, str]:
        """Name and mode of every file in the directory but the lock."""
        return {
            path.name: f"{path.stat().st_mode & 0o777:o}"
            for path in sorted(self.directory.iterdir())
            if path.name != ".infisical_bootstrap.lock"
        }


@pytest.fixture
def start() -> Iterator[Callable[..., StandIn]]:
    """Starts stand-in servers; every answer they gave must have had a shape of Infisical's."""
    started: list[StandIn] = []
    with ExitStack() as stack:

        def begin(*arguments: Any, **options: Any) -> StandIn:
            started.append(stack.enter_context(StandIn(*arguments, **options)))
            return started[-1]

        yield begin
    assert [violation for server in started for violation in server.violations] == []


@pytest.fixture
def server(start: Callable[..., StandIn]) -> StandIn:
    """A stand-in of the newest release."""
    return start()


@pytest.fixture
def machine_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Machine]:
    """Makes machines that are set up for a server: an address, and the administrator's email and password."""

    def make(url: str, name: str = "machine") -> Machine:
        directory = tmp_path / name
        directory.mkdir()
        environment = {
            "INFISICAL_DOMAIN": url,
            "INFISICAL_ADMIN_EMAIL": EMAIL,
            "INFISICAL_ADMIN_PASSWORD": PASSWORD,
            "INFISICAL_ADMIN_ORGANIZATION": ORGANIZATION,
        }
        return Machine(directory, environment, capsys)

    return make


@pytest.fixture
def machine(server: StandIn, machine_for: Callable[..., Machine]) -> Machine:
    """A machine for the newest release."""
    return machine_for(server.url)


@pytest.fixture
def patience() -> PatientClock:
    """A clock on which every wait is short."""
    return PatientClock()


@pytest.fixture
def infisical(server: StandIn, patience: PatientClock) -> Iterator[Infisical]:
    """A client of the newest release."""
    with Infisical(server.url, clock=patience.clock()) as client:
        yield client
