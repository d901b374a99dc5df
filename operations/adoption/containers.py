"""Containers as entries of an environment file."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

from pydantic import TypeAdapter

from homelab.config.container import ContainerSettings, DevicePath, Features, MountPoint
from homelab.config.guest import Dns
from homelab.config.units import Mebibytes, format_gibibytes, format_mebibytes, mebibytes_between
from operations.adoption.entries import Entry, NotAdoptable, accepts, common
from operations.adoption.interfaces import set_interfaces
from operations.adoption.networks import Networks
from operations.adoption.properties import GIB, flag, mebibytes, numbered, properties

_DNS: TypeAdapter[Dns] = TypeAdapter(Dns)
_FEATURES: TypeAdapter[Features] = TypeAdapter(Features)
_MOUNT_POINT: TypeAdapter[MountPoint] = TypeAdapter(MountPoint)
_DEVICE: TypeAdapter[str] = TypeAdapter(DevicePath)
_MEMORY: TypeAdapter[int] = TypeAdapter(Annotated[Mebibytes, mebibytes_between("64MiB", "128GiB")])
_PROVIDERS_DISK = ("local", 4)
_CPU_UNITS = ContainerSettings.model_fields["cpu_units"]


def container_entry(entry: Entry, networks: Networks, hostnames: Collection[str]) -> None:
    """Fills in the entry of a container.

    Raises:
        NotAdoptable: the model of the environment has no place for it.
    """
    common(entry, name_argument="initialization", hostnames=hostnames)
    config, values = entry.guest.config, entry.values
    values["unprivileged"] = flag(config.get("unprivileged", 0))
    if entry.guest.is_template:
        values["template"] = True
    _processors(entry)
    memory, swap = int(config.get("memory", 512)), int(config.get("swap", 0))
    if not accepts(_MEMORY, format_mebibytes(memory)):
        raise NotAdoptable(f"it has {format_mebibytes(memory)} of memory; allowed are 64MiB to 128GiB")
    values["memory"], values["swap"] = format_mebibytes(memory), format_mebibytes(swap)
    _root(entry)
    _features(entry)
    _mount_points(entry)
    _passed_devices(entry)
    set_interfaces(entry, networks, "network_interface")
    _dns(entry)


def _processors(entry: Entry) -> None:
    config, values = entry.guest.config, entry.values
    cores = int(config.get("cores", 1))
    values["cores"] = min(cores, 64)
    units = config.get("cpuunits")
    if units is not None and 8 <= int(units) <= 500_000:
        values["cpu_units"] = int(units)
    beyond = [name for name in ("cpulimit",) if name in config]
    beyond += [f"{cores} cores"] if cores > 64 else []
    beyond += [f"arch {config['arch']}"] if config.get("arch", "amd64") != "amd64" else []
    if beyond:
        entry.ignore("cpu", f"it has {', '.join(beyond)}")
    elif "cores" not in config:
        entry.notes.append(
            "it may use all cores of the node; the provider calls that one core and writes it with the next change"
        )


def _root(entry: Entry) -> None:
    root = properties(entry.guest.config.get("rootfs", ""), "volume")
    datastore, colon, _ = root.get("volume", "").partition(":")
    size = mebibytes(root.get("size", "0")) / GIB
    if not colon or size < 1:
        raise NotAdoptable(f"its root file system is {root.get('volume') or 'missing'} ({root.get('size', 'no size')})")
    entry.values["disk"], entry.values["datastore"] = format_gibibytes(int(size)), datastore
    if beyond := sorted(set(root) - {"volume", "size"}):
        entry.ignore("disk", f"rootfs has {', '.join(beyond)}")
    elif size != int(size):
        entry.ignore("disk", f"rootfs has {root['size']}, which is no whole number of GiB")


def _features(entry: Entry) -> None:
    found = properties(entry.guest.config.get("features", ""))
    value: dict[str, Any] = {"nesting": flag(found.get("nesting", 0))}
    for name in ("keyctl", "fuse", "mknod"):
        if flag(found.get(name, 0)):
            value[name] = True
    if found.get("mount"):
        value["mount"] = found["mount"].split(";")
    if set(found) - {"nesting", "keyctl", "fuse", "mknod", "mount"} or not accepts(_FEATURES, value):
        entry.ignore("features", f"they are {entry.guest.config['features']}")
        value = {"nesting": value["nesting"]}
    entry.values["features"] = value


def _mount_points(entry: Entry) -> None:
    points: dict[str, Any] = {}
    for number, text in numbered(entry.guest.config, "mp").items():
        found = properties(text, "volume")
        value: dict[str, Any] = {"path": found.get("mp", "")}
        datastore, colon, _ = found.get("volume", "").partition(":")
        if colon and datastore:
            value |= {
                "size": format_gibibytes(max(1, int(mebibytes(found.get("size", "0")) / GIB))),
                "datastore": datastore,
            }
            value["backup"] = flag(found.get("backup", 0))
        else:
            value["host_path"] = found.get("volume", "")
        if flag(found.get("ro", 0)):
            value["read_only"] = True
        if flag(found.get("shared", 0)):
            value["shared"] = True
        if number != len(points) or not accepts(_MOUNT_POINT, value):
            entry.notes.append(f"the file leaves out mp{number} ({text}), which it can't express")
            break
        points[f"mp{number}"] = value
    if numbered(entry.guest.config, "mp"):
        entry.ignore("mount_point", "the provider would replace the container for a change of its mount points")
    if points:
        entry.values["mount_points"] = points


def _passed_devices(entry: Entry) -> None:
    devices: list[str] = []
    for number, text in numbered(entry.guest.config, "dev").items():
        found = properties(text, "path")
        if number != len(devices) or set(found) != {"path"} or not accepts(_DEVICE, found["path"]):
            entry.ignore("device_passthrough", f"dev{number} is {text}")
            return
        devices.append(found["path"])
    if devices:
        entry.values["devices"] = devices


def _dns(entry: Entry) -> None:
    config = entry.guest.config
    servers = str(config.get("nameserver", "")).split()
    value: dict[str, Any] = {"servers": servers} if servers else {}
    if config.get("searchdomain"):
        value["domain"] = str(config["searchdomain"])
    if value and not accepts(_DNS, value):
        entry.ignore("initialization", f"its name servers are {' '.join(servers)}")
    elif value:
        entry.values["dns"] = value
