"""`python -m bootstrap identity`: one identity, one working client secret, and no bootstrap token left."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from bootstrap import tfvars
from bootstrap.private_file import Reservation
from tests.bootstrap.conftest import EMAIL, PASSWORD, Machine
from tests.bootstrap.stand_in import Fault, StandIn
from tests.bootstrap.stand_in_instance import ClientSecret, Identity, UniversalAuth, Version

LOGIN = "/api/v1/auth/universal-auth/login"
IDENTITIES = "/api/v1/identities"
REVOKE = "/api/v1/auth/token/revoke"


@pytest.fixture
def machine(machine: Machine) -> Machine:
    """A machine whose server has an administrator."""
    assert machine.run("admin") == 0
    return machine


def named(server: StandIn, name: str = "Terraform-Controller") -> list[Identity]:
    return [one for one in server.instance.identities.values() if one.name == name]


def universal_auth(server: StandIn) -> UniversalAuth:
    found = named(server)[0].universal_auth
    assert found is not None
    return found


def usable(server: StandIn) -> list[ClientSecret]:
    return [one for one in universal_auth(server).client_secrets if not one.revoked]


def saved(machine: Machine) -> dict[str, str]:
    return tfvars.parse(machine.token_file.read_text())


def test_identity_secret_and_the_end_of_the_bootstrap_token(server: StandIn, machine: Machine) -> None:
    token = tfvars.parse(machine.bootstrap_file.read_text())["infisical_admin_token"]
    document = machine.run_json("identity")
    (identity,) = named(server)
    assert document == {
        "domain": server.url,
        "changed": True,
        "organization_id": identity.organization_id,
        "identity_id": identity.id,
        "client_id": universal_auth(server).client_id,
        "created_identity": True,
        "created_client_secret": True,
        "revoked_client_secrets": 0,
        "admin_token_revoked": True,
        "saved_to": str(machine.token_file),
        "exit_code": 0,
    }
    assert (identity.role, universal_auth(server).token_ttl, universal_auth(server).token_max_ttl) == (
        "admin",
        7200,
        7200,
    )
    assert identity.metadata == [{"key": "managed-by", "value": "homelab-bootstrap"}]
    assert saved(machine) == {
        "infisical_domain": server.url,
        "infisical_identity_id": identity.id,
        "infisical_client_id": universal_auth(server).client_id,
        "infisical_client_secret": usable(server)[0].value,
    }
    assert machine.files() == {"infisical_bootstrap.auto.tfvars": "600", "infisical_token.auto.tfvars": "600"}
    assert server.instance.tokens[token].revoked
    assert tfvars.parse(machine.bootstrap_file.read_text())["infisical_admin_token"] == ""
    assert server.count("POST", LOGIN) == 1


def test_a_second_run_changes_nothing_and_logs_in_once(server: StandIn, machine: Machine) -> None:
    machine.run("identity")
    before = machine.token_file.read_bytes(), machine.token_file.stat().st_mtime_ns
    server.calls.clear()
    document = machine.run_json("identity")
    assert (document["changed"], document["created_identity"], document["created_client_secret"]) == (
        False,
        False,
        False,
    )
    assert (machine.token_file.read_bytes(), machine.token_file.stat().st_mtime_ns) == before
    assert [call.path for call in server.calls if call.method == "POST"] == [LOGIN]
    assert (len(named(server)), len(usable(server))) == (1, 1)


def test_a_second_run_needs_neither_password_nor_bootstrap_file(machine: Machine) -> None:
    machine.run("identity")
    machine.bootstrap_file.unlink()
    del machine.environment["INFISICAL_ADMIN_PASSWORD"]
    assert machine.run_json("identity")["changed"] is False


def test_admin_after_identity_changes_nothing(machine: Machine) -> None:
    machine.run("identity")
    document = machine.run_json("admin")
    assert (document["outcome"], document["changed"], document["admin_token_saved"]) == ("resumed", False, False)


def test_name_role_and_life_of_tokens_can_be_chosen(server: StandIn, machine: Machine) -> None:
    assert machine.run("identity", "--name", "robot", "--role", "member", "--token-ttl", "600") == 0
    (robot,) = named(server, "robot")
    assert robot.universal_auth is not None
    assert (robot.role, robot.universal_auth.token_ttl) == ("member", 600)


def test_an_instance_without_administrator_is_told_so(server: StandIn, machine_for: Callable[..., Machine]) -> None:
    machine = machine_for(server.url)
    assert machine.run("identity") == 8
    assert "run first: python -m bootstrap admin" in machine.err
    assert machine.files() == {}


def test_the_secret_is_saved_before_it_is_used_and_the_old_token_outlives_it(
    server: StandIn, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    write = Reservation.write

    def watched(self: Reservation, text: str) -> None:
        seen.append((server.count("POST", LOGIN), server.count("POST", REVOKE)))
        write(self, text)

    monkeypatch.setattr(Reservation, "write", watched)
    machine.run("identity")
    assert seen == [(0, 0), (1, 1)]


class TestLookingUp:
    """Names are not unique on the server."""

    def test_an_identity_of_that_name_is_used(self, server: StandIn, machine: Machine) -> None:
        organization_id = next(iter(server.instance.organizations))
        existing = Identity("Terraform-Controller", organization_id, "admin")
        server.instance.identities[existing.id] = existing
        document = machine.run_json("identity")
        assert (document["created_identity"], document["identity_id"]) == (False, existing.id)
        assert len(named(server)) == 1

    def test_two_of_that_name_are_an_error_with_their_ids(self, server: StandIn, machine: Machine) -> None:
        organization_id = next(iter(server.instance.organizations))
        for _ in range(2):
            twin = Identity("Terraform-Controller", organization_id, "admin")
            server.instance.identities[twin.id] = twin
        assert machine.run("identity") == 1
        assert "has 2 machine identities named 'Terraform-Controller'" in machine.err
        assert all(one.id in machine.err for one in named(server))
        assert "--name" in machine.err

    def test_one_of_that_name_with_another_role_is_not_touched(self, server: StandIn, machine: Machine) -> None:
        organization_id = next(iter(server.instance.organizations))
        other = Identity("Terraform-Controller", organization_id, "no-access")
        server.instance.identities[other.id] = other
        assert machine.run("identity") == 1
        assert "has the role 'no-access', wanted is 'admin'" in machine.err
        assert (other.role, other.universal_auth) == ("no-access", None)

    def test_one_of_another_organization_does_not_count(self, server: StandIn, machine: Machine) -> None:
        elsewhere = server.instance.add_organization("elsewhere")
        other = Identity("Terraform-Controller", elsewhere["id"], "admin")
        server.instance.identities[other.id] = other
        assert machine.run_json("identity")["created_identity"] is True

    def test_universal_auth_that_is_attached_is_kept(self, server: StandIn, machine: Machine) -> None:
        organization_id = next(iter(server.instance.organizations))
        existing = Identity("Terraform-Controller", organization_id, "admin")
        existing.universal_auth = UniversalAuth(900, 1800)
        server.instance.identities[existing.id] = existing
        assert machine.run_json("identity")["client_id"] == existing.universal_auth.client_id
        assert existing.universal_auth.token_ttl == 900

    def test_an_unknown_role_is_told(self, machine: Machine) -> None:
        assert machine.run("identity", "--role", "emperor") == 1
        assert "Role 'emperor' not found" in machine.err


class TestLostAnswers:
    """The connection breaks after a request was carried out."""

    def test_an_identity_is_found_again_and_not_made_twice(self, server: StandIn, machine: Machine) -> None:
        server.fail("POST", IDENTITIES, Fault(reset=True, handled=True))
        assert machine.run_json("identity")["created_identity"] is True
        assert (len(named(server)), server.count("POST", IDENTITIES)) == (1, 1)

    def test_an_identity_that_was_not_made_is_made_by_the_next_run(self, server: StandIn, machine: Machine) -> None:
        server.fail("POST", IDENTITIES, Fault(reset=True))
        assert machine.run("identity") == 9
        assert machine.run("identity") == 0
        assert len(named(server)) == 1

    def test_universal_auth_is_attached_once(self, server: StandIn, machine: Machine) -> None:
        identity = Identity("Terraform-Controller", next(iter(server.instance.organizations)), "admin")
        server.instance.identities[identity.id] = identity
        path = f"/api/v1/auth/universal-auth/identities/{identity.id}"
        server.fail("POST", path, Fault(reset=True, handled=True))
        assert machine.run("identity") == 0
        assert server.count("POST", path) == 2

    @pytest.mark.parametrize("fault", [Fault(reset=True, handled=True, times=2), Fault(status=500, handled=True)])
    def test_a_client_secret_that_nobody_has_is_revoked(self, server: StandIn, machine: Machine, fault: Fault) -> None:
        identity = Identity("Terraform-Controller", next(iter(server.instance.organizations)), "admin")
        server.instance.identities[identity.id] = identity
        lost = fault.times
        server.fail("POST", f"/api/v1/auth/universal-auth/identities/{identity.id}/client-secrets", fault)
        assert machine.run_json("identity")["revoked_client_secrets"] == lost
        assert [one.value for one in usable(server)] == [saved(machine)["infisical_client_secret"]]

    def test_a_lost_login_is_not_repeated_and_the_next_run_goes_on(self, server: StandIn, machine: Machine) -> None:
        server.fail("POST", LOGIN, Fault(reset=True, handled=True))
        assert machine.run("identity") == 9
        assert server.count("POST", LOGIN) == 1
        document = machine.run_json("identity")
        assert (document["created_client_secret"], document["admin_token_revoked"]) == (False, True)

    def test_a_killed_run_between_revoking_and_saving_is_finished(self, machine: Machine) -> None:
        before = machine.bootstrap_file.read_text()
        machine.run("identity")
        machine.bootstrap_file.write_text(before)
        assert machine.run_json("identity")["admin_token_revoked"] is True
        assert tfvars.parse(machine.bootstrap_file.read_text())["infisical_admin_token"] == ""


class TestDeadCredentials:
    """Tokens and secrets that stopped working."""

    def test_a_dead_bootstrap_token_is_replaced_by_the_administrators_login(
        self, start: Callable[..., StandIn], machine_for: Callable[..., Machine]
    ) -> None:
        server = start(Version.V0_162)
        machine = machine_for(server.url)
        assert machine.run("admin") == 0
        document = machine.run_json("identity")
        assert (document["created_identity"], document["admin_token_revoked"]) == (True, False)
        assert machine.run_json("status")["exit_code"] == 0

    @pytest.mark.parametrize("how", ["revoked", "expired"])
    def test_a_saved_token_that_ended_is_replaced_by_the_login(
        self, server: StandIn, machine: Machine, how: str
    ) -> None:
        if how == "expired":
            server.instance.skipped_seconds = 91 * 86400
        else:
            for token in server.instance.tokens.values():
                token.revoked = True
        assert machine.run_json("identity")["created_identity"] is True
        assert "the saved token is of no use any more" in machine.err
        assert tfvars.parse(machine.bootstrap_file.read_text())["infisical_admin_token"] == ""

    def test_without_login_it_says_what_is_needed(self, server: StandIn, machine: Machine) -> None:
        server.instance.skipped_seconds = 91 * 86400
        del machine.environment["INFISICAL_ADMIN_EMAIL"]
        assert machine.run("identity") == 2
        assert "no saved credentials work, and INFISICAL_ADMIN_EMAIL is not set" in machine.err

    def test_a_revoked_client_secret_is_replaced_after_one_failed_login(
        self, server: StandIn, machine: Machine
    ) -> None:
        machine.run("identity")
        usable(server)[0].revoked = True
        server.calls.clear()
        document = machine.run_json("identity")
        assert (document["created_identity"], document["created_client_secret"]) == (False, True)
        assert document["revoked_client_secrets"] == 0
        assert [one.value for one in usable(server)] == [saved(machine)["infisical_client_secret"]]
        assert server.count("POST", LOGIN) == 2

    def test_client_secrets_of_other_machines_stay(self, server: StandIn, machine: Machine) -> None:
        machine.run("identity")
        theirs = ClientSecret("f" * 64, "homelab bootstrap on another-host", universal_auth(server).id)
        universal_auth(server).client_secrets.append(theirs)
        machine.token_file.unlink()
        assert machine.run_json("identity")["revoked_client_secrets"] == 1
        assert not theirs.revoked

    def test_a_locked_identity_is_left_alone(self, server: StandIn, machine: Machine) -> None:
        machine.run("identity")
        universal_auth(server).locked_until = server.instance.now + 300
        server.calls.clear()
        assert machine.run("identity") == 1
        assert "is locked after wrong logins" in machine.err
        assert [call.path for call in server.calls if call.method == "POST"] == [LOGIN]

    def test_many_runs_with_a_wrong_secret_do_not_lock_the_identity(self, server: StandIn, machine: Machine) -> None:
        machine.run("identity")
        del machine.environment["INFISICAL_ADMIN_PASSWORD"]
        machine.token_file.write_text(machine.token_file.read_text().replace(usable(server)[0].value, "f" * 64))
        assert machine.run("identity") == 2
        assert server.count("POST", LOGIN) == 2
        assert universal_auth(server).failures == 1

    def test_an_identity_that_was_deleted_is_made_again(self, server: StandIn, machine: Machine) -> None:
        machine.run("identity")
        del server.instance.identities[named(server)[0].id]
        assert machine.run_json("identity")["created_identity"] is True
        assert machine.run_json("identity")["changed"] is False


class TestFiles:
    """Nothing is lost when the disk or the files are not as they should be."""

    def test_a_full_disk_is_found_before_a_secret_is_made(
        self, server: StandIn, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr(os, "posix_fallocate", full)
            assert machine.run("identity") == 6
        assert "No space left on device" in machine.err
        assert universal_auth(server).client_secrets == []
        assert machine.run_json("identity")["created_identity"] is False

    def test_a_file_with_a_wrong_mode_is_not_used(self, server: StandIn, machine: Machine) -> None:
        machine.run("identity")
        machine.token_file.chmod(0o644)
        server.calls.clear()
        assert machine.run("identity") == 6
        assert "allowed is 0600" in machine.err
        assert server.count("POST", LOGIN) == 0


def test_a_machine_without_a_name_revokes_what_it_replaces_too(
    server: StandIn, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.node", lambda: "")
    assert machine.run("identity") == 0
    machine.token_file.unlink()
    machine.environment |= {"INFISICAL_ADMIN_EMAIL": EMAIL, "INFISICAL_ADMIN_PASSWORD": PASSWORD}
    assert machine.run("identity") == 0
    assert [one.description for one in usable(server)] == ["homelab bootstrap on"]
