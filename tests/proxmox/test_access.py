"""`Access`: a role, a user without password, and a separated token that have nothing but that role."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from homelab.proxmox.access import Access
from tests.synthesis import reference, resources, synthesize, the_resource

ROLE = "proxmox_virtual_environment_role"
USER = "proxmox_virtual_environment_user"
TOKEN = "proxmox_user_token"
ACL = "proxmox_acl"


def stack_of(folder: Path, **changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "user": "homelab@pve",
        "role": "Homelab",
        "token": "terraform",
        "privileges": ["VM.Audit", "VM.Clone"],
    }
    return synthesize(lambda stack: Access(stack, "access", **arguments | changes), folder)


def test_the_role_has_the_privileges(tmp_path: Path) -> None:
    role = the_resource(stack_of(tmp_path), ROLE)

    assert role == {"role_id": "Homelab", "privileges": ["VM.Audit", "VM.Clone"]}


def test_the_user_can_not_log_in(tmp_path: Path) -> None:
    user = the_resource(stack_of(tmp_path), USER)

    assert (user["user_id"], user["enabled"]) == ("homelab@pve", True)
    assert not {"password", "keys", "groups", "acl"} & set(user)


def test_the_token_is_separated_from_its_user(tmp_path: Path) -> None:
    document = stack_of(tmp_path)

    token = the_resource(document, TOKEN)
    assert (token["token_name"], token["privileges_separation"]) == ("terraform", True)
    assert token["user_id"] == reference(document, USER, "user_id")


def test_a_token_without_end_has_none(tmp_path: Path) -> None:
    assert "expiration_date" not in the_resource(stack_of(tmp_path), TOKEN)


def test_a_token_ends_when_it_should(tmp_path: Path) -> None:
    token = the_resource(stack_of(tmp_path, expires="2027-01-01T00:00:00Z"), TOKEN)

    assert token["expiration_date"] == "2027-01-01T00:00:00Z"


@pytest.mark.parametrize(("whose", "type_", "attribute"), [("user_id", USER, "user_id"), ("token_id", TOKEN, "id")])
def test_user_and_token_have_the_role_everywhere(whose: str, type_: str, attribute: str, tmp_path: Path) -> None:
    document = stack_of(tmp_path)

    [entry] = [acl for acl in resources(document, ACL).values() if whose in acl]
    assert entry == {
        "path": "/",
        "propagate": True,
        "role_id": reference(document, ROLE, "role_id"),
        whose: reference(document, type_, attribute),
    }


def test_nobody_else_gets_anything(tmp_path: Path) -> None:
    document = stack_of(tmp_path)

    assert {type_: len(found) for type_, found in document["resource"].items()} == {ROLE: 1, USER: 1, TOKEN: 1, ACL: 2}


def test_other_names_reach_their_resources(tmp_path: Path) -> None:
    document = stack_of(tmp_path, user="deploy@pam", role="Deploy", token="ci")

    assert the_resource(document, USER)["user_id"] == "deploy@pam"
    assert the_resource(document, ROLE)["role_id"] == "Deploy"
    assert the_resource(document, TOKEN)["token_name"] == "ci"
