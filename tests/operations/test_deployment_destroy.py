"""What stays when the rest is destroyed, and how protection is lifted for a moment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from operations.deployment_holdings import holdings, protection_lifted
from operations.terraform_stacks import Stack

VM, FILE, RULES = (
    "proxmox_virtual_environment_vm",
    "proxmox_virtual_environment_file",
    "proxmox_virtual_environment_firewall_rules",
)


def entry(address: str, *depends_on: str, **values: Any) -> dict[str, Any]:
    return {"address": address, "mode": "managed", "values": values, "depends_on": list(depends_on)}


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    def at(path: str, **arguments: Any) -> dict[str, Any]:
        return {"//": {"metadata": {"path": f"dev-web/{path}"}}, **arguments}

    resources = {
        VM: {
            "db": at("db/Default", protection=True, lifecycle={"prevent_destroy": True}),
            "web": at("web/Default", protection=False),
        },
        FILE: {"shared": at("shared/Default")},
        RULES: {"db_rules": at("db/firewall/rules"), "web_rules": at("web/firewall/rules")},
    }
    (tmp_path / "cdk.tf.json").write_text(json.dumps({"resource": resources}), encoding="utf-8")
    return Stack("dev-web", tmp_path)


STATE = {
    "values": {
        "root_module": {
            "resources": [
                entry(f"{VM}.db", f"{FILE}.shared", protection=True),
                entry(f"{VM}.web", f"{FILE}.shared"),
                entry(f"{FILE}.shared"),
                entry(f"{RULES}.db_rules", f"{VM}.db", f"{FILE}.shared"),
                entry(f"{RULES}.web_rules", f"{VM}.web"),
                {"address": "data.proxmox_version.this", "mode": "data"},
            ]
        }
    }
}


def test_a_protected_guest_keeps_its_firewall_and_what_it_needs(stack: Stack) -> None:
    found = holdings(stack, STATE, include_protected=False)
    assert found.kept == {f"{VM}.db", f"{RULES}.db_rules", f"{FILE}.shared"}
    assert found.targets == [f"{RULES}.web_rules", f"{VM}.web"]
    assert [resource.address for resource in found.protected] == [f"{VM}.db"]


def test_everything_goes_when_protected_ones_are_included(stack: Stack) -> None:
    found = holdings(stack, STATE, include_protected=True)
    assert (found.kept, found.targets) == (frozenset(), [])
    assert [resource.address for resource in found.protected] == [f"{VM}.db"]


def test_protection_counts_also_when_only_the_state_still_says_it(tmp_path: Path) -> None:
    (tmp_path / "cdk.tf.json").write_text("{}", encoding="utf-8")
    state = {"values": {"root_module": {"resources": [entry(f"{VM}.gone", protection=True)]}}}
    assert holdings(Stack("dev-web", tmp_path), state, include_protected=False).kept == {f"{VM}.gone"}


def test_an_empty_state_has_nothing(stack: Stack) -> None:
    assert not holdings(stack, {"format_version": "1.0"}, include_protected=False).resources


def test_protection_is_lifted_in_the_files_and_back_again_even_after_an_error(stack: Stack) -> None:
    file = stack.folder / "cdk.tf.json"
    before = file.read_text(encoding="utf-8")

    def fail_inside() -> None:
        with protection_lifted([stack]) as lifted:
            assert not lifted[0].resources[f"{VM}.db"].prevents_destroy
            inside = json.loads(file.read_text(encoding="utf-8"))["resource"][VM]["db"]
            assert (inside["protection"], inside["lifecycle"]) == (False, {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_inside()
    assert file.read_text(encoding="utf-8") == before
