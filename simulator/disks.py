"""Disks of guests: allocation, names on each type of storage, copies and base images."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .errors import failed
from .properties import GIB, MIB, format_size, parse_properties, parse_size
from .state import BLOCK_TYPES, Cluster, Guest, Volume

NEW_DISK = re.compile(r"^(?P<storage>[A-Za-z][A-Za-z0-9_.-]*):(?P<size>\d+(?:\.\d+)?)$")
QEMU_DISK = re.compile(r"^(?:(?:ide|sata|scsi|virtio)\d+|efidisk0|tpmstate0)$")
LXC_DISK = re.compile(r"^(?:rootfs|mp\d+)$")
_ORDER = ("rootfs", "mp", "ide", "scsi", "virtio", "sata", "efidisk", "tpmstate")
CLOUD_INIT_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk to be made: ``content`` is ``images`` or ``rootdir``, ``size`` is bytes."""

    storage: str
    node: str
    vmid: int
    content: str
    size: int
    format: str = ""
    parent: str | None = None
    name: str = ""
    base: bool = False


def in_disk_order(keys: Iterable[str]) -> list[str]:
    """Keys in the order in which Proxmox makes their disks, which numbers them; keys of no disk come first."""
    return sorted(keys, key=_disk_order)


def _disk_order(key: str) -> tuple[int, int]:
    match = re.match(r"^([a-z]+)(\d*)$", key)
    if not match or match[1] not in _ORDER:
        return -1, 0
    return _ORDER.index(match[1]), int(match[2] or 0)


def disk_key(guest: Guest, key: str) -> bool:
    """Whether a configuration key of the guest holds a disk."""
    return bool((QEMU_DISK if guest.kind == "qemu" else LXC_DISK).match(key))


def volume_of(guest: Guest, key: str) -> str:
    """The volume id in a disk's entry."""
    properties = parse_properties(str(guest.config[key]), "file" if guest.kind == "qemu" else "volume")
    return properties.get("file" if guest.kind == "qemu" else "volume", "")


def guest_volumes(guest: Guest) -> list[tuple[str, str]]:
    """Keys and ids of the volumes a guest owns, unused ones included; no images it only has inserted."""
    found = []
    for key in guest.config:
        if disk_key(guest, key) or key.startswith("unused"):
            volid = volume_of(guest, key)
            if ":" in volid and ":iso/" not in volid and not volid.startswith("/"):
                found.append((key, volid))
    return sorted(found)


def allocate(cluster: Cluster, disk: Disk) -> Volume:
    """Makes a volume with the first free name ``vm-ID-disk-N``, in the form of the storage's type."""
    kind = str(cluster.storage_for(disk.storage, disk.node, disk.content)["type"])
    existing = cluster.volumes_on(disk.storage, disk.node)
    fmt = disk.format or "raw"
    prefix = "vm"
    if kind in BLOCK_TYPES:
        fmt = "raw"
        if kind == "zfspool" and disk.content == "rootdir":
            prefix, fmt = "subvol", "subvol"
    if disk.base:
        prefix = "base" if prefix == "vm" else "basevol"
    number = 0
    while True:
        name = disk.name or f"{prefix}-{disk.vmid}-disk-{number}"
        volid = _volid(kind, disk, name, fmt)
        if volid not in existing:
            break
        if disk.name:
            raise failed(f"volume '{volid}' already exists")
        number += 1
    volume = Volume(volid, disk.content, fmt, disk.size, disk.vmid, disk.parent)
    return cluster.add_volume(disk.storage, disk.node, volume)


def _volid(kind: str, disk: Disk, name: str, fmt: str) -> str:
    inherited = f"{disk.parent.partition(':')[2]}/" if disk.parent and kind in ("zfspool", "dir", "nfs") else ""
    if kind in BLOCK_TYPES:
        return f"{disk.storage}:{inherited}{name}"
    return f"{disk.storage}:{inherited}{disk.vmid}/{name}.{fmt}"


def new_disk_size(text: str) -> int:
    """Bytes of the size in ``STORAGE:SIZE``, which is in GiB."""
    return round(float(text) * GIB)


def virtual_size(image: Volume) -> int:
    """Size of the disk in an image file: what a qcow2 header says, else the file's, in whole MiB."""
    if image.head.startswith(b"QFI\xfb"):
        return int.from_bytes(image.head[24:32], "big")
    return -(-image.size // MIB) * MIB


def copy_volume(cluster: Cluster, source: Volume, node: str, disk: Disk, *, full: bool) -> Volume:
    """A full copy, or a linked clone that has the source as its parent."""
    if not full and not is_base(source.volid):
        raise failed(f"Linked clone feature for '{source.volid}' is not available")
    parent = None if full else source.volid
    made = Disk(
        disk.storage, node, disk.vmid, disk.content, source.size, disk.format or source.format, parent, disk.name
    )
    return allocate(cluster, made)


def is_base(volid: str) -> bool:
    """Whether the volume is a base image, that linked clones can stand on."""
    return bool(re.search(r"(?:^|[:/])base(?:vol)?-\d+-disk-\d+(?:\.\w+)?$", volid))


def make_base(cluster: Cluster, volid: str, node: str) -> Volume:
    """Turns a guest's disk into a base image: the same volume under a new name."""
    volume = cluster.volume(volid, node)
    if is_base(volid) or volid.endswith(("-cloudinit", "-cloudinit.qcow2", "-cloudinit.raw")):
        return volume
    cluster.remove_volume(volid, node)
    volume.volid = re.sub(
        r"(vm|subvol)-(\d+-disk-\d+)", lambda m: f"{'base' if m[1] == 'vm' else 'basevol'}-{m[2]}", volid
    )
    return cluster.add_volume(volid.partition(":")[0], node, volume)


def clones_of(cluster: Cluster, volid: str, node: str) -> list[str]:
    """Volumes that stand on this one."""
    if not is_base(volid):
        return []
    return [v.volid for v in cluster.volumes_on(volid.partition(":")[0], node).values() if v.parent == volid]


def free(cluster: Cluster, volid: str, node: str) -> None:
    """Deletes a volume; a base image only when nothing stands on it."""
    if users := clones_of(cluster, volid, node):
        raise failed(f"base volume '{volid}' is still in use by linked clone '{users[0]}'")
    cluster.remove_volume(volid, node)


def grown_size(current: int, wanted: str) -> int:
    """Bytes after a resize to ``12G`` or by ``+4G``.

    Raises:
        ApiError: the size isn't one.
    """
    try:
        if wanted.startswith("+"):
            return current + parse_size(wanted[1:])
        return parse_size(wanted)
    except ValueError as problem:
        raise failed(str(problem)) from None


def size_text(volume: Volume) -> str:
    """The size as the guest's configuration holds it."""
    return format_size(volume.size)
