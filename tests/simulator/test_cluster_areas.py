"""Pools, HA, SDN, networks, backup jobs, replication and the nodes' own settings."""

from __future__ import annotations

import pytest

from simulator import Simulator
from tests.simulator.api_client import Api

NETWORK = "/nodes/pve/network"


def test_pools(api: Api) -> None:
    api.add_machine()
    api.post("/pools", poolid="a", comment="x")
    api.post("/pools", poolid="b")
    api.put("/pools", poolid="a", vms="100", storage="tank")
    members = {m["id"]: m["type"] for m in api.get("/pools", poolid="a")[0]["members"]}
    assert members == {"qemu/100": "qemu", "storage/pve/tank": "storage"}
    message = "VM 100 belongs already to pool 'a' and 'allow-move' is not set"
    assert api.refused("PUT", "/pools", poolid="b", vms="100").message == message
    api.put("/pools", poolid="b", vms="100", **{"allow-move": 1})
    assert api.refused("DELETE", "/pools", poolid="b").message == "pool 'b' is not empty (contains VMs or storage)"
    api.put("/pools", poolid="b", vms="100", delete=1)
    api.delete("/pools", poolid="b")
    assert api.refused("POST", "/pools", poolid="a").message == "pool 'a' already exists"
    assert api.refused("GET", "/pools", poolid="b").message == "no such pool 'b'"


def test_ha(api: Api) -> None:
    api.add_machine(100)
    api.add_machine(101)
    api.post("/cluster/ha/resources", sid="vm:100", state="started", comment="x")
    api.post("/cluster/ha/resources", sid="101")
    assert api.get("/cluster/ha/resources/vm:101")["type"] == "vm"
    assert api.get("/nodes/pve/qemu/100/status/current")["ha"] == {"managed": 1}
    assert "does not exist" in api.refused("POST", "/cluster/ha/resources", sid="vm:999").message
    assert api.refused("POST", "/cluster/ha/resources", sid="vm:100").message == "resource ID 'vm:100' already defined"
    rule = {"rule": "prefer", "type": "node-affinity", "resources": "vm:100", "nodes": "pve:2,pve2:1"}
    api.post("/cluster/ha/rules", **rule)
    assert api.refused("POST", "/cluster/ha/rules", **{**rule, "rule": "x", "nodes": "nope"}).errors == {
        "nodes": "cluster node 'nope' does not exist"
    }
    assert api.refused(
        "POST", "/cluster/ha/rules", rule="apart", type="resource-affinity", resources="vm:100", affinity="negative"
    ).errors.keys() == {"resources"}
    api.put("/cluster/ha/rules/prefer", type="node-affinity", comment="y")
    assert api.get("/cluster/ha/rules/prefer")["nodes"] == "pve:2,pve2:1"
    api.delete("/cluster/ha/resources/vm:100")
    assert api.refused("GET", "/cluster/ha/rules/prefer").message == "no such ha rule 'prefer'"
    assert api.refused("GET", "/cluster/ha/resources/vm:100").message == "no such resource 'vm:100'"


def test_groups_are_for_versions_before_9(api: Api) -> None:
    message = "cannot create group: ha groups have been migrated to rules"
    assert api.refused("POST", "/cluster/ha/groups", group="g", nodes="pve").message == message
    with Simulator(version="8.4.1", task_seconds=0) as simulator:
        old = Api(simulator, simulator.api_token)
        old.add_machine()
        old.post("/cluster/ha/groups", group="g", nodes="pve:2")
        old.post("/cluster/ha/resources", sid="vm:100", group="g")
        assert "is used by a resource" in old.refused("DELETE", "/cluster/ha/groups/g").message
        assert old.get("/version")["release"] == "8.4"
        old.http.close()


