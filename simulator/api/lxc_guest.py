"""What can be done with one container: clone, migrate, resize, move, template, addresses."""

from __future__ import annotations

import ipaddress
from typing import Any

from simulator.addresses import interfaces, new_mac
from simulator.call import Call
from simulator.cloning import Clone, start_clone, wanted_clone
from simulator.disks import (
    Disk,
    allocate,
    copy_volume,
    disk_key,
    free,
    grown_size,
    in_disk_order,
    make_base,
    size_text,
    volume_of,
)
from simulator.endpoints import endpoint
from simulator.errors import failed
from simulator.lxc_config import NETWORK, check_bridge, detach
from simulator.moving import check_target, move_guest
from simulator.properties import format_properties, parse_properties
from simulator.state import Guest
from simulator.tasks import Task

from .guests import GUEST, power_on
from .ha import hand_over
from .lxc import check_hostname, check_new_vmid

_CT = GUEST["lxc"]
_DISK = "/vms/{vmid} VM.Config.Disk"


@endpoint(
    "POST",
    f"{_CT}/clone",
    "bwlimit:num description full:bool hostname newid!:int pool snapname storage target",
    check="/vms/{vmid} VM.Clone",
    locks=True,
)
def clone(call: Call) -> Any:
    """Copies a container: in full, or, from a template, linked."""
    source, values = call.guest("lxc"), call.values
    check_hostname("hostname", values.get("hostname"))
    wanted = wanted_clone(call, source)
    if source.running and wanted.full and not values.get("snapname"):
        raise failed("Cannot do full clones on a running container without snapshots")
    check_new_vmid(call, f"unable to create CT {wanted.newid}", wanted.newid)
    guest = wanted.guest()
    for key in [k for k in guest.config if NETWORK.match(k)]:
        net = parse_properties(str(guest.config[key]), "name") | {"hwaddr": new_mac(call.cluster)}
        check_bridge(call, net)
        guest.config[key] = format_properties({"name": "name=" + net.pop("name"), **net}, "name")
    guest.config["hostname"] = values.get("hostname", source.name)
    if "description" in values:
        guest.config["description"] = values["description"].rstrip() + "\n"
    return start_clone(call, wanted, guest, lambda made: _copy_volumes(call, wanted, made), "create")


def _copy_volumes(call: Call, wanted: Clone, guest: Guest) -> None:
    for key in in_disk_order(k for k in guest.config if disk_key(guest, k)):
        volid = volume_of(guest, key)
        if ":" not in volid:
            continue
        disk = Disk(wanted.storage_of(volid), wanted.target, guest.vmid, "rootdir", 0)
        made = copy_volume(call.cluster, call.cluster.volume(volid, call.node), wanted.target, disk, full=wanted.full)
        mount = parse_properties(str(guest.config[key]), "volume") | {"volume": made.volid, "size": size_text(made)}
        guest.config[key] = format_properties(mount, "volume")


@endpoint("GET", f"{_CT}/migrate", "target", check="/vms/{vmid} VM.Migrate")
def migration_preconditions(call: Call) -> Any:
    """Where the container could go."""
    guest = call.guest("lxc")
    nodes = [node for node in call.cluster.nodes if node != guest.node]
    return {"running": bool(guest.running), "allowed-nodes": nodes, "not-allowed-nodes": {}}


@endpoint(
    "POST",
    f"{_CT}/migrate",
    "bwlimit:num online:bool restart:bool target! target-storage timeout:int",
    check="/vms/{vmid} VM.Migrate",
    locks=True,
)
def migrate(call: Call) -> Any:
    """Moves a container to another node; a running one is restarted."""
    guest = call.unlocked(call.guest("lxc"))
    target = call.values["target"]
    check_target(call, guest, target)
    if guest.ha_id in call.cluster.ha_resources:
        return hand_over(call, guest, target)
    if guest.running and not (call.values.get("restart") or call.values.get("online")):
        raise failed("can't migrate running container without --online or --restart")

    def move(task: Task) -> None:
        was_running, guest.running = guest.running, False
        move_guest(call.cluster, guest, target, call.values.get("target-storage"))
        if was_running:
            power_on(call, guest, task)

    return call.task("vzmigrate", guest.vmid, move, guest=guest)


