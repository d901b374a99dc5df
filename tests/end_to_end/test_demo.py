"""The demo from its beginning to its end, with a CLI configuration that does not exist and an empty TMPDIR."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.end_to_end.homelab_project import PROJECT

pytestmark = pytest.mark.end_to_end

LIMIT_SECONDS = 120


def environ(temporary: Path) -> dict[str, str]:
    """As in a fresh clone, where the user's CLI configuration may name what is not there."""
    return {
        **os.environ,
        "TMPDIR": str(temporary),
        "TF_CLI_CONFIG_FILE": str(temporary / "missing.tfrc"),
        "COLUMNS": "80",
    }


def files_of_the_project() -> set[Path]:
    """Everything in the clone but caches of tools."""
    return {file for name in ("state", "cdktf.out") for file in (PROJECT / name).rglob("*")} | set(PROJECT.iterdir())


def test_the_demo_shows_everything_and_leaves_nothing(tmp_path: Path) -> None:
    before = files_of_the_project()
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "demo"],
        cwd=PROJECT,
        env=environ(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * LIMIT_SECONDS,
        check=False,
    )
    said = done.stdout
    assert done.returncode == 0, said + done.stderr
    assert time.monotonic() - started < LIMIT_SECONDS
    assert "Traceback" not in said + done.stderr
    shown = [
        "1. homelab deploy: plan and apply",
        "+ VM workshop (9110)",
        "created container dns (9200)",
        "9110   workshop",
        "192.168.3.53",
        "Outputs: ",
        "2. homelab deploy again: no changes",
        "No changes: Proxmox is as the file says.",
        "3. somebody changes the memory of workshop",
        "1 changed outside Terraform",
        "memory.dedicated 1024 → 4096",
        "4. homelab destroy",
        "The node has no guest, no disk, no image and no pool any more.",
        "The demo went well",
        "homelab doctor --environment home",
    ]
    places = [said.find(text) for text in shown]
    assert -1 not in places, [text for text, place in zip(shown, places, strict=True) if place == -1]
    assert places == sorted(places)
    assert list(tmp_path.iterdir()) == []
    assert files_of_the_project() == before
    port = int(said.split("https://127.0.0.1:", 1)[1].split("/", 1)[0])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_an_interrupted_demo_leaves_nothing_either(tmp_path: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "simulator", "demo"],
        cwd=PROJECT,
        env=environ(tmp_path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert running.stdout is not None
    for line in running.stdout:
        if "created" in line:
            break
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=LIMIT_SECONDS)
    assert running.returncode == 130, said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_missing_set_up_is_said_in_a_line(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "demo"],
        cwd=PROJECT,
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "bpg/proxmox 0.111.1 is in none of" in done.stderr
    assert "make" in done.stderr
    assert "Traceback" not in done.stderr
