"""`python -m bootstrap resources` when something breaks: a run goes on, in itself or as the next one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bootstrap.saved import SavedCredentials
from simulator.certificates import make_certificates
from tests.bootstrap.conftest import Machine, wait_for
from tests.bootstrap.resource_site import BATCH, GENERATED, PROJECTS, Site
from tests.bootstrap.stand_in import Fault, StandIn
from tests.bootstrap.test_command_line import process


class Expiry(threading.Event):
    """Lets a request go on when all tokens have expired, and the clock is right again for the next."""

    def __init__(self, server: StandIn) -> None:
        super().__init__()
        self._server = server

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout
        for token in self._server.instance.tokens.values():
            token.expires_at = 1.0
        return True


@pytest.fixture
def site(server: StandIn, machine: Machine) -> Site:
    return Site(server, machine)


class TestFaults:
    """A run that breaks goes on, in itself or as the next one."""

    @pytest.mark.parametrize("handled", [True, False])
    @pytest.mark.parametrize(
        ("method", "path"),
        [("POST", PROJECTS), ("POST", "/api/v2/folders"), ("POST", BATCH), ("POST", "/api/v1/identities")],
    )
    def test_a_lost_answer_is_followed_by_a_look(self, site: Site, method: str, path: str, handled: bool) -> None:
        site.server.fail(method, path, Fault(reset=True, handled=handled))
        assert site.run()["exit_code"] == 0
        assert "looking what is there" in site.machine.err
        assert site.changes() == []
        assert len(site.server.instance.projects.all) == 1
        assert site.identity("ci").role == "member"

    def test_a_generated_value_is_not_made_twice(self, site: Site) -> None:
        site.server.fail("POST", BATCH, Fault(reset=True, handled=True))
        site.run()
        versions = {one.name: one.version for one in site.project.folder("prod", "/db/main")[1].secrets.values()}
        assert versions == {"PASSWORD": 1}

    def test_answers_that_are_always_lost_end_the_run(self, site: Site) -> None:
        site.server.fail("POST", BATCH, Fault(reset=True, times=9))
        assert site.run()["exit_code"] == 9
        site.server.fail("POST", BATCH, Fault(times=0))
        assert site.run()["exit_code"] == 0

    def test_a_secret_that_somebody_makes_at_the_same_moment_is_not_overwritten(self, site: Site) -> None:
        site.run()
        site.first_secrets.append({"environment": "prod", "name": "NEW", "value": GENERATED})
        folder = site.project.folder("prod", "/")[1]
        secret = type(folder.secrets["TOKEN"])("NEW", "theirs")
        hidden = dict(folder.secrets)

        class Late(dict[str, Any]):
            def values(self) -> Any:
                return hidden.values()

        folder.secrets = Late({**hidden, "NEW": secret})
        ran = site.run()
        assert (ran["exit_code"], "Secret already exists" in ran["error"]) == (1, True)
        assert folder.secrets["NEW"].value == "theirs"

    @pytest.mark.parametrize("fault", [Fault(status=500), Fault(status=429, headers={"Retry-After": "2"})])
    def test_a_server_that_stumbles_while_it_is_read(self, site: Site, fault: Fault) -> None:
        site.server.fail("GET", f"{PROJECTS}/slug/homelab-apps", fault)
        assert site.run()["exit_code"] == 0

    def test_a_revoked_client_secret(self, site: Site) -> None:
        universal_auth = site.identity("Terraform-Controller").universal_auth
        assert universal_auth is not None
        universal_auth.client_secrets[0].revoked = True
        ran = site.run()
        assert (ran["exit_code"], ran["next_step"]) == (6, "run: python -m bootstrap identity")
        assert site.server.count("POST", "/api/v1/auth/universal-auth/login") == 1

    def test_a_token_that_ends_in_the_middle(self, site: Site) -> None:
        site.server.fail("POST", BATCH, Fault(status=401))
        assert site.run()["exit_code"] == 1
        assert site.run()["exit_code"] == 0
        assert site.changes() == []

    def test_no_saved_identity(self, site: Site) -> None:
        text = site.machine.token_file.read_text()
        site.machine.token_file.unlink()
        ran = site.run()
        assert (ran["exit_code"], "INFISICAL_UNIVERSAL_AUTH_CLIENT_ID" in ran["error"]) == (6, True)
        values = dict(line.replace('"', "").split(" = ") for line in text.splitlines() if " = " in line)
        named = {name.strip(): value for name, value in values.items()}
        site.machine.environment["INFISICAL_UNIVERSAL_AUTH_CLIENT_ID"] = named["infisical_client_id"]
        site.machine.environment["INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET"] = named["infisical_client_secret"]
        assert site.run()["exit_code"] == 0

    def test_another_run_at_the_same_time(self, site: Site) -> None:
        with SavedCredentials(site.machine.directory, site.server.url).lock():
            ran = site.run()
            assert (ran["exit_code"], "another bootstrap of" in ran["error"]) == (7, True)
            assert site.run("--plan")["exit_code"] == 10

    def test_an_expired_token(self, site: Site) -> None:
        site.server.fail("GET", "/api/v1/identities/details", Fault(until=Expiry(site.server)))
        ran = site.run()
        assert (ran["exit_code"], "Your token has expired" in ran["error"]) == (1, True)
        assert site.run()["exit_code"] == 0

    def test_a_slow_start(self, start: Callable[..., StandIn], site: Site) -> None:
        slow = start(listen_after_seconds=0.3)
        site.machine.environment["INFISICAL_DOMAIN"] = slow.url
        site.machine.token_file.write_text(site.machine.token_file.read_text().replace(site.server.url, slow.url))
        assert site.run("--wait", "3600")["exit_code"] == 8
        assert "waiting for" in site.machine.err

    def test_a_file_with_a_wrong_mode(self, site: Site) -> None:
        site.machine.token_file.chmod(0o644)
        ran = site.run()
        assert (ran["exit_code"], "allowed is 0600" in ran["error"]) == (6, True)
        assert site.server.calls == []

    def test_a_certificate_that_is_not_trusted(self, start: Callable[..., StandIn], tmp_path: Path, site: Site) -> None:
        _, context = make_certificates(tmp_path, "127.0.0.9")
        theirs = start(tls=context)
        site.machine.environment["INFISICAL_DOMAIN"] = theirs.url
        site.machine.token_file.write_text(site.machine.token_file.read_text().replace(site.server.url, theirs.url))
        ran = site.run()
        assert (ran["exit_code"], "its certificate is not trusted" in ran["error"]) == (3, True)
        assert theirs.calls == []

    def test_two_processes_at_once(self, site: Site) -> None:
        """One wins, the other says so, and nothing is made twice."""
        file = site.machine.directory.parent / "resources.json"
        file.write_text(json.dumps(site.wanted))
        hold = threading.Event()
        site.server.fail("POST", PROJECTS, Fault(until=hold))
        arguments = ("resources", "--file", str(file), "--directory", str(site.machine.directory))
        with process(site.machine, *arguments) as first:
            wait_for(lambda: site.server.count("POST", PROJECTS) > 0, first)
            with process(site.machine, *arguments) as second:
                _, said = second.communicate(timeout=120)
            hold.set()
            first.communicate(timeout=120)
        assert (first.returncode, second.returncode, "another bootstrap of" in said) == (0, 7, True)
        assert site.changes() == []

    @pytest.mark.parametrize("path", [PROJECTS, "/api/v2/folders", BATCH, "/api/v1/identities"])
    def test_a_killed_run_is_followed_by_one_that_goes_on(self, site: Site, path: str) -> None:
        file = site.machine.directory.parent / "resources.json"
        file.write_text(json.dumps(site.wanted))
        site.server.fail("POST", path, Fault(hang=60))
        arguments = ("resources", "--file", str(file), "--directory", str(site.machine.directory))
        with process(site.machine, *arguments) as started:
            wait_for(lambda: site.server.count("POST", path) > 0, started)
            started.kill()
        site.server.fail("POST", path, Fault(times=0))
        assert site.run()["exit_code"] == 0
        assert site.changes() == []

    def test_an_instance_without_administrator(self, start: Callable[..., StandIn], site: Site) -> None:
        empty = start()
        site.machine.token_file.write_text(site.machine.token_file.read_text().replace(site.server.url, empty.url))
        site.machine.environment["INFISICAL_DOMAIN"] = empty.url
        assert site.run()["exit_code"] == 8
