"""What a person is shown of a plan, and what never."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from operations.deployment_review import LISTED, Change, changed_arguments, changes_of, counts, show_review
from operations.terraform import Plan
from operations.terraform_messages import Action, Drift, PlannedChange
from operations.terraform_stacks import Resource, Stack

VM = "proxmox_virtual_environment_vm"


def change(name: str, action: Action, **arguments: Any) -> Change:
    return Change("dev-web", Resource(f"{VM}.{name}", VM, name, {"node_name": "pve", **arguments}), action)


def review(*changes: Change) -> str:
    stream = io.StringIO()
    show_review(Console(file=stream, width=80), changes, stacks=["dev-web"])
    return stream.getvalue()


def test_guests_that_are_lost_come_first_and_loud() -> None:
    lost = Change(
        "dev-web", Resource(f"{VM}.db", VM, "db", {"vm_id": 9101, "node_name": "pve"}), "replace", ("node_name",)
    )
    text = review(change("web", "create", vm_id=9100), lost)
    assert text.splitlines()[1:3] == [
        "DESTROYS 1 guest with all that is on their disks:",
        "  ± VM db (9101) on pve, made anew because of node_name",
    ]
    assert text.index("DESTROYS") < text.index("+ VM web (9100)")


def test_what_is_added_is_counted_beyond_a_screen_and_what_is_lost_is_always_listed() -> None:
    added = [change(f"new-{number}", "create") for number in range(LISTED + 5)]
    lost = [change(f"old-{number}", "delete") for number in range(LISTED + 5)]
    text = review(*added, *lost)
    assert text.count("+ VM") == LISTED
    assert "… and 5 more" in text
    assert all(
        text.count(f"- VM old-{number} ") + text.count(f"- VM old-{number}\n") == 2 for number in range(LISTED + 5)
    )


def test_nothing_is_printed_for_a_stack_without_changes() -> None:
    assert review() == ""


def test_only_numbers_and_switches_are_shown_with_their_values() -> None:
    entry = {
        "before": {"memory": [{"dedicated": 1024}], "name": "old-secret", "on_boot": False, "tags": ["a"]},
        "after": {"memory": [{"dedicated": 2048}], "name": "new-secret", "on_boot": True, "tags": ["a", "b"]},
    }
    assert changed_arguments(entry) == ("memory.dedicated 1024 → 2048", "name", "on_boot false → true", "tags")


def test_sensitive_values_are_not_shown_even_where_they_are_numbers() -> None:
    entry = {
        "before": {"pin": 1234, "inner": [{"code": 1}]},
        "after": {"pin": 4321, "inner": [{"code": 2}]},
        "before_sensitive": {"pin": True, "inner": [{"code": True}]},
        "after_sensitive": {},
    }
    assert changed_arguments(entry) == ("inner.code", "pin")


def test_what_is_only_known_after_the_apply_is_no_change_of_its_own() -> None:
    entry = {"before": {"cores": 1, "ipv4": ["a"]}, "after": {"cores": 2}, "after_unknown": {"ipv4": True}}
    assert changed_arguments(entry) == ("cores 1 → 2",)


def test_a_new_block_is_named() -> None:
    assert changed_arguments({"before": {"disk": [{"size": 1}]}, "after": {"disk": [{"size": 1}, {"size": 2}]}}) == (
        "disk",
    )


def test_only_an_update_of_what_drifted_counts_as_drift(tmp_path: Path) -> None:
    (tmp_path / "cdk.tf.json").write_text("{}", encoding="utf-8")
    plan = Plan(
        Stack("dev-web", tmp_path),
        tmp_path / "plan",
        changes=(
            PlannedChange(f"{VM}.a", "update"),
            PlannedChange(f"{VM}.b", "update"),
            PlannedChange(f"{VM}.c", "create"),
        ),
        drift=(Drift(f"{VM}.a", "update"), Drift(f"{VM}.c", "delete")),
    )
    assert [item.drifted for item in changes_of(plan)] == [True, False, False]


def test_the_reason_of_a_replacement_comes_from_the_plan(tmp_path: Path) -> None:
    (tmp_path / "cdk.tf.json").write_text("{}", encoding="utf-8")
    plan = Plan(Stack("dev-web", tmp_path), tmp_path / "plan", changes=(PlannedChange(f"{VM}.gone", "replace"),))
    before = {"vm_id": 9100, "node_name": "pve"}
    shown = {
        "resource_changes": [
            {"address": f"{VM}.gone", "change": {"before": before, "replace_paths": [["disk", 0, "file_id"]]}}
        ]
    }
    (found,) = changes_of(plan, shown)
    assert (found.details, found.resource.label) == (("disk.file_id",), "VM gone (9100)")


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        (["create", "create", "update"], "2 to create, 1 to change"),
        (["delete", "replace"], "1 to replace, 1 to destroy"),
        ([], ""),
    ],
)
def test_counts(actions: list[Action], words: str) -> None:
    assert counts([change(str(number), action) for number, action in enumerate(actions)]) == words