def test_a_virtual_network_carries_guests_only_when_it_is_applied(api: Api) -> None:
    api.post("/cluster/sdn/zones", zone="lab", type="simple")
    api.post("/cluster/sdn/vnets", vnet="labnet", zone="lab")
    api.post("/cluster/sdn/vnets/labnet/subnets", subnet="10.10.0.0/24", type="subnet", gateway="10.10.0.1")
    assert api.get("/cluster/sdn/vnets/labnet", pending=1)["state"] == "new"
    api.add_machine(net0="virtio,bridge=labnet")
    start = "/nodes/pve/qemu/100/status/start"
    assert api.finished(api.post(start)) == "bridge 'labnet' does not exist"
    api.done(api.put("/cluster/sdn"))
    api.done(api.post(start))
    subnet = api.get("/cluster/sdn/vnets/labnet/subnets/lab-10.10.0.0-24")
    assert (subnet["cidr"], subnet["gateway"], subnet["mask"]) == ("10.10.0.0/24", "10.10.0.1", "24")
    assert api.refused("DELETE", "/cluster/sdn/zones/lab").message == "zone lab is used by vnet labnet"
    assert "subnets exists" in api.refused("DELETE", "/cluster/sdn/vnets/labnet").message


@pytest.mark.parametrize(
    ("path", "values", "name"),
    [
        ("zones", {"zone": "much-too-long", "type": "simple"}, "zone"),
        ("zones", {"zone": "v", "type": "vlan"}, "bridge"),
        ("zones", {"zone": "v", "type": "magic"}, "type"),
    ],
)
def test_zones_that_can_not_be(api: Api, path: str, values: dict[str, str], name: str) -> None:
    assert api.refused("POST", f"/cluster/sdn/{path}", **values).errors.keys() == {name}


def test_a_vlan_zone_needs_tags(api: Api) -> None:
    api.post("/cluster/sdn/zones", zone="v", type="vlan", bridge="vmbr0")
    assert api.refused("POST", "/cluster/sdn/vnets", vnet="n", zone="v").errors == {"tag": "missing vlan tag"}
    assert api.refused("POST", "/cluster/sdn/vnets", vnet="n", zone="none").message == "zone 'none' does not exist"


def test_an_interface_exists_when_the_network_is_reloaded(api: Api) -> None:
    api.post(NETWORK, iface="eno1.99", type="vlan")
    api.post(NETWORK, iface="vmbr99", type="bridge", cidr="10.99.0.1/24", bridge_ports="eno1.99", mtu=1400)
    found = {i["iface"]: i for i in api.get(NETWORK)}
    assert (found["eno1.99"]["vlan-id"], found["eno1.99"]["vlan-raw-device"]) == ("99", "eno1")
    assert (found["vmbr99"]["address"], found["vmbr99"]["netmask"], found["vmbr99"]["mtu"]) == (
        "10.99.0.1",
        "24",
        "1400",
    )
    api.add_machine(net0="virtio,bridge=vmbr99")
    start = "/nodes/pve/qemu/100/status/start"
    assert api.finished(api.post(start)) == "bridge 'vmbr99' does not exist"
    api.done(api.put(NETWORK))
    api.done(api.post(start))
    api.delete(f"{NETWORK}/vmbr99")
    api.delete(NETWORK)
    assert "vmbr99" in [i["iface"] for i in api.get(NETWORK)]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"iface": "vmbr0", "type": "bridge"}, {"iface": "interface already exists"}),
        (
            {"iface": "vmbr1", "type": "bridge", "cidr": "10.0.0.1/24", "gateway": "10.0.0.254"},
            {"gateway": "Default gateway already exists on interface 'vmbr0'."},
        ),
        ({"iface": "vmbr1", "type": "tunnel"}, {"type": "value 'tunnel' does not have a value in the enumeration"}),
    ],
)
def test_interfaces_that_can_not_be(api: Api, values: dict[str, str], message: dict[str, str]) -> None:
    assert api.refused("POST", NETWORK, **values).errors == message


def test_a_bridge_of_a_missing_port_is_refused(api: Api) -> None:
    refusal = api.refused("POST", NETWORK, iface="vmbr1", type="bridge", bridge_ports="eno9")
    assert refusal.message == "bridge 'vmbr1' - unable to use non existing interface 'eno9'"


def test_backup_jobs(api: Api) -> None:
    job = {"id": "nightly", "schedule": "02:00", "storage": "local", "prune-backups": "keep-last=3,keep-weekly=2"}
    api.post("/cluster/backup", all=1, **job)
    assert api.get("/cluster/backup/nightly")["prune-backups"] == {"keep-last": "3", "keep-weekly": "2"}
    assert api.refused("POST", "/cluster/backup", all=1, **job).message == "Job 'nightly' already exists"
    assert (
        api.refused("PUT", "/cluster/backup/nightly", storage="tank").message
        == "storage 'tank' does not support backups"
    )
    assert api.refused("PUT", "/cluster/backup/nightly", vmid="100").errors == {
        "all": "option conflicts with option 'vmid'"
    }
    api.put("/cluster/backup/nightly", schedule="03:00", delete="prune-backups")
    assert "prune-backups" not in api.get("/cluster/backup/nightly")
    api.delete("/cluster/backup/nightly")
    assert api.refused("GET", "/cluster/backup/nightly").errors == {"id": "No such job 'nightly'"}


