"""Guests with another key or group between two revisions are the same guests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from operations.comparison.arguments import Schemas, read_schemas
from operations.comparison.plans import arrivals_of, plan_between
from operations.comparison.state_moves import Arrivals, state_moves
from operations.review import Action, Review, Verdict, review
from operations.terraform.stacks import Stack

VM = "proxmox_virtual_environment_vm"
OPTIONS = "proxmox_virtual_environment_firewall_options"
FILE = "proxmox_virtual_environment_file"
SCHEMAS: Schemas = read_schemas(Path(__file__).resolve().parents[3] / "schemas")

Stacks = dict[str, dict[str, Any]]
"""Arguments by address, by stack."""


def _stacks(folder: Path, content: Stacks) -> dict[str, Stack]:
    found = {}
    for name, resources in content.items():
        configuration: dict[str, Any] = {"resource": {}, "moved": resources.pop("moved", [])}
        for address, arguments in resources.items():
            type_, _, own = address.partition(".")
            configuration["resource"].setdefault(type_, {})[own] = arguments
        (folder / name).mkdir(parents=True)
        (folder / name / "cdk.tf.json").write_text(json.dumps(configuration), encoding="utf-8")
        found[name] = Stack(name, folder / name)
    return found


def _compared(folder: Path, before: Stacks, after: Stacks) -> Review:
    old, new = _stacks(folder / "before", before), _stacks(folder / "after", after)
    moves = state_moves(old, new, {"prod", "prod-eu", "dev"})
    configurations = {name: stack.configuration for name, stack in old.items()}
    return review(
        [
            plan_between(
                name,
                configurations.get(name),
                new[name].configuration if name in new else None,
                SCHEMAS,
                arrivals_of(name, moves.get(name, Arrivals()), configurations, SCHEMAS),
            )
            for name in {**old, **new}
        ]
    )


def _web(vm_id: int = 9100, **arguments: Any) -> dict[str, Any]:
    return {"vm_id": vm_id, "node_name": "pve", "name": "web", **arguments}


def _done(found: Review) -> dict[tuple[str, str], tuple[Action, str]]:
    return {(change.stack, change.address): (change.action, change.moved_from) for change in found.changes}


def test_another_key(tmp_path: Path) -> None:
    before: Stacks = {"prod-web": {f"{VM}.web": _web(), f"{OPTIONS}.web": {"vm_id": 9100, "enabled": True}}}
    after: Stacks = {"prod-web": {f"{VM}.www": _web(name="www"), f"{OPTIONS}.www": {"vm_id": 9100, "enabled": True}}}
    found = _compared(tmp_path, before, after)
    assert _done(found) == {
        ("prod-web", f"{VM}.www"): (Action.UPDATE, f"{VM}.web"),
        ("prod-web", f"{OPTIONS}.www"): (Action.NONE, f"{OPTIONS}.web"),
    }
    assert [(finding.kind, finding.what) for finding in found.findings] == [
        ("state-move", f"VM web (9100) was {VM}.web"),
        ("moved", f"{OPTIONS}.www was {OPTIONS}.web"),
    ]
    assert "destroyed and made anew" in found.findings[0].consequence


def test_another_group(tmp_path: Path) -> None:
    found = _compared(tmp_path, {"prod-web": {f"{VM}.web": _web()}}, {"prod-shop": {f"{VM}.web": _web()}})
    assert _done(found) == {("prod-shop", f"{VM}.web"): (Action.NONE, f"prod-web: {VM}.web")}
    assert found.verdict is Verdict.CHANGES


def test_what_gets_lost_on_the_way_is_still_found(tmp_path: Path) -> None:
    disks = [{"interface": "scsi0", "size": 20}, {"interface": "scsi1", "size": 50}]
    before: Stacks = {"prod-web": {f"{VM}.web": _web(disk=disks)}}
    found = _compared(tmp_path, before, {"prod-shop": {f"{VM}.www": _web(disk=disks[:1])}})
    assert [finding.kind for finding in found.findings if finding.blocks] == ["disk-removed"]


def test_two_guests_change_places(tmp_path: Path) -> None:
    before: Stacks = {"prod-web": {f"{VM}.a": _web(9100), f"{VM}.b": _web(9101)}}
    found = _compared(tmp_path, before, {"prod-web": {f"{VM}.a": _web(9101), f"{VM}.b": _web(9100)}})
    assert _done(found) == {
        ("prod-web", f"{VM}.a"): (Action.NONE, f"{VM}.b"),
        ("prod-web", f"{VM}.b"): (Action.NONE, f"{VM}.a"),
    }


def test_another_guest_takes_the_key(tmp_path: Path) -> None:
    before: Stacks = {"prod-web": {f"{VM}.web": _web(9100)}}
    found = _compared(tmp_path, before, {"prod-web": {f"{VM}.web": _web(9200), f"{VM}.old": _web(9100)}})
    assert _done(found) == {
        ("prod-web", f"{VM}.web"): (Action.CREATE, ""),
        ("prod-web", f"{VM}.old"): (Action.NONE, f"{VM}.web"),
    }


def test_a_snippet_comes_along_with_its_volume(tmp_path: Path) -> None:
    def stack(key: str, name: str, content: str = "a") -> dict[str, Any]:
        snippet = {"node_name": "pve", "datastore_id": "local", "content_type": "snippets"}
        return {
            f"{FILE}.{key}": {**snippet, "source_raw": {"file_name": name, "data": content}},
            f"{VM}.{key}": _web(initialization={"user_data_file_id": f"${{{FILE}.{key}.id}}"}),
        }

    same = _compared(tmp_path / "same", {"prod-web": stack("a", "x.yaml")}, {"prod-shop": stack("a", "x.yaml")})
    assert same.verdict is Verdict.CHANGES
    other = _compared(tmp_path / "other", {"prod-web": stack("a", "a.yaml")}, {"prod-web": stack("b", "b.yaml")})
    assert [finding.kind for finding in other.findings if finding.blocks] == ["snippet-cascade"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Another number is another guest.
        ({"prod-web": {f"{VM}.web": _web(9100)}}, {"prod-web": {f"{VM}.www": _web(9101)}}),
        # Another environment may be another cluster.
        ({"prod-web": {f"{VM}.web": _web()}}, {"dev-web": {f"{VM}.web": _web()}}),
        ({"prod-web": {f"{VM}.web": _web()}}, {"prod-eu-web": {f"{VM}.web": _web()}}),
        # What two claim belongs to nobody for sure.
        ({"prod-web": {f"{VM}.web": _web()}}, {"prod-web": {f"{VM}.a": _web(), f"{VM}.b": _web()}}),
    ],
)
def test_it_is_not_the_same_guest(tmp_path: Path, before: Stacks, after: Stacks) -> None:
    found = _compared(tmp_path, before, after)
    assert [finding.kind for finding in found.findings if finding.blocks] == ["guest-destroyed"]


def test_what_the_stack_says_itself_counts(tmp_path: Path) -> None:
    after: Stacks = {"prod-web": {f"{VM}.www": _web(), "moved": [{"from": f"{VM}.web", "to": f"{VM}.www"}]}}
    found = _compared(tmp_path, {"prod-web": {f"{VM}.web": _web()}}, after)
    assert [(finding.kind, finding.what) for finding in found.findings] == [("moved", f"VM web (9100) was {VM}.web")]
