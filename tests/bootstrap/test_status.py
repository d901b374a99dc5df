"""`python -m bootstrap status`: every state has its exit code and says what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.bootstrap.conftest import Machine
from tests.bootstrap.stand_in import Fault, StandIn
from tests.bootstrap.stand_in_instance import Version

STATUS = "/api/status"


def summary(document: dict[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in ("exit_code", "reachable", "ready", "initialized", "sign_up_open")}


def test_an_empty_instance(machine: Machine) -> None:
    document = machine.run_json("status")
    assert summary(document) == {
        "exit_code": 8,
        "reachable": True,
        "ready": True,
        "initialized": False,
        "sign_up_open": True,
    }
    assert document["next_step"] == "run: python -m bootstrap admin"
    assert document["saved"] == {
        "infisical_bootstrap.auto.tfvars": {"state": "absent"},
        "infisical_token.auto.tfvars": {"state": "absent"},
    }


def test_all_phases_done(machine: Machine) -> None:
    assert (machine.run("admin"), machine.run("identity")) == (0, 0)
    document = machine.run_json("status")
    assert summary(document) == {
        "exit_code": 0,
        "reachable": True,
        "ready": True,
        "initialized": True,
        "sign_up_open": False,
    }
    assert (document["problem"], document["next_step"]) == ("", "")


def test_the_table_says_the_same(machine: Machine) -> None:
    assert machine.run("status") == 8
    rows = dict(line.split(maxsplit=1) for line in machine.out.splitlines())
    assert rows["reachable"] == "yes"
    assert rows["initialized"] == "no"
    assert rows["release"] == "v0.160 or later"
    assert rows["infisical_token.auto.tfvars"] == "absent"
    assert rows["next"] == "run: python -m bootstrap admin"


def test_it_changes_and_sends_nothing(server: StandIn, machine: Machine) -> None:
    machine.run("admin")
    server.calls.clear()
    machine.run("status")
    assert {(call.method, call.path) for call in server.calls} == {("GET", STATUS), ("GET", "/api/v1/admin/config")}
    assert list(machine.files()) == ["infisical_bootstrap.auto.tfvars"]


def test_nothing_listens(machine_for: Callable[..., Machine]) -> None:
    document = machine_for("http://127.0.0.1:1").run_json("status")
    assert summary(document) == {
        "exit_code": 3,
        "reachable": False,
        "ready": False,
        "initialized": None,
        "sign_up_open": None,
    }
    assert "Connection refused" in document["problem"]


def test_a_server_that_hangs_is_reachable_and_not_ready(
    server: StandIn, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bootstrap.client.PROBE_TIMEOUT_SECONDS", 0.1)
    server.fail("GET", STATUS, Fault(hang=0.4))
    document = machine.run_json("status")
    assert (document["exit_code"], document["reachable"], document["ready"]) == (3, True, False)
    assert "Redis" in document["next_step"]


@pytest.mark.parametrize("status", [404, 502, 503])
def test_a_proxy_before_a_starting_server_is_reachable_and_not_ready(
    server: StandIn, machine: Machine, status: int
) -> None:
    server.fail("GET", STATUS, Fault(status=status, text="<html>starting</html>"))
    document = machine.run_json("status")
    assert (document["exit_code"], document["reachable"], document["ready"]) == (3, True, False)


def test_another_program_is_not_infisical(server: StandIn, machine: Machine) -> None:
    server.fail("GET", STATUS, Fault(status=200, text="<html>welcome</html>"))
    document = machine.run_json("status")
    assert (document["exit_code"], document["reachable"], document["ready"]) == (4, True, False)


@pytest.mark.parametrize(
    ("version", "release", "supported"),
    [
        (Version.V0_140, "older than v0.150", False),
        (Version.V0_155, "v0.150 to v0.159", True),
        (Version.V0_162, "v0.160 or later", True),
    ],
)
def test_releases_are_told_apart(
    start: Callable[..., StandIn],
    machine_for: Callable[..., Machine],
    version: Version,
    release: str,
    supported: bool,
) -> None:
    document = machine_for(start(version).url).run_json("status")
    assert (document["release"], document["supported"]) == (release, supported)
    assert document["exit_code"] == (8 if supported else 4)


def test_somebody_elses_instance(machine: Machine, machine_for: Callable[..., Machine]) -> None:
    machine.run("admin")
    document = machine_for(machine.environment["INFISICAL_DOMAIN"], "other").run_json("status")
    assert document["exit_code"] == 5
    assert "nothing saved here shows that it was by us" in document["problem"]


def test_no_machine_identity_yet(machine: Machine) -> None:
    machine.run("admin")
    document = machine.run_json("status")
    assert (document["exit_code"], document["next_step"]) == (6, "run: python -m bootstrap identity")


def test_sign_up_opened_again(server: StandIn, machine: Machine) -> None:
    machine.run("admin")
    machine.run("identity")
    server.instance.allow_sign_up = True
    document = machine.run_json("status")
    assert (document["exit_code"], document["problem"]) == (1, "anybody can sign up")


def test_a_file_that_others_can_read(machine: Machine) -> None:
    machine.run("admin")
    machine.bootstrap_file.chmod(0o644)
    document = machine.run_json("status")
    assert document["exit_code"] == 6
    assert document["saved"]["infisical_bootstrap.auto.tfvars"]["state"] == "faulty"
    assert "its mode is 0644, allowed is 0600" in document["problem"]


def test_a_damaged_file(machine: Machine) -> None:
    machine.run("admin")
    machine.bootstrap_file.write_text("half a li")
    document = machine.run_json("status")
    assert (document["exit_code"], "line 1" in document["problem"]) == (6, True)


def test_a_file_of_another_server(machine: Machine, start: Callable[..., StandIn]) -> None:
    machine.run("admin")
    first = machine.environment["INFISICAL_DOMAIN"]
    other = start()
    other.instance.initialized = True
    machine.environment["INFISICAL_DOMAIN"] = other.url
    document = machine.run_json("status")
    assert document["exit_code"] == 6
    assert f"belongs to {first}, not to {other.url}" in document["problem"]
