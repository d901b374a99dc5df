"""Settings of containers: who may change which, and their normal form."""

from __future__ import annotations

import ipaddress
import re

from .addresses import new_mac
from .call import Call
from .disks import NEW_DISK, Disk, allocate, free, in_disk_order, new_disk_size, size_text, volume_of
from .errors import bad_parameters, failed, forbidden
from .properties import format_properties, normalise_tags, parse_properties
from .state import Config, Guest

NETWORK = re.compile(r"^net\d+$")
MOUNT = re.compile(r"^(?:rootfs|mp\d+)$")
_CPU = frozenset({"cores", "cpulimit", "cpuunits"})
_NETWORK_KEYS = frozenset({"nameserver", "searchdomain", "hostname"})


def check_permissions(
    call: Call, vmid: int, pool: str | None, values: Config, old: Guest | None, *, unprivileged: bool
) -> None:
    """Refuses settings the caller may not make."""
    for key, value in values.items():
        if MOUNT.match(key):
            call.require_on_guest(vmid, pool, "VM.Config.Disk")
            volume = parse_properties(str(value), "volume").get("volume", "")
            if volume.startswith("/"):
                kind = "device" if volume.startswith("/dev/") else "bind"
                if not call.who.is_root:
                    raise forbidden(f"mount point type {kind} is only allowed for root@pam")
        elif key in ("memory", "swap"):
            call.require_on_guest(vmid, pool, "VM.Config.Memory")
        elif key in _CPU:
            call.require_on_guest(vmid, pool, "VM.Config.CPU")
        elif NETWORK.match(key):
            call.require_on_guest(vmid, pool, "VM.Config.Network")
            check_bridge(call, parse_properties(str(value), "name"))
        elif key in _NETWORK_KEYS:
            call.require_on_guest(vmid, pool, "VM.Config.Network")
        elif key == "features":
            _check_features(call, vmid, pool, str(value), old, unprivileged=unprivileged)
        elif key == "hookscript":
            call.require_root("changing the hookscript is only allowed for root@pam")
        elif re.match(r"^dev\d+$", key):
            call.require_root("configuring device passthrough is only allowed for root@pam")
        else:
            call.require_on_guest(vmid, pool, "VM.Config.Options")


def _check_features(
    call: Call, vmid: int, pool: str | None, text: str, old: Guest | None, *, unprivileged: bool
) -> None:
    if call.who.is_root:
        return
    before = parse_properties(str(old.config.get("features", "")) if old else "", "")
    after = parse_properties(text, "")
    changed = {k for k in before.keys() | after.keys() if before.get(k, "0") != after.get(k, "0")}
    if not unprivileged and changed:
        raise forbidden("changing feature flags for privileged container is only allowed for root@pam")
    if changed - {"nesting"}:
        raise forbidden("changing feature flags (except nesting) is only allowed for root@pam")
    if changed:
        call.require_on_guest(vmid, pool, "VM.Allocate")


def check_bridge(call: Call, net: dict[str, str]) -> None:
    """Attaching to a bridge needs the right to use it."""
    bridge = net.get("bridge")
    if not bridge:
        return
    vnet = call.cluster.sdn["vnets"].get(bridge)
    path = f"/sdn/zones/{vnet['zone'] if vnet else 'localnetwork'}/{bridge}"
    if tag := net.get("tag"):
        if not call.may(path, "SDN.Use"):
            call.require(f"{path}/{tag}", "SDN.Use")
    else:
        call.require(path, "SDN.Use")


def _is_network(text: str) -> bool:
    if text in ("dhcp", "manual", "auto"):
        return True
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return "/" in text


def normalise_net(call: Call, key: str, text: str) -> str:
    """An interface with its hardware address and type."""
    net = parse_properties(text, "name")
    if "name" not in net:
        raise bad_parameters({key: "invalid format - format error\nname: property is missing and it is not optional"})
    for name, family in (("ip", "ipv4"), ("ip6", "ipv6")):
        if not _is_network(net.get(name, "dhcp")):
            text = f"{name}: invalid format - value does not look like a valid {family} network configuration"
            raise bad_parameters({key: f"invalid format - format error\n{text}"})
    if "tag" in net and not 1 <= int(net["tag"]) <= 4094:
        raise bad_parameters({key: "invalid format - format error\ntag: value must have a maximum value of 4094"})
    net["hwaddr"] = net.get("hwaddr", "").upper() or new_mac(call.cluster)
    net.setdefault("type", "veth")
    return format_properties({"name": "name=" + net.pop("name"), **net}, "name")


def place_mount(call: Call, guest: Guest, key: str, text: str) -> str:
    """A mount point whose volume exists: made where ``STORAGE:SIZE`` asks for a new one."""
    mount = parse_properties(text, "volume")
    volume = mount.get("volume", "")
    if key != "rootfs" and "mp" not in mount:
        raise bad_parameters({key: "invalid format - format error\nmp: property is missing and it is not optional"})
    if volume.startswith("/"):
        mount.pop("size", None)
        return format_properties(mount, "volume")
    if new := NEW_DISK.match(volume):
        call.require(f"/storage/{new['storage']}", "Datastore.AllocateSpace")
        size = new_disk_size(new["size"])
        if size == 0:
            raise failed("zero-sized volumes are not allowed")
        made = allocate(call.cluster, Disk(new["storage"], guest.node, guest.vmid, "rootdir", size))
        mount |= {"volume": made.volid, "size": size_text(made)}
    else:
        mount["size"] = size_text(call.cluster.volume(volume, guest.node))
    return format_properties(mount, "volume")


def apply(call: Call, guest: Guest, values: Config, deleted: list[str]) -> None:
    """Writes settings into a container's configuration."""
    for key in deleted:
        _delete(call, guest, key)
    for key in in_disk_order(values):
        text = str(values[key])
        if NETWORK.match(key):
            guest.config[key] = normalise_net(call, key, text)
        elif MOUNT.match(key):
            _set_mount(call, guest, key, text)
        elif key == "tags":
            guest.config[key] = normalise_tags(text)
        elif key == "description":
            guest.config[key] = text.rstrip() + "\n"
        elif key not in ("digest", "revert"):
            guest.config[key] = values[key]
    if not guest.config.get("tags", "x"):
        del guest.config["tags"]


def _delete(call: Call, guest: Guest, key: str) -> None:
    if key == "rootfs":
        raise failed("unable to delete required option 'rootfs'")
    if key.startswith("unused") and key in guest.config:
        free(call.cluster, volume_of(guest, key), guest.node)
    elif MOUNT.match(key) and key in guest.config:
        detach(guest, key)
    guest.config.pop(key, None)


def _set_mount(call: Call, guest: Guest, key: str, text: str) -> None:
    before = volume_of(guest, key) if key in guest.config else ""
    placed = place_mount(call, guest, key, text)
    volid = parse_properties(placed, "volume")["volume"]
    if before and before != volid:
        detach(guest, key)
    guest.config[key] = placed
    forget_unused(guest, volid)


def forget_unused(guest: Guest, volid: str) -> None:
    """Takes a volume that is used again off the unused ones."""
    for key in [k for k in guest.config if k.startswith("unused") and guest.config[k] == volid]:
        del guest.config[key]


def detach(guest: Guest, key: str) -> None:
    """Keeps a volume as unused."""
    volid = volume_of(guest, key)
    if volid.startswith("/") or ":" not in volid:
        return
    number = 0
    while f"unused{number}" in guest.config:
        number += 1
    guest.config[f"unused{number}"] = volid
