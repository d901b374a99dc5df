"""Guests in a plan, in Proxmox's terms: their disks, mount points and network interfaces.

Source: ``proxmox_virtual_environment_vm``, ``proxmox_virtual_environment_container``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from operations.review.disclosure import Disclosure, conceal
from operations.review.values import block, blocks, flag, masked, number, text, whole

VM = "proxmox_virtual_environment_vm"
CONTAINER = "proxmox_virtual_environment_container"
OTHER_GUESTS = (
    "proxmox_vm",
    "proxmox_cloned_vm",
    "proxmox_virtual_environment_cloned_vm",
    "proxmox_virtual_environment_vm2",
)
"""Experimental resources in another shape: that they are destroyed is seen, what happens to their disks is not."""
GUEST_TYPES = (VM, CONTAINER, *OTHER_GUESTS)
_NICS = {VM: "network_device", CONTAINER: "network_interface"}
DEFAULT_MEMORY = 512
"""MiB that the provider gives a guest without a ``memory`` block."""
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGTP]?)i?B?", re.IGNORECASE)
_GIB = {"": 1.0, "K": 1 / 1024**2, "M": 1 / 1024, "G": 1.0, "T": 1024.0, "P": 1024.0**2}


@dataclass(frozen=True)
class Disk:
    """A volume of a guest.

    Attributes:
        key: Proxmox's name of it: ``scsi0``, ``efidisk0``, ``rootfs``, ``mp0``.
        size: GiB; None where it isn't known. ``size_text`` is for people.
        size_unknown: the size is known only after the apply.
        volume: the volume's name in its datastore, where there is one.
        backup: whether backups have it; None where that isn't known.
        is_bind: a folder of the node, which the guest neither owns nor destroys.
        label: for people.
    """

    key: str
    size: float | None
    datastore: str
    label: str
    size_text: str = ""
    path: str = ""
    volume: str = ""
    backup: bool | None = True
    is_bind: bool = False
    size_unknown: bool = False
    origin: str = ""
    """The image that the provider fills it from when it makes it: ``file_id`` or ``import_from``."""


@dataclass(frozen=True)
class Nic:
    """A network interface; ``name`` is the one inside of a container, ``firewall`` None before it is known."""

    key: str
    bridge: str
    vlan: int = 0
    name: str = ""
    mac: str = ""
    firewall: bool | None = False
    connected: bool = True


@dataclass(frozen=True)
class Guest:
    """A virtual machine or container, before or after the apply.

    ``cores``, ``memory`` (MiB) and the disks' sizes are None where they aren't known before the apply.
    """

    type: str
    name: str
    node: str
    vm_id: int | None
    is_template: bool = False
    runs: bool = True
    cores: float | None = None
    memory: float | None = None
    pool: str = ""
    disks: tuple[Disk, ...] = ()
    nics: tuple[Nic, ...] = ()
    linked_to: int | None = None
    """The VMID of the template that its disks are linked to."""
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_container(self) -> bool:
        """Whether it is an LXC container."""
        return self.type == CONTAINER

    @property
    def noun(self) -> str:
        """``VM``, ``container`` or ``template``."""
        return "template" if self.is_template else "container" if self.is_container else "VM"

    @property
    def label(self) -> str:
        """``VM web (9100)``."""
        parts = [self.noun, self.name, f"({self.vm_id})" if self.vm_id is not None else ""]
        return " ".join(part for part in parts if part)

    @property
    def own_disks(self) -> tuple[Disk, ...]:
        """The disks that are destroyed with it."""
        return tuple(disk for disk in self.disks if not disk.is_bind)


def is_guest(type_: str) -> bool:
    """Whether a resource of this type is a guest."""
    return type_ in GUEST_TYPES


def read_guest(
    type_: str, values: Mapping[str, Any], disclosure: Disclosure, sensitive: Any = None, unknown: Any = None
) -> Guest:
    """The guest that a resource's values describe; texts in it may be shown.

    Args:
        sensitive: the mask of what is secret.
        unknown: the mask of what is known only after the apply.
    """
    shown = conceal(values, sensitive) if sensitive else values

    def words(value: Any) -> str:
        return disclosure.text(value) if isinstance(value, str) else ""

    is_container = type_ == CONTAINER
    initialization = block(shown, "initialization")
    clone = block(values, "clone")
    name = initialization.get("hostname") if is_container else shown.get("name")
    identity = values.get("vm_id") if values.get("vm_id") is not None else values.get("id")
    return Guest(
        type=type_,
        name=words(name),
        node=words(shown.get("node_name")),
        vm_id=None if masked(sensitive, "vm_id") else whole(identity),
        is_template=values.get("template") is True,
        runs=flag(values.get("started")) is not False and values.get("template") is not True,
        cores=_cores(shown, unknown, is_container=is_container),
        memory=_amount(shown, unknown, "memory", "dedicated", DEFAULT_MEMORY),
        pool=text(values.get("pool_id")) or "",
        disks=tuple(_disks(type_, values, shown, unknown)),
        nics=tuple(_nics(values, shown, unknown, _NICS[type_])) if type_ in _NICS else (),
        linked_to=whole(clone.get("vm_id")) if clone.get("full") is False else None,
        values=values,
    )


def _cores(values: Mapping[str, Any], unknown: Any, *, is_container: bool) -> float | None:
    cores = _amount(values, unknown, "cpu", "cores", 1)
    if cores is None or is_container:
        return cores
    return cores * (number(block(values, "cpu").get("sockets")) or 1)


def _amount(values: Mapping[str, Any], unknown: Any, name: str, key: str, default: float) -> float | None:
    """A number in a block; the provider's default where the block isn't written."""
    if not blocks(values, name):
        return None if masked(unknown, name) else default
    return number(block(values, name).get(key))


def _disks(type_: str, values: Mapping[str, Any], shown: Mapping[str, Any], unknown: Any) -> Iterator[Disk]:
    if type_ == VM:
        yield from _vm_disks(values, shown, unknown)
    elif type_ == CONTAINER:
        yield from _container_disks(values, shown, unknown)


def _vm_disks(values: Mapping[str, Any], shown: Mapping[str, Any], unknown: Any) -> Iterator[Disk]:
    seen = blocks(shown, "disk")
    for index, disk in enumerate(blocks(values, "disk")):
        key = text(disk.get("interface")) or f"disk{index}"
        yield Disk(
            key=key,
            size=number(disk.get("size")),
            datastore=text(seen[index].get("datastore_id")) or "",
            label=_label(key, seen[index].get("size"), seen[index].get("datastore_id")),
            size_text=_size_text(seen[index].get("size")),
            volume=text(disk.get("path_in_datastore")) or "",
            backup=None if masked(unknown, "disk", index, "backup") else disk.get("backup") is not False,
            size_unknown=masked(unknown, "disk", index, "size"),
            origin=text(disk.get("file_id")) or text(disk.get("import_from")) or "",
        )
    for name, key in (("efi_disk", "efidisk0"), ("tpm_state", "tpmstate0")):
        if entry := block(shown, name):
            datastore = text(entry.get("datastore_id")) or ""
            yield Disk(key=key, size=None, datastore=datastore, label=_label(key, None, datastore))


def _container_disks(values: Mapping[str, Any], shown: Mapping[str, Any], unknown: Any) -> Iterator[Disk]:
    root, seen_root = block(values, "disk"), block(shown, "disk")
    if root:
        yield Disk(
            key="rootfs",
            size=number(root.get("size")),
            datastore=text(seen_root.get("datastore_id")) or "",
            label=_label("rootfs", seen_root.get("size"), seen_root.get("datastore_id")),
            size_text=_size_text(seen_root.get("size")),
            path="/",
            size_unknown=masked(unknown, "disk", 0, "size"),
        )
    seen = blocks(shown, "mount_point")
    for index, point in enumerate(blocks(values, "mount_point")):
        key, volume = f"mp{index}", text(point.get("volume")) or ""
        is_bind = volume.startswith("/")
        path = text(seen[index].get("path"))
        yield Disk(
            key=key,
            size=gibibytes(point.get("size")),
            datastore="" if is_bind else (text(seen[index].get("volume")) or "").partition(":")[0],
            label=_label(key, seen[index].get("size"), seen[index].get("volume"), f" at {path}" if path else ""),
            size_text=_size_text(seen[index].get("size")),
            path=text(point.get("path")) or "",
            volume=text(point.get("path_in_datastore")) or (volume if ":" in volume or is_bind else ""),
            backup=None if masked(unknown, "mount_point", index, "backup") else point.get("backup") is True,
            is_bind=is_bind,
            size_unknown=masked(unknown, "mount_point", index, "size"),
        )


def _label(key: str, size: Any, datastore: Any, place: str = "") -> str:
    # A volume can be written with its datastore: local-lvm:vm-100-disk-1.
    on = f"on {datastore.partition(':')[0]}" if isinstance(datastore, str) and not datastore.startswith("/") else ""
    inside = " ".join(fact for fact in (_size_text(size), on) if fact)
    return f"{key}{place}" + (f" ({inside})" if inside else "")


def _size_text(size: Any) -> str:
    amount = gibibytes(size)
    return f"{amount:g} GiB" if amount is not None else ""


def gibibytes(size: Any) -> float | None:
    """A disk's size in GiB: a number of them, or a text with a unit, such as ``512M``."""
    if isinstance(size, str):
        match = _SIZE.fullmatch(size.strip())
        return number(float(match[1]) * _GIB[match[2].upper()]) if match else None
    return number(size)


def _nics(values: Mapping[str, Any], shown: Mapping[str, Any], unknown: Any, name: str) -> Iterator[Nic]:
    seen = blocks(shown, name)
    for index, nic in enumerate(blocks(values, name)):
        if nic.get("enabled") is not False:
            yield Nic(
                key=f"net{index}",
                bridge=text(seen[index].get("bridge")) or "",
                vlan=whole(nic.get("vlan_id")) or 0,
                name=text(seen[index].get("name")) or "",
                mac=(text(nic.get("mac_address")) or "").upper(),
                firewall=None if masked(unknown, name, index, "firewall") else nic.get("firewall") is True,
                connected=nic.get("disconnected") is not True,
            )
