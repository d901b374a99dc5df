"""What leads from one configuration of a stack to another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from operations.comparison.arguments import Schemas, read_schemas
from operations.comparison.plans import plan_between
from operations.review import Action, review
from operations.review.plan import Change

VM = "proxmox_virtual_environment_vm"
CONTAINER = "proxmox_virtual_environment_container"
SCHEMAS: Schemas = read_schemas(Path(__file__).resolve().parents[3] / "schemas")


def _stack(*, output: dict[str, Any] | None = None, **extra: Any) -> dict[str, Any]:
    resources: dict[str, dict[str, Any]] = {}
    other = {}
    for name, value in extra.items():
        if name in ("moved", "removed", "import_"):
            other[name.rstrip("_")] = value
        else:
            resources.setdefault(value.pop("type", VM), {})[name] = value
    return {"resource": resources, "output": output or {}, **other}


def _only(before: dict[str, Any] | None, after: dict[str, Any] | None) -> Change:
    (change,) = plan_between("prod-web", before, after, SCHEMAS).changes
    return change


def test_a_new_stack_creates() -> None:
    change = _only(None, _stack(web={"vm_id": 9100}))
    assert (change.action, change.address, change.stack) == (Action.CREATE, f"{VM}.web", "prod-web")


def test_a_stack_that_is_gone_destroys() -> None:
    change = _only(_stack(web={"vm_id": 9100}), None)
    assert (change.action, change.before["vm_id"]) == (Action.DELETE, 9100)
    result = review([plan_between("prod-web", _stack(web={"vm_id": 9100}), None, SCHEMAS)])
    assert [(found.kind, found.blocks, found.cause) for found in result.findings] == [
        (
            "guest-destroyed",
            True,
            "its stack is gone: deploying leaves it as it is and unmanaged, until homelab destroy destroys it",
        )
    ]


def test_an_environment_with_another_name_is_no_move() -> None:
    before = _stack(web={"vm_id": 9100})
    plans = [plan_between("stage-web", before, None, SCHEMAS), plan_between("test-web", None, before, SCHEMAS)]
    (found,) = review(plans).findings
    assert f"test-web: {VM}.web makes one with its VMID, which Proxmox refuses" in found.consequence
    assert "homelab moves" not in found.consequence


def test_the_same_changes_nothing() -> None:
    stack = {"vm_id": 9100, "cpu": {"cores": 2}, "lifecycle": {"ignore_changes": ["clone"]}}
    assert _only(_stack(web=dict(stack)), _stack(web=dict(stack))).action is Action.NONE


def test_a_block_is_the_same_as_a_list_of_one() -> None:
    assert _only(_stack(web={"cpu": {"cores": 2}}), _stack(web={"cpu": [{"cores": 2}]})).action is Action.NONE


def test_unset_arguments_of_a_list_are_the_same_as_left_out_ones() -> None:
    before = {"network_device": [{"bridge": "vmbr0", "mtu": None}]}
    assert _only(_stack(web=before), _stack(web={"network_device": [{"bridge": "vmbr0"}]})).action is Action.NONE


def test_another_order_of_the_disks_is_no_change() -> None:
    disks = [{"interface": "scsi0", "size": 8}, {"interface": "scsi1", "size": 9}]
    assert _only(_stack(web={"disk": disks}), _stack(web={"disk": disks[::-1]})).action is Action.NONE


def test_what_is_ignored_stays_as_it_was() -> None:
    lifecycle = {"ignore_changes": ["clone", "initialization[0].user_account"]}
    before = {"clone": {"vm_id": 1}, "initialization": {"user_account": {"keys": ["a"]}}, "lifecycle": lifecycle}
    after = {"clone": {"vm_id": 2}, "initialization": {"user_account": {"keys": ["b"]}}, "lifecycle": lifecycle}
    change = _only(_stack(web=before), _stack(web=after))
    assert change.action is Action.NONE


def test_beside_what_is_ignored_a_change_is_seen() -> None:
    lifecycle = {"ignore_changes": ["initialization[0].user_account"]}
    before = {"initialization": {"interface": "ide2", "user_account": {"keys": ["a"]}}, "lifecycle": lifecycle}
    after = {"initialization": {"interface": "ide0", "user_account": {"keys": ["b"]}}, "lifecycle": lifecycle}
    change = _only(_stack(web=before), _stack(web=after))
    assert change.action is Action.UPDATE
    assert change.after["initialization"][0] == {"interface": "ide0", "user_account": [{"keys": ["a"]}]}


def test_all_can_be_ignored() -> None:
    after = {"memory": {"dedicated": 2}, "lifecycle": {"ignore_changes": "all"}}
    assert _only(_stack(web={"memory": {"dedicated": 1}}), _stack(web=after)).action is Action.NONE


def test_another_node_is_a_migration_where_the_machine_migrates() -> None:
    before, after = {"node_name": "pve"}, {"node_name": "pve2", "migrate": True}
    assert _only(_stack(web=before), _stack(web=after)).action is Action.UPDATE


@pytest.mark.parametrize("type_", [VM, CONTAINER])
def test_another_node_makes_a_guest_anew_otherwise(type_: str) -> None:
    before, after = {"type": type_, "node_name": "pve"}, {"type": type_, "node_name": "pve2"}
    change = _only(_stack(web=before), _stack(web=after))
    assert (change.action, change.replace_paths) == (Action.REPLACE, (("node_name",),))


def test_an_added_mount_point_makes_a_container_anew() -> None:
    point = {"volume": "local-lvm", "size": "4G", "path": "/a"}
    change = _only(_stack(a={"type": CONTAINER}), _stack(a={"type": CONTAINER, "mount_point": [point]}))
    assert change.action is Action.REPLACE


def test_what_belongs_to_a_replaced_guest_is_made_anew_too() -> None:
    rules = {"type": "proxmox_virtual_environment_firewall_rules", "vm_id": 1}
    rules["lifecycle"] = {"replace_triggered_by": [f"{VM}.web.id"]}
    before, after = _stack(web={"vm_id": 1}, rules=dict(rules)), _stack(web={"vm_id": 2}, rules=dict(rules))
    changes = {change.address: change for change in plan_between("prod", before, after, SCHEMAS).changes}
    assert changes["proxmox_virtual_environment_firewall_rules.rules"].reason == "replace_by_triggers"


def test_a_hook_runs_again_for_a_replaced_guest() -> None:
    hook = {"type": "null_resource", "triggers": {"guest": f"${{{CONTAINER}.web.id}}"}}
    before = _stack(web={"type": CONTAINER, "vm_id": 1}, hook=dict(hook))
    after = _stack(web={"type": CONTAINER, "vm_id": 2}, hook=dict(hook))
    changes = {change.address: change.action for change in plan_between("prod", before, after, SCHEMAS).changes}
    assert changes["null_resource.hook"] is Action.REPLACE


def test_a_moved_resource_keeps_what_it_has() -> None:
    change = _only(
        _stack(web={"vm_id": 9100}), _stack(www={"vm_id": 9100}, moved=[{"from": f"{VM}.web", "to": f"{VM}.www"}])
    )
    assert (change.action, change.address, change.previous_address) == (Action.NONE, f"{VM}.www", f"{VM}.web")


def test_a_forgotten_resource_is_not_destroyed() -> None:
    removed = [{"from": f"{VM}.web", "lifecycle": {"destroy": False}}]
    assert _only(_stack(web={"vm_id": 9100}), _stack(removed=removed)).action is Action.FORGET


def test_an_imported_resource_is_not_created() -> None:
    change = _only(None, _stack(web={"vm_id": 9100}, import_=[{"to": f"{VM}.web", "id": "pve/9100"}]))
    assert (change.action, change.import_id) == (Action.NONE, "pve/9100")


def test_a_machine_that_says_nothing_runs() -> None:
    change = _only(_stack(web={}), _stack(web={"started": True}))
    assert change.action is Action.NONE


def test_outputs_are_named_without_their_values() -> None:
    plan = plan_between(
        "prod", _stack(output={"a": {"value": 1}, "b": {"value": 1}}), _stack(output={"a": {"value": 2}}), SCHEMAS
    )
    assert [(output.name, output.action) for output in plan.outputs] == [("a", Action.UPDATE), ("b", Action.DELETE)]


def _serious(before: dict[str, Any], after: dict[str, Any]) -> dict[str, bool]:
    found = review([plan_between("prod-web", before, after, SCHEMAS)]).findings
    return {finding.kind: finding.blocks for finding in found}


KEPT = {"lifecycle": {"prevent_destroy": True}}


@pytest.mark.parametrize("type_", [VM, CONTAINER, "docker_volume", "random_password"])
def test_prevent_destroy_that_goes_is_lost_protection(type_: str) -> None:
    before = _stack(data={"type": type_, **KEPT})
    assert _serious(before, _stack(data={"type": type_})) == {"prevent-destroy-off": True}
    assert _serious(before, _stack(data={"type": type_, "lifecycle": {"prevent_destroy": False}}))
    assert _serious(before, _stack(data={"type": type_, **KEPT, "name": "other"})).get("prevent-destroy-off") is None
    assert _serious(_stack(data={"type": type_}), before) == {}


def test_prevent_destroy_that_goes_with_proxmox_protection_is_one_decision() -> None:
    before = _stack(web={"vm_id": 9100, "protection": True, **KEPT})
    assert _serious(before, _stack(web={"vm_id": 9100, "protection": False})) == {"protection-off": True}


def test_prevent_destroy_that_goes_with_its_guest_is_no_other_loss() -> None:
    assert _serious(_stack(web={"vm_id": 9100, **KEPT}), _stack()) == {"guest-destroyed": True}


def test_prevent_destroy_that_goes_is_told_in_words() -> None:
    before = _stack(web={"vm_id": 9100, "name": "web", **KEPT})
    result = review([plan_between("prod-web", before, _stack(web={"vm_id": 9100, "name": "web"}), SCHEMAS)])
    (found,), (change,) = result.findings, result.changes
    assert change.details == ("lifecycle.prevent_destroy true → none",)
    assert found.what == "VM web (9100): Terraform's prevent_destroy is switched off"
    assert "refused every plan that destroys the guest with its disks" in found.consequence
