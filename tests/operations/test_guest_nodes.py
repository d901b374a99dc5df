"""The state gets to know where guests are: their node's name, that of what belongs to them, and nothing else."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from operations.guest_nodes import Moved, corrected

CONTAINER = "proxmox_virtual_environment_container"
MACHINE = "proxmox_virtual_environment_vm"
RULES = "proxmox_virtual_environment_firewall_rules"


def resource(type_: str, name: str, mode: str = "managed", **attributes: Any) -> dict[str, Any]:
    return {"mode": mode, "type": type_, "name": name, "instances": [{"attributes": attributes}]}


STATE: dict[str, Any] = {
    "version": 4,
    "serial": 7,
    "lineage": "abc",
    "resources": [
        resource(CONTAINER, "dns", node_name="pve1", vm_id=9200, description="kept"),
        resource(RULES, "dns", node_name="pve1", container_id=9200, vm_id=None),
        resource(MACHINE, "web", node_name="pve1", vm_id=9100),
        resource(RULES, "web", node_name="pve1", vm_id=9100, container_id=None),
        resource("proxmox_virtual_environment_file", "snippet", node_name="pve1", vm_id=9200),
        resource(CONTAINER, "read", "data", node_name="pve1", vm_id=9200),
    ],
}


def guests(**nodes: str) -> dict[int, dict[str, Any]]:
    known = {"dns": (9200, "lxc"), "web": (9100, "qemu")}
    return {
        known[name][0]: {"vmid": known[name][0], "type": known[name][1], "name": name, "node": node}
        for name, node in nodes.items()
    }


def nodes_in(state: dict[str, Any]) -> list[str]:
    return [entry["instances"][0]["attributes"]["node_name"] for entry in state["resources"]]


def test_a_container_and_its_firewall_follow() -> None:
    state, moved = corrected(STATE, guests(dns="pve2", web="pve1"))

    assert nodes_in(state) == ["pve2", "pve2", "pve1", "pve1", "pve1", "pve1"]
    assert moved == (Moved(9200, "dns", "pve1", "pve2"),)
    assert str(moved[0]) == "dns (9200) is on pve2 now, not on pve1"
    assert state["serial"] == 8


def test_a_machine_whose_firewall_alone_is_behind() -> None:
    behind = copy.deepcopy(STATE)
    behind["resources"][2]["instances"][0]["attributes"]["node_name"] = "pve3"

    state, moved = corrected(behind, guests(dns="pve1", web="pve3"))

    assert nodes_in(state)[2:4] == ["pve3", "pve3"]
    assert moved == ()
    assert state["serial"] == 8


def test_nothing_has_moved() -> None:
    assert corrected(STATE, guests(dns="pve1", web="pve1")) == (STATE, ())


def test_a_guest_that_is_gone_or_is_another_one_is_left_alone() -> None:
    another = {9200: {"vmid": 9200, "type": "qemu", "name": "stranger", "node": "pve2"}}

    state, moved = corrected({**STATE, "resources": STATE["resources"][:1]}, another)

    assert nodes_in(state) == ["pve1"]
    assert moved == ()
    assert corrected(STATE, {})[0] == STATE


def test_no_state() -> None:
    assert corrected({}, guests(dns="pve2")) == ({}, ())


@given(st.sampled_from(["pve1", "pve2"]), st.sampled_from(["pve1", "pve3"]))
def test_nothing_but_names_of_nodes_changes(dns: str, web: str) -> None:
    before = copy.deepcopy(STATE)

    state, _ = corrected(STATE, guests(dns=dns, web=web))

    assert before == STATE
    for entry in (*state["resources"], *before["resources"]):
        entry["instances"][0]["attributes"].pop("node_name")
    assert state["resources"] == before["resources"]
    assert {**state, "serial": 7} == before
