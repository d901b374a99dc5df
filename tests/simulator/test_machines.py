"""Virtual machines: creation, disks, clones, power, migration, refusals in Proxmox's words."""

from __future__ import annotations

import pytest

from simulator import Simulator
from tests.simulator.api_client import IMAGE_URL, Api

VM = "/nodes/pve/qemu/100"


def config(api: Api, vmid: int = 100, node: str = "pve") -> dict[str, str]:
    found: dict[str, str] = api.get(f"/nodes/{node}/qemu/{vmid}/config")
    return found


def test_a_new_machine_has_normal_settings_and_an_identity(api: Api) -> None:
    api.add_machine(tags="Web,db", scsi0="file=local-lvm:8,format=raw,discard=on")
    found = config(api)
    assert found["tags"] == "db;web"
    assert found["scsi0"] == "local-lvm:vm-100-disk-0,discard=on,size=8G"
    assert found["net0"].startswith("virtio=BC:24:11:")
    assert found["net0"].endswith(",bridge=vmbr0")
    assert found["boot"] == "order=scsi0;net0"
    assert "uuid=" in found["smbios1"]
    assert "lock" not in found


def test_disks_are_numbered_in_order_and_firmware_disks_come_last(api: Api) -> None:
    api.add_machine(scsi1="tank:1", efidisk0="local-lvm:1,efitype=4m", tpmstate0="local-lvm:1,version=v2.0")
    found = config(api)
    assert found["scsi1"] == "tank:vm-100-disk-0,size=1G"
    assert found["efidisk0"] == "local-lvm:vm-100-disk-1,efitype=4m,size=528K"
    assert found["tpmstate0"] == "local-lvm:vm-100-disk-2,size=4M,version=v2.0"


def test_an_imported_disk_has_the_size_of_its_image(api: Api) -> None:
    api.download(IMAGE_URL, "import")
    api.add_machine(scsi0="local-lvm:0,import-from=local:import/debian-12.qcow2")
    assert config(api)["scsi0"] == "local-lvm:vm-100-disk-0,size=345M"


def test_a_qcow2_header_tells_the_size() -> None:
    header = b"QFI\xfb" + b"\0" * 20 + (3 * 1024**3).to_bytes(8, "big") + b"\0" * 40
    with Simulator(task_seconds=0, downloads={IMAGE_URL: header}) as simulator:
        api = Api(simulator, simulator.api_token)
        api.download(IMAGE_URL, "import")
        api.add_machine(scsi0="local-lvm:0,import-from=local:import/debian-12.qcow2")
        assert config(api)["scsi0"].endswith("size=3G")
        api.http.close()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"scsi0": "nope:8"}, "unable to create VM 101 - storage 'nope' does not exist"),
        ({"scsi0": "local:8"}, "unable to create VM 101 - storage 'local' does not support vm images"),
        (
            {"scsi0": "local-lvm:0,import-from=local:import/none.qcow2"},
            "unable to create VM 101 - volume 'local:import/none.qcow2' does not exist",
        ),
        ({"pool": "nope"}, "no such pool 'nope'"),
    ],
)
def test_a_machine_of_something_missing_is_refused_and_leaves_nothing(
    api: Api, simulator: Simulator, values: dict[str, str], message: str
) -> None:
    refusal = api.refused("POST", "/nodes/pve/qemu", vmid=101, ide0="local-lvm:1", **values)
    assert (refusal.status, refusal.message) == (500, message)
    assert simulator.guests() == {}
    assert api.get("/nodes/pve/storage/local-lvm/content") == []


def test_a_taken_vmid_is_refused(api: Api) -> None:
    api.add_machine()
    message = "unable to create VM 100 - VM 100 already exists on node 'pve'"
    assert api.refused("POST", "/nodes/pve2/qemu", vmid=100).message == message
    assert api.refused("GET", "/cluster/nextid", vmid=100).errors == {"vmid": "VM 100 already exists"}
    assert api.get("/cluster/nextid") == "101"


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"vmid": 99}, {"vmid": "value must have a minimum value of 100"}),
        ({"cores": 0}, {"cores": "value must have a minimum value of 1"}),
        ({"bios": "bad"}, {"bios": "value 'bad' does not have a value in the enumeration"}),
        ({"name": "no_dns"}, {"name": "invalid format - value 'no_dns' does not look like a valid DNS name"}),
        ({"tags": "a:b"}, {"tags": "invalid format - invalid characters in tag"}),
    ],
)
def test_values_out_of_range_are_refused(api: Api, values: dict[str, object], errors: dict[str, str]) -> None:
    refusal = api.refused("POST", "/nodes/pve/qemu", **{"vmid": 101, **values})
    assert (refusal.status, refusal.errors) == (400, errors)


