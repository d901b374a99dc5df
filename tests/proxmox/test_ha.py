"""HA and replication: parts of a guest, rules and groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from homelab.config.container import ContainerSpec
from homelab.config.ha import NodeAffinity, ResourceAffinity
from homelab.config.virtual_machine import VirtualMachineSpec
from homelab.proxmox.container import Container
from homelab.proxmox.ha import HaGroup, HaRule
from homelab.proxmox.virtual_machine import VirtualMachine
from tests.synthesis import resources, synthesize, the_resource

JOBS = [{"target": "pve2", "job": 0, "rate": 10.0}, {"target": "pve3", "job": 2, "enabled": False, "comment": "Far"}]
RULES = [{"protocol": "tcp", "port": 22}]


def machine(folder: Path, **changes: Any) -> dict[str, Any]:
    data = {"vm_id": 9100, "hostname": "web", "node": "pve", "template_vm_id": 9000, **changes}
    spec = VirtualMachineSpec.model_validate(data)
    return synthesize(lambda stack: VirtualMachine(stack, "web", spec=spec), folder)


def container(folder: Path, **changes: Any) -> dict[str, Any]:
    data = {"vm_id": 9200, "hostname": "dns", "node": "pve", "template_file_id": "local:vztmpl/a.tar.zst", **changes}
    spec = ContainerSpec.model_validate(data)
    return synthesize(lambda stack: Container(stack, "dns", spec=spec), folder)


def test_a_machine_under_ha(tmp_path: Path) -> None:
    document = machine(tmp_path, ha={"max_restart": 3, "failback": False, "comment": "Kept"})

    assert the_resource(document, "proxmox_haresource") == {
        "resource_id": "vm:9100",
        "state": "started",
        "max_restart": 3,
        "max_relocate": 1,
        "failback": False,
        "comment": "Kept",
        "depends_on": ["proxmox_virtual_environment_vm.web"],
        "lifecycle": {"replace_triggered_by": ["proxmox_virtual_environment_vm.web.id"]},
    }


def test_a_container_in_a_group(tmp_path: Path) -> None:
    made = the_resource(container(tmp_path, ha={"state": "ignored"}, ha_group="home"), "proxmox_haresource")

    assert (made["resource_id"], made["state"], made["group"]) == ("ct:9200", "ignored", "home")


def test_where_a_guest_under_ha_is_is_not_terraforms(tmp_path: Path) -> None:
    lone = the_resource(machine(tmp_path / "lone"), "proxmox_virtual_environment_vm")["lifecycle"]
    kept = the_resource(machine(tmp_path / "kept", ha={}), "proxmox_virtual_environment_vm")["lifecycle"]
    box = the_resource(container(tmp_path / "box", ha={}), "proxmox_virtual_environment_container")["lifecycle"]

    assert "node_name" not in lone["ignore_changes"]
    assert "node_name" in kept["ignore_changes"]
    assert "node_name" in box["ignore_changes"]
    assert "postcondition" not in box


@pytest.mark.parametrize(("ha", "ignored"), [(None, None), ({}, ["node_name"])])
def test_the_firewall_goes_where_the_guest_goes(ha: Any, ignored: Any, tmp_path: Path) -> None:
    document = machine(tmp_path, ha=ha, firewall={"rules": RULES})

    for kind in ("options", "rules"):
        made = the_resource(document, f"proxmox_virtual_environment_firewall_{kind}")
        assert made["lifecycle"].get("ignore_changes") == ignored


def test_a_job_for_each_target(tmp_path: Path) -> None:
    jobs = resources(machine(tmp_path, replication=JOBS), "proxmox_replication").values()

    assert [
        {key: job.get(key) for key in ("id", "target", "type", "schedule", "rate", "disable", "comment")}
        for job in jobs
    ] == [
        {
            "id": "9100-0",
            "target": "pve2",
            "type": "local",
            "schedule": "*/15",
            "rate": 10,
            "disable": False,
            "comment": None,
        },
        {
            "id": "9100-2",
            "target": "pve3",
            "type": "local",
            "schedule": "*/15",
            "rate": None,
            "disable": True,
            "comment": "Far",
        },
    ]


@pytest.mark.parametrize(("ha", "ignored"), [(None, None), ({}, ["target"])])
def test_a_job_that_ha_turns_round_is_left_so(ha: Any, ignored: Any, tmp_path: Path) -> None:
    for job in resources(container(tmp_path, ha=ha, replication=JOBS), "proxmox_replication").values():
        assert job["lifecycle"].get("ignore_changes") == ignored
        assert job["depends_on"] == ["proxmox_virtual_environment_container.dns"]


def test_a_rule_about_nodes(tmp_path: Path) -> None:
    settings = NodeAffinity.model_validate(
        {"type": "node-affinity", "guests": ["web"], "nodes": {"pve2": None, "pve1": 2}, "strict": True}
    )

    document = synthesize(
        lambda stack: HaRule(stack, "home", rule="home", settings=settings, resources=["vm:9101", "vm:9100"]), tmp_path
    )

    assert the_resource(document, "proxmox_harule") == {
        "rule": "home",
        "type": "node-affinity",
        "resources": ["vm:9100", "vm:9101"],
        "nodes": {"pve1": 2, "pve2": "${null}"},
        "strict": True,
        "disable": False,
    }


def test_a_rule_about_others(tmp_path: Path) -> None:
    settings = ResourceAffinity(
        type="resource-affinity", guests=("web",), affinity="negative", enabled=False, comment="Apart"
    )

    document = synthesize(
        lambda stack: HaRule(stack, "apart", rule="apart", settings=settings, resources=["ct:1"]), tmp_path
    )

    assert the_resource(document, "proxmox_harule") == {
        "rule": "apart",
        "type": "resource-affinity",
        "resources": ["ct:1"],
        "affinity": "negative",
        "disable": True,
        "comment": "Apart",
    }


def test_a_group(tmp_path: Path) -> None:
    settings = NodeAffinity(type="node-affinity", guests=("web",), nodes={"pve1": 2, "pve2": None}, strict=True)

    document = synthesize(lambda stack: HaGroup(stack, "home", group="home", settings=settings), tmp_path)

    assert the_resource(document, "proxmox_hagroup") == {
        "group": "home",
        "nodes": {"pve1": 2, "pve2": "${null}"},
        "restricted": True,
    }
