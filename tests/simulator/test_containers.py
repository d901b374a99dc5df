"""Containers: creation, mount points, clones, addresses, refusals in Proxmox's words."""

from __future__ import annotations

import time
from typing import Any

import pytest

from simulator import Simulator
from tests.simulator.api_client import CT_TEMPLATE, TEMPLATE_URL, Api

CT = "/nodes/pve/lxc/200"


def config(api: Api, vmid: int = 200, node: str = "pve") -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/nodes/{node}/lxc/{vmid}/config")
    return found


def test_a_new_container_has_normal_settings(api: Api) -> None:
    api.add_container(hostname="dns", mp0="local-lvm:10,mp=/data,backup=1", description="text", cores=2)
    found = config(api)
    assert found["rootfs"] == "local-lvm:vm-200-disk-0,size=4G"
    assert found["mp0"] == "local-lvm:vm-200-disk-1,backup=1,mp=/data,size=10G"
    assert found["net0"].startswith("name=eth0,bridge=vmbr0,hwaddr=BC:24:11:")
    assert found["net0"].endswith(",ip=dhcp,type=veth")
    assert (found["ostype"], found["arch"], found["cores"]) == ("debian", "amd64", 2)
    assert found["description"] == "text\n"


def test_without_rootfs_it_gets_four_gib_of_the_named_storage(api: Api) -> None:
    api.download(TEMPLATE_URL, "vztmpl")
    api.done(api.post("/nodes/pve/lxc", vmid=200, ostemplate=CT_TEMPLATE, storage="tank"))
    assert config(api)["rootfs"] == "tank:subvol-200-disk-0,size=4G"
    assert config(api)["hostname"] == "CT200"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"ostemplate": "local:vztmpl/none.tar.zst"}, "volume 'local:vztmpl/none.tar.zst' does not exist"),
        ({"ostemplate": "nope:vztmpl/none.tar.zst"}, "storage 'nope' does not exist"),
        ({"rootfs": "local:4"}, "storage 'local' does not support container directories"),
        ({"mp0": "nope:4,mp=/x"}, "storage 'nope' does not exist"),
        ({"pool": "nope"}, "no such pool 'nope'"),
    ],
)
def test_a_container_of_something_missing_is_refused_and_leaves_nothing(
    api: Api, simulator: Simulator, values: dict[str, str], message: str
) -> None:
    api.download(TEMPLATE_URL, "vztmpl")
    settings = {"vmid": 200, "ostemplate": CT_TEMPLATE, "rootfs": "local-lvm:4", **values}
    refusal = api.refused("POST", "/nodes/pve/lxc", **settings)
    assert (refusal.status, refusal.message) == (500, message)
    assert simulator.guests() == {}
    assert api.get("/nodes/pve/storage/local-lvm/content") == []


def test_a_taken_vmid_is_refused(api: Api) -> None:
    api.add_container()
    message = "unable to create CT 200 - CT 200 already exists on node 'pve'"
    assert api.refused("POST", "/nodes/pve/lxc", vmid=200, ostemplate=CT_TEMPLATE).message == message


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"net0": "bridge=vmbr0"}, "net0"),
        ({"net0": "name=eth0,bridge=vmbr0,ip=192.168.3.5"}, "net0"),
        ({"net0": "name=eth0,bridge=vmbr0,tag=5000"}, "net0"),
        ({"mp0": "local-lvm:4"}, "mp0"),
        ({"hostname": "no_dns"}, "hostname"),
        ({"memory": 8}, "memory"),
        ({"ostype": "plan9"}, "ostype"),
        ({"password": "1234"}, "password"),
    ],
)
def test_malformed_settings_are_refused_by_name(api: Api, values: dict[str, object], name: str) -> None:
    api.download(TEMPLATE_URL, "vztmpl")
    refusal = api.refused("POST", "/nodes/pve/lxc", vmid=200, ostemplate=CT_TEMPLATE, rootfs="local-lvm:4", **values)
    assert (refusal.status, list(refusal.errors)) == (400, [name])


