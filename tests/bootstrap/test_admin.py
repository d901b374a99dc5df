"""`python -m bootstrap admin`: one bootstrap, saved before it is used, and a way back from every break."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bootstrap import tfvars
from bootstrap.private_file import Reservation
from tests.bootstrap.conftest import ORGANIZATION, PASSWORD, Machine
from tests.bootstrap.stand_in import Fault, StandIn
from tests.bootstrap.stand_in_instance import Version

BOOTSTRAP = "/api/v1/admin/bootstrap"
CONFIG = "/api/v1/admin/config"
DETAILS = "/api/v1/identities/details"
STATUS = "/api/status"


def saved_token(machine: Machine) -> str:
    return tfvars.parse(machine.bootstrap_file.read_text())["infisical_admin_token"]


def test_an_empty_instance_is_set_up_saved_and_closed(server: StandIn, machine: Machine) -> None:
    document = machine.run_json("admin")
    organization_id = next(iter(server.instance.organizations))
    assert document == {
        "domain": server.url,
        "outcome": "bootstrapped",
        "changed": True,
        "organization_id": organization_id,
        "admin_token_saved": True,
        "saved_to": str(machine.bootstrap_file),
        "exit_code": 0,
    }
    saved = tfvars.parse(machine.bootstrap_file.read_text())
    assert saved["infisical_domain"] == server.url
    assert saved["infisical_organization_id"] == organization_id
    assert server.instance.tokens[saved["infisical_admin_token"]].identity_id in server.instance.admin_identity_ids
    assert machine.files() == {"infisical_bootstrap.auto.tfvars": "600"}
    assert not server.instance.allow_sign_up
    assert server.instance.users[0].email == "admin@example.com"
    assert server.instance.organizations[organization_id]["name"] == ORGANIZATION


def test_a_second_run_changes_nothing(server: StandIn, machine: Machine) -> None:
    machine.run("admin")
    before = machine.bootstrap_file.read_bytes(), machine.bootstrap_file.stat().st_mtime_ns
    server.calls.clear()
    document = machine.run_json("admin")
    assert (document["outcome"], document["changed"]) == ("resumed", False)
    assert (machine.bootstrap_file.read_bytes(), machine.bootstrap_file.stat().st_mtime_ns) == before
    assert {call.method for call in server.calls} == {"GET"}


def test_a_second_run_needs_no_password(machine: Machine) -> None:
    machine.run("admin")
    for name in ("EMAIL", "PASSWORD", "ORGANIZATION"):
        del machine.environment[f"INFISICAL_ADMIN_{name}"]
    assert machine.run("admin") == 0


def test_the_token_is_saved_before_it_is_used(
    server: StandIn, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    uses_when_saved: list[int] = []
    write = Reservation.write

    def watched(self: Reservation, text: str) -> None:
        uses_when_saved.append(server.count("GET", DETAILS) + server.count("PATCH", CONFIG))
        write(self, text)

    monkeypatch.setattr(Reservation, "write", watched)
    machine.run("admin")
    assert uses_when_saved == [0]


def test_sign_up_that_was_opened_is_closed_again(server: StandIn, machine: Machine) -> None:
    machine.run("admin")
    server.instance.allow_sign_up = True
    document = machine.run_json("admin")
    assert (document["outcome"], document["changed"], server.instance.allow_sign_up) == ("resumed", True, False)


class TestWaiting:
    """Readiness is asked for, not slept for."""

    def test_a_slow_start(self, start: Callable[..., StandIn], machine_for: Callable[..., Machine]) -> None:
        server = start(listen_after_seconds=0.3)
        machine = machine_for(server.url)
        assert machine.run("admin", "--wait", "3600") == 0
        assert "waiting for" in machine.err
        assert "Connection refused" in machine.err

    @pytest.mark.parametrize("status", [404, 500, 502, 503])
    def test_a_proxy_that_has_nothing_behind_it_yet(self, server: StandIn, machine: Machine, status: int) -> None:
        server.fail("GET", STATUS, Fault(status=status, text="<html>starting</html>", times=5))
        assert machine.run("admin") == 0
        assert server.count("GET", STATUS) == 6

    def test_a_server_that_never_gets_ready(self, machine_for: Callable[..., Machine]) -> None:
        machine = machine_for("http://127.0.0.1:1")
        assert machine.run("admin", "--wait", "20") == 3
        assert "was not ready within 20 s; last: GET /api/status: no connection" in machine.err
        assert machine.patience.slept == [1.0] * 20

    def test_a_server_that_hangs(self, server: StandIn, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("bootstrap.client.PROBE_TIMEOUT_SECONDS", 0.1)
        server.fail("GET", STATUS, Fault(hang=0.3, times=99))
        assert machine.run("admin", "--wait", "3") == 3
        assert "Redis" in machine.err
        assert not server.instance.initialized

    def test_another_program_is_not_waited_for(self, server: StandIn, machine: Machine) -> None:
        server.fail("GET", STATUS, Fault(status=200, text="<html>welcome</html>", times=99))
        assert machine.run("admin") == 4
        assert server.count("GET", STATUS) == 1

    def test_an_old_release_is_refused_untouched(
        self, start: Callable[..., StandIn], machine_for: Callable[..., Machine]
    ) -> None:
        server = start(Version.V0_140)
        machine = machine_for(server.url)
        assert machine.run("admin") == 4
        assert "Infisical is older than v0.150; supported is v0.150 or later" in machine.err
        assert server.count("POST", BOOTSTRAP) == 0


class TestInputs:
    """What is missing or wrong is told before the server is changed."""

    @pytest.mark.parametrize("name", ["INFISICAL_ADMIN_EMAIL", "INFISICAL_ADMIN_PASSWORD"])
    def test_a_missing_login_is_told_before_anything_is_sent(
        self, server: StandIn, machine: Machine, name: str
    ) -> None:
        del machine.environment[name]
        assert machine.run("admin") == 2
        assert f"{name} is not set" in machine.err
        assert server.calls == []

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("ORGANIZATION", " ", "INFISICAL_ADMIN_ORGANIZATION is not set"),
            ("EMAIL", "admin", "'admin' is not an email address"),
            ("PASSWORD", "short-secret", "has 12 characters"),
            ("PASSWORD", "x" * 101, "has 101 characters"),
            ("PASSWORD", " padded with spaces ", "begins or ends with a space"),
            ("PASSWORD", "with a \n line break in", "holds a control character"),
        ],
    )
    def test_what_infisical_would_take_wrongly_is_refused(
        self, server: StandIn, machine: Machine, name: str, value: str, said: str
    ) -> None:
        machine.environment[f"INFISICAL_ADMIN_{name}"] = value
        assert machine.run("admin") == 2
        assert said in machine.err
        assert name != "PASSWORD" or value not in machine.err
        assert server.count("POST", BOOTSTRAP) == 0

    def test_options_win_over_the_environment(self, server: StandIn, machine: Machine) -> None:
        assert machine.run("admin", "--email", "other@example.com", "--organization", "other") == 0
        assert server.instance.users[0].email == "other@example.com"
        assert [one["name"] for one in server.instance.organizations.values()] == ["other"]


class TestDeadToken:
    """Releases that refuse the token they have just made."""

    def test_the_administrators_login_takes_its_place(
        self, start: Callable[..., StandIn], machine_for: Callable[..., Machine]
    ) -> None:
        server = start(Version.V0_162)
        machine = machine_for(server.url)
        document = machine.run_json("admin")
        assert (document["outcome"], document["admin_token_saved"]) == ("bootstrapped", False)
        assert "the server refuses its own new token" in machine.err
        assert saved_token(machine) == ""
        assert not server.instance.allow_sign_up

    def test_a_second_run_changes_nothing(
        self, start: Callable[..., StandIn], machine_for: Callable[..., Machine]
    ) -> None:
        machine = machine_for(start(Version.V0_162).url)
        machine.run("admin")
        document = machine.run_json("admin")
        assert (document["outcome"], document["changed"]) == ("recovered", False)

    def test_a_token_that_expired_meanwhile_is_replaced_by_the_login(self, server: StandIn, machine: Machine) -> None:
        machine.run("admin")
        server.instance.skipped_seconds = 91 * 86400
        document = machine.run_json("admin")
        assert (document["outcome"], document["changed"], saved_token(machine)) == ("recovered", True, "")
        assert "Your token has expired" in machine.err

    def test_the_login_finds_the_organization_that_was_saved(self, server: StandIn, machine: Machine) -> None:
        organization_id = machine.run_json("admin")["organization_id"]
        namesake = server.instance.add_organization(ORGANIZATION)
        server.instance.users[0].organization_ids.insert(0, namesake["id"])
        server.instance.skipped_seconds = 91 * 86400
        assert machine.run_json("admin")["organization_id"] == organization_id

    def test_without_a_password_it_says_what_is_needed(self, server: StandIn, machine: Machine) -> None:
        machine.run("admin")
        server.instance.skipped_seconds = 91 * 86400
        del machine.environment["INFISICAL_ADMIN_PASSWORD"]
        assert machine.run("admin") == 2
        assert "no saved credentials work any more, and INFISICAL_ADMIN_PASSWORD is not set" in machine.err


class TestLostAnswer:
    """The connection breaks around the one request that must not be repeated."""

    @pytest.mark.parametrize(
        "fault",
        [
            Fault(reset=True, handled=True),
            Fault(status=502, text="<html>bad gateway</html>", handled=True),
            Fault(status=500, handled=True),
            Fault(status=200, text="<html>proxy</html>", handled=True),
        ],
        ids=["reset", "bad gateway", "server error", "a page"],
    )
    def test_a_bootstrap_that_was_carried_out_is_recovered_by_login(
        self, server: StandIn, machine: Machine, fault: Fault
    ) -> None:
        server.fail("POST", BOOTSTRAP, fault)
        document = machine.run_json("admin")
        assert (document["outcome"], document["admin_token_saved"]) == ("recovered", False)
        assert document["organization_id"] in server.instance.organizations
        assert (server.count("POST", BOOTSTRAP), server.instance.bootstraps) == (1, 1)
        assert machine.files() == {"infisical_bootstrap.auto.tfvars": "600"}
        assert not server.instance.allow_sign_up
        assert machine.run("identity") == 0

    @pytest.mark.parametrize("fault", [Fault(reset=True), Fault(status=500), Fault(status=502)])
    def test_a_bootstrap_that_was_not_carried_out_is_not_repeated_blindly(
        self, server: StandIn, machine: Machine, fault: Fault
    ) -> None:
        server.fail("POST", BOOTSTRAP, fault)
        assert machine.run("admin") == 9
        assert "run the same command again" in machine.err
        assert (server.count("POST", BOOTSTRAP), server.instance.initialized) == (1, False)
        assert machine.files() == {}
        assert machine.run_json("admin")["outcome"] == "bootstrapped"

    def test_a_request_that_failed_for_good_is_not_waited_for(self, server: StandIn, machine: Machine) -> None:
        server.fail("POST", BOOTSTRAP, Fault(status=500))
        machine.run("admin")
        assert machine.patience.slept == []

    def test_a_slow_bootstrap_is_waited_for(
        self, server: StandIn, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bootstrap.client.BOOTSTRAP_TIMEOUT_SECONDS", 0.05)
        monkeypatch.setattr("bootstrap.admin.SETTLE_SECONDS", 3600)
        monkeypatch.setattr("tests.bootstrap.stand_in_routes.BOOTSTRAP_SECONDS", 0.2)
        document = machine.run_json("admin")
        assert (document["outcome"], server.instance.bootstraps) == ("recovered", 1)

    def test_too_many_requests_is_no_answer_lost(self, server: StandIn, machine: Machine) -> None:
        server.fail("POST", BOOTSTRAP, Fault(status=429, headers={"Retry-After": "2"}))
        assert machine.run_json("admin")["outcome"] == "bootstrapped"
        assert 2.0 in machine.patience.slept


class TestNotOurs:
    """Instances that were set up before."""

    @pytest.fixture
    def stranger(self, server: StandIn) -> StandIn:
        other = server.instance.add_admin("boss@example.com", "the password of somebody else")
        server.instance.finish_bootstrap(other, "their organization")
        return server

    def test_somebody_elses_is_a_clear_error_with_the_way_out(self, stranger: StandIn, machine: Machine) -> None:
        assert machine.run("admin") == 5
        assert "the instance is set up, and no credentials are saved here" in machine.err
        assert "Invalid credentials" in machine.err
        assert "delete its PostgreSQL volume" in machine.err
        assert stranger.count("POST", "/api/v3/auth/login") == 1
        assert stranger.count("POST", BOOTSTRAP) == 0
        assert machine.files() == {}

    def test_their_login_makes_it_ours(self, stranger: StandIn, machine: Machine) -> None:
        machine.environment["INFISICAL_ADMIN_EMAIL"] = "boss@example.com"
        machine.environment["INFISICAL_ADMIN_PASSWORD"] = "the password of somebody else"
        assert machine.run_json("admin")["outcome"] == "recovered"
        assert not stranger.instance.allow_sign_up

    def test_an_account_that_does_not_administer_the_instance_is_told_so(
        self, stranger: StandIn, machine: Machine
    ) -> None:
        member = stranger.instance.add_admin(machine.environment["INFISICAL_ADMIN_EMAIL"], PASSWORD)
        member.super_admin = False
        member.organization_ids = list(stranger.instance.organizations)
        assert machine.run("admin") == 5
        assert "anybody can sign up, and this administrator may not change that" in machine.err

    def test_a_second_factor_is_named(self, server: StandIn, machine: Machine) -> None:
        machine.run("admin")
        machine.bootstrap_file.unlink()
        server.instance.users[0].second_factor = True
        assert machine.run("admin") == 5
        assert "asks for a second factor" in machine.err

    def test_of_several_organizations_the_named_one_is_taken(self, server: StandIn, machine: Machine) -> None:
        machine.run("admin")
        machine.bootstrap_file.unlink()
        second = server.instance.add_organization("second")
        server.instance.users[0].organization_ids.append(second["id"])
        assert machine.run_json("admin", "--organization", "second")["organization_id"] == second["id"]

    def test_no_organization_of_that_name_lists_those_there_are(self, server: StandIn, machine: Machine) -> None:
        machine.run("admin")
        machine.bootstrap_file.unlink()
        server.instance.users[0].organization_ids.append(server.instance.add_organization("second")["id"])
        assert machine.run("admin", "--organization", "third") == 5
        assert "named 'third'; there is: homelab (" in machine.err

    def test_a_bootstrap_that_stopped_half_way_is_told(self, server: StandIn, machine: Machine) -> None:
        server.instance.add_admin(machine.environment["INFISICAL_ADMIN_EMAIL"], PASSWORD)
        assert machine.run("admin") == 1
        assert "User already exists" in machine.err
        assert "stopped half-way" in machine.err

    def test_another_caller_at_the_same_moment_is_noticed(
        self, server: StandIn, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = Reservation.write

        def overtaken(self: Reservation, text: str) -> None:
            write(self, text)
            rival = server.instance.add_admin("rival@example.com", "another long password")
            server.instance.finish_bootstrap(rival, "rival")

        monkeypatch.setattr(Reservation, "write", overtaken)
        assert machine.run("admin") == 5
        assert "another caller set it up at the same moment" in machine.err
