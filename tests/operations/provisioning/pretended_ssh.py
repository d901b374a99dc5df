"""A program ``ssh`` that runs its command on this machine, and a ``pct`` whose containers are this machine too.

Session, pipes, signals and shells are real; what is pretended is the way there. Files in the folder say how it goes:
``refusals`` (one message a line: as many connections fail with it), ``state`` (what ``pct status`` says), ``breaks``
(the path of a file: as soon as it exists the connection breaks).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations.provisioning.order import Order

PROJECT = Path(__file__).resolve().parents[3]
SECONDS = 30

_SSH = """#!/bin/sh
for command; do :; done
printf '%s\\n' "$*" >>"$PRETENDED/arguments"
env >>"$PRETENDED/environment"
if [ -s "$PRETENDED/refusals" ]; then
    head -n 1 "$PRETENDED/refusals" >&2
    sed -i 1d "$PRETENDED/refusals"
    exit 255
fi
if [ -e "$PRETENDED/breaks" ]; then
    exec 3<&0
    # What the other end's shell says of the break does not get through any more.
    sh -c "$command" <&3 3<&- 2>/dev/null | cat &
    exec 3<&-
    until [ -s "$(cat "$PRETENDED/breaks")" ]; do sleep 0.05; done
    # Of any other signal the shell would tell.
    kill -PIPE $!
    echo "client_loop: send disconnect: Broken pipe" >&2
    exit 255
fi
exec sh -c "$command"
"""
_PCT = """#!/bin/sh
state=$(head -n 1 "$PRETENDED/state")
if [ "$state" = absent ]; then
    echo "Configuration file 'nodes/pve/lxc/$2.conf' does not exist" >&2
    exit 2
fi
if [ "$1" = status ]; then
    echo "status: $state"
    sed -n 2p "$PRETENDED/state" >"$PRETENDED/state.new" && [ ! -s "$PRETENDED/state.new" ] ||
        mv "$PRETENDED/state.new" "$PRETENDED/state"
    exit 0
fi
if [ "$state" != running ]; then
    echo "CT $2 not running" >&2
    exit 255
fi
shift 3
exec "$@"
"""


@dataclass
class Machines:
    """The pretended node, its container 9200, and a project folder to run from."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Machines:
        """Programs and files in a fresh folder; the container runs."""
        programs = folder / "programs"
        programs.mkdir(parents=True)
        for name, text in {"ssh": _SSH, "pct": _PCT, "sudo": '#!/bin/sh\nshift\nexec "$@"\n'}.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        (folder / "state").write_text("running\n")
        (folder / "project").mkdir()
        return cls(folder)

    @property
    def state_folder(self) -> Path:
        return self.folder / "project" / "state"

    @property
    def log(self) -> str:
        return next(self.state_folder.glob("logs/*/*.log")).read_text()

    def read(self, name: str) -> str:
        file = self.folder / name
        return file.read_text() if file.exists() else ""

    def environ(self, order: Mapping[str, Any], **more: str) -> dict[str, str]:
        return {
            **os.environ,
            "PATH": f"{self.folder / 'programs'}:{os.environ['PATH']}",
            "PRETENDED": str(self.folder),
            "PYTHONPATH": str(PROJECT),
            "HOMELAB_PROVISIONING": json.dumps(order).replace("%", "%25"),
            **more,
        }

    def start(self, text: str, environ: Mapping[str, str] | None = None, **changes: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "operations.provisioning"],
            cwd=self.folder / "project",
            env=self.environ(order(text=text, **changes), **(environ or {})),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, text: str, environ: Mapping[str, str] | None = None, **changes: Any
    ) -> subprocess.CompletedProcess[str]:
        process = self.start(text, environ, **changes)
        try:
            stdout, stderr = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
            process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def order(**changes: Any) -> dict[str, Any]:
    """What a stack hands over for a script in the container."""
    return {
        "environment": "dev",
        "stack": "dev-services",
        "node": {"name": "pve", "address": "192.0.2.2", "port": 22, "user": "root"},
        "vm_id": 9200,
        "guest": "dns",
        "address": "192.0.2.53",
        "script": "set-up",
        "text": "true\n",
        "timeout_seconds": 20,
        "secrets": [],
        "state_folder": "state",
        **changes,
    }


def read_order(**changes: Any) -> Order:
    """The same as the runner sees it."""
    return Order.read(json.dumps(order(**changes)).replace("%", "%25"))


def wait_until(true: Callable[[], object], what: str) -> None:
    """Waits for something that another process does."""
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process runs: a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
