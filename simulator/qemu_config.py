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
from .lxc_config import check_bridge, detach, forget_unused
from .properties import KIB, MIB, format_properties, normalise_tags, parse_properties, split_list
from .state import Config, Guest, Volume

NETWORK = re.compile(r"^net\d+$")
_PRIVILEGES = {
    "VM.Config.CPU": "cores cpu cpulimit cpuunits numa smp sockets vcpus",
    "VM.Config.Memory": "memory balloon shares",
    "VM.Config.HWType": (
        "acpi allow-ksm audio0 hotplug ivshmem kvm machine rng0 scsihw smbios1 spice_enhancements tablet vga vmgenid "
        "watchdog"
    ),
    "VM.Config.Options": (
        "agent autostart bios description freeze keyboard localtime lock migrate_downtime migrate_speed name onboot "
        "ostype protection reboot startdate startup tags tdf template"
    ),
    "VM.Config.Disk": "boot bootdisk vmstatestorage",
}
_PRIVILEGE_OF = {key: privilege for privilege, keys in _PRIVILEGES.items() for key in keys.split()}
_CLOUD_INIT = frozenset({"cicustom", "cipassword", "citype", "ciuser", "nameserver", "searchdomain", "sshkeys"})
_CONTROLS = frozenset({"delete", "digest", "force", "revert"})
_KIND = re.compile(r"^([a-z]+)\d+$")
_EFI_BYTES = {"2m": 128 * KIB, "4m": 528 * KIB}
_TPM_BYTES = 4 * MIB


def check_permissions(call: Call, vmid: int, pool: str | None, values: Config) -> None:
    """Refuses settings the caller may not make."""
    if call.who.is_root:
        return
    for key, value in values.items():
        if key in _CONTROLS:
            continue
        if privilege := _PRIVILEGE_OF.get(key):
            call.require_on_guest(vmid, pool, privilege)
        elif key in _CLOUD_INIT:
            _check_cloud_init(call, vmid, pool)
        elif QEMU_DISK.match(key) or key == "cdrom":
            _check_drive(call, vmid, pool, key, str(value))
        else:
            _check_numbered(call, vmid, pool, key, str(value))


def _check_cloud_init(call: Call, vmid: int, pool: str | None) -> None:
    if not call.may(f"/vms/{vmid}", "VM.Config.Network"):
        call.require_on_guest(vmid, pool, "VM.Config.Cloudinit")


def _check_drive(call: Call, vmid: int, pool: str | None, key: str, text: str) -> None:
    drive = parse_properties(text, "file")
    media = drive.get("media") == "cdrom" and not drive.get("file", "").endswith(":cloudinit")
    call.require_on_guest(vmid, pool, "VM.Config.CDROM" if media or key == "cdrom" else "VM.Config.Disk")


def _check_numbered(call: Call, vmid: int, pool: str | None, key: str, text: str) -> None:
    match = _KIND.match(key)
    kind = match[1] if match else ""
    if kind == "numa":
        call.require_on_guest(vmid, pool, "VM.Config.CPU")
    elif kind == "unused":
        call.require_on_guest(vmid, pool, "VM.Config.Disk")
    elif kind == "net":
        call.require_on_guest(vmid, pool, "VM.Config.Network")
        check_bridge(call, parse_qemu_net(text))
    elif kind == "ipconfig":
        _check_cloud_init(call, vmid, pool)
    elif kind == "serial":
        if text not in ("socket", ""):
            call.require_root(f"only root can modify '{key}' config for real devices")
        call.require_on_guest(vmid, pool, "VM.Config.HWType")
    elif kind in _MAPPINGS:
        _check_device(call, vmid, pool, key, text)
    else:
        call.require_root(
            "Only root may use this option." if key == "skiplock" else f"only root can set '{key}' config"
        )


_MAPPINGS = {"usb": "usb", "hostpci": "pci", "virtiofs": "dir"}


def _check_device(call: Call, vmid: int, pool: str | None, key: str, text: str) -> None:
    call.require_on_guest(vmid, pool, "VM.Config.HWType")
    kind = _MAPPINGS[key.rstrip("0123456789")]
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
        size = _image_size(call, guest, source) if source else _new_size(key, drive, new["size"])
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


def _image_size(call: Call, guest: Guest, source: str) -> int:
    if source.startswith("/"):
        call.require_root("Only root can pass arbitrary filesystem paths.")
    call.server.files.refresh(source.partition(":")[0], guest.node)
    image = call.cluster.volume(source, guest.node)
    if image.content not in ("images", "import", "iso"):
        raise failed(f"cannot import from '{source}' - wrong content type '{image.content}'")
    return virtual_size(image)


def _new_size(key: str, drive: Config, size: str) -> int:
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
            _set_drive(call, guest, key, str(value))
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


def _set_drive(call: Call, guest: Guest, key: str, text: str) -> None:
    before = volume_of(guest, key) if key in guest.config else ""
    placed = place_drive(call, guest, key, text)
    volid = parse_properties(placed, "file")["file"]
    if before and before != volid:
        remove_drive(call, guest, key, force=False)
    guest.config[key] = placed
    forget_unused(guest, volid)


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
