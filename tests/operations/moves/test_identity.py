"""What makes a resource the same one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from operations.moves.identity import LONG, ONLY_LONG, SHORT, current_type, identity

PROJECT = Path(__file__).resolve().parents[3]
SCHEMA = PROJECT / "schemas" / "proxmox@0.111.1.json"


def provider_types() -> dict[str, Any]:
    schema = json.loads(SCHEMA.read_text())
    [provider] = schema["provider_schemas"].values()
    types: dict[str, Any] = provider["resource_schemas"]
    return types


def test_only_names_without_a_short_one_stay_long() -> None:
    types = provider_types()
    long = {name for name in types if name.startswith(LONG)}
    deprecated = {name for name in long if types[name]["block"].get("deprecated")}

    # vm2 is deprecated in favour of the experiment that nobody should use.
    assert long - deprecated == ONLY_LONG - {f"{LONG}vm2"}
    for name in deprecated - {f"{LONG}vm2"}:
        assert current_type(name) == SHORT + name.removeprefix(LONG)
        assert current_type(name) in types


@pytest.mark.parametrize(
    ("type_", "one", "other"),
    [
        (f"{LONG}vm", {"vm_id": 100, "name": "a", "node_name": "pve"}, {"vm_id": 100, "name": "b", "node_name": "x"}),
        (f"{LONG}firewall_options", {"vm_id": 100, "node_name": "pve"}, {"vm_id": 100, "container_id": None}),
        (f"{LONG}firewall_rules", {"vm_id": None, "container_id": None}, {}),
        (f"{LONG}firewall_rules", {"node_name": "pve", "container_id": 7}, {"node_name": "x", "container_id": 7}),
        (f"{LONG}cluster_firewall", {"enabled": True}, {"enabled": False}),
        (
            f"{LONG}file",
            {
                "node_name": "pve",
                "datastore_id": "local",
                "content_type": "snippets",
                "source_raw": [{"file_name": "a"}],
            },
            {"node_name": "pve", "datastore_id": "local", "content_type": "snippets", "source_raw": {"file_name": "a"}},
        ),
    ],
)
def test_the_same(type_: str, one: dict[str, Any], other: dict[str, Any]) -> None:
    assert identity(type_, one) is not None
    assert identity(type_, one) == identity(type_, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((f"{LONG}vm", {"vm_id": 100}), (f"{LONG}vm", {"vm_id": 101})),
        ((f"{LONG}vm", {"vm_id": 100}), (f"{LONG}container", {"vm_id": 100})),
        ((f"{LONG}firewall_rules", {}), (f"{LONG}firewall_rules", {"node_name": "pve"})),
        ((f"{LONG}firewall_rules", {"vm_id": 5}), (f"{LONG}firewall_rules", {"container_id": 5})),
    ],
)
def test_not_the_same(one: tuple[str, dict[str, Any]], other: tuple[str, dict[str, Any]]) -> None:
    assert identity(*one) != identity(*other)


@pytest.mark.parametrize(
    ("type_", "arguments"),
    [
        ("null_resource", {"id": "1"}),
        (f"{LONG}vm", {"name": "web"}),
        (f"{LONG}pool", {"pool_id": ""}),
        (f"{SHORT}user_token", {"user_id": "${proxmox_virtual_environment_user.a.user_id}", "token_name": "t"}),
    ],
)
def test_what_has_no_name_before_an_apply_is_never_moved(type_: str, arguments: dict[str, Any]) -> None:
    assert identity(type_, arguments) is None


def test_a_deprecated_type_is_its_short_one() -> None:
    file = {"node_name": "pve", "datastore_id": "local", "content_type": "import", "file_name": "a.qcow2"}

    assert identity(f"{LONG}download_file", file) == identity(f"{SHORT}download_file", file)
