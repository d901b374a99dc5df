"""`python -m bootstrap rotate client-secret` and `admin-password`: there is a way in at every moment."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import SecretStr

from bootstrap import tfvars
from bootstrap.identity import IdentitySpec
from bootstrap.private_file import Reservation
from bootstrap.saved import IdentityCredentials, SavedCredentials
from tests.bootstrap.conftest import PASSWORD, Machine, wait_for
from tests.bootstrap.stand_in import Fault, StandIn
from tests.bootstrap.stand_in_instance import ClientSecret, UniversalAuth, Version
from tests.bootstrap.test_command_line import process

LOGIN = "/api/v1/auth/universal-auth/login"
USER_LOGIN = "/api/v3/auth/login"
PASSWORD_RESET = "/api/v2/password/user/password-reset"
NEW = "another horse and another battery"


def universal_auth(server: StandIn) -> UniversalAuth:
    (identity,) = (one for one in server.instance.identities.values() if one.name == "Terraform-Controller")
    assert identity.universal_auth is not None
    return identity.universal_auth


def path_of_secrets(server: StandIn) -> str:
    (identity,) = (one for one in server.instance.identities.values() if one.name == "Terraform-Controller")
    return f"/api/v1/auth/universal-auth/identities/{identity.id}/client-secrets"


def saved_secret(machine: Machine) -> str:
    return tfvars.parse(machine.token_file.read_text())["infisical_client_secret"]


def valid(server: StandIn) -> list[str]:
    return [one.value for one in universal_auth(server).client_secrets if not one.revoked]


@pytest.fixture
def ready(server: StandIn, machine: Machine) -> Machine:
    assert machine.run("admin") == machine.run("identity") == 0
    server.calls.clear()
    return machine


class TestClientSecret:
    """The client secret of the machine identity."""

    def test_a_new_one_is_saved_proven_and_the_old_one_ends(self, server: StandIn, ready: Machine) -> None:
        before = saved_secret(ready)
        document = ready.run_json("rotate", "client-secret")
        assert document["revoked_client_secrets"] == 1
        assert before != saved_secret(ready)
        assert valid(server) == [saved_secret(ready)]
        steps = [call.path.rpartition("/")[2] for call in server.calls if call.method == "POST"]
        assert steps == ["login", "client-secrets", "login", "revoke"]
        assert ready.files() == {"infisical_bootstrap.auto.tfvars": "600", "infisical_token.auto.tfvars": "600"}
        assert ready.run_json("identity")["changed"] is False

    def test_those_of_other_machines_stay(self, server: StandIn, ready: Machine) -> None:
        other = ClientSecret("x" * 64, "homelab bootstrap on another", universal_auth(server).id)
        universal_auth(server).client_secrets.append(other)
        ready.run("rotate", "client-secret")
        assert not other.revoked

    def test_one_that_does_not_work_is_not_kept(
        self, server: StandIn, ready: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = saved_secret(ready)
        write = Reservation.write

        def written(self: Reservation, text: str) -> None:
            write(self, text)
            server.fail("POST", LOGIN, Fault(status=401))

        with monkeypatch.context() as patch:
            patch.setattr(Reservation, "write", written)
            assert ready.run("rotate", "client-secret") == 1
        assert "the old one is saved again" in ready.err
        server.fail("POST", LOGIN, Fault(times=0))
        assert saved_secret(ready) == before
        assert ready.run_json("identity")["changed"] is False

    @pytest.mark.parametrize("path", ["login", "client-secrets", "revoke"])
    def test_killed_at_any_request_what_is_saved_works_and_the_next_run_finishes(
        self, server: StandIn, ready: Machine, path: str
    ) -> None:
        target = {
            "login": LOGIN,
            "client-secrets": path_of_secrets(server),
            "revoke": f"{path_of_secrets(server)}/{universal_auth(server).client_secrets[0].id}/revoke",
        }[path]
        server.fail("POST", target, Fault(hang=60))
        with process(ready, "rotate", "client-secret", "--directory", str(ready.directory)) as started:
            wait_for(lambda: server.count("POST", target) > 0, started)
            started.kill()
        server.fail("POST", target, Fault(times=0))
        assert saved_secret(ready) in valid(server)
        assert ready.run("rotate", "client-secret") == 0
        assert valid(server) == [saved_secret(ready)]

    def test_nothing_saved_and_a_saved_one_that_is_revoked(self, server: StandIn, ready: Machine) -> None:
        universal_auth(server).client_secrets[0].revoked = True
        assert ready.run("rotate", "client-secret") == 6
        assert "run: python -m bootstrap identity" in ready.err
        ready.token_file.unlink()
        assert ready.run("rotate", "client-secret") == 6
        assert "is not there" in ready.err

    def test_the_description_that_marks_them_is_that_of_identity(self, server: StandIn, ready: Machine) -> None:
        ready.run("rotate", "client-secret")
        descriptions = {one.description for one in universal_auth(server).client_secrets}
        assert descriptions == {IdentitySpec().secret_description}


class TestAdminPassword:
    """The administrator's password."""

    @pytest.fixture
    def asked(self, ready: Machine) -> Machine:
        ready.environment["INFISICAL_ADMIN_NEW_PASSWORD"] = NEW
        return ready

    def test_it_is_replaced_and_proven(self, server: StandIn, asked: Machine) -> None:
        assert asked.run_json("rotate", "admin-password")["changed"] is True
        assert server.instance.users[0].password == NEW
        assert not any(secret in asked.out + asked.err for secret in (NEW, PASSWORD))
        assert [call.path for call in server.calls if call.method == "POST"] == [USER_LOGIN, PASSWORD_RESET, USER_LOGIN]

    def test_again_it_changes_nothing(self, asked: Machine) -> None:
        asked.run("rotate", "admin-password")
        assert asked.run_json("rotate", "admin-password")["changed"] is False

    @pytest.mark.parametrize(("handled", "code"), [(True, 0), (False, 9)])
    def test_a_lost_answer(self, server: StandIn, asked: Machine, handled: bool, code: int) -> None:
        server.fail("POST", PASSWORD_RESET, Fault(reset=True, handled=handled))
        assert asked.run("rotate", "admin-password") == code
        assert server.instance.users[0].password == (NEW if handled else PASSWORD)
        assert asked.run("rotate", "admin-password") == 0
        assert server.instance.users[0].password == NEW

    def test_neither_password_is_right(self, server: StandIn, asked: Machine) -> None:
        server.instance.users[0].password = "a third one"
        assert asked.run("rotate", "admin-password") == 5
        assert "takes neither" in asked.err
        assert server.count("POST", PASSWORD_RESET) == 0

    def test_a_release_without_the_route(self, server: StandIn, asked: Machine) -> None:
        server.fail("POST", PASSWORD_RESET, Fault(status=404))
        assert asked.run("rotate", "admin-password") == 1
        assert "this release has no route to change a password" in asked.err

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            ("", "INFISICAL_ADMIN_NEW_PASSWORD has 0 characters"),
            ("short-secret", "INFISICAL_ADMIN_NEW_PASSWORD has 12 characters"),
            (PASSWORD, "is the password that INFISICAL_ADMIN_PASSWORD holds"),
        ],
    )
    def test_a_wrong_new_one(self, server: StandIn, asked: Machine, value: str, said: str) -> None:
        asked.environment["INFISICAL_ADMIN_NEW_PASSWORD"] = value
        assert asked.run("rotate", "admin-password") == 2
        assert said in asked.err
        assert server.calls == []


@pytest.mark.parametrize("what", ["client-secret", "admin-password"])
def test_an_old_release_is_refused_untouched(
    start: Callable[..., StandIn], machine_for: Callable[..., Machine], what: str
) -> None:
    server = start(Version.V0_140)
    machine = machine_for(server.url)
    machine.environment["INFISICAL_ADMIN_NEW_PASSWORD"] = NEW
    credentials = IdentityCredentials(server.url, "identity", "client", SecretStr("secret"))
    SavedCredentials(machine.directory, server.url).save_identity(credentials)
    assert machine.run("rotate", what) == 4
    assert "supported is v0.150 or later" in machine.err
    assert {call.method for call in server.calls} == {"GET"}


def test_a_locked_identity_is_told_to_wait(server: StandIn, ready: Machine) -> None:
    universal_auth(server).locked_until = server.instance.now + 300
    assert ready.run("rotate", "client-secret") == 1
    assert "locked after wrong logins" in ready.err
    assert "wait five minutes" in ready.err
    assert server.count("POST", LOGIN) == 1
