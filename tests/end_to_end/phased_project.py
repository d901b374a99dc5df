"""A project whose platform is made of scripts alone: five phases that can be held, broken and looked at.

Its ``main.py`` writes the stacks, as synthesis does. Each phase is a ``null_resource`` whose script makes a file, and
a probe that looks for the file.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from simulator import Simulator
from tests.end_to_end.homelab_project import ENVIRONMENT, HOMELAB, SECONDS

PHASES = ("host", "infisical", "bootstrap", "identity", "resources")

MAIN = """
import json, os, pathlib
out = pathlib.Path(os.environ["CDKTF_OUTDIR"])
stacks = json.loads(pathlib.Path("stacks.json").read_text())
for name, stack in stacks.items():
    folder = out / "stacks" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cdk.tf.json").write_text(json.dumps(stack["configuration"], indent=2))
entries = {
    name: {"name": name, "workingDirectory": f"stacks/{name}", "dependencies": stack["dependencies"]}
    for name, stack in stacks.items()
}
(out / "manifest.json").write_text(json.dumps({"version": "0.21.0", "stacks": entries}))
"""
"""Stands where the app's ``main.py`` does."""

HOOKS = '''
"""A script of a phase, and its probe: ``python -m hooks run|probe PHASE``. ``hold-...`` files make them wait."""
import pathlib, sys, time
what, phase = sys.argv[1:]
def wait_while(file):
    deadline = time.monotonic() + 60
    while pathlib.Path(file).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
pathlib.Path(f"{what}-{phase}.begun").touch()
wait_while(f"hold-{what}-{phase}")
if what == "run":
    if pathlib.Path(f"break-{phase}").exists():
        sys.exit(f"{phase} is broken")
    with open("ran.txt", "a") as ran:
        ran.write(f"{phase}\\n")
    print(f"{phase} is set up")
    pathlib.Path(f"{phase}.done").touch()
elif not pathlib.Path(f"{phase}.done").exists():
    sys.exit(f"{phase} is not there")
'''


class PhasedProject:
    """The project in a folder of its own, with the platform ``secrets`` and independent services."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.folder = folder
        self.environ = {**os.environ, **simulator.environment(), "NO_COLOR": "1", "COLUMNS": "100"}
        self.environ["XDG_CACHE_HOME"] = str(Path.home() / ".cache")
        proxmox = {**ENVIRONMENT["proxmox"], "endpoint": simulator.endpoint.rstrip("/")}
        content = {"proxmox": proxmox, "pools": {"lab": {}}}
        (folder / "environments").mkdir()
        (folder / "environments" / "lab.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
        for name, text in (("cdktf.json", "{}"), ("main.py", MAIN), ("hooks.py", HOOKS)):
            (folder / name).write_text(text, encoding="utf-8")
        self.stacks: dict[str, dict[str, Any]] = {}
        before: list[str] = []
        for phase in PHASES:
            self.add(f"secrets-{phase}", phase, before)
            before = [f"lab-secrets-{phase}"]
        for service in ("gitea", "redis"):
            self.add(f"service-{service}", service, [])
        self.write()

    def add(self, name: str, phase: str, dependencies: list[str]) -> None:
        """A stack with one script and its probe; one that depends on another reads that one's state."""
        probe: dict[str, Any] = {"name": f"the {phase}", "url": None, "tcp": None, "command": ["hooks", "probe", phase]}
        probe |= {"timeout_seconds": 2, "repeat": ["null_resource.script"]}
        configuration: dict[str, Any] = {
            "terraform": {
                "required_providers": {"null": {"source": "hashicorp/null", "version": "3.3.1"}},
                "backend": {"local": {"path": f"../../../state/lab-{name}.tfstate"}},
            },
            "resource": {
                "null_resource": {
                    "script": {
                        "triggers": {"version": "1"},
                        "provisioner": [
                            {
                                "local-exec": {
                                    "working_dir": "../../..",
                                    "command": f"exec $HOMELAB_PYTHON -m hooks run {phase}",
                                }
                            }
                        ],
                    }
                }
            },
            "output": {"probes": {"value": [probe]}, f"{phase}_url": {"value": f"http://{phase}.home.arpa"}},
        }
        if dependencies:
            path = f"../../../state/{dependencies[0]}.tfstate"
            before = {"backend": "local", "config": {"path": path}}
            configuration["data"] = {"terraform_remote_state": {"before": before}}
        self.stacks[f"lab-{name}"] = {"configuration": configuration, "dependencies": dependencies}

    def write(self) -> None:
        """Writes the stacks that the next synthesis makes."""
        (self.folder / "stacks.json").write_text(json.dumps(self.stacks), encoding="utf-8")

    def has(self, file: str) -> bool:
        """Whether there is a file in the project."""
        return (self.folder / file).exists()

    def touch(self, file: str) -> None:
        """Makes a file in the project, such as ``hold-run-host``."""
        (self.folder / file).touch()

    def remove(self, file: str) -> None:
        """Removes a file."""
        (self.folder / file).unlink()

    @property
    def ran(self) -> list[str]:
        """The phases whose scripts ran to their end, in order."""
        return (self.folder / "ran.txt").read_text(encoding="utf-8").split() if self.has("ran.txt") else []

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Starts ``homelab deploy`` and returns at once."""
        return subprocess.Popen(
            [str(HOMELAB), "deploy", *words, "--environment", "lab", "--yes"],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def deploy(self, *words: str, code: int = 0) -> str:
        """Runs ``homelab deploy`` to its end and returns what it says."""
        running = self.start(*words)
        said, _ = running.communicate(timeout=SECONDS)
        assert running.returncode == code, said
        assert "Traceback" not in said, said
        return said
