"""Guests of a simulator in which nothing runs, but which take scripts: what arrives is kept, or fails as a test says.

Scripts for the node itself really run, in a shell of this machine whose ``pct`` speaks to the simulator.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator import Simulator
from simulator.local_process import run_process
from simulator.pct_program import write_program
from simulator.ssh import SshCommand

_READY = re.compile(r"echo (homelab-ready-\w+)")
_ENDED = re.compile(r"(homelab-ended-\w+)")


@dataclass(frozen=True)
class Ran:
    """A script that arrived in a guest."""

    vm_id: int
    text: str


@dataclass
class ScriptedGuests:
    """Every container of ``simulator`` as one that takes scripts.

    Attributes:
        ran: what arrived, oldest first.
        failing: exit codes by VMID, each for the next script that arrives there.
        rebooting: VMIDs; when the next script arrives there the node reboots, and no guest runs any more.
        saying: what every script that succeeds prints, by VMID, besides that it changed something.
    """

    simulator: Simulator
    folder: Path
    ran: list[Ran] = field(default_factory=list)
    failing: dict[int, int] = field(default_factory=dict)
    rebooting: set[int] = field(default_factory=set)
    saying: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._environ = write_program(
            self.folder,
            api_endpoint=self.simulator.endpoint,
            token=self.simulator.api_token,
            node="pve",
            ca_file=self.simulator.ca_file,
        )
        self._record_what_the_node_executes()
        self.simulator.on_command(r"^pct exec (?P<vmid>\d+) -- /bin/sh -s$", self._guest)
        self.simulator.on_command(r"^pct status (?P<vmid>\d+)$", self._status)
        self.simulator.on_command(r"^/bin/sh -s$", self._node)

    @property
    def executed(self) -> str:
        """What scripts on the node have handed to a shell in a guest (``pct exec``)."""
        return self._executed.read_text(encoding="utf-8") if self._executed.exists() else ""

    def node_environment(self, **variables: str) -> None:
        """Sets variables for scripts on the node."""
        self._environ |= variables

    def _record_what_the_node_executes(self) -> None:
        self._executed = self.folder / "executed"
        program = self.folder / "pct"
        own = program.rename(self.folder / "pct-of-the-simulator")
        text = f'#!/bin/sh\nif [ "$1" = exec ]; then exec cat >> "{self._executed}"; fi\nexec "{own}" "$@"\n'
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)

    def scripts(self, vm_id: int) -> list[str]:
        """The scripts that arrived in a guest."""
        return [ran.text for ran in self.ran if ran.vm_id == vm_id]

    async def _node(self, command: SshCommand) -> int:
        return await run_process(command, ["/bin/sh", "-s"], environment=self._environ)

    def _status(self, command: SshCommand) -> int:
        guest = command.server.cluster.guests.get(int(command.match["vmid"]))
        state = "running" if guest and guest.running else "stopped"
        command.print(f"status: {state}" if guest else "Configuration file does not exist")
        return 0 if guest else 2

    async def _guest(self, command: SshCommand) -> int:
        vm_id = int(command.match["vmid"])
        process: Any = command.process
        guest = command.server.cluster.guests.get(vm_id)
        if guest is None or not guest.running:
            process.stderr.write(f"container '{vm_id}' not running!\n".encode())
            return 255
        received = ""
        while not (ready := _READY.search(received)):
            received += (await process.stdin.read(65536)).decode()
        process.stdout.write(f"{ready[1]}\n".encode())
        text = received[ready.end() :]
        while not text.rstrip().endswith("exit $homelab_code\n}"):
            text += (await process.stdin.read(65536)).decode()
        self.ran.append(Ran(vm_id, text))
        if vm_id in self.rebooting:
            self.rebooting.remove(vm_id)
            for other in command.server.cluster.guests.values():
                other.running = False
            return 255
        code = self.failing.pop(vm_id, 0)
        ended = _ENDED.search(text)
        assert ended is not None
        said = "homelab-changed: yes" if code == 0 else "E: the mirror went away half-way"
        if code == 0 and vm_id in self.saying:
            said += f"\n{self.saying[vm_id]}"
        process.stdout.write(f"{said}\n\n{ended[1]} {code}\n".encode())
        return code