def test_a_missing_machine_has_no_configuration_file(api: Api) -> None:
    refusal = api.refused("GET", "/nodes/pve/qemu/100/config")
    assert refusal.message == "Configuration file 'nodes/pve/qemu-server/100.conf' does not exist"


def test_power(api: Api) -> None:
    api.add_machine(memory=1024)
    assert api.refused("POST", f"{VM}/status/reboot").message == "VM 100 not running"
    api.done(api.post(f"{VM}/status/start"))
    current = api.get(f"{VM}/status/current")
    assert (current["status"], current["maxmem"], current["maxdisk"]) == ("running", 1024**3, 8 * 1024**3)
    assert api.refused("POST", f"{VM}/status/start").message == "VM 100 already running"
    assert api.refused("DELETE", VM).message == "VM 100 is running - destroy failed"
    api.done(api.post(f"{VM}/status/shutdown", timeout=10))
    assert api.get(f"{VM}/status/current")["status"] == "stopped"


def test_a_machine_on_a_missing_bridge_is_made_but_does_not_start(api: Api) -> None:
    api.add_machine(net0="virtio,bridge=vmbr9")
    assert api.finished(api.post(f"{VM}/status/start")) == "bridge 'vmbr9' does not exist"
    assert api.get(f"{VM}/status/current")["status"] == "stopped"


def test_a_missing_snippet_keeps_it_from_starting(api: Api) -> None:
    api.add_machine(ide2="local-lvm:cloudinit", cicustom="user=local:snippets/none.yaml")
    assert api.finished(api.post(f"{VM}/status/start")) == "volume 'local:snippets/none.yaml' does not exist"


def test_disks_grow_and_never_shrink(api: Api) -> None:
    api.add_machine()
    api.done(api.put(f"{VM}/resize", disk="scsi0", size="+2G"))
    api.done(api.put(f"{VM}/resize", disk="scsi0", size="12G"))
    assert config(api)["scsi0"].endswith("size=12G")
    assert api.refused("PUT", f"{VM}/resize", disk="scsi0", size="8G").message == "shrinking disks is not supported"
    assert api.refused("PUT", f"{VM}/resize", disk="scsi5", size="8G").message == "disk 'scsi5' does not exist"
    assert api.refused("PUT", f"{VM}/resize", disk="scsi0", size="big").message == "unable to parse size 'big'"


def test_a_disk_moves_to_another_storage(api: Api) -> None:
    api.add_machine()
    api.done(api.post(f"{VM}/move_disk", disk="scsi0", storage="tank", delete=1))
    assert config(api)["scsi0"] == "tank:vm-100-disk-0,size=8G"
    assert api.get("/nodes/pve/storage/local-lvm/content") == []
    refusal = api.refused("POST", f"{VM}/move_disk", disk="scsi0", storage="tank")
    assert refusal.message == "you can't move to the same storage with same format"


def test_a_disk_taken_off_is_unused_until_it_is_deleted(api: Api) -> None:
    api.add_machine()
    api.put(f"{VM}/config", delete="scsi0")
    assert config(api)["unused0"] == "local-lvm:vm-100-disk-0"
    api.put(f"{VM}/config", delete="unused0")
    assert api.get("/nodes/pve/storage/local-lvm/content") == []


def test_a_disk_may_be_put_back(api: Api) -> None:
    api.add_machine()
    api.put(f"{VM}/config", delete="scsi0")
    api.put(f"{VM}/config", virtio0="local-lvm:vm-100-disk-0,cache=none")
    found = config(api)
    assert found["virtio0"] == "local-lvm:vm-100-disk-0,cache=none,size=8G"
    assert "unused0" not in found


def test_a_disk_of_another_guest_is_refused(api: Api) -> None:
    api.add_machine(100)
    api.add_machine(101)
    message = "can't use volume 'local-lvm:vm-101-disk-0': owned by another guest (101)"
    assert api.refused("PUT", f"{VM}/config", scsi1="local-lvm:vm-101-disk-0").message == message


