"""What can be done with one virtual machine: clone, migrate, resize, move, template, guest agent, cloud-init."""

from __future__ import annotations

import ipaddress
import uuid
from typing import Any

from simulator.addresses import interfaces, new_mac, parse_qemu_net
from simulator.call import Call
from simulator.cloning import Clone, start_clone, wanted_clone
from simulator.disks import (
    Disk,
    allocate,
    copy_volume,
    disk_key,
    free,
    grown_size,
    guest_volumes,
    in_disk_order,
    make_base,
    size_text,
    volume_of,
)
from simulator.endpoints import endpoint
from simulator.errors import failed
from simulator.lxc_config import check_bridge, detach
from simulator.moving import check_target, move_guest, unavailable
from simulator.properties import format_properties, parse_properties, split_list
from simulator.qemu_config import NETWORK, normalise_net, remove_drive
from simulator.state import Guest
from simulator.tasks import Task

from .guests import GUEST
from .ha import hand_over
from .lxc import check_hostname

_VM = GUEST["qemu"]
_DISK = "/vms/{vmid} VM.Config.Disk"
_AGENT = "/vms/{vmid} VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted"


@endpoint(
    "POST",
    f"{_VM}/clone",
    "bwlimit:int description format full:bool name newid!:int pool snapname storage target",
    check="/vms/{vmid} VM.Clone",
    locks=True,
)
def clone(call: Call) -> Any:
    """Copies a machine: in full, or, from a template, linked."""
    source, values, cluster = call.guest("qemu"), call.values, call.cluster
    check_hostname("name", values.get("name"))
    wanted = wanted_clone(call, source)
    if wanted.newid in cluster.guests:
        raise failed(f"unable to create VM {wanted.newid}: config file already exists")
    guest = wanted.guest()
    for key in [k for k in guest.config if NETWORK.match(k)]:
        net = parse_qemu_net(str(guest.config[key])) | {"macaddr": new_mac(cluster)}
        check_bridge(call, net)
        guest.config[key] = normalise_net(call, format_properties(net, "none"))
    guest.config |= {"name": values.get("name", f"Copy-of-{source.name}"), "vmgenid": str(uuid.uuid4())}
    smbios = parse_properties(str(guest.config.get("smbios1", "")), "uuid") | {"uuid": str(uuid.uuid4())}
    guest.config["smbios1"] = format_properties(smbios, "none")
    if "description" in values:
        guest.config["description"] = values["description"].rstrip()
    return start_clone(call, wanted, guest, lambda made: _copy_drives(call, wanted, made), "clone")


def _copy_drives(call: Call, wanted: Clone, guest: Guest) -> None:
    cluster = call.cluster
    for key in in_disk_order(k for k in guest.config if disk_key(guest, k)):
        volid = volume_of(guest, key)
        if ":" not in volid or ":iso/" in volid:
            continue
        original = cluster.volume(volid, call.node)
        place = wanted.storage_of(volid)
        if "cloudinit" in volid:
            name = f"vm-{guest.vmid}-cloudinit"
            disk = Disk(place, wanted.target, guest.vmid, "images", original.size, original.format, name=name)
            made = allocate(cluster, disk)
        else:
            disk = Disk(place, wanted.target, guest.vmid, "images", 0, call.values.get("format", ""))
            made = copy_volume(cluster, original, wanted.target, disk, full=wanted.full)
        drive = parse_properties(str(guest.config[key]), "file") | {"file": made.volid, "size": size_text(made)}
        guest.config[key] = format_properties(drive, "file")


@endpoint("GET", f"{_VM}/migrate", "target", check="/vms/{vmid} VM.Migrate")
def migration_preconditions(call: Call) -> Any:
    """Where the machine could go, and what keeps it."""
    guest = call.guest("qemu")
    local = [volid for _key, volid in guest_volumes(guest) if not call.cluster.is_shared(volid.partition(":")[0])]
    refused = unavailable(call.cluster, guest)
    devices = [key for key, value in guest.config.items() if key.startswith("hostpci") and "host=" in str(value)]
    return {
        "running": bool(guest.running),
        "local_disks": [{"volid": volid, "cdrom": int("cloudinit" in volid)} for volid in local],
        "local_resources": devices,
        "mapped-resources": [],
        "has-dbus-vmstate": True,
        "allowed_nodes": [node for node in call.cluster.nodes if node != guest.node and node not in refused],
        "not_allowed_nodes": {node: {"unavailable_storages": names} for node, names in refused.items()},
    }


