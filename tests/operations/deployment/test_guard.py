"""Which of the guests that a plan creates are there already, and whose they are."""

from __future__ import annotations

from typing import Any

import pytest

from operations.deployment.changes import Change
from operations.deployment.guard import foreign_guest, taken
from operations.diagnosis.diagnosis import Surroundings
from operations.terraform.messages import Action
from operations.terraform.stacks import Resource

VM, CONTAINER = "proxmox_virtual_environment_vm", "proxmox_virtual_environment_container"
OURS = {"type": "qemu", "name": "web", "node": "pve", "tags": "dev;homelab"}


def creation(type_: str = VM, action: Action = "create", **arguments: Any) -> Change:
    return Change(
        "dev-web",
        Resource(f"{type_}.web", type_, "web", {"vm_id": 9100, "node_name": "pve", "name": "web", **arguments}),
        action,
    )


def test_a_free_number_is_free() -> None:
    found = taken([creation()], {9101: OURS}, "dev")
    assert (found.unfinished, found.foreign) == ((), ())


def test_ours_is_recognized_by_kind_node_name_and_tag() -> None:
    change = creation()
    assert taken([change], {9100: OURS}, "dev").unfinished == (change,)


def test_a_container_is_recognized_by_its_host_name() -> None:
    change = creation(CONTAINER, name=None, initialization=[{"hostname": "web"}])
    assert taken([change], {9100: {**OURS, "type": "lxc"}}, "dev").unfinished == (change,)


@pytest.mark.parametrize(
    "other",
    [{"type": "lxc"}, {"name": "mail"}, {"node": "pve2"}, {"tags": "homelab"}, {"tags": ""}, {"tags": "development"}],
)
def test_anything_else_is_somebody_else_s(other: dict[str, str]) -> None:
    found = taken([creation()], {9100: {**OURS, **other}}, "dev")
    assert found.unfinished == ()
    assert len(found.foreign) == 1


@pytest.mark.parametrize("action", ["update", "delete", "replace"])
def test_guests_in_the_state_are_not_looked_at(action: Action) -> None:
    found = taken([creation(action=action)], {9100: {**OURS, "name": "mail"}}, "dev")
    assert (found.unfinished, found.foreign) == ((), ())


def test_the_error_says_who_has_the_number_and_how_to_adopt_it() -> None:
    ((change, who),) = taken([creation()], {9100: {**OURS, "name": "mail"}}, "dev").foreign
    text = foreign_guest(change, who, Surroundings(key_paths={"web": "vms.web"}, file="environments/dev.yaml")).render()
    for words in (
        "VMID 9100",
        "VM mail on pve",
        "environments/dev.yaml: vms.web",
        "homelab adopt --dry-run",
    ):
        assert words in text
