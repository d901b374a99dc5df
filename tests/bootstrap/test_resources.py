"""`python -m bootstrap resources`: what a document asks for is made, once, and nothing else is touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bootstrap.saved import SavedCredentials
from tests.bootstrap.conftest import Machine
from tests.bootstrap.stand_in import Fault, StandIn
from tests.bootstrap.stand_in_instance import Identity
from tests.bootstrap.stand_in_projects import Project

PROJECTS = "/api/v1/projects"
BATCH = "/api/v4/secrets/batch"
GENERATED = {"source": "generated", "kind": "password", "length": 32}


def document() -> dict[str, Any]:
    return {
        "owner": "prod",
        "projects": [
            {
                "key": "apps",
                "name": "Apps",
                "slug": "homelab-apps",
                "description": "Secrets of the apps",
                "environments": [{"slug": "prod", "name": "Production"}],
                "folders": [{"environment": "prod", "path": "/empty"}],
                "secrets": [
                    {"environment": "prod", "path": "/db/main", "name": "PASSWORD", "value": GENERATED},
                    {
                        "environment": "prod",
                        "name": "TOKEN",
                        "value": {"source": "environment", "variable": "APP_TOKEN"},
                        "comment": "of the app",
                    },
                ],
            }
        ],
        "identities": [{"name": "ci", "role": "member", "projects": [{"project": "apps", "role": "viewer"}]}],
    }


class Site:
    """A machine with a document, and the instance it is for."""

    def __init__(self, server: StandIn, machine: Machine) -> None:
        self.server = server
        self.machine = machine
        self.wanted = document()
        machine.environment["APP_TOKEN"] = "the value of the token"
        assert machine.run("admin") == machine.run("identity") == 0
        server.calls.clear()

    def run(self, *arguments: str) -> dict[str, Any]:
        file = self.machine.directory.parent / "resources.json"
        file.write_text(json.dumps(self.wanted))
        return self.machine.run_json("resources", "--file", str(file), *arguments)

    def changes(self, *arguments: str) -> list[str]:
        ran = self.run(*arguments)
        assert "changes" in ran, ran
        return [f"{one['action']} {one['kind']} {one['name']} {one['detail']}".strip() for one in ran["changes"]]

    @property
    def project(self) -> Project:
        (project,) = self.server.instance.projects.all
        return project

    def secret(self, path: str, name: str) -> str:
        return self.project.folder("prod", path)[1].secrets[name].value

    def identity(self, name: str) -> Identity:
        (identity,) = (one for one in self.server.instance.identities.values() if one.name == name)
        return identity

    @property
    def first_secrets(self) -> list[dict[str, Any]]:
        secrets: list[dict[str, Any]] = self.wanted["projects"][0]["secrets"]
        return secrets


@pytest.fixture
def site(server: StandIn, machine: Machine) -> Site:
    return Site(server, machine)


ALL_CHANGES = [
    "create project homelab-apps",
    "create environment homelab-apps/prod",
    "create folder homelab-apps/prod:/db",
    "create folder homelab-apps/prod:/db/main",
    "create folder homelab-apps/prod:/empty",
    "create secret homelab-apps/prod:/db/main/PASSWORD",
    "create secret homelab-apps/prod:/TOKEN",
    "create identity ci",
    "create role ci in homelab-apps viewer",
]


def test_a_plan_shows_all_and_changes_nothing(site: Site) -> None:
    ran = site.run("--plan")
    assert (ran["exit_code"], ran["applied"]) == (10, False)
    assert site.changes("--plan") == ALL_CHANGES
    assert {call.method for call in site.server.calls if not call.path.endswith("/login")} == {"GET"}


def test_an_apply_makes_it_and_a_second_one_does_nothing(site: Site) -> None:
    assert site.changes() == ALL_CHANGES
    assert len(site.secret("/db/main", "PASSWORD")) == 32
    assert site.secret("/", "TOKEN") == "the value of the token"
    assert [one.slug for one in site.project.environments] == ["prod"]
    assert site.project.members[site.identity("ci").id].names == {"viewer"}
    site.server.calls.clear()
    ran = site.run()
    assert (ran["exit_code"], ran["changes"]) == (0, [])
    assert {call.method for call in site.server.calls if not call.path.endswith("/login")} == {"GET"}
    assert site.run("--plan")["exit_code"] == 0


def test_values_are_in_no_output(site: Site) -> None:
    site.run("--plan")
    printed = [site.machine.out, site.machine.err]
    site.run("--verbose")
    printed += [site.machine.out, site.machine.err]
    assert not any(value in text for text in printed for value in ("the value of", site.secret("/db/main", "PASSWORD")))


def test_the_text_for_people(site: Site) -> None:
    file = site.machine.directory.parent / "resources.json"
    file.write_text(json.dumps(site.wanted))
    assert site.machine.run("resources", "--file", str(file), "--plan") == 10
    assert "+ role        ci in homelab-apps  (viewer)" in site.machine.out
    assert site.machine.out.endswith("9 changes to make\n")


class TestDrift:
    """What somebody changed is set right, and only that."""

    def test_a_role_in_a_project(self, site: Site) -> None:
        site.run()
        site.project.members[site.identity("ci").id].roles[0]["role"] = "admin"
        assert site.changes() == ["update role ci in homelab-apps admin -> viewer"]
        assert site.changes() == []

    def test_a_role_in_the_organization(self, site: Site) -> None:
        site.run()
        site.identity("ci").role = "admin"
        assert site.changes() == ["update identity ci role: admin -> member"]
        assert site.identity("ci").role == "member"

    def test_a_second_and_a_temporary_role(self, site: Site) -> None:
        site.run()
        member = site.project.members[site.identity("ci").id]
        member.roles.append({"id": "x", "role": "admin", "isTemporary": True})
        assert site.changes() == ["update role ci in homelab-apps admin, viewer (temporary) -> viewer"]
        assert member.names == {"viewer"}

    def test_names_and_descriptions(self, site: Site) -> None:
        site.run()
        site.project.name, site.project.environments[0].name = "Other", "Live"
        assert site.changes() == [
            "update project homelab-apps name: 'Other' -> 'Apps'",
            "update environment homelab-apps/prod name: 'Live' -> 'Production'",
        ]

    def test_a_value_that_is_known_and_a_comment(self, site: Site) -> None:
        site.run()
        site.project.folder("prod", "/")[1].secrets["TOKEN"].value = "somebody else's"
        assert site.changes() == ["update secret homelab-apps/prod:/TOKEN value"]
        assert site.secret("/", "TOKEN") == "the value of the token"
        site.first_secrets[1]["comment"] = "another"
        assert site.changes() == ["update secret homelab-apps/prod:/TOKEN comment"]

    def test_a_generated_value_stays_whatever_it_is_and_however_its_source_changes(self, site: Site) -> None:
        site.run()
        site.project.folder("prod", "/db/main")[1].secrets["PASSWORD"].value = "by hand"
        site.first_secrets[0]["value"] = {"source": "generated", "kind": "hex", "length": 16}
        site.first_secrets[0]["comment"] = "new"
        assert site.changes() == ["update secret homelab-apps/prod:/db/main/PASSWORD comment"]
        assert site.secret("/db/main", "PASSWORD") == "by hand"

    def test_a_variable_that_is_not_set_later_leaves_the_value(self, site: Site) -> None:
        site.run()
        del site.machine.environment["APP_TOKEN"]
        ran = site.run()
        assert ran["changes"] == []
        assert ran["notes"] == ["homelab-apps/prod:/TOKEN is not compared: its variable is not set"]

    def test_what_was_there_before_is_taken_up(self, site: Site) -> None:
        token = {"projectName": "Old", "slug": "homelab-apps", "shouldCreateDefaultEnvs": True}
        own = site.identity("Terraform-Controller")
        project = site.server.instance.projects.add(token, own.organization_id, own.id)
        project.environments[2].add_folder("/db/main")
        changed = site.changes()
        assert changed[:2] == [
            "update project homelab-apps name: 'Old' -> 'Apps', description: '' -> 'Secrets of the apps'",
            "create folder homelab-apps/prod:/empty",
        ]
        assert "create folder homelab-apps/prod:/db/main" not in changed


class TestValues:
    """Values are what was written, or they are refused."""

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            (" x ", "begins or ends with white space, which Infisical cuts off"),
            ("x\n\n", "begins or ends with white space, which Infisical cuts off"),
            ("a${OTHER}b", "its value holds ${...}, which Infisical replaces by another secret"),
            ("", "APP_TOKEN is not set"),
        ],
    )
    def test_what_infisical_would_change_is_refused_before_anything_is_made(
        self, site: Site, value: str, said: str
    ) -> None:
        site.machine.environment["APP_TOKEN"] = value
        ran = site.run()
        assert (ran["exit_code"], said in ran["error"]) == (2, True)
        assert not value or value not in ran["error"]
        assert site.server.instance.projects.all == []

    @pytest.mark.parametrize("value", ["$x {y} $", "line\n", "two\nlines", "ünïcode ${", "%7Bx%7D"])
    def test_everything_else_arrives_as_it_is_and_stays(self, site: Site, value: str) -> None:
        site.machine.environment["APP_TOKEN"] = value
        assert site.run()["exit_code"] == 0
        assert site.secret("/", "TOKEN") == value
        assert site.changes() == []

    def test_a_reference_that_is_meant_is_kept_as_it_is_written(self, site: Site) -> None:
        site.run()
        site.first_secrets.append(
            {
                "environment": "prod",
                "name": "URL",
                "value": {"source": "environment", "variable": "APP_URL"},
                "references": True,
            }
        )
        site.machine.environment["APP_URL"] = "http://x/?${TOKEN}"
        assert site.changes() == ["create secret homelab-apps/prod:/URL"]
        assert site.secret("/", "URL") == "http://x/?${TOKEN}"
        assert site.changes() == []

    @pytest.mark.parametrize(
        ("kind", "length", "characters"), [("password", 20, 20), ("hex", 16, 32), ("base64", 32, 44)]
    )
    def test_generated_ones_have_the_length_that_is_asked_for(
        self, site: Site, kind: str, length: int, characters: int
    ) -> None:
        site.first_secrets[0]["value"] = {"source": "generated", "kind": kind, "length": length}
        site.run()
        assert len(site.secret("/db/main", "PASSWORD")) == characters

    def test_a_prompt_without_a_terminal_says_so(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        site.first_secrets[1]["value"] = {"source": "prompt", "text": "token of the app"}
        monkeypatch.setattr("bootstrap.command_surroundings.TERMINAL", "/dev/null/none")
        assert site.run("--plan")["exit_code"] == 10
        ran = site.run()
        assert (ran["exit_code"], "token of the app: is to be asked for" in ran["error"]) == (2, True)
        assert site.server.instance.projects.all == []


class TestOwnership:
    """Only what was made from this document is ever deleted, and only when that is asked for."""

    def emptied(self, site: Site) -> Site:
        site.run()
        site.wanted["projects"][0] |= {"secrets": [], "folders": []}
        site.wanted["identities"] = []
        return site

    def test_nothing_is_deleted_unasked(self, site: Site) -> None:
        assert self.emptied(site).changes() == []

    def test_a_deletion_that_is_asked_for(self, site: Site) -> None:
        assert self.emptied(site).changes("--prune") == [
            "delete secret homelab-apps/prod:/TOKEN",
            "delete secret homelab-apps/prod:/db/main/PASSWORD",
            "delete folder homelab-apps/prod:/db/main",
            "delete folder homelab-apps/prod:/db",
            "delete folder homelab-apps/prod:/empty",
            "delete identity ci",
        ]
        assert site.changes("--prune") == []
        assert len(site.project.environments) == 1

    def test_what_others_made_stays_and_the_folders_it_is_in(self, site: Site) -> None:
        site.run()
        environment, folder = site.project.folder("prod", "/db/main")
        folder.secrets["BY_HAND"] = type(folder.secrets["PASSWORD"])("BY_HAND", "x")
        environment.add_folder("/theirs")
        stranger = Identity("stranger", site.identity("ci").organization_id, "member")
        site.server.instance.identities[stranger.id] = stranger
        ran = self.emptied(site).run("--prune")
        assert [one["name"] for one in ran["changes"]] == [
            "homelab-apps/prod:/TOKEN",
            "homelab-apps/prod:/db/main/PASSWORD",
            "homelab-apps/prod:/empty",
            "ci",
        ]
        assert "the folder homelab-apps/prod:/db/main stays: something of others is in it" in ran["notes"]
        assert site.secret("/db/main", "BY_HAND") == "x"
        assert stranger.id in site.server.instance.identities

    def test_what_another_document_made_stays(self, site: Site) -> None:
        self.emptied(site)
        site.wanted["owner"] = "another"
        assert site.changes("--prune") == []

    def test_a_role_is_taken_away_where_the_identity_is_ours(self, site: Site) -> None:
        site.run()
        site.wanted["identities"][0]["projects"] = []
        assert site.changes() == []
        assert site.changes("--prune") == ["delete role ci in homelab-apps"]

    def test_the_identity_that_does_it_is_not_deleted_and_keeps_its_rights(self, site: Site) -> None:
        name = "Terraform-Controller"
        site.wanted["identities"] = [
            {"name": name, "role": "admin", "projects": [{"project": "apps", "role": "admin"}]}
        ]
        assert site.run()["exit_code"] == 0
        assert site.changes("--prune") == []
        site.wanted["identities"][0]["projects"][0]["role"] = "viewer"
        ran = site.run()
        assert (ran["exit_code"], "would change its role in the project homelab-apps" in ran["error"]) == (2, True)

    def test_an_identity_of_somebody_else_with_another_role_is_not_touched(self, site: Site) -> None:
        own = site.identity("Terraform-Controller")
        stranger = Identity("ci", own.organization_id, "admin")
        site.server.instance.identities[stranger.id] = stranger
        ran = site.run()
        assert (ran["exit_code"], "was not made for 'prod'; its role is 'admin'" in ran["error"]) == (1, True)

    def test_two_identities_of_one_name_are_an_error_with_their_ids(self, site: Site) -> None:
        own = site.identity("Terraform-Controller")
        twins = [Identity("ci", own.organization_id, "member") for _ in range(2)]
        site.server.instance.identities.update({one.id: one for one in twins})
        ran = site.run("--plan")
        assert (ran["exit_code"], all(one.id in ran["error"] for one in twins)) == (1, True)

    def test_a_project_one_is_no_member_of(self, site: Site) -> None:
        own = site.identity("Terraform-Controller")
        body = {"projectName": "Theirs", "slug": "homelab-apps"}
        site.server.instance.projects.add(body, own.organization_id, "somebody")
        ran = site.run("--plan")
        assert ran["exit_code"] == 1
        assert (
            "the project 'homelab-apps' exists, and this identity may not see it: You are not a member" in ran["error"]
        )

    def test_more_members_than_a_page(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("bootstrap.project_client.PAGE_SIZE", 2)
        site.wanted["identities"] = [
            {"name": f"ci-{number}", "projects": [{"project": "apps", "role": "viewer"}]} for number in range(5)
        ]
        site.run()
        assert site.changes() == []


class TestApproval:
    """A policy of Infisical that lets nobody change a folder alone."""

    def test_what_waits_for_an_approval_is_told(self, site: Site) -> None:
        site.run()
        site.project.folder("prod", "/")[1].approval_policy = True
        site.machine.environment["APP_TOKEN"] = "another value"
        ran = site.run()
        assert ran["exit_code"] == 11
        assert ran["waiting_for_approval"] == ["request waiting-for-somebody for prod:/"]
        assert site.secret("/", "TOKEN") == "the value of the token"


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

    def test_an_instance_without_administrator(self, start: Callable[..., StandIn], site: Site) -> None:
        empty = start()
        site.machine.token_file.write_text(site.machine.token_file.read_text().replace(site.server.url, empty.url))
        site.machine.environment["INFISICAL_DOMAIN"] = empty.url
        assert site.run()["exit_code"] == 8
