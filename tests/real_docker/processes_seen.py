"""What the processes of this machine were told: their arguments, and the environments they were started with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.real_docker.background import again_and_again

IN_A_CONTAINER = "in a container"
"""What programs are called that see other files than this one."""


@dataclass
class ProcessesSeen:
    """What every process of this machine had as its arguments and environment while this was entered.

    Attributes:
        arguments: the argument lists.
        environments: by what a program is called, the environments that it was started with.
    """

    arguments: set[bytes] = field(default_factory=set)
    environments: dict[str, set[bytes]] = field(default_factory=dict)
    _known: set[tuple[str, bytes]] = field(default_factory=set)

    def watched(self) -> contextlib.AbstractContextManager[None]:
        """Looks at all processes, again and again, until the context is left."""
        return again_and_again(self._look, pause=0.05)

    def holding(self, secrets: set[str]) -> set[tuple[str, str]]:
        """The programs in whose environment one of ``secrets`` was, each with the variable."""
        return {
            (program, name)
            # Copies: the watching goes on.
            for program, environments in list(self.environments.items())
            for environment in list(environments)
            if any(secret.encode() in environment for secret in secrets)
            for name, value in variables_in(environment)
            if any(secret in value for secret in secrets)
        }

    def _look(self) -> None:
        here = Path("/proc/self/ns/mnt").readlink()
        for process in Path("/proc").glob("[0-9]*"):
            # A process may end in between.
            with contextlib.suppress(OSError):
                arguments = (process / "cmdline").read_bytes()
                if (process.name, arguments) not in self._known:
                    self._known.add((process.name, arguments))
                    self.arguments.add(arguments)
                    environment = (process / "environ").read_bytes()
                    is_here = (process / "ns" / "mnt").readlink() == here
                    program = program_in(arguments) if is_here else IN_A_CONTAINER
                    self.environments.setdefault(program, set()).add(environment)


def program_in(arguments: bytes) -> str:
    """What people call a command: ``terraform``, ``bootstrap admin`` for a module of Python."""
    words = arguments.decode(errors="replace").split("\0")
    if "-m" in words:
        words = words[words.index("-m") + 1 :]
        options = [index for index, word in enumerate(words) if word.startswith("-") or not word]
        return " ".join(words[: options[0] if options else None])
    return Path(words[0]).name


def variables_in(environment: bytes) -> Iterator[tuple[str, str]]:
    """Name and value of each variable."""
    for entry in environment.decode(errors="replace").split("\0"):
        name, _, value = entry.partition("=")
        yield name, value
