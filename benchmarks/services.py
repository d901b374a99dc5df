"""Deploying services on the simulator: all of them at once against the longest chain of steps that need each other.

Scripts in guests take no time here: what is measured is how much of the nodes' work and of Terraform's goes on side by
side.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from homelab.services.registry import services
from simulator import Simulator, SimulatorOptions, StorageOptions
from tests.end_to_end.scripted_guests import ScriptedGuests

TASK_SECONDS = 2
OPTIONS = SimulatorOptions(
    bridges=("vmbr0", "vmbr2"),
    storages=(
        StorageOptions("local"),
        StorageOptions("local-lvm", "lvmthin", ("images", "rootdir")),
        StorageOptions("local-hdd", "dir", ("images", "rootdir")),
    ),
    cores=64,
    memory_gib=256,
    task_seconds=TASK_SECONDS,
)
PROJECT = Path(__file__).resolve().parent.parent


def of_the_document() -> list[str]:
    """The nine services that the source document has."""
    return [name for name, service in services().items() if service.number < 9]


def longest_chain(names: Iterable[str]) -> list[str]:
    """Of services that have to be there before others the most that follow one another."""

    def chain(name: str) -> list[str]:
        service = services()[name]
        before = [chain(one) for one in (*service.after, *service.settings().needs()) if one in wanted]
        return [*max(before, key=len, default=[]), name]

    wanted = list(names)
    return max((chain(name) for name in wanted), key=len)


def deploy(names: Iterable[str], folder: Path) -> float:
    """Seconds of `homelab deploy` from an environment file with these services to their running instances."""
    names = list(names)
    programs = folder / "programs"
    programs.mkdir(parents=True)
    with Simulator(OPTIONS) as simulator:
        ScriptedGuests(simulator, programs)
        file = folder / "environments" / "lab.yaml"
        file.parent.mkdir()
        file.write_text(yaml.safe_dump(_environment(names, simulator)), encoding="utf-8")
        command = [str(Path(sys.prefix) / "bin" / "homelab"), "deploy", "--environment", str(file), "--yes"]
        started = time.perf_counter()
        done = subprocess.run(
            [*command, "--output", str(folder / "cdktf.out")],
            cwd=PROJECT,
            env={**_variables(), **simulator.environment()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - started
        assert done.returncode == 0, done.stdout
        running = [guest for guest in simulator.guests().values() if guest.running]
        assert len(running) == len(names), done.stdout
    return seconds


def _variables() -> dict[str, str]:
    return {**os.environ, "XDG_CACHE_HOME": str(Path.home() / ".cache"), "NO_COLOR": "1"}


def _environment(names: list[str], simulator: Simulator) -> dict[str, Any]:
    node = {
        "cores": 64,
        "memory": "256GiB",
        "bridges": ["vmbr0", "vmbr2"],
        "datastores": {
            "local": {"content": ["iso", "vztmpl", "import", "snippets", "backup"]},
            "local-lvm": {"content": ["images", "rootdir"]},
            "local-hdd": {"content": ["images", "rootdir"]},
        },
        "address": "127.0.0.1",
        "ssh_port": simulator.ssh_port,
    }
    return {
        "proxmox": {"endpoint": simulator.endpoint.rstrip("/"), "nodes": {"pve": node}},
        "policy": {"unlocked_images": "ignore"},
        "networks": {"internal": {"bridge": "vmbr2", "cidr": "10.0.30.0/24", "gateway": "10.0.30.1"}},
        "services": names,
    }