def test_power(api: Api) -> None:
    api.add_container(start=1)
    assert api.get(f"{CT}/status/current")["status"] == "running"
    assert api.refused("POST", f"{CT}/status/start").message == "CT 200 already running"
    assert api.refused("DELETE", CT).message == "unable to destroy CT 200 - container is running"
    api.done(api.post(f"{CT}/status/reboot"))
    api.done(api.post(f"{CT}/status/stop"))
    assert api.refused("POST", f"{CT}/status/shutdown").message == "CT 200 not running"
    api.done(api.delete(CT))
    assert api.refused("GET", f"{CT}/status/current").message == (
        "Configuration file 'nodes/pve/lxc/200.conf' does not exist"
    )


def test_starting_on_a_missing_bridge_fails_but_keeps_the_container(api: Api) -> None:
    api.download(TEMPLATE_URL, "vztmpl")
    upid = api.post(
        "/nodes/pve/lxc", vmid=200, ostemplate=CT_TEMPLATE, rootfs="local-lvm:4", net0="name=eth0,bridge=vmbr9", start=1
    )
    api.done(upid)
    start = api.get("/nodes/pve/tasks", typefilter="vzstart")[0]
    assert start["status"] == "bridge 'vmbr9' does not exist"
    assert api.get(f"{CT}/status/current")["status"] == "stopped"


def test_volumes_grow_and_never_shrink(api: Api) -> None:
    api.add_container(mp0="local-lvm:2,mp=/data")
    api.done(api.put(f"{CT}/resize", disk="mp0", size="3G"))
    assert "size=3G" in config(api)["mp0"]
    assert api.refused("PUT", f"{CT}/resize", disk="mp0", size="1G").message == "unable to shrink disk size"
    assert api.refused("PUT", f"{CT}/resize", disk="mp7", size="1G").message == "volume 'mp7' does not exist"


def test_a_mount_point_taken_off_is_unused_until_it_is_deleted(api: Api) -> None:
    api.add_container(mp0="local-lvm:2,mp=/data")
    api.put(f"{CT}/config", delete="mp0")
    assert config(api)["unused0"] == "local-lvm:vm-200-disk-1"
    api.put(f"{CT}/config", delete="unused0")
    volumes = [v["volid"] for v in api.get("/nodes/pve/storage/local-lvm/content")]
    assert volumes == ["local-lvm:vm-200-disk-0"]


def test_a_volume_moves_to_another_storage(api: Api) -> None:
    api.add_container()
    api.done(api.post(f"{CT}/move_volume", volume="rootfs", storage="tank", delete=1))
    assert config(api)["rootfs"] == "tank:subvol-200-disk-0,size=4G"
    assert api.get("/nodes/pve/storage/local-lvm/content") == []


def test_unprivileged_can_not_be_changed(api: Api) -> None:
    api.add_container()
    message = "unable to modify read-only option: 'unprivileged'"
    assert api.refused("PUT", f"{CT}/config", unprivileged=0).message == message
    assert api.refused("PUT", f"{CT}/config", delete="rootfs").message == "unable to delete required option 'rootfs'"


def test_a_clone_has_its_own_disk_and_hardware_address(api: Api) -> None:
    api.add_container(hostname="one")
    api.done(api.post(f"{CT}/clone", newid=201, hostname="two", full=1))
    old, new = config(api), config(api, 201)
    assert (new["hostname"], new["rootfs"]) == ("two", "local-lvm:vm-201-disk-0,size=4G")
    assert new["net0"] != old["net0"]
    message = "unable to create CT 201 - CT 201 already exists on node 'pve'"
    assert api.refused("POST", f"{CT}/clone", newid=201).message == message


def test_a_template_gives_linked_clones(api: Api) -> None:
    api.add_container(rootfs="tank:4")
    api.post(f"{CT}/template")
    assert config(api)["rootfs"] == "tank:basevol-200-disk-0,size=4G"
    api.done(api.post(f"{CT}/clone", newid=201))
    assert config(api, 201)["rootfs"] == "tank:basevol-200-disk-0/subvol-201-disk-0,size=4G"
    assert "still in use by linked clone" in api.refused("DELETE", CT).message


