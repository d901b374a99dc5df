"""A cluster of three nodes, by the real provider: placed, moved, one node lost and back; nothing is ever made anew.

Applied with the token of its own access stack, so it also shows that the role has what HA, replication and SDN need.
"""

from __future__ import annotations

import copy
import json
import re
import subprocess
from dataclasses import dataclass, field
from typing import Any

import pytest

from simulator import Simulator
from tests.end_to_end.cluster_project import CLUSTER, NODES, OPTIONS
from tests.end_to_end.homelab_project import HOMELAB, PROJECT, HomelabProject
from tests.end_to_end.simulator.terraform_runs import schema_problems

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(900)]

Places = dict[str, tuple[str, bool]]


@dataclass
class Journey:
    """What happened to the cluster, in this order."""

    placed: dict[str, str] = field(default_factory=dict)
    second_plan: dict[str, Any] = field(default_factory=dict)
    cluster: dict[str, Any] = field(default_factory=dict)
    machine_moves: str = ""
    container_is_refused: str = ""
    container_moves: str = ""
    apart_is_refused: str = ""
    placed_moves: str = ""
    placed_after: dict[str, str] = field(default_factory=dict)
    plan_after_moving: dict[str, Any] = field(default_factory=dict)
    moved: Places = field(default_factory=dict)
    lost: Places = field(default_factory=dict)
    plan_without_node: dict[str, Any] = field(default_factory=dict)
    plan_of_the_lost: str = ""
    back: Places = field(default_factory=dict)
    plan_when_back: dict[str, Any] = field(default_factory=dict)
    sdn: dict[str, list[str]] = field(default_factory=dict)
    sdn_is_in_force: bool = False
    violations: list[str] = field(default_factory=list)
    unimplemented: list[str] = field(default_factory=list)


def places(simulator: Simulator) -> Places:
    return {guest.name: (guest.node, guest.running) for guest in simulator.guests().values()}


def changes_of(document: dict[str, Any]) -> list[str]:
    """What a plan would change of guests and of what belongs to them: images come and go with their nodes."""
    return [
        f"{change['action']} {change['address']}"
        for stack in document["stacks"]
        for change in stack["changes"]
        if not change["address"].startswith("proxmox_download_file.")
    ]


def place(project: HomelabProject) -> dict[str, str]:
    done = subprocess.run(
        [HOMELAB, "place", str(project.file)], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=True
    )
    assert "Recorded in" in done.stdout
    return recorded(project)


def recorded(project: HomelabProject) -> dict[str, str]:
    guests: dict[str, str] = json.loads(project.file.with_name("trio.placement.json").read_text())["guests"]
    return guests


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Journey:
    found = Journey()
    with Simulator(OPTIONS, request_hook=schema_problems) as simulator:
        project = HomelabProject(tmp_path_factory.mktemp("cluster"), simulator, "trio", CLUSTER)
        found.placed = place(project)
        made = project.document("deploy", "access", "--yes")
        assert made["stacks"][0]["sensitive_outputs"] == ["api_token"]
        state = json.loads(project.state("access").read_text(encoding="utf-8"))
        project.environ["PROXMOX_VE_API_TOKEN"] = state["outputs"]["api_token"]["value"]
        project.document("deploy", "--yes")
        found.second_plan = project.document("deploy", "--dry-run")
        found.cluster = simulator.inspect(
            lambda cluster: copy.deepcopy(
                {
                    "resources": cluster.ha_resources,
                    "rules": cluster.ha_rules,
                    "replication": cluster.replication,
                    "sdn": cluster.sdn_running,
                }
            )
        )
        project.content["vms"]["plain"]["node"] = "pve3"
        project.content["containers"]["box"]["node"] = "pve1"
        project.write()
        found.container_is_refused = project.run("deploy", "guests", "--yes", code=1)
        found.container_moves = project.run("migrate", "box", "--yes")
        found.machine_moves = project.run("deploy", "guests", "--yes")
        taken = found.placed["vms.web-2"]
        found.apart_is_refused = project.run("migrate", "web-1", "--to", taken, "--yes", code=1)
        found.placed_moves = project.run("migrate", "sandbox", "--to", "pve2", "--yes")
        found.placed_after = recorded(project)
        found.plan_after_moving = project.document("deploy", "--dry-run")
        found.moved = places(simulator)
        simulator.fail_node("pve1")
        found.lost = places(simulator)
        found.plan_without_node = project.document("deploy", "available", "--dry-run")
        found.plan_of_the_lost = project.run("deploy", "guests", "--dry-run", code=1)
        simulator.return_node("pve1")
        found.back = places(simulator)
        del project.content["sdn"]["vnets"]["far"], project.content["sdn"]["zones"]["tunnel"]
        project.write()
        project.document("deploy", "sdn", "--yes")
        found.plan_when_back = project.document("deploy", "--dry-run")
        found.sdn, found.sdn_is_in_force = simulator.inspect(
            lambda cluster: (
                {kind: sorted(entries) for kind, entries in cluster.sdn_running.items()},
                cluster.sdn == cluster.sdn_running,
            )
        )
        found.violations, found.unimplemented = simulator.violations, simulator.unimplemented
    return found


