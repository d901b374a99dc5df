"""Virtual machines and templates as entries of an environment file."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, get_args

from pydantic import TypeAdapter

from homelab.config.adoption import AdoptedDisk, AnyDiskInterface
from homelab.config.units import format_gibibytes, format_mebibytes
from homelab.config.virtual_machine import CpuList, CpuType, Machine, Memory, PciAddress, VirtualMachineSettings
from operations.adoption.entries import Entry, NotAdoptable, accepts, common
from operations.adoption.interfaces import set_interfaces
from operations.adoption.networks import Networks
from operations.adoption.properties import GIB, flag, mebibytes, numbered, properties
from operations.adoption.reading import Config, FoundGuest

PROVIDERS_CPU_TYPE = "qemu64"
_DRIVE = re.compile(r"(ide|sata|scsi|virtio)([0-9]+)")
_DISK: TypeAdapter[AdoptedDisk] = TypeAdapter(AdoptedDisk)
_INTERFACE: TypeAdapter[str] = TypeAdapter(AnyDiskInterface)
_MEMORY: TypeAdapter[int] = TypeAdapter(Memory)
_CPU_TYPE: TypeAdapter[str] = TypeAdapter(CpuType)
_CPU_LIST: TypeAdapter[str] = TypeAdapter(CpuList)
_PCI_ADDRESS: TypeAdapter[str] = TypeAdapter(PciAddress)
_OS_TYPES = get_args(VirtualMachineSettings.model_fields["os_type"].annotation)
_DISPLAYS = ("std", "cirrus", "vmware", "qxl", "virtio", "serial0", "none")
_DISK_SETTINGS = frozenset(
    {"file", "size", "format", "cache", "aio", "discard", "ssd", "iothread", "backup", "replicate", "serial"}
)


def machine_entry(entry: Entry, networks: Networks, hostnames: Collection[str]) -> None:
    """Fills in the entry of a virtual machine.

    Raises:
        NotAdoptable: the model of the environment has no place for it.
    """
    common(entry, name_argument="name", hostnames=hostnames)
    if "scsihw" not in entry.guest.config:
        # Its first update of such a machine writes virtio-scsi-pci and reboots it; Proxmox's own default is lsi.
        raise NotAdoptable(
            "it names no SCSI controller, and the provider would give it another one and reboot it; say first what it "
            f"has: qm set {entry.guest.vm_id} --scsihw lsi"
        )
    numbers = list(numbered(entry.guest.config, "net"))
    if numbers != list(range(len(numbers))):
        raise NotAdoptable(
            f"it has {', '.join(f'net{number}' for number in numbers)}, and the provider would add the missing one; "
            "number them from net0 without a gap"
        )
    _processors(entry)
    _memory(entry)
    _system(entry)
    _disks(entry)
    set_interfaces(entry, networks, "network_device")
    _devices(entry)
    if entry.guest.silent_agent:
        entry.notes.append(
            "its guest agent is switched on and does not answer: Terraform waits 15 minutes for it in every plan; "
            "start qemu-guest-agent inside, or switch the agent off in Proxmox and here"
        )


def _processors(entry: Entry) -> None:
    config, values = entry.guest.config, entry.values
    values["cores"] = int(config.get("cores", 1))
    if (sockets := int(config.get("sockets", 1))) != 1:
        values["sockets"] = sockets
    cpu = properties(config.get("cpu", PROVIDERS_CPU_TYPE), "cputype")
    kind = cpu.get("cputype", PROVIDERS_CPU_TYPE)
    values["cpu_type"] = kind if accepts(_CPU_TYPE, kind) else PROVIDERS_CPU_TYPE
    affinity = config.get("affinity")
    if affinity is not None:
        values["cpu_affinity"] = str(affinity)
    beyond: list[str] = [name for name in ("cpulimit", "cpuunits", "vcpus", "numa", "arch") if name in config]
    beyond += [name for name in cpu if name != "cputype"]
    limits = values["cores"] > 64 or sockets > 4 or (affinity is not None and not accepts(_CPU_LIST, str(affinity)))
    if beyond or limits:
        entry.ignore("cpu", f"it has {', '.join(beyond) or 'more processors than the model takes'}")
        values["cores"], values["sockets"] = min(values["cores"], 64), min(sockets, 4)
        if not accepts(_CPU_LIST, str(affinity)):
            values.pop("cpu_affinity", None)
    elif "cpu" not in config:
        entry.notes.append(
            "it names no CPU type and runs as kvm64; the provider calls that qemu64 and writes it with the next change "
            "of its processors"
        )


def memory_mib(config: Config) -> int:
    """The memory of a guest; of a machine Proxmox also writes it as ``current=2048``."""
    return int(str(properties(config.get("memory", 512), "current").get("current", 512)))


def _memory(entry: Entry) -> None:
    config, values = entry.guest.config, entry.values
    memory = memory_mib(config)
    if not accepts(_MEMORY, format_mebibytes(memory)):
        raise NotAdoptable(f"it has {format_mebibytes(memory)} of memory; allowed are 128MiB to 128GiB")
    values["memory"] = format_mebibytes(memory)
    balloon = int(config.get("balloon", 0))
    values["ballooning"] = balloon > 0
    if balloon > 0:
        values["memory_minimum"] = format_mebibytes(balloon)
    if 0 < balloon < 128 or balloon > memory:
        values["ballooning"] = False
        values.pop("memory_minimum")
        entry.ignore("memory", f"its balloon is {balloon} MiB")
    if beyond := [name for name in ("hugepages", "keephugepages", "shares", "ivshmem") if name in config]:
        entry.ignore("memory", f"it has {', '.join(beyond)}")
    if "balloon" not in config:
        entry.notes.append("it balloons by default; the provider switches that off with the next change of its memory")


def _system(entry: Entry) -> None:
    config, values = entry.guest.config, entry.values
    kind = str(config.get("ostype", "other"))
    values["os_type"] = kind if kind in _OS_TYPES else "other"
    if kind not in _OS_TYPES:
        entry.ignore("operating_system", f"the type {kind} is not in the list of os_type")
    values["bios"] = str(config.get("bios", "seabios"))
    machine = config.get("machine")
    if machine in get_args(Machine):
        values["machine"] = machine
    elif machine is not None:
        entry.ignore("machine", f"it is pinned to {machine}")
    display = properties(config.get("vga", ""), "type")
    if display:
        if set(display) == {"type"} and display["type"] in _DISPLAYS:
            values["vga"] = display["type"]
        else:
            entry.ignore("vga", f"its display is {config['vga']}")
    agent = properties(config.get("agent", "0"), "enabled")
    values["agent"] = flag(agent.get("enabled", "0"))
    if beyond := sorted(set(agent) - {"enabled"}):
        entry.ignore("agent", f"it has {', '.join(beyond)}")


def _disks(entry: Entry) -> None:
    disks: dict[str, Any] = {}
    for key, text in _drives(entry.guest):
        drive = properties(text, "file")
        if drive.get("media") == "cdrom" or drive.get("file") in ("none", "cdrom"):
            continue
        value, reason = _disk(key, drive)
        if reason:
            entry.ignore("disk", f"{key} {reason}")
        if value:
            disks[key] = value
    if disks:
        entry.values["disks"] = disks


def _drives(guest: FoundGuest) -> list[tuple[str, Any]]:
    """Disks and CD drives in the order in which the provider reads them: ``scsi2`` before ``scsi10``."""
    found = [(match[1], int(match[2]), text) for key, text in guest.config.items() if (match := _DRIVE.fullmatch(key))]
    return [(f"{bus}{number}", text) for bus, number, text in sorted(found, key=lambda drive: drive[:2])]


def _disk(key: str, drive: dict[str, str]) -> tuple[dict[str, Any], str]:
    """The disk as an adopted one, and why that is not the whole truth; empty where it is."""
    datastore, colon, volume = drive.get("file", "").partition(":")
    size = mebibytes(drive.get("size", "0")) / GIB
    if not colon:
        return {}, f"is {drive.get('file')} of the node"
    value: dict[str, Any] = {"size": format_gibibytes(int(size)), "datastore": datastore}
    ending = volume.rpartition(".")[2]
    kind = drive.get("format") or (ending if ending in ("qcow2", "vmdk", "raw") else "raw")
    if kind != "raw":
        value["format"] = kind
    for name in ("cache", "aio", "discard", "serial"):
        if name in drive:
            value[name] = drive[name]
    for name in ("ssd", "iothread"):
        if flag(drive.get(name, 0)):
            value[name] = True
    for name in ("backup", "replicate"):
        if not flag(drive.get(name, 1)):
            value[name] = False
    if not accepts(_INTERFACE, key) or not accepts(_DISK, value):
        return {}, f"({drive.get('size', 'no size')} on {datastore}) is nothing that the model takes"
    if size != int(size):
        return value, f"has {drive['size']}, which is no whole number of GiB"
    if beyond := sorted(set(drive) - _DISK_SETTINGS):
        return value, f"has {', '.join(beyond)}"
    return value, ""


def _devices(entry: Entry) -> None:
    devices: list[dict[str, Any]] = []
    for number, text in numbered(entry.guest.config, "hostpci").items():
        device = properties(text, "host")
        address = device.get("host", "")
        whole = number == len(devices) and not set(device) - {"host", "mapping", "pcie"}
        if not whole or (address and not accepts(_PCI_ADDRESS, address)):
            entry.ignore("hostpci", f"hostpci{number} is {text}")
            return
        devices.append(
            {
                ("mapping" if "mapping" in device else "id"): device.get("mapping") or address,
                "pcie": flag(device.get("pcie", 0)),
            }
        )
    if devices:
        entry.values["pci_devices"] = devices


def template_entry(entry: Entry) -> None:
    """Fills in the entry of a template, which stays exactly as it is."""
    guest, config, values = entry.guest, entry.guest.config, entry.values
    if lock := config.get("lock"):
        raise NotAdoptable(f"it is locked ({lock}): run `homelab adopt` again when that is over")
    values |= {"vm_id": guest.vm_id, "node": guest.node, "adopted": True}
    values["bios"] = str(config.get("bios", "seabios"))
    values["machine"] = "q35" if "q35" in str(config.get("machine", "")) else "pc"
    memory = format_mebibytes(int(config.get("memory", 512)))
    if accepts(_MEMORY, memory):
        values["memory"] = memory
    boot = properties(config.get("scsi0", ""), "file")
    size = int(mebibytes(boot.get("size", "0")) / GIB)
    values["disk"] = format_gibibytes(max(4, size))
    if boot:
        values["datastore"] = boot["file"].partition(":")[0]
    else:
        entry.notes.append("its disk is not scsi0, so this app's machines can't be cloned from it")
        first = _first_datastore(guest)
        if first:
            values["datastore"] = first
    values["guest_agent"] = flag(properties(config.get("agent", "0"), "enabled").get("enabled", "0"))
    values["serial_device"] = "serial0" in config


def _first_datastore(guest: FoundGuest) -> str:
    for _, text in _drives(guest):
        if "media=cdrom" not in str(text):
            return properties(text, "file").get("file", "").partition(":")[0]
    return ""
