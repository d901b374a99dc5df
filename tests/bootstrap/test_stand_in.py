"""The stand-in has the traps of a real server; without them the tests of the client would prove little."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.bootstrap import shapes
from tests.bootstrap.conftest import EMAIL, ORGANIZATION, PASSWORD, wait_for
from tests.bootstrap.stand_in import Fault, StandIn
from tests.bootstrap.stand_in_instance import Version

# One for all: making a client reads the system's certificates, which takes longer than a request.
CLIENT = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))
BOOTSTRAP = {"email": EMAIL, "password": PASSWORD, "organization": ORGANIZATION}
LOGIN = "/api/v1/auth/universal-auth/login"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def bootstrapped(server: StandIn) -> dict[str, Any]:
    answer = CLIENT.post(f"{server.url}/api/v1/admin/bootstrap", json=BOOTSTRAP)
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


def token_of(answer: dict[str, Any]) -> str:
    return str(answer["identity"]["credentials"]["token"])


def test_bootstraps_at_the_same_moment_all_succeed_and_one_administers(
    server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.bootstrap.stand_in_routes.BOOTSTRAP_SECONDS", 1.0)
    path = "/api/v1/admin/bootstrap"
    all_there = threading.Event()
    server.fail("POST", path, Fault(until=all_there, times=5))

    def one(number: int) -> int:
        body = {**BOOTSTRAP, "email": f"admin{number}@example.com"}
        return CLIENT.post(f"{server.url}{path}", json=body, timeout=60).status_code

    with ThreadPoolExecutor(5) as callers:
        answers = callers.map(one, range(5))
        wait_for(lambda: server.count("POST", path) == 5)
        all_there.set()
        assert list(answers) == [200] * 5
    assert len(server.instance.organizations) == 5
    assert sum(user.super_admin for user in server.instance.users) == 5
    assert len(server.instance.admin_identity_ids) == 1


def test_the_answer_to_a_bootstrap_is_given_once(server: StandIn) -> None:
    bootstrapped(server)
    again = CLIENT.post(f"{server.url}/api/v1/admin/bootstrap", json=BOOTSTRAP)
    assert (again.status_code, again.json()["message"]) == (400, "Instance has already been set up")


def test_a_body_that_lacks_something_is_told_by_the_schema(server: StandIn) -> None:
    answer = CLIENT.post(f"{server.url}{LOGIN}", json={"clientSecret": "x"})
    assert (answer.status_code, answer.json()["error"]) == (422, "ValidationFailure")
    (issue,) = answer.json()["message"]
    assert (issue["code"], issue["path"], issue["message"]) == ("invalid_type", ["clientId"], "Required")


def test_sign_up_stays_open_after_a_bootstrap(server: StandIn) -> None:
    bootstrapped(server)
    assert CLIENT.get(f"{server.url}/api/status").json()["inviteOnlySignup"] is True


@pytest.mark.parametrize(
    ("version", "status", "message"),
    [
        (Version.V0_155, 200, None),
        (Version.V0_162, 401, "Identity access token exceeded max age, please re-authenticate"),
        (Version.V0_167, 200, None),
    ],
)
def test_some_releases_refuse_their_own_token(
    start: Callable[..., StandIn], version: Version, status: int, message: str | None
) -> None:
    server = start(version)
    token = token_of(bootstrapped(server))
    answer = CLIENT.get(f"{server.url}/api/v1/identities/details", headers=bearer(token))
    assert (answer.status_code, answer.json().get("message")) == (status, message)


def test_an_expired_token_is_forbidden_and_a_revoked_one_unauthorized(server: StandIn) -> None:
    token = token_of(bootstrapped(server))
    url = f"{server.url}/api/v1/identities/details"
    server.instance.skipped_seconds = 91 * 86400
    expired = CLIENT.get(url, headers=bearer(token))
    assert (expired.status_code, expired.json()["error"]) == (403, "TokenError")
    server.instance.skipped_seconds = 0
    assert CLIENT.post(f"{server.url}/api/v1/auth/token/revoke", json={"accessToken": token}).status_code == 200
    assert CLIENT.get(url, headers=bearer(token)).status_code == 401


def test_names_of_identities_are_not_unique(server: StandIn) -> None:
    answer = bootstrapped(server)
    body = {"name": "twin", "organizationId": answer["organization"]["id"], "role": "member"}
    made = [
        CLIENT.post(f"{server.url}/api/v1/identities", json=body, headers=bearer(token_of(answer))) for _ in range(2)
    ]
    assert [one.status_code for one in made] == [200, 200]
    assert len({one.json()["identity"]["id"] for one in made}) == 2


def test_three_wrong_secrets_lock_out_the_right_one_for_five_minutes(server: StandIn) -> None:
    answer = bootstrapped(server)
    headers = bearer(token_of(answer))
    one = f"{server.url}/api/v1/auth/universal-auth/identities/{answer['identity']['id']}"
    client_id = CLIENT.post(one, json={}, headers=headers).json()["identityUniversalAuth"]["clientId"]
    secret = CLIENT.post(f"{one}/client-secrets", json={}, headers=headers).json()["clientSecret"]

    def log_in(with_secret: str) -> tuple[int, str]:
        answer = CLIENT.post(f"{server.url}{LOGIN}", json={"clientId": client_id, "clientSecret": with_secret})
        return answer.status_code, answer.json().get("message", "")

    assert [log_in("wrong") for _ in range(3)] == [(401, "Invalid credentials")] * 3
    assert "temporarily locked" in log_in(secret)[1]
    server.instance.skipped_seconds = 301
    assert log_in(secret)[0] == 200


def test_a_user_without_a_selected_organization_gets_nowhere(server: StandIn) -> None:
    bootstrapped(server)
    login = CLIENT.post(f"{server.url}/api/v3/auth/login", json={"email": EMAIL, "password": PASSWORD}).json()
    answer = CLIENT.get(f"{server.url}/api/v1/identities?orgId=x", headers=bearer(login["accessToken"]))
    assert (answer.status_code, "no organization found" in answer.json()["message"]) == (401, True)


def test_a_reset_after_handling_leaves_the_work_done(server: StandIn) -> None:
    server.fail("POST", "/api/v1/admin/bootstrap", Fault(reset=True, handled=True))
    with pytest.raises(httpx.RemoteProtocolError):
        CLIENT.post(f"{server.url}/api/v1/admin/bootstrap", json=BOOTSTRAP)
    assert server.instance.initialized


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"message": "x"}, []),
        ({"message": "x", "more": None}, ["answer.more is null"]),
        ({}, ["answer.message is missing"]),
        ({"message": 5}, ["answer.message is no string: 5"]),
        ({"message": "x", "other": 1}, ["answer.other is unknown"]),
        ([], ["answer is not an object"]),
    ],
)
def test_a_wrong_shape_is_found(value: object, fault: list[str]) -> None:
    assert shapes.faults(value, {"message": "string", "more?": "string"}) == fault


@pytest.mark.parametrize(
    ("value", "kind", "right"),
    [
        ("2026-11-21T01:41:49.833Z", "time", True),
        ("2026-11-21", "time", False),
        ("145354c4-7d09-4bd4-a1a6-0f4a5b0b0a53", "uuid", True),
        ("145354c4", "uuid", False),
        (True, "number", False),
        (1, "boolean", False),
        (None, "string|null", True),
    ],
)
def test_a_wrong_type_is_found(value: object, kind: str, right: bool) -> None:
    assert (shapes.faults(value, kind) == []) is right


def test_an_email_address_is_looked_at_and_a_name_is_cut(server: StandIn) -> None:
    refused = CLIENT.post(f"{server.url}/api/v1/admin/bootstrap", json={**BOOTSTRAP, "email": "admin"})
    assert (refused.status_code, [one["message"] for one in refused.json()["message"]]) == (422, ["Invalid email"])
    answer = bootstrapped(server)
    body = {"name": " ci ", "organizationId": answer["organization"]["id"]}
    path, headers = f"{server.url}/api/v1/identities", bearer(token_of(answer))
    assert CLIENT.post(path, json=body, headers=headers).json()["identity"]["name"] == "ci"
    assert CLIENT.post(path, json={**body, "name": " "}, headers=headers).status_code == 422


def test_a_person_without_an_organization_administers_nothing(server: StandIn) -> None:
    bootstrapped(server)
    login = {"email": EMAIL, "password": PASSWORD}
    token = CLIENT.post(f"{server.url}/api/v3/auth/login", json=login).json()["accessToken"]
    refused = CLIENT.patch(f"{server.url}/api/v1/admin/config", json={"allowSignUp": False}, headers=bearer(token))
    assert (refused.status_code, "no organization found in request" in refused.json()["message"]) == (401, True)
    other = {"organizationId": "00000000-0000-0000-0000-000000000000"}
    refused = CLIENT.post(f"{server.url}/api/v3/auth/select-organization", json=other, headers=bearer(token))
    assert (refused.status_code, refused.json()["error"]) == (403, "ForbiddenError")


def test_programs_have_to_name_themselves_to_log_a_person_in(server: StandIn) -> None:
    bootstrapped(server)
    login = {"email": EMAIL, "password": PASSWORD}
    answer = CLIENT.post(f"{server.url}/api/v3/auth/login", json=login, headers={"User-Agent": ""})
    assert answer.status_code == 500


def test_an_identity_is_no_person(server: StandIn) -> None:
    headers = bearer(token_of(bootstrapped(server)))
    refused = CLIENT.get(f"{server.url}/api/v1/organization", headers=headers)
    assert (refused.status_code, refused.json()["error"]) == (401, "UnauthorizedError")


def test_a_token_can_not_live_longer_than_ten_years(server: StandIn) -> None:
    answer = bootstrapped(server)
    path = f"{server.url}/api/v1/auth/universal-auth/identities/{answer['identity']['id']}"
    refused = CLIENT.post(path, json={"accessTokenTTL": 315360001}, headers=bearer(token_of(answer)))
    assert (refused.status_code, refused.json()["message"][0]["code"]) == (422, "too_big")