def test_the_second_plan_is_empty(journey: Journey) -> None:
    assert {stack["status"] for stack in journey.second_plan["stacks"]} == {"unchanged"}


def test_replicas_are_on_different_nodes_and_where_the_record_says(journey: Journey) -> None:
    assert journey.placed["vms.web-1"] != journey.placed["vms.web-2"]
    assert set(journey.placed.values()) <= set(NODES)
    assert journey.moved["web-1"] == (journey.placed["vms.web-1"], True)


def test_ha_knows_guests_and_rules(journey: Journey) -> None:
    resources, rules = journey.cluster["resources"], journey.cluster["rules"]

    assert set(resources) == {"vm:9100", "vm:9101", "vm:9110", "ct:9200"}
    assert (resources["vm:9110"]["max_restart"], resources["vm:9110"]["failback"]) == (2, 1)
    assert rules["web-apart"]["affinity"] == "negative"
    # The provider keeps them as a map and a set, and sends them in no particular order.
    assert set(rules["home"]["nodes"].split(",")) == {"pve1:2", "pve2"}
    assert set(rules["home"]["resources"].split(",")) == {"ct:9200", "vm:9110"}


def test_the_database_is_replicated(journey: Journey) -> None:
    assert journey.cluster["replication"] == {
        "9110-0": {
            "id": "9110-0",
            "type": "local",
            "guest": 9110,
            "jobnum": 0,
            "source": "pve1",
            "target": "pve2",
            "schedule": "*/5",
            "rate": 20,
            "disable": 0,
        }
    }


def test_the_networks_are_in_force(journey: Journey) -> None:
    sdn = journey.cluster["sdn"]

    assert set(sdn["zones"]) == {"lab", "trunk", "double", "tunnel", "routed"}
    assert set(sdn["vnets"]) == {"lab1", "dmz", "inner", "far", "hop"}
    assert sdn["subnets"]["lab-10.20.0.0-24"]["dhcp-range"] == [
        {"start-address": "10.20.0.100", "end-address": "10.20.0.199"}
    ]
    assert sdn["controllers"]["evpn1"]["asn"] == 65000


def test_a_machine_whose_node_changes_is_moved_and_not_made_anew(journey: Journey) -> None:
    assert "VM plain (9120) moves from pve1 to pve3" in journey.machine_moves
    assert "3 changed" in journey.machine_moves
    assert journey.moved["plain"] == ("pve3", True)


def test_a_container_whose_node_changes_is_refused_with_what_to_do(journey: Journey) -> None:
    said = " ".join(journey.container_is_refused.split())

    assert "container box (9210) is on node pve2, and the environment says pve1" in said
    assert "fix: homelab migrate box" in said


def test_a_container_is_moved_by_the_command(journey: Journey) -> None:
    assert "container box (9210) goes from pve2 to pve1 and is stopped and started again" in journey.container_moves
    assert "State of trio-guests: box (9210) is on pve1 now, not on pve2." in journey.container_moves
    assert journey.moved["box"] == ("pve1", True)


def test_a_placed_guest_does_not_move_to_where_its_policy_does_not_let_it(journey: Journey) -> None:
    said = " ".join(journey.apart_is_refused.split())
    taken = journey.placed["vms.web-2"]

    assert f"web-1 may not be on {taken}: web-1, web-2 of vms.web are recorded on one node" in said
    assert "allowed: each on a node of its own" in said
    assert journey.placed_after["vms.web-1"] == journey.placed["vms.web-1"] == journey.moved["web-1"][0]


def test_a_placed_guest_that_is_moved_has_its_new_place_on_record(journey: Journey) -> None:
    assert "Recorded in" in journey.placed_moves
    assert journey.placed_after == {**journey.placed, "containers.sandbox": "pve2"}


def test_after_moving_nothing_is_left_to_do(journey: Journey) -> None:
    assert changes_of(journey.plan_after_moving) == []


def test_ha_starts_the_guests_of_a_lost_node_elsewhere(journey: Journey) -> None:
    assert journey.moved["database"] == journey.moved["proxy"] == ("pve1", True)
    assert journey.lost["database"] == journey.lost["proxy"] == ("pve2", True)
    assert journey.lost["box"][0] == "pve1"


def test_the_plan_without_the_node_brings_nothing_back_and_makes_nothing_anew(journey: Journey) -> None:
    assert changes_of(journey.plan_without_node) == []


def test_what_is_lost_with_the_node_is_said(journey: Journey) -> None:
    said = " ".join(journey.plan_of_the_lost.split())

    assert "warning: node pve1 is offline" in said
    assert re.search(r"does not reach the node pve1 .*containers\.box", said)


def test_when_the_node_returns_nothing_is_left_to_do(journey: Journey) -> None:
    assert journey.back["database"] == journey.back["proxy"] == ("pve1", True)
    assert changes_of(journey.plan_when_back) == []


def test_what_is_removed_from_the_sdn_is_out_of_force(journey: Journey) -> None:
    assert journey.sdn["zones"] == ["double", "lab", "routed", "trunk"]
    assert journey.sdn["vnets"] == ["dmz", "hop", "inner", "lab1"]
    assert journey.sdn_is_in_force


def test_every_request_is_what_the_published_schema_allows(journey: Journey) -> None:
    assert journey.violations == []
    assert journey.unimplemented == []
