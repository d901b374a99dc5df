"""A cluster of three nodes that loses one: what the API says, and what HA does about it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator import Simulator, SimulatorOptions, StorageOptions
from tests.simulator.api_client import Api

OPTIONS = SimulatorOptions(
    nodes=("pve", "pve2", "pve3"),
    storages=(
        StorageOptions("local"),
        StorageOptions("local-lvm", "lvmthin", ("images", "rootdir")),
        StorageOptions("tank", "zfspool", ("images", "rootdir")),
        StorageOptions("shared", "nfs", ("images", "rootdir"), shared=True),
    ),
    task_seconds=0,
    address_seconds=0,
)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(OPTIONS) as running:
        yield running


def guarded(api: Api, vmid: int, storage: str = "shared", **settings: object) -> None:
    """A running container under HA."""
    api.add_container(vmid, rootfs=f"{storage}:4", start=1)
    api.post("/cluster/ha/resources", sid=f"ct:{vmid}", **settings)


def places(simulator: Simulator) -> dict[int, tuple[str, bool]]:
    return {vmid: (guest.node, guest.running) for vmid, guest in simulator.guests().items()}


def test_what_the_api_says_of_a_node_that_is_down(api: Api, simulator: Simulator) -> None:
    api.add_container(200, start=1)
    simulator.fail_node("pve")

    assert api.refused("GET", "/nodes/pve/lxc/200/config").status == 595
    assert {node["node"]: node["status"] for node in api.get("/nodes")} == {
        "pve": "offline",
        "pve2": "online",
        "pve3": "online",
    }
    assert [entry["status"] for entry in api.get("/cluster/resources", type="vm")] == ["unknown"]
    status = {entry["name"]: entry for entry in api.get("/cluster/status")}
    assert (status["pve"]["online"], status["pve2"]["online"], status["homelab"]["quorate"]) == (0, 1, 1)

    simulator.return_node("pve")
    assert api.get("/nodes/pve/lxc/200/status/current")["status"] == "running"


def test_ha_starts_its_guests_elsewhere_and_leaves_the_others(api: Api, simulator: Simulator) -> None:
    guarded(api, 200)
    api.add_container(201, start=1)

    simulator.fail_node("pve")

    assert places(simulator) == {200: ("pve2", True), 201: ("pve", True)}


def test_without_a_majority_nothing_happens(api: Api, simulator: Simulator) -> None:
    guarded(api, 200)
    simulator.fail_node("pve3")

    simulator.fail_node("pve")

    assert places(simulator) == {200: ("pve", True)}
    assert {entry["name"]: entry.get("quorate") for entry in api.get("/cluster/status")}["homelab"] == 0


def test_a_guest_without_its_disks_does_not_run(api: Api, simulator: Simulator) -> None:
    guarded(api, 200, "local-lvm")

    simulator.fail_node("pve")

    assert places(simulator) == {200: ("pve2", False)}
    assert "error" in next(e["status"] for e in api.get("/cluster/ha/status/current") if e.get("sid") == "ct:200")


def test_a_guest_starts_from_its_copy_and_is_copied_back(api: Api, simulator: Simulator) -> None:
    guarded(api, 200, "tank")
    api.post("/cluster/replication", id="200-0", target="pve2", type="local")

    simulator.fail_node("pve")

    assert places(simulator) == {200: ("pve2", True)}
    job = api.get("/cluster/replication/200-0")
    assert (job["target"], job["source"]) == ("pve", "pve2")


def test_rules_are_followed(api: Api, simulator: Simulator) -> None:
    for vmid in (200, 201):
        guarded(api, vmid)
    api.post("/cluster/ha/rules", rule="home", type="node-affinity", resources="ct:200", nodes="pve:2,pve3:1")
    api.post(
        "/cluster/ha/rules", rule="apart", type="resource-affinity", resources="ct:200,ct:201", affinity="negative"
    )

    simulator.fail_node("pve")

    assert places(simulator) == {200: ("pve3", True), 201: ("pve2", True)}


def test_a_strict_rule_leaves_a_guest_down(api: Api, simulator: Simulator) -> None:
    guarded(api, 200)
    api.post("/cluster/ha/rules", rule="home", type="node-affinity", resources="ct:200", nodes="pve", strict=1)

    simulator.fail_node("pve")

    assert places(simulator)[200][0] == "pve"


@pytest.mark.parametrize(("failback", "node"), [(1, "pve"), (0, "pve2")])
def test_a_guest_goes_back_when_its_node_returns(failback: int, node: str, api: Api, simulator: Simulator) -> None:
    guarded(api, 200, failback=failback)
    api.post("/cluster/ha/rules", rule="home", type="node-affinity", resources="ct:200", nodes="pve:2,pve2:1")
    simulator.fail_node("pve")

    simulator.return_node("pve")

    assert places(simulator) == {200: (node, True)}


def test_an_ordinary_migration_is_handed_to_ha(api: Api, simulator: Simulator) -> None:
    guarded(api, 200)

    upid = api.post("/nodes/pve/lxc/200/migrate", target="pve3", restart=1)

    assert ":hamigrate:" in upid
    assert places(simulator) == {200: ("pve3", True)}


def test_controllers_are_pending_until_applied(api: Api) -> None:
    api.post("/cluster/sdn/controllers", controller="evpn1", type="evpn", asn=65000, peers="10.0.0.1,10.0.0.2")
    pending = api.get("/cluster/sdn/controllers/evpn1", pending=1)

    api.done(api.put("/cluster/sdn"))

    assert pending["state"] == "new"
    assert "state" not in api.get("/cluster/sdn/controllers/evpn1", pending=1)
    api.put("/cluster/sdn/controllers/evpn1", asn=65001)
    assert api.get("/cluster/sdn/controllers/evpn1", pending=1)["pending"] == {"asn": 65001}
    api.post("/cluster/sdn/zones", zone="far", type="evpn", controller="evpn1", vrf__vxlan=4000)
    assert "used by zone far" in api.refused("DELETE", "/cluster/sdn/controllers/evpn1").message
    api.delete("/cluster/sdn/zones/far")
    api.delete("/cluster/sdn/controllers/evpn1")
    assert api.get("/cluster/sdn/controllers") == []