def test_a_full_clone_is_its_own_machine(api: Api) -> None:
    api.add_machine(ide2="local-lvm:cloudinit", protection=1, tags="a")
    api.done(api.post(f"{VM}/clone", newid=101, name="copy", full=1, storage="tank"))
    old, new = config(api), config(api, 101)
    assert new["name"] == "copy"
    assert new["scsi0"] == "tank:vm-101-disk-0,size=8G"
    assert new["ide2"] == "tank:vm-101-cloudinit,media=cdrom,size=4M"
    assert new["net0"] != old["net0"]
    assert new["smbios1"] != old["smbios1"]
    assert "protection" not in new
    assert new["tags"] == "a"


def test_a_linked_clone_keeps_its_template(api: Api) -> None:
    api.add_machine()
    refusal = api.refused("POST", f"{VM}/clone", newid=101, full=0)
    assert refusal.message == "Linked clone feature for 'local-lvm:vm-100-disk-0' is not available"
    api.done(api.post(f"{VM}/template"))
    assert config(api)["scsi0"] == "local-lvm:base-100-disk-0,size=8G"
    api.done(api.post(f"{VM}/clone", newid=101))
    message = "base volume 'local-lvm:base-100-disk-0' is still in use by linked clone 'local-lvm:vm-101-disk-0'"
    assert api.refused("DELETE", VM).message == message
    api.done(api.delete("/nodes/pve/qemu/101"))
    api.done(api.delete(VM))
    assert api.get("/nodes/pve/storage/local-lvm/content") == []


def test_zfs_names_a_linked_clone_after_its_base(api: Api) -> None:
    api.add_machine(scsi0="tank:8")
    api.done(api.post(f"{VM}/template"))
    api.done(api.post(f"{VM}/clone", newid=101))
    assert config(api, 101)["scsi0"] == "tank:base-100-disk-0/vm-101-disk-0,size=8G"


def test_cloning_what_is_not_there_or_onto_what_is(api: Api) -> None:
    api.add_machine(100)
    api.add_machine(101)
    assert "does not exist" in api.refused("POST", "/nodes/pve/qemu/102/clone", newid=103).message
    message = "unable to create VM 101: config file already exists"
    assert api.refused("POST", f"{VM}/clone", newid=101).message == message
    message = "can't clone VM to node 'pve2' (VM uses local storage)"
    assert api.refused("POST", f"{VM}/clone", newid=103, target="pve2").message == message


def test_a_template_does_not_start_nor_become_one_twice(api: Api) -> None:
    api.add_machine(template=1)
    assert api.refused("POST", f"{VM}/status/start").message == "you can't start a vm if it's a template"
    assert api.refused("POST", f"{VM}/template").message == "you can't convert a template to a template"


def test_protection_keeps_it(api: Api) -> None:
    api.add_machine(protection=1)
    assert api.refused("DELETE", VM).message == "can't remove VM 100 - protection mode enabled"
    api.put(f"{VM}/config", protection=0)
    api.done(api.delete(VM))


def test_a_lock_keeps_everybody_off(api: Api, simulator: Simulator) -> None:
    api.add_machine()
    simulator.lock_guest(100, "backup")
    for method, path in (("DELETE", VM), ("POST", f"{VM}/status/start"), ("POST", f"{VM}/clone")):
        values = {"newid": 101} if path.endswith("clone") else {}
        assert api.refused(method, path, **values).message == "VM is locked (backup)"
    assert api.refused("PUT", f"{VM}/config", cores=2).message == "VM is locked (backup)"
    assert api.get(f"{VM}/status/current")["lock"] == "backup"
    simulator.unlock_guest(100)
    api.put(f"{VM}/config", cores=2)


def test_a_stale_digest_is_refused(api: Api) -> None:
    api.add_machine()
    stale = config(api)["digest"]
    api.put(f"{VM}/config", cores=2, digest=stale)
    assert "detected modified configuration" in api.refused("PUT", f"{VM}/config", cores=3, digest=stale).message