@endpoint("PUT", f"{_CT}/resize", "digest disk! size!", check=_DISK, locks=True)
def resize(call: Call) -> Any:
    """Makes a volume larger."""
    guest = call.unlocked(call.guest("lxc"))
    key = call.values["disk"]
    if key not in guest.config or not disk_key(guest, key):
        raise failed(f"volume '{key}' does not exist")
    mount = parse_properties(str(guest.config[key]), "volume")
    volume = call.cluster.volume(mount["volume"], guest.node)
    call.require(f"/storage/{volume.volid.partition(':')[0]}", "Datastore.AllocateSpace")
    size = grown_size(volume.size, call.values["size"])
    if size < volume.size:
        raise failed("unable to shrink disk size")

    def grow(_task: Task) -> None:
        volume.size = size
        guest.config[key] = format_properties(mount | {"size": size_text(volume)}, "volume")

    return call.task("resize", guest.vmid, grow, guest=guest)


@endpoint(
    "POST",
    f"{_CT}/move_volume",
    "bwlimit:num delete:bool digest storage target-digest target-vmid:int target-volume volume!",
    check=_DISK,
    locks=True,
)
def move_volume(call: Call) -> Any:
    """Moves a volume to another storage."""
    guest = call.unlocked(call.guest("lxc"))
    key, storage = call.values["volume"], call.values.get("storage")
    if "target-vmid" in call.values:
        raise failed("reassigning volumes to another guest is not simulated")
    if not storage:
        raise failed("either set storage to move to or a target VMID")
    if key not in guest.config:
        raise failed(f"volume '{key}' does not exist")
    if guest.running:
        raise failed("cannot move volumes of a running container")
    call.require(f"/storage/{storage}", "Datastore.AllocateSpace")
    mount = parse_properties(str(guest.config[key]), "volume")
    old = call.cluster.volume(mount["volume"], guest.node)
    call.cluster.storage_for(storage, guest.node, "rootdir")

    def move(_task: Task) -> None:
        made = allocate(call.cluster, Disk(storage, guest.node, guest.vmid, "rootdir", old.size))
        if not call.values.get("delete"):
            detach(guest, key)
        else:
            free(call.cluster, old.volid, guest.node)
        guest.config[key] = format_properties(mount | {"volume": made.volid, "size": size_text(made)}, "volume")

    return call.task("move_volume", guest.vmid, move, guest=guest)


@endpoint("POST", f"{_CT}/template", check="/vms/{vmid} VM.Allocate", locks=True)
def make_template(call: Call) -> None:
    """Turns a stopped container into a template."""
    guest = call.unlocked(call.guest("lxc"))
    if guest.is_template:
        raise failed("you can't convert a CT to template if the CT is already a template")
    if guest.running:
        raise failed("you can't convert a CT to template if the CT is running")
    to_template(call, guest)


def to_template(call: Call, guest: Guest) -> None:
    """Makes base images of all volumes."""
    for key in [k for k in guest.config if disk_key(guest, k)]:
        mount = parse_properties(str(guest.config[key]), "volume")
        if ":" in mount["volume"]:
            mount["volume"] = make_base(call.cluster, mount["volume"], guest.node).volid
        guest.config[key] = format_properties(mount, "volume")
    guest.config["template"] = 1


@endpoint("GET", f"{_CT}/interfaces", check="/vms/{vmid} VM.Audit")
def list_interfaces(call: Call) -> Any:
    """Interfaces of a running container with the addresses it has by now."""
    guest = call.guest("lxc")
    if not guest.running:
        return None
    found: list[dict[str, Any]] = [_interface("lo", "00:00:00:00:00:00", ("127.0.0.1/8", "::1/128"))]
    now = interfaces(call.cluster, call.server.options, guest)
    found.extend(_interface(item.name, item.mac.lower(), item.addresses) for item in now)
    return found


def _interface(name: str, mac: str, addresses: tuple[str, ...]) -> dict[str, Any]:
    view: dict[str, Any] = {"name": name, "hwaddr": mac, "hardware-address": mac, "ip-addresses": []}
    for address in addresses:
        interface = ipaddress.ip_interface(address)
        kind = "inet" if interface.version == 4 else "inet6"
        view.setdefault(kind, address)
        view["ip-addresses"].append(
            {"ip-address": str(interface.ip), "prefix": str(interface.network.prefixlen), "ip-address-type": kind}
        )
    return view
