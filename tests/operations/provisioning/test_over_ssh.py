"""The runner over OpenSSH's real client, to the SSH servers of a simulator whose container is this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator import Simulator
from simulator.local_process import run_process
from simulator.ssh import SshCommand
from tests.operations.provisioning.pretended_ssh import PROJECT, SECONDS, Machines, is_alive, order, wait_until

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    async def execute(command: SshCommand) -> int:
        return await run_process(command, ["/bin/sh", "-s"])

    with Simulator(task_seconds=0) as running:
        running.on_command(r"^pct exec 9200 -- /bin/sh -s$", execute)
        yield running


class Client:
    """The program as Terraform calls it, with a home of its own."""

    def __init__(self, simulator: Simulator, folder: Path) -> None:
        self.folder = folder
        self.environ = {**os.environ, **simulator.environment(), "PYTHONPATH": str(PROJECT)}
        self.node = {"name": "pve", "address": "127.0.0.1", "port": simulator.ssh_port, "user": "root"}

    def start(self, text: str, **environ: str) -> subprocess.Popen[str]:
        machines = Machines(self.folder)
        given: dict[str, Any] = machines.environ(order(text=text, node=self.node))
        return subprocess.Popen(
            [sys.executable, "-m", "operations.provisioning"],
            cwd=self.folder,
            env={**given, **self.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, text: str, **environ: str) -> subprocess.CompletedProcess[str]:
        process = self.start(text, **environ)
        stdout, stderr = process.communicate(timeout=SECONDS)
        return subprocess.CompletedProcess([], process.returncode, stdout, stderr)


@pytest.fixture
def client(simulator: Simulator, tmp_path: Path) -> Client:
    return Client(simulator, tmp_path)


def test_a_script_goes_there_and_its_output_comes_back(client: Client) -> None:
    done = client.run("echo there\ncat\nexit 3\n")

    assert done.returncode == 3, done.stderr
    assert "\nthere\n" in done.stdout


def test_a_large_script_and_large_output_get_through(client: Client) -> None:
    done = client.run("".join(f": {'x' * 90}\n" for _ in range(1000)) + "seq 1 50000\n")

    assert done.returncode == 0, done.stderr
    assert "\n50000\n" in done.stdout


def test_a_node_whose_host_key_nobody_has_written_down_is_refused(client: Client, tmp_path: Path) -> None:
    empty = tmp_path / "known hosts"
    empty.touch()
    done = client.run("touch ran", HOMELAB_SSH_KNOWN_HOSTS=str(empty))

    assert done.returncode == 1
    assert f"is not known: {empty} has none for [127.0.0.1]:{client.node['port']}" in done.stderr
    assert f"ssh-keyscan -p {client.node['port']} 127.0.0.1 >> {empty}" in done.stderr
    assert not (tmp_path / "ran").exists()


def test_a_node_with_another_host_key_is_refused(client: Client, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{client.node['port']} {(tmp_path / 'key.pub').read_text()}")
    done = client.run("true", HOMELAB_SSH_KNOWN_HOSTS=str(known))

    assert done.returncode == 1
    assert f"has another host key than the one in {known}" in done.stderr


def test_a_key_that_is_not_let_in_is_said(client: Client, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    done = client.run("true", PROXMOX_VE_SSH_PRIVATE_KEY=(tmp_path / "key").read_text())

    assert done.returncode == 1
    assert "lets nobody in with the key in PROXMOX_VE_SSH_PRIVATE_KEY" in done.stderr
    assert "BEGIN OPENSSH" not in done.stderr


def test_what_is_no_key_is_said(client: Client) -> None:
    done = client.run("true", PROXMOX_VE_SSH_PRIVATE_KEY="~/.ssh/id_ed25519")

    assert done.returncode == 1
    assert "PROXMOX_VE_SSH_PRIVATE_KEY is not a private key that OpenSSH can read" in done.stderr


def test_the_program_s_end_is_the_script_s(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    process = client.start(f"sleep 300 & echo $! >{file}.new; mv {file}.new {file}; wait\n")
    wait_until(file.exists, "the script begins")
    process.kill()
    process.communicate(timeout=SECONDS)

    pid = int(file.read_text())
    wait_until(lambda: not is_alive(pid), "what the script started is stopped")


def test_a_node_that_goes_away_in_the_middle_is_said(tmp_path: Path) -> None:
    async def execute(command: SshCommand) -> int:
        return await run_process(command, ["/bin/sh", "-s"])

    file = tmp_path / "began"
    with Simulator(task_seconds=0) as node:
        node.on_command(r"^pct exec 9200 -- /bin/sh -s$", execute)
        shutil.copytree(node.environment()["HOME"], tmp_path / "home")
        process = Client(node, tmp_path).start(f"touch {file}; sleep 300\n", HOME=str(tmp_path / "home"))
        wait_until(file.exists, "the script begins")
    _, stderr = process.communicate(timeout=SECONDS)

    assert process.returncode == 1
    assert "the connection to node pve was lost while it ran" in stderr
    assert "run the same command again" in stderr