def test_migration_takes_local_disks_along(api: Api) -> None:
    api.add_machine()
    assert api.refused("POST", f"{VM}/migrate", target="pve").errors == {"target": "target is local node."}
    assert api.refused("POST", f"{VM}/migrate", target="x").message == "no such cluster node 'x'"
    api.done(api.post(f"{VM}/status/start"))
    assert api.refused("POST", f"{VM}/migrate", target="pve2").message == "can't migrate running VM without --online"
    refusal = api.refused("POST", f"{VM}/migrate", target="pve2", online=1)
    assert refusal.message == "can't live migrate VM with local disks: local-lvm:vm-100-disk-0"
    api.done(api.post(f"{VM}/migrate", target="pve2", online=1, **{"with-local-disks": 1}))
    assert config(api, node="pve2")["scsi0"] == "local-lvm:vm-100-disk-0,size=8G"
    assert api.get("/nodes/pve/storage/local-lvm/content") == []
    assert api.get("/nodes/pve2/qemu/100/status/current")["status"] == "running"


def test_the_agent_answers_a_moment_after_the_start() -> None:
    with Simulator(task_seconds=0, address_seconds=0.4, dhcp={"vmbr0.30": "10.30.0.0/24"}) as simulator:
        api = Api(simulator, simulator.api_token)
        api.add_machine(agent="1", net0="virtio,bridge=vmbr0,tag=30", net1="virtio,bridge=vmbr0")
        api.put(f"{VM}/config", ipconfig1="ip=192.168.3.60/24,gw=192.168.3.1")
        path = f"{VM}/agent/network-get-interfaces"
        assert api.refused("GET", path).message == "VM 100 is not running"
        api.done(api.post(f"{VM}/status/start"))
        assert api.refused("GET", path).message == "QEMU guest agent is not running"
        for _ in range(100):
            if api.answer("GET", path).status_code == 200:
                break
        else:
            simulator.inspect(lambda cluster: setattr(cluster.guests[100], "started_at", 0.0))
        found = {i["name"]: i["ip-addresses"][0] for i in api.get(path)["result"]}
        assert found["ens18"] == {"ip-address": "10.30.0.100", "prefix": 24, "ip-address-type": "ipv4"}
        assert found["ens19"]["ip-address"] == "192.168.3.60"
        api.http.close()


def test_without_the_agent_configured_nothing_is_asked(api: Api) -> None:
    api.add_machine()
    api.done(api.post(f"{VM}/status/start"))
    assert api.refused("GET", f"{VM}/agent/network-get-interfaces").message == "No QEMU guest agent configured"


def test_a_destroyed_machine_is_gone_everywhere(api: Api) -> None:
    api.add_machine()
    api.post("/pools", poolid="lab")
    api.put("/pools", poolid="lab", vms=100)
    api.post("/cluster/backup", id="nightly", vmid="100", schedule="02:00", storage="local")
    api.post("/cluster/ha/resources", sid="vm:100")
    message = "unable to remove VM 100 - used in HA resources and purge parameter not set."
    assert api.refused("DELETE", VM).message == message
    api.done(api.delete(VM, purge=1))
    assert api.get("/pools", poolid="lab")[0]["members"] == []
    assert api.get("/cluster/backup") == []
    assert api.get("/cluster/ha/resources") == []
    assert api.get("/cluster/resources", type="vm") == []


def test_the_list_of_all_guests_is_always_that_of_now(api: Api, simulator: Simulator) -> None:
    def names() -> list[tuple[str, str]]:
        return [(vm["name"], vm["status"]) for vm in api.get("/cluster/resources", type="vm")]

    api.add_machine()
    assert names() == [("vm100", "stopped")]
    api.put(f"{VM}/config", name="web")
    assert names() == [("web", "stopped")]
    simulator.faults.slow_task("qmstart", 0.2)
    upid = api.post(f"{VM}/status/start")
    assert names() == [("web", "stopped")]
    api.done(upid)
    assert names() == [("web", "running")]
    simulator.inspect(lambda cluster: cluster.guests[100].config.__setitem__("name", "changed"))
    assert names() == [("changed", "running")]
    robot = Api(simulator)
    simulator.add_user("robot@pve")
    robot.http.headers["Authorization"] = f"PVEAPIToken={simulator.add_token('robot@pve', 't')}"
    assert robot.get("/cluster/resources", type="vm") == []
    robot.http.close()


def test_passwords_are_not_read_back(api: Api) -> None:
    api.add_machine(cipassword="very-secret")
    assert config(api)["cipassword"] == "**********"
