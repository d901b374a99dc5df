"""What stays when the rest is destroyed, and how protection is lifted for a moment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from operations.deployment.holdings import holdings, left_out_of_backups, protection_lifted
from operations.terraform.stacks import Stack

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


CONTAINER = "proxmox_virtual_environment_container"


@pytest.mark.parametrize(
    ("type_", "values", "expected"),
    [
        (VM, {"name": "a", "vm_id": 1, "disk": [{"interface": "scsi0", "size": 8}]}, None),
        (
            VM,
            {"name": "a", "vm_id": 1, "disk": [{"interface": f"scsi{n}", "size": 8} for n in range(2)]},
            ("a", "scsi1 (8 GiB)"),
        ),
        (VM, {"name": "a", "vm_id": 1, "protection": True, "disk": []}, ("a", "protected")),
        # A template can be made again from its image.
        (VM, {"name": "a", "vm_id": 1, "protection": True, "template": True}, None),
        (
            CONTAINER,
            {
                "vm_id": 1,
                "initialization": [{"hostname": "db"}],
                "disk": [{"size": 8}],
                "mount_point": [{"size": "5G"}],
            },
            ("db", "mp0 (5 GiB)"),
        ),
        # A folder of the node stays where it is.
        (CONTAINER, {"vm_id": 1, "disk": [{"size": 8}], "mount_point": [{"volume": "/tank"}]}, None),
        ("docker_volume", {"name": "infisical-postgres"}, ("infisical-postgres", "a volume")),
        (FILE, {"id": "x"}, None),
    ],
)
def test_what_holds_data_is_known_with_its_name(
    tmp_path: Path, type_: str, values: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    (tmp_path / "cdk.tf.json").write_text("{}", encoding="utf-8")
    state = {"values": {"root_module": {"resources": [entry(f"{type_}.x", **values)]}}}
    found = holdings(Stack("dev-web", tmp_path), state, include_protected=True).data
    assert [(data.name, data.why) for data in found] == ([expected] if expected else [])


def test_what_stays_is_not_asked_for(stack: Stack) -> None:
    assert holdings(stack, STATE, include_protected=False).data == []


@pytest.mark.parametrize(
    ("type_", "values", "labels"),
    [
        (CONTAINER, {"disk": [{"size": 8}], "mount_point": [{"path": "/d", "size": "5G", "backup": True}]}, []),
        (CONTAINER, {"mount_point": [{"path": "/d", "size": "5G", "backup": False}]}, ["mp0 at /d (5 GiB)"]),
        (CONTAINER, {"mount_point": [{"path": "/d", "volume": "/tank", "backup": False}]}, []),
        (VM, {"disk": [{"interface": "scsi0", "size": 8, "backup": False}]}, ["scsi0 (8 GiB)"]),
    ],
)
def test_disks_that_no_backup_has_are_known(type_: str, values: dict[str, Any], labels: list[str]) -> None:
    assert [disk.label for disk in left_out_of_backups(type_, values)] == labels
