"""Settings of virtual machines: who may change which, and their normal form."""

from __future__ import annotations

import re
import uuid

from .addresses import new_mac, parse_qemu_net
from .call import Call
from .disks import (
    CLOUD_INIT_BYTES,
    NEW_DISK,
    QEMU_DISK,
    Disk,
    allocate,
    free,
    in_disk_order,
    new_disk_size,
    size_text,
    virtual_size,
    volume_of,
)
from .errors import bad_parameters, failed
from .lxc_config import check_bridge, detach
from .properties import KIB, MIB, format_properties, normalise_tags, parse_properties, split_list
from .state import Config, Guest, Volume

NETWORK = re.compile(r"^net\d+$")
_CPU = frozenset(["cores", "cpu", "cpulimit", "cpuunits", "numa", "smp", "sockets", "vcpus"])
_MEMORY = frozenset(["memory", "balloon", "shares"])
_HARDWARE = frozenset(
    [
        "acpi",
        "allow-ksm",
        "audio0",
        "efidisk0",
        "hotplug",
        "ivshmem",
        "kvm",
        "machine",
        "rng0",
        "scsihw",
        "smbios1",
        "spice_enhancements",
        "tablet",
        "tpmstate0",
        "vga",
        "vmgenid",
        "watchdog",
    ]
)
_OPTIONS = frozenset(
    [
        "agent",
        "autostart",
        "bios",
        "description",
        "freeze",
        "keyboard",
        "localtime",
        "lock",
        "migrate_downtime",
        "migrate_speed",
        "name",
        "onboot",
        "ostype",
        "protection",
        "reboot",
        "startdate",
        "startup",
        "tags",
        "tdf",
        "template",
    ]
)
_DISK_OPTIONS = frozenset(["boot", "bootdisk", "vmstatestorage"])
_CLOUD_INIT = frozenset(["cicustom", "cipassword", "citype", "ciuser", "nameserver", "searchdomain", "sshkeys"])
_EFI_BYTES = {"2m": 128 * KIB, "4m": 528 * KIB}
_TPM_BYTES = 4 * MIB


def check_permissions(call: Call, vmid: int, pool: str | None, values: Config) -> None:
    """Refuses settings the caller may not make."""
    if call.who.is_root:
        return
    for key, value in values.items():
        text = str(value)
        if QEMU_DISK.match(key) or key == "cdrom" or re.match(r"^unused\d+$", key):
            drive = parse_properties(text, "file")
            media = drive.get("media") == "cdrom" and not drive.get("file", "").endswith(":cloudinit")
            call.require_on_guest(vmid, pool, "VM.Config.CDROM" if media or key == "cdrom" else "VM.Config.Disk")
        elif key in _CPU or re.match(r"^numa\d+$", key):
            call.require_on_guest(vmid, pool, "VM.Config.CPU")
        elif key in _MEMORY:
            call.require_on_guest(vmid, pool, "VM.Config.Memory")
        elif key in _HARDWARE:
            call.require_on_guest(vmid, pool, "VM.Config.HWType")
        elif key in _OPTIONS:
            call.require_on_guest(vmid, pool, "VM.Config.Options")
        elif key in _DISK_OPTIONS:
            call.require_on_guest(vmid, pool, "VM.Config.Disk")
        elif NETWORK.match(key):
            call.require_on_guest(vmid, pool, "VM.Config.Network")
            check_bridge(call, parse_qemu_net(text))
        elif key in _CLOUD_INIT or re.match(r"^ipconfig\d+$", key):
            if not call.may(f"/vms/{vmid}", "VM.Config.Network"):
                call.require_on_guest(vmid, pool, "VM.Config.Cloudinit")
        elif re.match(r"^serial\d+$", key):
            if text not in ("socket", ""):
                call.require_root(f"only root can modify '{key}' config for real devices")
            call.require_on_guest(vmid, pool, "VM.Config.HWType")
        elif re.match(r"^(?:usb|hostpci|virtiofs)\d+$", key):
            _check_device(call, vmid, pool, key, text)
        elif key in ("delete", "digest", "revert", "skiplock", "force"):
            if key == "skiplock":
                call.require_root("Only root may use this option.")
        else:
            call.require_root(f"only root can set '{key}' config")


def _check_device(call: Call, vmid: int, pool: str | None, key: str, text: str) -> None:
    call.require_on_guest(vmid, pool, "VM.Config.HWType")
    kind = {"usb": "usb", "hos": "pci", "vir": "dir"}[key[:3]]
    device = parse_properties(text, "dirid" if kind == "dir" else "host")
    mapping = device.get("dirid") if kind == "dir" else device.get("mapping")
    if mapping:
        call.require(f"/mapping/{kind}/{mapping}", "Mapping.Use")
    elif text and device.get("host") != "spice":
        call.require_root(f"only root can set '{key}' config for non-mapped devices")


def normalise_net(call: Call, text: str) -> str:
    """An interface as ``model=MAC`` and the rest."""
    net = parse_qemu_net(text)
    model = net.pop("model", "virtio")
    mac = net.pop("macaddr", "").upper() or new_mac(call.cluster)
    if "tag" in net and not 1 <= int(net["tag"]) <= 4094:
        raise bad_parameters({"net": "invalid format - format error\ntag: value must have a maximum value of 4094"})
    return format_properties({"model": f"{model}={mac}", **net}, "model")


