"""Stacks from an environment file, and states that no stack belongs to any more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from operations.deployment.synthesis import Orphan, SynthesisError, orphaned_stack, orphans, synthesize
from operations.terraform.process import Processes
from operations.terraform.stacks import Stack

VM = "proxmox_virtual_environment_vm"


def stack(project: Path, name: str) -> Stack:
    folder = project / "cdktf.out" / "stacks" / name
    folder.mkdir(parents=True)
    configuration = {
        "terraform": {
            "backend": {"local": {"path": f"../../../state/{name}.tfstate"}},
            "required_providers": {"proxmox": {}},
        },
        "provider": {"proxmox": [{"endpoint": "https://pve:8006"}]},
        "resource": {VM: {"web": {}}},
    }
    (folder / "cdk.tf.json").write_text(json.dumps(configuration), encoding="utf-8")
    return Stack(name, folder)


def state(project: Path, name: str, *numbers: int) -> None:
    resources: list[dict[str, Any]] = [
        {"mode": "managed", "type": VM, "name": f"vm-{number}", "instances": [{"attributes": {"vm_id": number}}]}
        for number in numbers
    ]
    file = project / "state" / f"{name}.tfstate"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"version": 4, "resources": resources}), encoding="utf-8")


def test_a_folder_without_an_app_is_named(tmp_path: Path) -> None:
    file = tmp_path / "home.yaml"
    with pytest.raises(SynthesisError) as caught:
        synthesize(file, root=tmp_path, output=tmp_path / "cdktf.out", environ={}, processes=Processes())
    assert str(caught.value) == (
        f"{tmp_path} is no folder of a project: it has no main.py\n"
        "    allowed:  the folder with main.py and cdktf.json, or one inside of it\n"
        f"    fix:      change to that folder, and run it there with --environment {file}"
    )


def test_a_state_with_resources_and_without_a_stack_is_an_orphan(tmp_path: Path) -> None:
    stacks = [stack(tmp_path, "prod-web")]
    for name, numbers in {
        "prod-web": [9100],
        "prod-old": [9200, 9201],
        "prod-empty": [],
        "staging-web": [9300],
    }.items():
        state(tmp_path, name, *numbers)
    (found,) = orphans(stacks, "prod")
    assert (found.name, found.resources, found.guests) == ("prod-old", 2, ("vm-9200 (9200)", "vm-9201 (9201)"))


def test_states_of_an_environment_with_a_longer_name_are_its_own(tmp_path: Path) -> None:
    stacks = [stack(tmp_path, "prod-web")]
    state(tmp_path, "prod-eu-web", 9100)
    assert [orphan.name for orphan in orphans(stacks, "prod", ["prod", "dev"])] == ["prod-eu-web"]
    assert orphans(stacks, "prod", ["prod", "prod-eu"]) == []


def test_a_state_that_can_t_be_read_is_not_passed_over(tmp_path: Path) -> None:
    stacks = [stack(tmp_path, "prod-web")]
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "prod-old.tfstate").write_text("{", encoding="utf-8")
    assert [(orphan.name, orphan.resources) for orphan in orphans(stacks, "prod")] == [("prod-old", None)]


def test_an_orphan_gets_an_empty_stack_with_its_own_state(tmp_path: Path) -> None:
    sibling = stack(tmp_path, "prod-web")
    found = orphaned_stack(Orphan("prod-old", tmp_path / "state" / "prod-old.tfstate", 1, ()), sibling)
    assert found.state_file == tmp_path / "state" / "prod-old.tfstate"
    assert found.configuration["provider"] == sibling.configuration["provider"]
    assert not found.resources
    assert sibling.state_file == tmp_path / "state" / "prod-web.tfstate"
