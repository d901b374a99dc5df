"""The way to the guest: what is waited for, what is not, and what is said about it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from operations.provisioning.runner import Patience, Runner
from operations.provisioning.ssh import Client
from tests.operations.provisioning.pretended_ssh import Machines, order, read_order

PATIENT = Patience(pause_seconds=0.05)
SOON = Patience(connect_seconds=0.5, running_seconds=0.5, pause_seconds=0.05)
KNOWN_HOSTS = Path("/home/anna/.ssh/known_hosts")


@pytest.fixture(autouse=True)
def _in_the_project(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(machines.folder / "project")
    monkeypatch.setenv("PATH", f"{machines.folder / 'programs'}:{os.environ['PATH']}")


def run(
    machines: Machines, text: str = "echo ran >>ran\n", *, key: str = "", patience: Patience = PATIENT, **changes: Any
) -> int:
    environ = machines.environ(order())
    return Runner(read_order(text=text, **changes), Client(KNOWN_HOSTS, key), environ, patience).run()


def test_a_node_that_does_not_answer_yet_is_waited_for(machines: Machines, capsys: pytest.CaptureFixture[str]) -> None:
    refusals = ["ssh: connect to host 192.0.2.2 port 22: Connection refused"] * 3
    (machines.folder / "refusals").write_text("\n".join([*refusals, "kex_exchange_identification: read: Reset"]) + "\n")

    assert run(machines) == 0
    assert machines.read("project/ran") == "ran\n"
    assert capsys.readouterr().out.count("Connection refused; waiting") == 1


def test_one_that_never_answers_is_given_up(machines: Machines, capsys: pytest.CaptureFixture[str]) -> None:
    (machines.folder / "refusals").write_text("ssh: connect to host 192.0.2.2 port 22: No route to host\n" * 500)

    assert run(machines, patience=SOON) == 1
    said = capsys.readouterr().err
    assert (
        "script set-up in dns (CT 9200 on pve) failed: node pve (root@192.0.2.2) can't be reached by SSH: ssh: connect "
        "to host 192.0.2.2 port 22: No route to host; nothing was run"
    ) in said
    assert "correct address and ssh_port of proxmox.nodes.pve in the environment file" in said


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "Host key verification failed.",
            [
                "the host key of node pve (root@192.0.2.2) is not known",
                "/home/anna/.ssh/known_hosts has none for 192.0.2.2",
                "ssh-keyscan 192.0.2.2 >> /home/anna/.ssh/known_hosts",
                "HOMELAB_SSH_KNOWN_HOSTS",
                "ssh-keygen -lf",
            ],
        ),
        (
            "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!",
            [
                "has another host key than the one in /home/anna/.ssh/known_hosts",
                "ssh-keygen -f /home/anna/.ssh/known_hosts -R '192.0.2.2'",
            ],
        ),
        (
            "root@192.0.2.2: Permission denied (publickey,password).",
            ["lets nobody in with your SSH keys and agent", "~root/.ssh/authorized_keys"],
        ),
        (
            "ssh: Could not resolve hostname pve: Name or service not known",
            ["there is no host 192.0.2.2", "set address of proxmox.nodes.pve"],
        ),
    ],
    ids=["unknown host key", "changed host key", "key", "name"],
)
def test_what_waiting_does_not_help_ends_at_once(
    machines: Machines, capsys: pytest.CaptureFixture[str], message: str, words: list[str]
) -> None:
    (machines.folder / "refusals").write_text(message + "\n")

    assert run(machines) == 1
    said = capsys.readouterr().err
    assert not [word for word in words if word not in said], said
    assert machines.read("arguments").count("\n") == 1


def test_a_port_of_its_own_is_part_of_the_advice(machines: Machines, capsys: pytest.CaptureFixture[str]) -> None:
    (machines.folder / "refusals").write_text("Host key verification failed.\n")
    node = {"name": "pve", "address": "192.0.2.2", "port": 2222, "user": "root"}

    assert run(machines, node=node) == 1
    said = capsys.readouterr().err
    assert "has none for [192.0.2.2]:2222" in said
    assert "ssh-keyscan -p 2222 192.0.2.2 >> /home/anna/.ssh/known_hosts" in said


def test_a_key_given_as_text_is_used_and_gone_afterwards(
    machines: Machines, capsys: pytest.CaptureFixture[str]
) -> None:
    key = "-----BEGIN KEY-----\nabcdefghij\n-----END KEY-----"
    (machines.folder / "programs" / "ssh").write_text(
        '#!/bin/sh\nwhile [ "$1" != -i ]; do shift; done\nstat -c %a "$2" >"$PRETENDED/mode"\ncat "$2" >'
        '"$PRETENDED/key"\necho "$2" >"$PRETENDED/file"\necho "root@h: Permission denied (publickey)." >&2\nexit 255\n'
    )

    assert run(machines, key=key) == 1
    assert machines.read("key") == key + "\n"
    assert machines.read("mode") == "600\n"
    assert not Path(machines.read("file").strip()).exists()
    assert "lets nobody in with the key in PROXMOX_VE_SSH_PRIVATE_KEY" in capsys.readouterr().err


def test_a_container_that_starts_is_waited_for(machines: Machines, capsys: pytest.CaptureFixture[str]) -> None:
    (machines.folder / "state").write_text("stopped\nrunning\n")

    assert run(machines) == 0
    assert "dns (CT 9200 on pve) is stopped; waiting" in capsys.readouterr().out


def test_one_that_does_not_is_given_up(machines: Machines, capsys: pytest.CaptureFixture[str]) -> None:
    (machines.folder / "state").write_text("stopped\n")

    assert run(machines, patience=SOON) == 1
    said = capsys.readouterr().err
    assert "failed: dns (CT 9200 on pve) is stopped; nothing was run" in said
    assert "start it: pct start 9200   (on the node)" in said


def test_a_container_that_is_not_there_is_not_waited_for(
    machines: Machines, capsys: pytest.CaptureFixture[str]
) -> None:
    (machines.folder / "state").write_text("absent\n")

    assert run(machines) == 1
    assert "there is no container 9200 on node pve: Configuration file" in capsys.readouterr().err


def test_a_machine_without_pct_is_no_node(machines: Machines, capsys: pytest.CaptureFixture[str]) -> None:
    (machines.folder / "programs" / "pct").unlink()

    assert run(machines) == 1
    assert "node pve (192.0.2.2) has no pct (" in (said := capsys.readouterr().err)
    assert "it is no Proxmox VE node" in said


def test_sudo_that_asks_is_said_with_what_to_do(machines: Machines, capsys: pytest.CaptureFixture[str]) -> None:
    (machines.folder / "programs" / "sudo").write_text("#!/bin/sh\necho 'sudo: a password is required' >&2; exit 1\n")

    assert run(machines, node={"name": "pve", "address": "192.0.2.2", "port": 22, "user": "admin"}) == 1
    said = capsys.readouterr().err
    assert "user admin of node pve may not do what root may: sudo: a password is required" in said
    assert "echo 'admin ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/homelab" in said


def test_a_connection_that_breaks_is_no_reason_to_run_it_twice(
    machines: Machines, capsys: pytest.CaptureFixture[str]
) -> None:
    (machines.folder / "breaks").write_text(str(machines.folder / "project" / "ran"))

    assert run(machines, "echo ran >>ran\nsleep 5\n") == 1
    assert machines.read("project/ran") == "ran\n"
    said = capsys.readouterr().err
    assert "failed: the connection to node pve was lost while it ran (client_loop: send disconnect" in said
    assert "run the same command again: a script may run as often as you like" in said


def test_a_guest_that_goes_away_is_told_from_a_connection_that_does(
    machines: Machines, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(machines, "echo ran >>ran\nkill -KILL 0\n") == 1
    assert machines.read("project/ran") == "ran\n"
    assert "dns (CT 9200 on pve) went away while it ran" in capsys.readouterr().err


def test_a_machine_without_ssh_says_what_to_install(
    machines: Machines, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(machines.folder / "project"))
    environ = {**machines.environ(order()), "PATH": str(machines.folder / "project")}

    assert Runner(read_order(), Client(KNOWN_HOSTS), environ, PATIENT).run() == 1
    assert "install OpenSSH's client" in capsys.readouterr().err
