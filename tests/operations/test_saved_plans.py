"""Plans that are kept: only in a private folder, only as they were reviewed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operations.deployment.schedule import StackFailure
from operations.saved_plans import SavedPlansError, prepare_folder, read_saved_plans, save_plans
from operations.terraform.stacks import Stack
from operations.terraform.terraform import Plan, Terraform

ADDRESS = "proxmox_virtual_environment_vm.db"


class Shows(Terraform):
    """A Terraform that only shows."""

    def __init__(self) -> None:
        pass

    def show(self, plan: Plan) -> str:
        change = {"actions": ["delete", "create"], "before": {"vm_id": 9101}, "after": {"vm_id": 9101}}
        moved = {"actions": ["no-op"], "before": {}, "after": {}}
        return json.dumps(
            {
                "format_version": "1.2",
                "configuration": {},
                "output_changes": {"ids": {"actions": ["create"]}},
                "resource_changes": [
                    {"address": ADDRESS, "type": "proxmox_virtual_environment_vm", "change": change},
                    {"address": "pool.b", "type": "pool", "previous_address": "pool.a", "change": moved},
                    {"address": f"pool.{plan.stack.name}", "type": "pool", "change": moved},
                ],
            }
        )


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    folder = tmp_path / "stack"
    folder.mkdir()
    (folder / "cdk.tf.json").write_text("{}", encoding="utf-8")
    return Stack("dev-web", folder)


@pytest.fixture
def folder(tmp_path: Path, stack: Stack) -> Path:
    plan = tmp_path / "plan"
    plan.write_bytes(b"everything that Terraform knows")
    prepare_folder(tmp_path / "kept")
    save_plans(tmp_path / "kept", "dev", [Plan(stack, plan)])
    return tmp_path / "kept"


def test_nobody_else_can_read_them(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "dev-web.tfplan").stat().st_mode & 0o777 == 0o600


def test_they_are_taken_as_they_are(folder: Path, stack: Stack, tmp_path: Path) -> None:
    plan, document = read_saved_plans(folder, "dev").take(stack, Shows(), tmp_path)
    assert [(change.address, change.action) for change in plan.changes] == [(ADDRESS, "replace"), ("pool.b", "move")]
    assert plan.outputs == {"ids": "create"}
    assert plan.file.read_bytes() == b"everything that Terraform knows"
    assert document.labels[ADDRESS] == "VM db (9101)"


def test_a_file_that_is_not_the_reviewed_one_is_refused(folder: Path, stack: Stack, tmp_path: Path) -> None:
    (folder / "dev-web.tfplan").write_bytes(b"another one")
    with pytest.raises(StackFailure) as refused:
        read_saved_plans(folder, "dev").take(stack, Shows(), tmp_path)
    assert refused.value.diagnoses[0].found == "the file is not the one that was reviewed"


def test_a_folder_that_holds_something_is_not_written_to(folder: Path) -> None:
    with pytest.raises(SavedPlansError, match="is not empty"):
        prepare_folder(folder)


def test_plans_of_another_environment_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SavedPlansError, match="are of dev, not of prod"):
        read_saved_plans(folder, "prod")
    with pytest.raises(SavedPlansError, match="homelab review --environment prod --save DIR"):
        read_saved_plans(tmp_path / "nowhere", "prod")