def test_a_running_container_moves_only_with_restart(api: Api) -> None:
    api.add_container(start=1)
    assert "without --online or --restart" in api.refused("POST", f"{CT}/migrate", target="pve2").message
    api.done(api.post(f"{CT}/migrate", target="pve2", restart=1))
    assert api.get("/nodes/pve2/lxc/200/status/current")["status"] == "running"
    assert config(api, node="pve2")["rootfs"] == "local-lvm:vm-200-disk-0,size=4G"


def test_leased_addresses_come_later_than_static_ones() -> None:
    with Simulator(task_seconds=0, address_seconds=0.5, dhcp={"vmbr0": "192.168.3.0/24"}) as simulator:
        api = Api(simulator, simulator.api_token)
        api.add_container(net1="name=eth1,bridge=vmbr0,ip=10.0.0.5/24")
        assert api.get(f"{CT}/interfaces") is None
        api.done(api.post(f"{CT}/status/start"))
        first = {i["name"]: i for i in api.get(f"{CT}/interfaces")}
        assert first["eth0"]["ip-addresses"] == []
        assert first["eth1"]["inet"] == "10.0.0.5/24"
        time.sleep(0.6)
        later = {i["name"]: i for i in api.get(f"{CT}/interfaces")}
        assert later["eth0"]["ip-addresses"] == [
            {"ip-address": "192.168.3.100", "prefix": "24", "ip-address-type": "inet"}
        ]
        api.http.close()


def test_a_lock_keeps_everybody_off(api: Api, simulator: Simulator) -> None:
    api.add_container()
    simulator.lock_guest(200, "backup")
    assert api.refused("DELETE", CT).message == "CT is locked (backup)"
    assert api.refused("POST", f"{CT}/status/start").message == "CT is locked (backup)"


def test_snapshots(api: Api) -> None:
    api.add_container(cores=1)
    api.done(api.post(f"{CT}/snapshot", snapname="before", description="x"))
    api.put(f"{CT}/config", cores=4)
    assert api.refused("POST", f"{CT}/snapshot", snapname="before").message == "snapshot name 'before' already used"
    assert [s["name"] for s in api.get(f"{CT}/snapshot")] == ["before", "current"]
    assert api.get(f"{CT}/snapshot/before/config")["cores"] == 1
    api.done(api.post(f"{CT}/snapshot/before/rollback", start=1))
    assert config(api)["cores"] == 1
    assert api.get(f"{CT}/status/current")["status"] == "running"
    api.done(api.delete(f"{CT}/snapshot/before"))
    assert api.refused("POST", f"{CT}/snapshot/before/rollback").message == "snapshot 'before' does not exist"


def test_backup_and_restore(api: Api) -> None:
    api.add_container(hostname="kept", mp0="local-lvm:2,mp=/data")
    api.done(api.post("/nodes/pve/vzdump", vmid="200", storage="local", compress="zstd", mode="stop"))
    backups = api.get("/nodes/pve/storage/local/content", content="backup")
    assert [(b["vmid"], b["format"], b["notes"]) for b in backups] == [(200, "tar.zst", "kept")]
    api.done(api.delete(CT))
    restore = {"vmid": 200, "ostemplate": backups[0]["volid"], "restore": 1}
    # Where the disks were is not asked: without a storage it is `local`, as for a new container.
    assert api.refused("POST", "/nodes/pve/lxc", **restore).errors == {
        "storage": "storage 'local' does not support container directories"
    }
    api.done(api.post("/nodes/pve/lxc", **restore, storage="local-lvm"))
    found = config(api)
    assert found["hostname"] == "kept"
    assert found["mp0"] == "local-lvm:vm-200-disk-1,mp=/data,size=2G"
    assert found["rootfs"] == "local-lvm:vm-200-disk-0,size=4G"