@endpoint(
    "POST",
    f"{_VM}/migrate",
    "bwlimit:int force:bool migration_network migration_type online:bool target! targetstorage "
    "with-conntrack-state:bool with-local-disks:bool",
    check="/vms/{vmid} VM.Migrate",
    locks=True,
)
def migrate(call: Call) -> Any:
    """Moves a machine to another node."""
    guest = call.unlocked(call.guest("qemu"))
    target, online = call.values["target"], call.values.get("online")
    check_target(call, guest, target)
    if guest.ha_id in call.cluster.ha_resources:
        return hand_over(call, guest, target)
    if guest.running and not online:
        raise failed("can't migrate running VM without --online")
    local = [v for _key, v in guest_volumes(guest) if not call.cluster.is_shared(v.partition(":")[0])]
    if guest.running and local and not call.values.get("with-local-disks"):
        raise failed(f"can't live migrate VM with local disks: {local[0]}")

    def move(_task: Task) -> None:
        move_guest(call.cluster, guest, target, call.values.get("targetstorage"))

    return call.task("qmigrate", guest.vmid, move, guest=guest)


def _drive(_call: Call, guest: Guest, key: str) -> dict[str, str]:
    if key not in guest.config or not disk_key(guest, key):
        raise failed(f"disk '{key}' does not exist")
    return parse_properties(str(guest.config[key]), "file")


@endpoint("PUT", f"{_VM}/resize", "digest disk! size! skiplock:bool", check=_DISK, locks=True)
def resize(call: Call) -> Any:
    """Makes a disk larger."""
    guest = call.unlocked(call.guest("qemu"))
    key = call.values["disk"]
    drive = _drive(call, guest, key)
    volume = call.cluster.volume(drive["file"], guest.node)
    if drive.get("media") == "cdrom":
        raise failed("you can't resize a cdrom")
    call.require(f"/storage/{volume.volid.partition(':')[0]}", "Datastore.AllocateSpace")
    size = grown_size(volume.size, call.values["size"])
    if size < volume.size:
        raise failed("shrinking disks is not supported")

    def grow(_task: Task) -> None:
        volume.size = size
        guest.config[key] = format_properties(drive | {"size": size_text(volume)}, "file")

    return call.task("resize", guest.vmid, grow, guest=guest)


@endpoint(
    "POST",
    f"{_VM}/move_disk",
    "bwlimit:int delete:bool digest disk! format storage target-digest target-disk target-vmid:int",
    check=_DISK,
    locks=True,
)
def move_disk(call: Call) -> Any:
    """Moves a disk to another storage or format."""
    guest = call.unlocked(call.guest("qemu"))
    key, storage = call.values["disk"], call.values.get("storage")
    if "target-vmid" in call.values:
        raise failed("reassigning disks to another guest is not simulated")
    if not storage:
        raise failed("Either set storage to move to or a target VMID")
    drive = _drive(call, guest, key)
    call.require(f"/storage/{storage}", "Datastore.AllocateSpace")
    old = call.cluster.volume(drive["file"], guest.node)
    call.cluster.storage_for(storage, guest.node, "images")
    fmt = call.values.get("format", old.format)
    if storage == old.volid.partition(":")[0] and fmt == old.format:
        raise failed("you can't move to the same storage with same format")

    def move(_task: Task) -> None:
        made = allocate(call.cluster, Disk(storage, guest.node, guest.vmid, "images", old.size, fmt))
        if call.values.get("delete"):
            free(call.cluster, old.volid, guest.node)
        else:
            detach(guest, key)
        guest.config[key] = format_properties(drive | {"file": made.volid, "size": size_text(made)}, "file")

    return call.task("qmmove", guest.vmid, move, guest=guest)


