"""Credentials of containers whose data were made with others: the plans of a rotation with and without preparation.

What is in the plans is what Terraform and the Docker provider write for the secrets platform.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from operations.review import Allowance, AllowList
from tests.operations.review.plans import change, judged, kinds, only

POSTGRES: dict[str, Any] = {
    "name": "infisical-postgres",
    "env": ["POSTGRES_DB=infisical", "POSTGRES_PASSWORD=first", "POSTGRES_USER=infisical_1"],
    "volumes": [{"volume_name": "infisical_postgres_data", "container_path": "/var/lib/postgresql/data"}],
}
INFISICAL: dict[str, Any] = {
    "name": "infisical",
    "env": ["DB_CONNECTION_URI=postgres://first", "ENCRYPTION_KEY=first"],
    "volumes": [],
}
REDIS: dict[str, Any] = {
    "name": "infisical-redis",
    "env": ["REDISCLI_AUTH=first"],
    "volumes": [{"volume_name": "infisical_redis_data"}],
}
ROTATED = {"database_rotation": {"actions": ["update"]}}
REPLACED = ["delete", "create"]


def replaced(key: str, before: dict[str, Any], env: list[str] | None) -> dict[str, Any]:
    """A container that is made anew, with this environment, or with one that is known after the apply."""
    after = {**before, "env": env}
    unknown = {"env": True} if env is None else {"env": [False for _ in env]}
    secret = {"env": True}
    return change(
        f"docker_container.{key}", before, after,
        actions=REPLACED, unknown=unknown, before_sensitive=secret, after_sensitive=secret,
    )  # fmt: skip


def volume(name: str = "postgres", *, actions: list[str] | None = None) -> dict[str, Any]:
    values = {"name": f"infisical_{name}_data"}
    return change(f"docker_volume.{name}-data", values, values, actions=actions)


def made(address: str) -> dict[str, Any]:
    return change(address, None, {"length": 32}, unknown={"result": True})


def other(text: str = "second") -> list[str]:
    return ["POSTGRES_DB=infisical", f"POSTGRES_PASSWORD={text}", f"POSTGRES_USER=infisical_{text}"]


def test_a_password_that_this_plan_makes_is_told_to_nobody_before() -> None:
    result = judged(
        made("random_password.postgres-password"), replaced("postgres", POSTGRES, None), volume(),
        output_changes=ROTATED,
    )  # fmt: skip
    found = only(result, "database-login-unknown")
    assert found.blocks
    assert found.what == ("Docker container infisical-postgres is started with a login that its database does not know")
    assert "only while its volume is empty" in found.cause
    assert "run: python -m bootstrap rotate database prepare" in found.consequence


def test_a_password_that_the_output_does_not_hold_yet_is_told_to_nobody_either() -> None:
    """After `terraform apply -target` of one of the credentials: Terraform renews an output for all of them only."""
    result = judged(replaced("postgres", POSTGRES, other()), volume(), output_changes=ROTATED)
    assert kinds(result)["database-login-unknown"] == "blocked"


def test_the_documented_rotation_raises_no_alarm() -> None:
    """The new credentials are in the state and in the output, from which `prepare` takes them."""
    infisical = replaced("infisical", INFISICAL, ["DB_CONNECTION_URI=postgres://second", "ENCRYPTION_KEY=first"])
    result = judged(
        replaced("postgres", POSTGRES, other()), replaced("redis", REDIS, ["REDISCLI_AUTH=second"]),
        infisical, volume(), volume("redis"),
        output_changes={"key_backup": {"actions": ["update"]}, "infisical_container_id": {"actions": ["update"]}},
    )  # fmt: skip
    assert kinds(result) == {"object-replaced": "change"}


@pytest.mark.parametrize("outputs", [{}, ROTATED])
def test_another_image_raises_no_alarm(outputs: dict[str, Any]) -> None:
    containers = [
        replaced(key, before, before["env"])
        for key, before in (("postgres", POSTGRES), ("infisical", INFISICAL), ("redis", REDIS))
    ]
    assert kinds(judged(*containers, volume(), output_changes=outputs)) == {"object-replaced": "change"}


def test_the_queue_takes_any_password_when_it_starts() -> None:
    result = judged(
        made("random_password.redis-password"), replaced("redis", REDIS, None), replaced("infisical", INFISICAL, None),
        volume("redis"), volume(), output_changes=ROTATED,
    )  # fmt: skip
    assert kinds(result) == {"object-replaced": "change"}


def test_a_first_deployment_raises_no_alarm() -> None:
    empty = change("docker_volume.postgres-data", None, {"name": "infisical_postgres_data"})
    first = change("docker_container.postgres", None, {"name": "infisical-postgres"}, unknown={"env": True})
    outputs = {"database_rotation": {"actions": ["create"]}}
    assert kinds(judged(made("random_password.postgres-password"), first, empty, output_changes=outputs)) == {}


def test_where_the_volume_goes_too_it_is_about_the_volume() -> None:
    result = judged(
        replaced("postgres", POSTGRES, None), volume(actions=REPLACED), volume("redis"), output_changes=ROTATED
    )
    assert kinds(result).keys() == {"object-replaced"}
    assert [finding.address for finding in result.findings if finding.blocks] == ["docker_volume.postgres-data"]


@pytest.mark.parametrize("env", [None, ["DB_CONNECTION_URI=postgres://first", "ENCRYPTION_KEY=second"]])
def test_another_encryption_key_is_blocked(env: list[str] | None) -> None:
    result = judged(
        made("random_bytes.encryption-key"), replaced("infisical", INFISICAL, env), volume(), volume("redis")
    )
    found = only(result, "encryption-key-replaced")
    assert found.blocks
    assert found.what == "Docker container infisical is started with another ENCRYPTION_KEY"
    assert "*.backup" in found.consequence


def test_no_value_is_shown() -> None:
    result = judged(replaced("postgres", POSTGRES, other("canary")), volume(), output_changes=ROTATED)
    assert not [finding for finding in result.findings if "canary" in str(finding) or "first" in str(finding)]


def test_it_can_be_allowed() -> None:
    reason, address = "the login was made by hand", "docker_container.postgres"
    allowance = Allowance(address, reason, date(2999, 1, 1), finding="database-login-unknown")
    result = judged(
        replaced("postgres", POSTGRES, None),
        volume(),
        output_changes=ROTATED,
        allow_list=AllowList(requested=(allowance,)),
    )
    assert not only(result, "database-login-unknown").blocks