def test_a_backup_locks_keeps_and_prunes(api: Api, simulator: Simulator) -> None:
    api.add_machine(name="db")
    simulator.faults.slow_task("vzdump", 0.3, times=1)
    upid = api.post("/nodes/pve/vzdump", vmid="100", storage="local", compress="zstd")
    assert api.get("/nodes/pve/qemu/100/config")["lock"] == "backup"
    api.done(upid)
    values = {"prune-backups": "keep-last=2", "notes-template": "{{guestname}} {{vmid}}"}
    for _ in range(3):
        api.done(api.post("/nodes/pve/vzdump", vmid="100", storage="local", compress="zstd", **values))
    backups = api.get("/nodes/pve/storage/local/content", content="backup")
    assert [b["notes"] for b in backups] == ["db 100", "db 100"]
    api.done(api.post("/nodes/pve/qemu", vmid=101, archive=backups[0]["volid"], name="copy"))
    restored = api.get("/nodes/pve/qemu/101/config")
    assert (restored["name"], restored["scsi0"]) == ("copy", "local-lvm:vm-101-disk-0,size=8G")
    assert api.refused("POST", "/nodes/pve/vzdump", vmid="100", storage="tank").message == (
        "storage 'tank' does not support backups"
    )


def test_a_failed_backup_unlocks(api: Api, simulator: Simulator) -> None:
    api.add_machine()
    simulator.faults.fail_task("vzdump", "job errors")
    assert api.finished(api.post("/nodes/pve/vzdump", vmid="100", storage="local")) == "job errors"
    assert "lock" not in api.get("/nodes/pve/qemu/100/config")


def test_replication_needs_zfs_and_another_node(api: Api) -> None:
    api.add_machine(100)
    api.add_machine(101, scsi0="tank:4")
    job = {"target": "pve2", "type": "local"}
    refusal = api.refused("POST", "/cluster/replication", id="100-0", **job)
    assert refusal.message == "missing replicate feature on volume 'local-lvm:vm-100-disk-0'"
    assert api.refused("POST", "/cluster/replication", id="999-0", **job).message == "guest '999' does not exist"
    api.post("/cluster/replication", id="101-0", **job)
    found = api.get("/cluster/replication/101-0")
    assert (found["guest"], found["jobnum"], found["schedule"]) == (101, 0, "*/15")
    assert "replication job '101-0'" in api.refused("DELETE", "/nodes/pve/qemu/101").message
    api.delete("/cluster/replication/101-0")
    api.done(api.delete("/nodes/pve/qemu/101"))


def test_cluster_options_are_read_back_as_objects(api: Api) -> None:
    api.put("/cluster/options", migration="type=secure,network=10.0.0.0/8", max_workers=4, **{"next-id": "lower=200"})
    found = api.get("/cluster/options")
    assert found["migration"] == {"type": "secure", "network": "10.0.0.0/8"}
    assert (found["max_workers"], found["next-id"]) == (4, {"lower": "200"})
    api.put("/cluster/options", delete="migration,max_workers")
    assert not {"migration", "max_workers"} & api.get("/cluster/options").keys()


def test_node_settings(api: Api) -> None:
    api.put("/nodes/pve/dns", search="home.arpa", dns1="1.1.1.1")
    assert api.get("/nodes/pve/dns") == {"search": "home.arpa", "dns1": "1.1.1.1"}
    api.put("/nodes/pve/time", timezone="Europe/Berlin")
    assert api.get("/nodes/pve/time")["timezone"] == "Europe/Berlin"
    hosts = api.get("/nodes/pve/hosts")
    api.post("/nodes/pve/hosts", data="127.0.0.1 localhost\n", digest=hosts["digest"])
    assert "modified" in api.refused("POST", "/nodes/pve/hosts", data="", digest=hosts["digest"]).message
    assert [n["node"] for n in api.get("/nodes")] == ["pve", "pve2"]