def place_drive(call: Call, guest: Guest, key: str, text: str) -> str:
    """A drive whose volume exists: new, imported, a cloud-init drive, or one that was there."""
    drive = parse_properties(text, "file")
    file = drive.get("file", "")
    fmt = drive.pop("format", "")
    source = drive.pop("import-from", "")
    if not file:
        raise bad_parameters({key: "invalid format - format error\nfile: property is missing and it is not optional"})
    if file in ("none", "cdrom"):
        return format_properties(drive, "file")
    storage, _, rest = file.partition(":")
    if rest == "cloudinit":
        volume = _cloud_init(call, guest, storage, fmt)
        drive |= {"file": volume.volid, "media": "cdrom", "size": size_text(volume)}
    elif new := NEW_DISK.match(file):
        call.require(f"/storage/{storage}", "Datastore.AllocateSpace")
        size = _new_size(call, guest, key, drive, new["size"], source)
        volume = allocate(call.cluster, Disk(storage, guest.node, guest.vmid, "images", size, fmt))
        drive |= {"file": volume.volid, "size": size_text(volume)}
        if key == "efidisk0":
            drive.setdefault("efitype", "2m")
    elif file.startswith("/"):
        call.require_root(f"Only root can pass arbitrary filesystem paths. at {key}")
    else:
        volume = call.cluster.volume(file, guest.node)
        if volume.content in ("images", "rootdir") and volume.vmid not in (None, guest.vmid):
            raise failed(f"can't use volume '{file}': owned by another guest ({volume.vmid})")
        if volume.content == "iso":
            drive["media"] = "cdrom"
        drive["size"] = size_text(volume)
    return format_properties(drive, "file")


def _cloud_init(call: Call, guest: Guest, storage: str, fmt: str) -> Volume:
    call.require(f"/storage/{storage}", "Datastore.AllocateSpace")
    name = f"vm-{guest.vmid}-cloudinit"
    kind = call.cluster.storage_for(storage, guest.node, "images")["type"]
    block = kind in ("lvm", "lvmthin", "zfspool", "rbd")
    volid = f"{storage}:{name}" if block else f"{storage}:{guest.vmid}/{name}.{fmt or 'qcow2'}"
    call.cluster.remove_volume(volid, guest.node)
    disk = Disk(storage, guest.node, guest.vmid, "images", CLOUD_INIT_BYTES, fmt or "qcow2", name=name)
    return allocate(call.cluster, disk)


def _new_size(call: Call, guest: Guest, key: str, drive: Config, size: str, source: str) -> int:
    if source:
        if source.startswith("/"):
            call.require_root("Only root can pass arbitrary filesystem paths.")
        call.server.files.refresh(source.partition(":")[0], guest.node)
        image = call.cluster.volume(source, guest.node)
        if image.content not in ("images", "import", "iso"):
            raise failed(f"cannot import from '{source}' - wrong content type '{image.content}'")
        return virtual_size(image)
    if key == "efidisk0":
        return _EFI_BYTES.get(str(drive.get("efitype", "2m")), _EFI_BYTES["2m"])
    if key == "tpmstate0":
        return _TPM_BYTES
    if float(size) == 0:
        raise failed("zero-sized volumes are not allowed")
    return new_disk_size(size)


def set_defaults(guest: Guest) -> None:
    """What a new machine gets by itself: identity and boot order."""
    guest.config.setdefault("smbios1", f"uuid={uuid.uuid4()}")
    guest.config.setdefault("vmgenid", str(uuid.uuid4()))
    if "boot" not in guest.config:
        order = [
            key
            for prefix in ("scsi", "virtio", "sata", "ide")
            for key in sorted(k for k in guest.config if re.match(rf"^{prefix}\d+$", k))
            if "media=cdrom" not in str(guest.config[key])
        ][:1]
        order += sorted(k for k in guest.config if NETWORK.match(k))[:1]
        if order:
            guest.config["boot"] = f"order={';'.join(order)}"


def apply(call: Call, guest: Guest, values: Config, deleted: list[str], *, force: bool = False) -> None:
    """Writes settings into a virtual machine's configuration."""
    for key in deleted:
        if key in guest.config and (QEMU_DISK.match(key) or key.startswith("unused")):
            remove_drive(call, guest, key, force=force)
        guest.config.pop(key, None)
    for key in in_disk_order(values):
        value = values[key]
        if NETWORK.match(key):
            guest.config[key] = normalise_net(call, str(value))
        elif QEMU_DISK.match(key):
            before = volume_of(guest, key) if key in guest.config else ""
            placed = place_drive(call, guest, key, str(value))
            volid = parse_properties(placed, "file")["file"]
            if before and before != volid:
                remove_drive(call, guest, key, force=False)
            guest.config[key] = placed
            for unused in [k for k in guest.config if k.startswith("unused") and guest.config[k] == volid]:
                del guest.config[unused]
        elif key == "tags":
            guest.config[key] = normalise_tags(str(value))
        elif key == "cipassword":
            guest.config[key] = "**********"
        elif key == "description":
            guest.config[key] = str(value).rstrip()
        elif key not in ("digest", "revert", "skiplock", "force"):
            guest.config[key] = value
    if not guest.config.get("tags", "x"):
        del guest.config["tags"]


def remove_drive(call: Call, guest: Guest, key: str, *, force: bool) -> None:
    """Takes a drive off: its volume becomes unused, or goes if it is a cloud-init drive, unused already, or forced."""
    drive = parse_properties(str(guest.config[key]), "file")
    volid = drive["file"]
    if ":" not in volid or ":iso/" in volid:
        return
    owned = call.cluster.volumes_on(volid.partition(":")[0], guest.node).get(volid)
    if force or key.startswith("unused") or "cloudinit" in volid:
        if owned:
            free(call.cluster, volid, guest.node)
    else:
        detach(guest, key)


def deleted_keys(values: Config) -> list[str]:
    """Takes ``delete`` out of the values."""
    return split_list(str(values.pop("delete", "")))
