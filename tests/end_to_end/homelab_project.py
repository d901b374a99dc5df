"""An environment file for a simulator in a folder of its own, and the `homelab` command run on it."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from simulator import Simulator

PROJECT = Path(__file__).resolve().parents[2]
HOMELAB = Path(sys.prefix) / "bin" / "homelab"
SECONDS = 600

ENVIRONMENT: dict[str, Any] = {
    "proxmox": {
        "nodes": {
            "pve": {
                "cores": 16,
                "memory": "64GiB",
                "bridges": ["vmbr0"],
                "datastores": {
                    "local": {"size": "100GiB", "content": ["iso", "vztmpl", "import", "snippets", "backup"]},
                    "local-lvm": {"size": "900GiB", "content": ["images", "rootdir"]},
                },
            }
        },
    },
    "policy": {"unlocked_images": "ignore"},
    "networks": {"lan": {"bridge": "vmbr0", "cidr": "192.168.3.0/24", "gateway": "192.168.3.1"}},
    "templates": {"debian-12": {"vm_id": 9000, "image": "debian-12", "disk": "10GiB"}},
    "vms": {
        "web": {
            "template": "debian-12",
            "vm_id": 9100,
            "group": "web",
            "network": {"name": "lan", "address": "192.168.3.20"},
        }
    },
    "containers": {
        "dns": {
            "os": "debian-12",
            "vm_id": 9200,
            "group": "services",
            "network": {"name": "lan", "address": "192.168.3.53"},
        }
    },
}
"""A template, a VM and a container, each in a stack of its own."""


class HomelabProject:
    """One environment on one simulator.

    Attributes:
        environ: the environment variables of the commands; a test may change them.
        content: what the environment file holds; `write` writes it.
    """

    def __init__(
        self, folder: Path, simulator: Simulator, name: str = "small", content: Mapping[str, Any] = ENVIRONMENT
    ) -> None:
        self.folder = folder
        self.simulator = simulator
        self.name = name
        self.file = folder / "environments" / f"{name}.yaml"
        self.output = folder / "cdktf.out"
        self.content: dict[str, Any] = copy.deepcopy(dict(content))
        self.content["proxmox"]["endpoint"] = simulator.endpoint.rstrip("/")
        for node, port in simulator.ssh_ports.items():
            if node in self.content["proxmox"]["nodes"]:
                self.content["proxmox"]["nodes"][node] |= {"address": "127.0.0.1", "ssh_port": port}
        self.environ = {**os.environ, **simulator.environment()}
        self.environ |= {"XDG_CACHE_HOME": str(Path.home() / ".cache"), "NO_COLOR": "1", "COLUMNS": "100"}
        self.write()

    def write(self) -> None:
        """Writes the environment file."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(yaml.safe_dump(self.content, sort_keys=False), encoding="utf-8")

    def state(self, stack: str) -> Path:
        """The state file of a stack."""
        return self.folder / "state" / f"{self.name}-{stack}.tfstate"

    def resources(self, stack: str) -> list[dict[str, Any]]:
        """What the state of a stack holds."""
        state: dict[str, Any] = json.loads(self.state(stack).read_text(encoding="utf-8"))
        return [resource for resource in state["resources"] if resource["mode"] == "managed"]

    def arguments(self, command: str, *more: str) -> list[str]:
        """The command line of ``homelab COMMAND`` for this environment."""
        option = {"doctor": None, "review": "--synthesized"}.get(command, "--output")
        where = [option, str(self.output)] if option else []
        return [str(HOMELAB), command, *more, "--environment", str(self.file), *where]

    def run(self, command: str, *more: str, code: int = 0) -> str:
        """Runs ``homelab COMMAND``; asserts its exit code and that nothing unpleasant is in what it prints."""
        done = subprocess.run(
            self.arguments(command, *more),
            cwd=PROJECT,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == code, done.stdout
        self.assert_clean(done.stdout)
        return done.stdout

    def document(self, command: str, *more: str, code: int = 0) -> dict[str, Any]:
        """Runs ``homelab COMMAND --json`` and returns the document on its standard output."""
        done = subprocess.run(
            [*self.arguments(command, *more), "--json"],
            cwd=PROJECT,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        self.assert_clean(done.stdout + done.stderr)
        loaded: dict[str, Any] = json.loads(done.stdout)
        return loaded

    def start(self, command: str, *more: str) -> subprocess.Popen[str]:
        """Starts ``homelab COMMAND`` and returns at once."""
        return subprocess.Popen(
            self.arguments(command, *more),
            cwd=PROJECT,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def assert_clean(self, text: str) -> None:
        """Neither a stack trace nor a secret is in ``text``."""
        assert "Traceback" not in text, text
        for secret in self.secrets():
            assert secret not in text

    def secrets(self) -> Sequence[str]:
        """What must never be printed."""
        lines = self.environ.get("PROXMOX_VE_SSH_PRIVATE_KEY", "").splitlines()
        key = [line for line in lines if line and "-----" not in line]
        token = self.environ.get("PROXMOX_VE_API_TOKEN", "").rpartition("=")[2]
        return [secret for secret in (token, self.environ.get("PROXMOX_VE_PASSWORD", ""), *key) if secret]
