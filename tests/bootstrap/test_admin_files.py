"""`python -m bootstrap admin` when the disk or the files are not as they should be: nothing is lost."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bootstrap.saved import SavedCredentials
from tests.bootstrap.conftest import Machine
from tests.bootstrap.stand_in import Fault, StandIn
from tests.bootstrap.stand_in_instance import Instance

BOOTSTRAP = "/api/v1/admin/bootstrap"


def test_a_full_disk_is_found_before_the_bootstrap(
    server: StandIn, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert machine.run("admin") == 6
    assert "No space left on device" in machine.err
    assert (server.count("POST", BOOTSTRAP), machine.files()) == (0, {})


def test_a_disk_that_fills_up_during_the_bootstrap_loses_nothing(
    server: StandIn, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", _failing_after_the_locks(full))
        assert machine.run("admin") == 6
    assert "the instance is set up, but its token could not be saved" in machine.err
    assert machine.files() == {}
    assert machine.run_json("admin")["outcome"] == "recovered"
    assert server.instance.bootstraps == 1


def test_a_missing_directory_is_told_before_the_bootstrap(server: StandIn, machine: Machine, tmp_path: Path) -> None:
    machine.directory.rmdir()
    (tmp_path / "machine").write_text("a file")
    assert machine.run("admin") in {2, 6}
    assert server.count("POST", BOOTSTRAP) == 0


def test_a_file_with_a_wrong_mode_is_not_used(server: StandIn, machine: Machine) -> None:
    machine.run("admin")
    server.calls.clear()
    machine.bootstrap_file.chmod(0o640)
    assert machine.run("admin") == 6
    assert f"chmod 600 {machine.bootstrap_file}" in machine.err
    assert server.calls == []


def test_a_directory_that_another_bootstrap_uses_is_left_alone(server: StandIn, machine: Machine) -> None:
    with SavedCredentials(machine.directory, "https://another.home.arpa").lock():
        assert machine.run("admin") == 7
    assert f"another bootstrap of the directory {machine.directory} is running" in machine.err
    assert server.calls == []


def test_a_missing_variable_is_named(machine: Machine) -> None:
    machine.run("admin")
    text = machine.bootstrap_file.read_text()
    machine.bootstrap_file.write_text(text.replace("infisical_organization_id", "other"))
    assert machine.run("admin") == 6
    assert "infisical_organization_id is missing" in machine.err


def test_credentials_of_another_server_are_not_sent_to_this_one(
    machine: Machine, start: Callable[..., StandIn]
) -> None:
    machine.run("admin")
    other = start()
    machine.environment["INFISICAL_DOMAIN"] = other.url
    assert machine.run("admin") == 6
    assert "not to" in machine.err
    assert other.calls == []


def test_an_organization_id_that_was_edited_is_noticed(server: StandIn, machine: Machine) -> None:
    machine.run("admin")
    right = next(iter(server.instance.organizations))
    machine.bootstrap_file.write_text(machine.bootstrap_file.read_text().replace(right, "0" * 8))
    assert machine.run("admin") == 6
    assert f"its token is of the organization {right}" in machine.err


def test_files_of_an_instance_that_is_gone_are_kept_beside(server: StandIn, machine: Machine) -> None:
    machine.run("admin")
    machine.run("identity")
    before = machine.bootstrap_file.read_text(), machine.token_file.read_text()
    wipe(server)
    assert machine.run_json("admin")["outcome"] == "bootstrapped"
    assert machine.files() == {
        "infisical_bootstrap.auto.tfvars": "600",
        "infisical_bootstrap.auto.tfvars.previous": "600",
        "infisical_token.auto.tfvars.previous": "600",
    }
    kept = [machine.directory / f"{one.name}.previous" for one in (machine.bootstrap_file, machine.token_file)]
    assert tuple(one.read_text() for one in kept) == before
    assert machine.err.count("credentials of an earlier instance are kept as") == 2


def test_they_do_not_stand_in_the_way_of_recovering_a_lost_answer(server: StandIn, machine: Machine) -> None:
    machine.run("admin")
    wipe(server)
    server.fail("POST", BOOTSTRAP, Fault(reset=True, handled=True))
    assert machine.run_json("admin")["outcome"] == "recovered"


def _failing_after_the_locks(fail: Callable[..., int]) -> Callable[..., int]:
    """The locks write their holder with pwrite too; only what is longer than that fails."""
    pwrite = os.pwrite

    def write(descriptor: int, content: bytes, offset: int) -> int:
        return pwrite(descriptor, content, offset) if len(content) < 32 else fail()

    return write


def wipe(server: StandIn) -> None:
    """The server's database is gone, its address stays."""
    vars(server.instance).update(vars(Instance(server.instance.version)))
