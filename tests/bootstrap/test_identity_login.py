"""`python -m bootstrap resources`: an identity with `universal_auth` gets a login that is saved, once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from bootstrap.client import Infisical
from bootstrap.errors import UnauthorizedError
from tests.bootstrap.conftest import Machine
from tests.bootstrap.resource_site import Site
from tests.bootstrap.stand_in import Fault, StandIn
from tests.bootstrap.stand_in_instance import ClientSecret

CREATED = "create login ci saved in infisical_identity_ci.env"


@pytest.fixture
def site(server: StandIn, machine: Machine) -> Site:
    site = Site(server, machine)
    site.wanted["identities"][0]["universal_auth"] = True
    return site


def file_of(site: Site, name: str = "ci") -> Path:
    return site.machine.directory / f"infisical_identity_{name}.env"


def saved(site: Site, name: str = "ci") -> dict[str, str]:
    lines = file_of(site, name).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def valid(site: Site) -> list[ClientSecret]:
    universal_auth = site.identity("ci").universal_auth
    return [one for one in universal_auth.client_secrets if not one.revoked] if universal_auth else []


def log_in(site: Site) -> None:
    values = saved(site)
    with Infisical(values["INFISICAL_DOMAIN"]) as infisical:
        infisical.log_in_identity(
            client_id=values["INFISICAL_UNIVERSAL_AUTH_CLIENT_ID"],
            client_secret=SecretStr(values["INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET"]),
        )


def test_a_plan_names_the_file_and_makes_nothing(site: Site) -> None:
    assert CREATED in site.changes("--plan")
    assert not file_of(site).exists()
    site.wanted["identities"][0]["universal_auth"] = False
    site.run()
    site.wanted["identities"][0]["universal_auth"] = True
    assert site.changes("--plan") == [CREATED]
    assert site.identity("ci").universal_auth is None


def test_an_apply_saves_a_login_that_works_and_a_second_one_does_nothing(site: Site) -> None:
    assert site.changes()[-1] == CREATED
    assert file_of(site).stat().st_mode & 0o777 == 0o600
    assert saved(site)["INFISICAL_IDENTITY_ID"] == site.identity("ci").id
    log_in(site)
    before = file_of(site).read_text()
    site.server.calls.clear()
    assert site.changes() == []
    assert {call.method for call in site.server.calls if not call.path.endswith("/login")} == {"GET"}
    assert file_of(site).read_text() == before
    assert len(valid(site)) == 1


def test_the_secret_is_in_no_output(site: Site) -> None:
    printed = []
    for options in (["--plan"], ["--verbose"], ["--plan", "--verbose"]):
        site.run(*options)
        printed += [site.machine.out, site.machine.err]
    secret = saved(site)["INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET"]
    assert not [text for text in printed if secret in text]


def test_it_is_tried_once(site: Site) -> None:
    site.run()
    client_id = saved(site)["INFISICAL_UNIVERSAL_AUTH_CLIENT_ID"]
    bodies = [call.body for call in site.server.calls if call.path.endswith("universal-auth/login")]
    assert [body["clientId"] for body in bodies].count(client_id) == 1


def test_a_lost_file_is_made_again_and_the_lost_secret_ends(site: Site) -> None:
    site.run()
    lost = saved(site)["INFISICAL_CLIENT_SECRET_ID"]
    file_of(site).unlink()
    assert site.changes() == [CREATED]
    assert [one.id for one in valid(site)] == [saved(site)["INFISICAL_CLIENT_SECRET_ID"]] != [lost]
    log_in(site)


def test_a_secret_that_somebody_revoked_is_replaced(site: Site) -> None:
    site.run()
    valid(site)[0].revoked = True
    with pytest.raises(UnauthorizedError):
        log_in(site)
    assert site.changes() == [CREATED]
    log_in(site)


def test_an_identity_that_was_made_anew_gets_another(site: Site) -> None:
    site.run()
    del site.server.instance.identities[site.identity("ci").id]
    assert site.changes()[0] == "create identity ci"
    log_in(site)


def test_secrets_of_others_and_of_other_machines_stay(
    site: Site, server: StandIn, machine_for: Callable[..., Machine]
) -> None:
    site.run()
    other = Site.__new__(Site)
    other.server, other.wanted = server, site.wanted
    other.machine = machine_for(server.url, "other")
    other.machine.environment |= {"APP_TOKEN": "the value of the token"}
    for file in ("infisical_bootstrap.auto.tfvars", "infisical_token.auto.tfvars"):
        copy = other.machine.directory / file
        copy.touch(0o600)
        copy.write_text((site.machine.directory / file).read_text())
    theirs = valid(site)[0]
    theirs.description = "homelab resources on laptop"
    assert other.changes() == [CREATED]
    assert theirs in valid(site)
    assert site.changes() == other.changes() == []


@pytest.mark.parametrize("handled", [True, False])
@pytest.mark.parametrize("path", ["", "/client-secrets"])
def test_after_a_lost_answer_there_is_one(site: Site, path: str, handled: bool) -> None:
    site.wanted["identities"][0]["universal_auth"] = False
    site.run()
    site.wanted["identities"][0]["universal_auth"] = True
    one = f"/api/v1/auth/universal-auth/identities/{site.identity('ci').id}{path}"
    site.server.fail("POST", one, Fault(reset=True, handled=handled))
    assert site.changes() == [CREATED]
    assert len(valid(site)) == 1
    log_in(site)
    assert site.changes() == []


def test_a_file_that_others_can_read_is_refused(site: Site) -> None:
    site.run()
    file_of(site).chmod(0o644)
    ran = site.run()
    assert ran["exit_code"] == 6
    assert "its mode is 0644, allowed is 0600" in ran["error"]
    assert "chmod 600" in ran["next_step"]


def test_a_damaged_file_and_one_of_another_server_are_named(site: Site) -> None:
    site.run()
    text = file_of(site).read_text()
    file_of(site).write_text(text.replace("INFISICAL_IDENTITY_ID=", "ID="))
    assert "infisical_identity_ci.env: INFISICAL_IDENTITY_ID is missing" in site.run()["error"]
    file_of(site).write_text(text.replace(site.server.url, "http://10.9.9.9:8080"))
    assert "belongs to http://10.9.9.9:8080, not to" in site.run()["error"]
    assert len(valid(site)) == 1


def test_where_it_can_t_be_saved_none_is_made(site: Site) -> None:
    site.wanted["identities"][0]["universal_auth"] = False
    site.run()
    site.wanted["identities"][0]["universal_auth"] = True
    file_of(site).mkdir()
    ran = site.run()
    assert ran["exit_code"] == 6
    assert "is not a regular file" in ran["error"]
    assert valid(site) == []


def test_a_name_with_any_characters_has_a_file(site: Site) -> None:
    site.wanted["identities"][0]["name"] = "My app/1"
    assert site.changes()[-1] == "create login My app/1 saved in infisical_identity_My%20app%2F1.env"
    assert saved(site, "My%20app%2F1")["INFISICAL_IDENTITY_ID"] == site.identity("My app/1").id
    assert site.changes() == []


class TestPruning:
    """The login that is saved here goes with its identity."""

    REMOVED = ("delete identity ci", "delete login ci infisical_identity_ci.env is removed")

    @pytest.fixture
    def site(self, site: Site) -> Site:
        site.run()
        site.wanted["identities"] = []
        return site

    def test_a_plan_says_so_and_leaves_both(self, site: Site) -> None:
        assert tuple(site.changes("--plan", "--prune")) == self.REMOVED
        log_in(site)

    def test_unasked_both_stay(self, site: Site) -> None:
        assert site.changes() == []
        log_in(site)

    def test_identity_and_file_are_removed(self, site: Site) -> None:
        assert tuple(site.changes("--prune")) == self.REMOVED
        assert not file_of(site).exists()
        assert site.changes("--prune") == []

    def test_an_identity_that_is_not_deleted_keeps_it(self, site: Site) -> None:
        path = f"/api/v1/identities/{site.identity('ci').id}"
        site.server.fail("DELETE", path, Fault(status=403, times=9))
        assert site.run("--prune")["exit_code"] == 1
        log_in(site)

    @pytest.mark.parametrize("handled", [True, False])
    def test_after_a_lost_answer_both_are_gone(self, site: Site, handled: bool) -> None:
        path = f"/api/v1/identities/{site.identity('ci').id}"
        site.server.fail("DELETE", path, Fault(reset=True, handled=handled))
        assert site.changes("--prune")[-1] == self.REMOVED[-1]
        assert not file_of(site).exists()

    def test_a_run_that_was_killed_in_between_is_finished(self, site: Site) -> None:
        del site.server.instance.identities[site.identity("ci").id]
        assert site.changes() == []
        assert file_of(site).exists()
        assert site.changes("--prune") == [self.REMOVED[-1]]
        assert not file_of(site).exists()

    def test_files_that_are_not_of_that_identity_and_server_stay(self, site: Site) -> None:
        ours = file_of(site).read_text()
        others = {
            "elsewhere": ours.replace(site.server.url, "http://10.9.9.9:8080"),
            "manager": ours.replace(site.identity("ci").id, site.identity("Terraform-Controller").id),
            "notes": "something else",
            "a b": ours,
        }
        for name, text in others.items():
            file_of(site, name).touch(0o600)
            file_of(site, name).write_text(text)
        readable = file_of(site, "readable")
        readable.write_text(ours)
        assert tuple(site.changes("--prune")) == self.REMOVED
        assert {name for name in others if file_of(site, name).exists()} == set(others)
        assert readable.exists()

    def test_a_file_that_can_t_be_removed_is_told_and_removed_later(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file, unlink = file_of(site), Path.unlink

        def refuse(path: Path, missing_ok: bool = False) -> None:
            if path == file:
                raise PermissionError(1, "Operation not permitted")
            unlink(path, missing_ok)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "unlink", refuse)
            ran = site.run("--prune")
        assert ran["exit_code"] == 6
        assert "infisical_identity_ci.env: can't be removed: Operation not permitted" in ran["error"]
        assert site.changes("--prune") == [self.REMOVED[-1]]
        assert not file.exists()
