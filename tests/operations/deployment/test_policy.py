"""The policy before every apply, and the documents that it reads: the plan in full, or the configuration."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from operations.deployment.documents import configuration_is_enough, document_of
from operations.deployment.policy import Policy, allow_list_in, guests_lost, show_review, today
from operations.review import Action, Allowance, ReviewError, Verdict
from operations.terraform.messages import Drift, PlannedChange
from operations.terraform.process import Processes
from operations.terraform.stacks import Stack
from operations.terraform.terraform import Plan, Terraform

VM = "proxmox_virtual_environment_vm"
ADDRESS = f"{VM}.db"
DB = {"node_name": "pve", "vm_id": 9101, "name": "db", "disk": [{"interface": "scsi0", "size": 20}]}


class Shown(Terraform):
    """A Terraform that shows one plan, and counts how often it is asked to."""

    def __init__(self, document: dict[str, Any]) -> None:
        super().__init__("terraform", {}, Processes())
        self.document = document
        self.asked = 0

    def show(self, plan: Plan) -> str:
        assert plan.file.name == "plan"
        self.asked += 1
        return json.dumps(self.document)


def plan_of(folder: Path, resources: dict[str, Any], *changes: PlannedChange, **more: Any) -> Plan:
    folder.mkdir(exist_ok=True)
    (folder / "cdk.tf.json").write_text(json.dumps({"resource": resources}), encoding="utf-8")
    return Plan(Stack("dev-web", folder), folder / "plan", changes, **more)


def shown(actions: list[str], after: dict[str, Any] | None) -> dict[str, Any]:
    change = {"actions": actions, "before": DB, "after": after}
    entry = {"address": ADDRESS, "type": VM, "mode": "managed", "change": change}
    return {"format_version": "1.2", "resource_changes": [entry], "configuration": {}}


def test_what_is_only_created_is_judged_without_asking_terraform(tmp_path: Path) -> None:
    resources = {VM: {"db": {**DB, "description": "${file.x}", "lifecycle": {}}, "web": {**DB, "vm_id": 9100}}}
    terraform = Shown({})
    document = document_of(plan_of(tmp_path, resources, PlannedChange(ADDRESS, "create")), terraform)
    assert terraform.asked == 0
    db, web = document.changes
    assert (db.action, db.before, db.after["vm_id"]) == (Action.CREATE, {}, 9101)
    assert (db.after["description"], db.after_unknown["description"]) == (None, True)
    assert (web.action, web.before["vm_id"], web.after["vm_id"]) == (Action.NONE, 9100, 9100)
    judged = Policy().judge([document])
    assert judged.verdict is Verdict.CHANGES
    assert [(node.guests, node.node) for node in judged.capacity.nodes] == [((1, 2), "pve")]


@pytest.mark.parametrize("action", ["update", "replace", "delete", "import", "move", "forget"])
def test_everything_else_is_read_from_the_plan_in_full(tmp_path: Path, action: Any) -> None:
    assert not configuration_is_enough(plan_of(tmp_path, {}, PlannedChange(ADDRESS, action)))


def test_drift_and_repeated_resources_are_read_from_the_plan_in_full(tmp_path: Path) -> None:
    assert not configuration_is_enough(plan_of(tmp_path, {}, drift=(Drift(ADDRESS, "update"),)))
    assert not configuration_is_enough(plan_of(tmp_path / "b", {VM: {"db": {**DB, "for_each": {"a": 1}}}}))
    assert configuration_is_enough(plan_of(tmp_path / "c", {VM: {"db": DB}}))


def test_a_loss_is_refused_with_the_entry_to_write(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, {}, PlannedChange(ADDRESS, "delete"))
    document = document_of(plan, Shown(shown(["delete"], None)))
    judged = Policy().judge([document])
    refusal = Policy(file="allowed.yaml").refusal(judged)
    assert refusal is not None
    assert refusal.kind == "blocked"
    assert refusal.message == "one change is blocked, because data or protection would be lost"
    assert refusal.places == (f"stack dev-web, {ADDRESS}",)
    assert refusal.fix[2:] == (
        f"  - address: {ADDRESS}",
        "    stack: dev-web",
        "    finding: guest-destroyed",
        "    reason:",
        f"    expires: {today() + timedelta(days=7)}",
    )
    assert guests_lost(judged) == 1


def test_a_smaller_disk_is_not_only_allowed_but_impossible(tmp_path: Path) -> None:
    smaller = {**DB, "disk": [{"interface": "scsi0", "size": 10}]}
    plan = plan_of(tmp_path, {}, PlannedChange(ADDRESS, "update"))
    refusal = Policy().refusal(Policy().judge([document_of(plan, Shown(shown(["update"], smaller)))]))
    assert refusal is not None
    assert refusal.fix[0] == "a disk never gets smaller: write the size it has, or make its guest anew"


def test_what_the_command_itself_was_asked_for_passes_and_nothing_else(tmp_path: Path) -> None:
    document = document_of(
        plan_of(tmp_path, {}, PlannedChange(ADDRESS, "replace")), Shown(shown(["delete", "create"], DB))
    )
    asked = Allowance(ADDRESS, "asked for", today(), "dev-web")
    policy = Policy()
    assert policy.refusal(policy.judge([document], [asked])) is None
    elsewhere = Allowance(ADDRESS, "asked for", today(), "dev-dns")
    assert policy.refusal(policy.judge([document], [elsewhere])) is not None


def test_a_review_fits_a_screen_and_what_is_lost_is_always_in_it(tmp_path: Path) -> None:
    many = {f"web-{number}": {**DB, "vm_id": 200 + number} for number in range(40)}
    changes = [PlannedChange(f"{VM}.{name}", "create") for name in many]
    terraform = Shown(shown(["delete"], None))
    lost = document_of(plan_of(tmp_path / "a", {}, PlannedChange(ADDRESS, "delete")), terraform)
    made_by = plan_of(tmp_path / "b", {VM: many}, *changes)
    made = document_of(replace(made_by, stack=Stack("dev-new", made_by.stack.folder)), terraform)
    stream = io.StringIO()
    show_review(Console(file=stream, width=80), Policy().judge([lost, made]))
    text = stream.getvalue()
    assert text.startswith("\nBLOCKED: 40 to create, 1 to destroy; 1 blocked")
    assert "[blocked] VM db (9101) is destroyed on pve" in text
    assert "… and 29 more" in text
    assert len(text.splitlines()) < 40


def test_nothing_is_printed_where_nothing_changes(tmp_path: Path) -> None:
    stream = io.StringIO()
    show_review(Console(file=stream), Policy().judge([document_of(plan_of(tmp_path, {VM: {"db": DB}}), Shown({}))]))
    assert stream.getvalue() == ""


def test_the_allow_list_is_the_project_s_or_the_one_that_is_named(tmp_path: Path) -> None:
    assert allow_list_in(tmp_path).allowances == ()
    entry = f"- {{address: {ADDRESS}, reason: moved, expires: {today()}}}\n"
    (tmp_path / "allowed-changes.yaml").write_text(entry, encoding="utf-8")
    assert [allowance.address for allowance in allow_list_in(tmp_path).allowances] == [ADDRESS]
    with pytest.raises(ReviewError, match=r"no-such\.yaml can't be read: No such file"):
        allow_list_in(tmp_path, tmp_path / "no-such.yaml")