@endpoint("PUT", f"{_VM}/unlink", "force:bool idlist!", check=_DISK, locks=True)
def unlink(call: Call) -> None:
    """Takes disks off."""
    guest = call.unlocked(call.guest("qemu"))
    for key in split_list(call.values["idlist"]):
        if key in guest.config:
            remove_drive(call, guest, key, force=bool(call.values.get("force")))
            guest.config.pop(key)


@endpoint("POST", f"{_VM}/template", "disk", check="/vms/{vmid} VM.Allocate", locks=True)
def make_template(call: Call) -> Any:
    """Turns a stopped machine into a template."""
    guest = call.unlocked(call.guest("qemu"))
    if guest.is_template:
        raise failed("you can't convert a template to a template")
    if guest.running:
        raise failed("you can't convert a VM to template if VM is running")
    return call.task("qmtemplate", guest.vmid, lambda _task: to_template(call, guest), guest=guest)


def to_template(call: Call, guest: Guest) -> None:
    """Makes base images of all disks."""
    for key in [k for k in guest.config if disk_key(guest, k)]:
        drive = parse_properties(str(guest.config[key]), "file")
        if ":" in drive["file"] and ":iso/" not in drive["file"]:
            drive["file"] = make_base(call.cluster, drive["file"], guest.node).volid
            guest.config[key] = format_properties(drive, "file")
    guest.config["template"] = 1


# guest agent


def _agent(call: Call) -> Guest:
    guest = call.guest("qemu")
    agent = parse_properties(str(guest.config.get("agent", "0")), "enabled")
    if agent.get("enabled") not in ("1", "on", "yes", "true"):
        raise failed("No QEMU guest agent configured")
    if not guest.running:
        raise failed(f"VM {guest.vmid} is not running")
    if not interfaces_ready(call, guest):
        raise failed("QEMU guest agent is not running")
    return guest


def interfaces_ready(call: Call, guest: Guest) -> bool:
    """Whether the agent inside has come up since the start."""
    import time

    return time.monotonic() - guest.started_at >= call.server.options.address_seconds


@endpoint("POST", f"{_VM}/agent/ping", check=_AGENT)
def ping(call: Call) -> Any:
    """Answers when the agent is up."""
    _agent(call)
    return {"result": {}}


@endpoint("GET", f"{_VM}/agent/get-osinfo", check=_AGENT)
def os_info(call: Call) -> Any:
    """What the agent says about the system."""
    _agent(call)
    return {"result": {"id": "debian", "name": "Debian GNU/Linux", "version-id": "12", "machine": "x86_64"}}


@endpoint("GET", f"{_VM}/agent/network-get-interfaces", check=_AGENT)
def agent_interfaces(call: Call) -> Any:
    """Interfaces with the addresses they have by now."""
    guest = _agent(call)
    found = [_interface("lo", "00:00:00:00:00:00", ("127.0.0.1/8", "::1/128"))]
    now = interfaces(call.cluster, call.server.options, guest)
    found.extend(_interface(item.name, item.mac.lower(), item.addresses) for item in now)
    return {"result": found}


def _interface(name: str, mac: str, addresses: tuple[str, ...]) -> dict[str, Any]:
    parsed = [ipaddress.ip_interface(address) for address in addresses]
    return {
        "name": name,
        "hardware-address": mac,
        "ip-addresses": [
            {"ip-address": str(i.ip), "prefix": i.network.prefixlen, "ip-address-type": f"ipv{i.version}"}
            for i in parsed
        ],
    }


@endpoint("GET", f"{_VM}/cloudinit", check="/vms/{vmid} VM.Audit")
def cloud_init(call: Call) -> Any:
    """Cloud-init settings; none is pending."""
    guest = call.guest("qemu")
    keys = ("ciuser", "cipassword", "citype", "nameserver", "searchdomain", "sshkeys")
    return [{"key": k, "value": guest.config[k]} for k in guest.config if k in keys or k.startswith("ipconfig")]


@endpoint("PUT", f"{_VM}/cloudinit", check="/vms/{vmid} VM.Config.Cloudinit", locks=True)
def rebuild_cloud_init(call: Call) -> None:
    """Makes the cloud-init drive again."""
    call.unlocked(call.guest("qemu"))
