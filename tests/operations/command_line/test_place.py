"""`homelab place` as a process: what it prints and records, and with which exit code it ends."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.operations.command_line.conftest import Run

Write = Callable[[str, str], Path]
PLACED = """\
placement: {all: {}}
containers:
  dns: {os: debian-12, vm_id: 9200, placement: all}
"""


def test_a_guest_is_placed_once(homelab: Run, write: Write, project: Path) -> None:
    write("dev", PLACED)

    first, second = homelab("place", "dev"), homelab("place", "dev")

    record = project / "environments" / "dev.placement.json"
    assert (first.returncode, first.stdout) == (
        0,
        (
            "dev:\n  containers.dns  pve  (new)\n"
            "Recorded in environments/dev.placement.json. Commit it with the environment file.\n"
        ),
    )
    assert second.stdout == "dev:\n  containers.dns  pve\nenvironments/dev.placement.json is as it was.\n"
    assert json.loads(record.read_text()) == {"version": 1, "guests": {"containers.dns": "pve"}}
    assert homelab("check", "dev").returncode == 0


def test_a_dry_run_records_nothing(homelab: Run, write: Write, project: Path) -> None:
    write("dev", PLACED)

    result = homelab("place", "dev", "--dry-run")

    assert "Nothing was recorded in environments/dev.placement.json." in result.stdout
    assert not (project / "environments" / "dev.placement.json").exists()


def test_a_guest_for_which_there_is_no_room(homelab: Run, write: Write) -> None:
    write("dev", PLACED.replace("placement: all", "placement: all, memory: 63GiB"))

    result = homelab("place", "dev")

    assert result.returncode == 1
    assert "containers.dns  nowhere: pve: 62GiB of its memory are free, and 63GiB are needed" in result.stdout


def test_a_guest_that_no_policy_places(homelab: Run, write: Write, project: Path) -> None:
    write("dev", PLACED)

    result = homelab("place", "dev", "--again", "web")

    assert result.returncode == 2
    assert result.stderr == (
        "error: web is no guest that a policy places\n"
        "    allowed:  dns\n"
        "    fix:      name one of them; a guest with `node` is moved by changing that\n"
    )
    assert not (project / "environments" / "dev.placement.json").exists()


def test_guests_that_are_gone_leave_the_record(homelab: Run, write: Write, project: Path) -> None:
    write("dev", PLACED)
    homelab("place")
    write("dev", "containers: {dns: {os: debian-12, vm_id: 9200}}\n")

    homelab("place")

    assert not (project / "environments" / "dev.placement.json").exists()


def test_an_environment_with_errors_is_not_placed(homelab: Run, write: Write) -> None:
    write("dev", PLACED.replace("9200", "12"))

    result = homelab("place", "dev")

    assert result.returncode == 1
    assert "containers.dns.vm_id" in result.stderr
