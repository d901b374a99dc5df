"""`python -m bootstrap resources`: what a document asks for is made, once, and nothing else is touched."""

from __future__ import annotations

import json

import pytest

from tests.bootstrap.conftest import Machine
from tests.bootstrap.resource_site import Site
from tests.bootstrap.stand_in import StandIn
from tests.bootstrap.stand_in_instance import Identity


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

    def test_a_folder_with_something_in_it_that_is_no_secret_stays_and_the_rest_goes(self, site: Site) -> None:
        site.run()
        site.project.folder("prod", "/empty")[1].dynamic_secret = True
        ran = self.emptied(site).run("--prune")
        assert ran["exit_code"] == 0
        assert [one["name"] for one in ran["changes"]][-2:] == ["homelab-apps/prod:/db", "ci"]
        (note,) = ran["notes"]
        assert note.startswith(
            'the folder prod:/empty stays: Cannot delete folder "empty" because it contains resources.'
        )
        assert site.project.folder("prod", "/empty")[1].dynamic_secret

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

    def test_a_folder_whose_secrets_wait_stays_until_then(self, site: Site) -> None:
        site.run()
        site.wanted["identities"] = []
        site.wanted["projects"][0] |= {"secrets": [], "folders": []}
        folder = site.project.folder("prod", "/db/main")[1]
        folder.approval_policy = True
        ran = site.run("--prune")
        assert ran["exit_code"] == 11
        assert ran["waiting_for_approval"] == ["request waiting-for-somebody for prod:/db/main"]
        assert [note.partition(" stays: ")[0] for note in ran["notes"]] == [
            "the folder prod:/db/main",
            "the folder prod:/db",
        ]
        assert ran["changes"][-1]["name"] == "ci"
        folder.secrets.clear()
        assert site.changes("--prune") == [
            "delete folder homelab-apps/prod:/db/main",
            "delete folder homelab-apps/prod:/db",
        ]
