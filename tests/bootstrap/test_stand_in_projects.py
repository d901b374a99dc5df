"""The stand-in has the traps of a real server's projects, folders, secrets and memberships."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.bootstrap.stand_in import StandIn
from tests.bootstrap.stand_in_instance import Identity, Instance, Version
from tests.bootstrap.stand_in_refusals import RefusedError

PROJECTS = "/api/v1/projects"
BATCH = "/api/v4/secrets/batch"


# One for all: making a client reads the system's certificates, which takes longer than a request.
_CLIENT = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))


class Caller:
    """An identity of an organization that asks the server."""

    def __init__(self, server: StandIn, role: str = "admin", organization_id: str = "") -> None:
        self.server = server
        if not organization_id:
            user = server.instance.add_admin("admin@example.com", "x")
            server.instance.finish_bootstrap(user, "homelab")
            (organization_id,) = server.instance.organizations
        self.organization_id = organization_id
        self.identity = Identity("caller", organization_id, role)
        server.instance.identities[self.identity.id] = self.identity
        self.token = server.instance.issue(3600, identity_id=self.identity.id, organization_id=organization_id).text

    def ask(self, method: str, route: str, body: Any = None, /, **query: str) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.server.url}{route}"
        answer = _CLIENT.request(method, url, json=body, params=query or None, headers=headers)
        return answer.status_code, answer.json()

    def project(self, **more: Any) -> dict[str, Any]:
        status, document = self.ask("POST", PROJECTS, {"projectName": "Apps", "slug": "homelab-apps", **more})
        assert status == 200, document
        project: dict[str, Any] = document["project"]
        return project


@pytest.fixture
def caller(server: StandIn) -> Caller:
    return Caller(server)


def at(project: dict[str, Any], path: str = "/", name: str = "secretPath") -> dict[str, str]:
    return {"projectId": project["id"], "environment": "prod", name: path}


def test_a_slug_is_there_once_and_of_a_certain_length(caller: Caller) -> None:
    assert [one["slug"] for one in caller.project()["environments"]] == ["dev", "staging", "prod"]
    status, again = caller.ask("POST", PROJECTS, {"projectName": "Apps", "slug": "homelab-apps"})
    assert (status, 'with the slug "homelab-apps" already exists' in again["message"]) == (400, True)
    status, short = caller.ask("POST", PROJECTS, {"projectName": "Apps", "slug": "abc"})
    assert (status, short["error"], isinstance(short["message"], list)) == (422, "ValidationFailure", True)


def test_a_project_of_others_is_hidden_in_the_list_and_refused_by_its_slug(caller: Caller, server: StandIn) -> None:
    project = caller.project()
    other = Caller(server, organization_id=caller.organization_id)
    assert other.ask("GET", PROJECTS) == (200, {"projects": []})
    status, refused = other.ask("GET", f"{PROJECTS}/slug/homelab-apps")
    assert (status, refused["error"]) == (403, "ProjectMembershipNotFound")
    assert refused["message"] == f"You are not a member of this project with ID {project['id']}"
    assert other.ask("GET", f"{PROJECTS}/slug/nothing")[0] == 404


def test_a_project_by_its_slug_has_no_envelope(caller: Caller) -> None:
    project = caller.project()
    assert caller.ask("GET", f"{PROJECTS}/slug/homelab-apps")[1]["id"] == project["id"]


def test_an_environment_is_there_once(caller: Caller) -> None:
    project = caller.project()
    path = f"{PROJECTS}/{project['id']}/environments"
    assert caller.ask("POST", path, {"name": "Homelab", "slug": "homelab"})[1]["environment"]["position"] == 4
    status, again = caller.ask("POST", path, {"name": "Homelab", "slug": "homelab"})
    assert (status, again["error"], again["message"]) == (
        400,
        "CreateEnvironment",
        "Environment with slug already exists",
    )


def test_folders_are_made_with_their_parents_once_and_go_with_what_is_in_them_if_that_is_meant(caller: Caller) -> None:
    project = caller.project()
    deep = {**at(project, "/a/b", "path"), "name": "c"}
    assert caller.ask("POST", "/api/v2/folders", deep)[1]["folder"]["path"] == "/a/b/c"
    assert caller.ask("POST", "/api/v2/folders", deep)[1]["message"] == (
        "Folder with name 'c' already exists in path '/a/b'"
    )
    assert caller.ask("POST", "/api/v2/folders", {**deep, "name": "x y"})[0] == 422
    listed = caller.ask("GET", "/api/v2/folders", **at(project, "/", "path"), recursive="true")[1]["folders"]
    assert sorted(one["name"] for one in listed) == ["a", "b", "c"]
    assert len(caller.ask("GET", "/api/v2/folders", **at(project, "/", "path"))[1]["folders"]) == 1
    status, refused = caller.ask("DELETE", "/api/v2/folders/a", at(project, "/", "path"))
    assert (status, refused["error"]) == (400, "deleteFolder")
    assert refused["message"].startswith('Cannot delete folder "a" because it contains resources.')
    meant = {**at(project, "/", "path"), "forceDelete": True}
    assert caller.ask("DELETE", "/api/v2/folders/a", meant)[0] == 200
    assert caller.ask("GET", "/api/v2/folders", **at(project, "/", "path"), recursive="true")[1] == {"folders": []}


def written(value: str) -> list[dict[str, str]]:
    return [{"secretKey": "NAME", "secretValue": value}]


@pytest.mark.parametrize(
    ("value", "kept"), [(" x ", "x"), ("x\n", "x\n"), ("x\n\n", "x\n"), ("\tx \n", "x\n"), ("$x{y}", "$x{y}")]
)
def test_white_space_around_a_value_is_cut_off(caller: Caller, value: str, kept: str) -> None:
    project = caller.project()
    caller.ask("POST", BATCH, {**at(project), "secrets": written(value)})
    (secret,) = caller.ask("GET", "/api/v4/secrets", **at(project))[1]["secrets"]
    assert secret["secretValue"] == kept


def test_references_are_expanded_unless_asked_not_to(caller: Caller) -> None:
    project = caller.project()
    caller.ask("POST", BATCH, {**at(project), "secrets": written("x")})
    more = [{"secretKey": "URL", "secretValue": "http://${NAME}"}]
    assert caller.ask("POST", BATCH, {**at(project), "secrets": more})[0] == 200
    missing = [{"secretKey": "BAD", "secretValue": "${NOTHING}"}]
    assert caller.ask("POST", BATCH, {**at(project), "secrets": missing})[1]["message"] == (
        "Referenced secret(s) not found: NOTHING"
    )

    def url(**query: str) -> str:
        listed = caller.ask("GET", "/api/v4/secrets", **at(project), **query)[1]["secrets"]
        return str(next(one["secretValue"] for one in listed if one["secretKey"] == "URL"))

    assert url() == "http://x"
    assert url(expandSecretReferences="false") == "http://${NAME}"


def test_secrets_are_made_once_and_upserted_again_and_again(caller: Caller) -> None:
    project = caller.project()
    body = {**at(project), "secrets": written("x")}
    assert caller.ask("PATCH", BATCH, body)[0] == 404
    assert caller.ask("POST", BATCH, body)[0] == 200
    status, again = caller.ask("POST", BATCH, body)
    assert (status, again["message"]) == (400, "Secret already exists")
    assert caller.ask("PATCH", BATCH, {**body, "mode": "upsert"})[1]["secrets"][0]["version"] == 2
    status, nowhere = caller.ask("POST", BATCH, {**body, "secretPath": "/nope"})
    assert (status, nowhere["message"]) == (
        404,
        "Folder with path '/nope' in environment with slug 'prod' not found",
    )
    bad = [{"secretKey": "a:b", "secretValue": "x"}]
    assert caller.ask("POST", BATCH, {**at(project), "secrets": bad})[0] == 422


def test_members_have_roles_are_added_once_and_listed_by_twenty(caller: Caller, server: StandIn) -> None:
    project = caller.project()
    path = f"{PROJECTS}/{project['id']}/memberships/identities"
    others = [Identity(f"one-{number}", caller.organization_id, "member") for number in range(25)]
    server.instance.identities.update({one.id: one for one in others})
    for other in others:
        assert caller.ask("POST", f"{path}/{other.id}", {"roles": [{"role": "viewer"}]})[0] == 200
    assert caller.ask("POST", f"{path}/{others[0].id}", {})[1]["message"] == "Identity is already a member"
    page = caller.ask("GET", path)[1]
    assert (len(page["identityMemberships"]), page["totalCount"]) == (20, 26)
    assert len(caller.ask("GET", path, offset="20")[1]["identityMemberships"]) == 6


def test_a_viewer_may_read_and_not_write(caller: Caller, server: StandIn) -> None:
    project = caller.project()
    viewer = Caller(server, "member", caller.organization_id)
    path = f"{PROJECTS}/{project['id']}/memberships/identities/{viewer.identity.id}"
    caller.ask("POST", path, {"roles": [{"role": "viewer"}]})
    assert viewer.ask("GET", "/api/v4/secrets", **at(project))[0] == 200
    status, refused = viewer.ask("POST", BATCH, {**at(project), "secrets": written("x")})
    assert (status, refused["error"], refused["details"]) == (403, "PermissionDenied", [])


def test_tokens_of_a_deleted_identity_end(caller: Caller, server: StandIn) -> None:
    other = Caller(server, organization_id=caller.organization_id)
    assert caller.ask("DELETE", f"/api/v1/identities/{other.identity.id}")[0] == 200
    assert other.ask("GET", PROJECTS)[0] == 401


def test_the_documented_moment_revives_a_token_that_is_dead_on_arrival(server: StandIn) -> None:
    for enforced_at, works in ((0.0, False), (server.instance.now, True)):
        instance = Instance(Version.V0_162, legacy_expiration_enforced_at=enforced_at)
        answer = instance.finish_bootstrap(instance.add_admin("a@example.com", "x"), "homelab")
        token = answer["identity"]["credentials"]["token"]
        if works:
            assert instance.valid_token(token)
        else:
            with pytest.raises(RefusedError, match="exceeded max age"):
                instance.valid_token(token)
