"""The whole program: a script goes in on stdin, its output and exit code come back, and everything is in the log."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.operations.provisioning.pretended_ssh import Machines, is_alive, wait_until

GIVEN = ({"variable": "GIVEN", "source": "given"},)
STORED = ({"variable": "ROOT", "source": "stored", "name": "db/root", "kind": "password", "length": 40},)
AGAIN = "run the same command again: a script may run as often as you like, and does what is still to be done"
SECRET = 'it\'s $(not) a "test"'


def test_a_script_runs_in_the_guest_and_its_output_is_shown_and_kept(machines: Machines) -> None:
    done = machines.run("echo one\necho two >&2\nprintf three\n")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "homelab: dns (CT 9200 on pve): script set-up; log: state/logs/dev/dns-set-up.log",
        "one",
        "two",
        "three",
        "homelab: dns (CT 9200 on pve): script set-up: done",
    ]
    heading, *lines = machines.log.splitlines()
    assert heading.endswith("UTC: script set-up in dns (CT 9200 on pve), stack dev-services")
    assert [line for line in lines if not line.startswith("===")] == ["one", "two", "three"]
    assert "pct exec 9200 -- /bin/sh -s" in machines.read("arguments")


def test_of_a_progress_that_overwrites_itself_the_end_is_kept(machines: Machines) -> None:
    done = machines.run("printf '5%%\\r50%%\\r100%% read\\r\\n'; printf 'next\\r\\n'\n")

    assert "\n100% read\nnext\n" in done.stdout


def test_a_script_for_the_node_runs_there(machines: Machines) -> None:
    done = machines.run("echo here\n", vm_id=None, guest=None, address=None)

    assert done.returncode == 0, done.stderr
    assert "homelab: node pve: script set-up; log: state/logs/dev/node-pve-set-up.log\nhere\n" in done.stdout
    assert "pct" not in machines.read("arguments")


def test_another_user_than_root_needs_sudo(machines: Machines) -> None:
    node = {"name": "pve", "address": "192.0.2.2", "port": 2222, "user": "admin"}

    assert machines.run("echo x", node=node).returncode == 0
    assert "-p 2222 -l admin -- 192.0.2.2 sudo -n pct exec 9200 -- /bin/sh -s" in machines.read("arguments")


@pytest.mark.parametrize(
    ("said", "shown"),
    [("yes", "changed something"), ("no", "nothing to change")],
)
def test_a_script_says_whether_it_changed_anything(machines: Machines, said: str, shown: str) -> None:
    assert f"script set-up: {shown}\n" in machines.run(f"echo homelab-changed: {said}").stdout


def test_a_failing_script_ends_with_its_code_and_names_everything(machines: Machines) -> None:
    done = machines.run("echo working\necho E: no such package >&2\nexit 100\n")

    assert done.returncode == 100
    assert done.stderr.splitlines() == [
        "script set-up in dns (CT 9200 on pve) failed: it ended with exit code 100",
        "",
        "its last lines:",
        "  working",
        "  E: no such package",
        f"    fix:      {AGAIN}",
        "              the whole output is in state/logs/dev/dns-set-up.log",
    ]
    assert "=== script set-up in dns (CT 9200 on pve) failed: it ended with exit code 100" in machines.log


def test_a_script_may_end_with_the_code_that_ssh_uses(machines: Machines) -> None:
    done = machines.run("exit 255")

    assert done.returncode == 255
    assert "it ended with exit code 255" in done.stderr


def test_a_script_that_is_no_shell_runs_not_at_all(machines: Machines, tmp_path: Path) -> None:
    done = machines.run(f"touch {tmp_path}/began\nif true; then\n")

    assert done.returncode != 0
    assert not (tmp_path / "began").exists()


def test_nothing_in_a_script_eats_the_rest_of_it(machines: Machines) -> None:
    done = machines.run("cat\nread -r line || echo 'no input'\necho rest\n")

    assert done.returncode == 0, done.stderr
    assert "no input\nrest\n" in done.stdout


def test_a_long_script_with_much_output_gets_through(machines: Machines) -> None:
    text = "".join(f": {'x' * 80} {number}\n" for number in range(1000)) + "seq 1 30000\n"
    done = machines.run(text)

    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.isdigit()] == [str(n) for n in range(1, 30001)]


def test_terraform_s_secrets_arrive_and_are_seen_nowhere(machines: Machines, tmp_path: Path) -> None:
    script = f'printf %s "$GIVEN" >{tmp_path}/got\necho "it is $GIVEN"\nset -x\n: "$GIVEN"\nfalse\n'
    done = machines.run(script, {"HOMELAB_SECRET_GIVEN": SECRET}, secrets=GIVEN)

    assert (tmp_path / "got").read_text() == SECRET
    assert "it is ***" in done.stdout
    seen = (done.stdout, done.stderr, machines.log, machines.read("arguments"), machines.read("environment"))
    assert not [text for text in seen if "$(not)" in text]


def test_a_stored_secret_is_made_once(machines: Machines, tmp_path: Path) -> None:
    script = f'echo "$ROOT" >>{tmp_path}/got\necho "$ROOT"\n'
    outputs = [machines.run(script, secrets=STORED).stdout for _ in range(2)]

    first, second = (tmp_path / "got").read_text().split()
    assert first == second
    assert len(first) == 40
    assert first.isalnum()
    assert all("***" in text and first not in text for text in [*outputs, machines.log])
    assert (machines.state_folder / "dev.secrets.json").stat().st_mode & 0o777 == 0o600


def test_secrets_are_no_variables_of_the_programs_a_script_starts(machines: Machines) -> None:
    done = machines.run("env | grep -c ^ROOT= || true", secrets=STORED)

    assert "\n0\n" in done.stdout


def test_no_program_has_a_secret_among_its_arguments(machines: Machines) -> None:
    process = machines.start("echo begun; sleep 30", {"HOMELAB_SECRET_GIVEN": SECRET}, secrets=GIVEN)
    wait_until(lambda: "begun" in "".join(f.read_text() for f in machines.state_folder.glob("logs/*/*")), "begun")
    arguments = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments.append(file.read_bytes())
        except OSError:
            continue
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)

    assert any(b"pct" in line or b"/bin/sh\0-s" in line for line in arguments)
    assert not [line for line in arguments if b"$(not)" in line]


def test_files_are_for_their_owner_alone(machines: Machines) -> None:
    machines.run("echo x")

    [log] = machines.state_folder.glob("logs/*/*.log")
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_secret_that_terraform_did_not_hand_over_is_named(machines: Machines) -> None:
    done = machines.run("true", secrets=GIVEN)

    assert done.returncode == 1
    assert "script set-up in dns (CT 9200 on pve) failed: Terraform did not hand over GIVEN" in done.stderr
    assert machines.read("arguments") == ""


def test_host_keys_are_kept_for_the_guest_s_address(machines: Machines) -> None:
    known = machines.state_folder / "dev.known_hosts"
    for key in ("AAAAC3old=", "AAAAC3new="):
        machines.run(f"echo homelab-host-key: ssh-ed25519 {key} root@dns")
    machines.run("echo homelab-host-key: ssh-ed25519 AAAAC3web", address="192.0.2.54")

    assert known.read_text() == "192.0.2.53 ssh-ed25519 AAAAC3new=\n192.0.2.54 ssh-ed25519 AAAAC3web\n"


def test_a_guest_with_dhcp_says_its_address(machines: Machines) -> None:
    keys = "echo homelab-host-key: ssh-ed25519 AAAA\n"
    done = machines.run(keys, address=None)
    assert "the guest's host key was not kept: nothing says its address" in done.stdout

    machines.run(f"{keys}echo homelab-address: 192.0.2.99", address=None)
    assert (machines.state_folder / "dev.known_hosts").read_text() == "192.0.2.99 ssh-ed25519 AAAA\n"


def test_a_failed_script_s_host_key_is_not_kept(machines: Machines) -> None:
    machines.run("echo homelab-host-key: ssh-ed25519 AAAA; exit 1")

    assert not (machines.state_folder / "dev.known_hosts").exists()


def test_a_script_that_takes_too_long_is_stopped_with_all_it_started(machines: Machines, tmp_path: Path) -> None:
    done = machines.run(f"echo begun\nsleep 300 & echo $! >{tmp_path}/pid\nwait\n", timeout_seconds=1)

    assert done.returncode == 124
    assert "failed: it was stopped after 1 seconds" in done.stderr
    assert "begun" in machines.log
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: not is_alive(pid), "what the script started is stopped")


def test_a_script_that_ignores_being_stopped_is_killed(machines: Machines, tmp_path: Path) -> None:
    done = machines.run(f"trap '' TERM\necho $$ >{tmp_path}/pid\nsleep 300\nsleep 300\n", timeout_seconds=1)

    assert done.returncode == 124
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: not is_alive(pid), "it is killed")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_the_script_ends_with_the_program(machines: Machines, tmp_path: Path, number: signal.Signals) -> None:
    """Terraform ends its programs with SIGKILL when somebody stops it."""
    file = tmp_path / "pid"
    process = machines.start(f"echo begun\nsleep 300 & echo $! >{file}.new; mv {file}.new {file}\nwait\n")
    wait_until(file.exists, "the script begins")
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)

    pid = int(file.read_text())
    wait_until(lambda: not is_alive(pid), "what the script started is stopped")
    assert "begun" in machines.log
    if number is signal.SIGKILL:
        return
    assert process.returncode == 130
    assert "failed: interrupted; the script was stopped" in stderr


@pytest.mark.parametrize(("secrets", "what"), [((), "the log state/logs/dev/"), (STORED, "state/dev.secrets.json")])
def test_a_state_folder_that_is_none_is_said_in_words(machines: Machines, secrets: Any, what: str) -> None:
    machines.state_folder.parent.mkdir(exist_ok=True)
    machines.state_folder.write_text("", encoding="utf-8")
    done = machines.run("echo one\n", secrets=secrets)

    assert done.returncode == 1
    assert done.stdout == ""
    assert f"script set-up in dns (CT 9200 on pve) failed: {what}" in done.stderr
    assert "can't be written: " in done.stderr
    assert "fix:      make room or mend the permissions of its folder, then run the same command again" in done.stderr
    assert "Traceback" not in done.stderr
