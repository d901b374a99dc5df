"""``/nodes/{node}/lxc``: list and creation of containers, and their configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from simulator.call import Call
from simulator.disks import NEW_DISK
from simulator.endpoints import endpoint
from simulator.errors import ApiError, bad_parameters, failed
from simulator.lxc_config import MOUNT, apply, check_permissions
from simulator.properties import split_list
from simulator.state import Config, Guest, digest
from simulator.tasks import Task

from .cluster import summary
from .guests import GUEST, start_after

_SETTINGS = (
    "arch cmode console:bool cores:int cpulimit:num cpuunits:int debug:bool description dev[n] entrypoint env features "
    "hookscript hostname lock memory:int mp[n] nameserver net[n] onboot:bool ostype protection:bool rootfs "
    "searchdomain startup swap:int tags template:bool timezone tty:int unprivileged:bool unused[n]"
)
_OPERATING_SYSTEMS = [
    "debian",
    "devuan",
    "ubuntu",
    "centos",
    "fedora",
    "opensuse",
    "archlinux",
    "alpine",
    "gentoo",
    "nixos",
    "unmanaged",
]
_LIMITS = {"cores": (1, 8192), "memory": (16, None), "swap": (0, None), "cpuunits": (0, 500000), "tty": (0, 6)}
_DEFAULT_ROOT_GIB = 4


@endpoint("GET", "/nodes/{node}/lxc")
def list_containers(call: Call) -> Any:
    """The node's containers the caller may see."""
    return [
        {"type": "lxc", **summary(guest)}
        for guest in call.cluster.guests.values()
        if guest.kind == "lxc" and guest.node == call.node and call.may(f"/vms/{guest.vmid}", "VM.Audit")
    ]


def check_limits(values: Config, limits: Mapping[str, tuple[int | None, int | None]]) -> None:
    """Refuses numbers out of range."""
    for key, (low, high) in limits.items():
        value = values.get(key)
        if value is None:
            continue
        if low is not None and value < low:
            raise bad_parameters({key: f"value must have a minimum value of {low}"})
        if high is not None and value > high:
            raise bad_parameters({key: f"value must have a maximum value of {high}"})


def check_hostname(key: str, name: str | None) -> None:
    """Refuses what is no DNS name."""
    if name is not None and not re.match(
        r"^(?:[a-zA-Z0-9](?:[a-zA-Z0-9\-]*[a-zA-Z0-9])?\.)*[a-zA-Z0-9](?:[a-zA-Z0-9\-]*[a-zA-Z0-9])?$", name
    ):
        raise bad_parameters({key: f"invalid format - value '{name}' does not look like a valid DNS name"})


def check_tags(values: Config) -> None:
    """Refuses tags with other characters than Proxmox allows."""
    for tag in split_list(str(values.get("tags", ""))):
        if not re.match(r"^[a-z0-9_][a-z0-9_\-+.]*$", tag, re.IGNORECASE):
            raise bad_parameters({"tags": "invalid format - invalid characters in tag"})


def check_new_vmid(call: Call, prefix: str, vmid: int) -> None:
    """Refuses a VMID that is in use or out of range."""
    if not 100 <= vmid <= 999_999_999:
        low = vmid < 100
        raise bad_parameters(
            {"vmid": f"value must have a {'minimum' if low else 'maximum'} value of {100 if low else 999999999}"}
        )
    if taken := call.cluster.guests.get(vmid):
        raise failed(f"{prefix} - {taken.label} already exists on node '{taken.node}'")


def _check_values(values: Config) -> None:
    check_limits(values, _LIMITS)
    check_hostname("hostname", values.get("hostname"))
    check_tags(values)
    if values.get("ostype", "debian") not in _OPERATING_SYSTEMS:
        raise bad_parameters({"ostype": f"value '{values['ostype']}' does not have a value in the enumeration"})


def _operating_system(template: str) -> str:
    name = template.rpartition("/")[2]
    for prefix, known in (("almalinux", "centos"), ("rockylinux", "centos")):
        if name.startswith(prefix):
            return known
    return next((known for known in _OPERATING_SYSTEMS if name.startswith(known)), "unmanaged")


@endpoint(
    "POST",
    "/nodes/{node}/lxc",
    f"{_SETTINGS} bwlimit:num force:bool ha-managed:bool ignore-unpack-errors:bool ostemplate! password pool "
    "restore:bool ssh-public-keys start:bool storage unique:bool vmid!:int",
)
def create(call: Call) -> Any:
    """Makes a container from a template (or, with ``restore``, from a backup)."""
    values, cluster = dict(call.values), call.cluster
    vmid, template, pool = values.pop("vmid"), values.pop("ostemplate"), values.pop("pool", None)
    restore = bool(values.pop("restore", 0))
    start, storage = values.pop("start", 0), values.pop("storage", "local")
    force = bool(values.pop("force", 0))
    for key in ("bwlimit", "ha-managed", "ignore-unpack-errors", "unique"):
        values.pop(key, None)
    secrets = {key: values.pop(key) for key in ("password", "ssh-public-keys") if key in values}
    call.require_on_guest(vmid, pool, "VM.Allocate")
    _check_values(values)
    unprivileged = bool(values.get("unprivileged", 0))
    check_permissions(call, vmid, pool, values, None, unprivileged=unprivileged)
    if pool and pool not in cluster.pools:
        raise failed(f"no such pool '{pool}'")
    old = _in_the_way(call, vmid, restore=restore, force=force)
    source = _source(call, template)
    if len(secrets.get("password", "12345")) < 5:
        raise bad_parameters({"password": "value must be at least 5 characters long"})
    if restore:
        values = {**_restored(call, source.backup_of or {}, values, storage), **values}
        _make_way(call, old)
    call.require(f"/storage/{storage}", "Datastore.AllocateSpace") if "rootfs" not in values else None
    values.setdefault("rootfs", f"{storage}:{_DEFAULT_ROOT_GIB}")
    guest = Guest(vmid, "lxc", call.node)
    guest.config = {"arch": "amd64", "memory": 512, "swap": 512, "lock": "create"}
    guest.ssh_public_keys = secrets.get("ssh-public-keys", "")
    guest.archive = template if restore else ""
    values.setdefault("ostype", _operating_system(template))
    values.setdefault("hostname", f"CT{vmid}")
    try:
        apply(call, guest, values, [])
    except ApiError:
        call.cluster.remove_disks(guest.vmid)
        raise
    cluster.add_guest(guest)
    if pool:
        cluster.set_pool(str(vmid), pool)

    def extract(task: Task) -> None:
        task.log(f"extracting archive '{template}'")
        guest.config.pop("lock", None)
        if start:
            start_after(call, guest)

    def undo() -> None:
        if guest.config.get("lock") == "create":
            call.cluster.remove_disks(guest.vmid)
            cluster.remove_guest(guest)

    return call.task("vzrestore" if restore else "vzcreate", vmid, extract, guest=guest, undo=undo)


def _restored(call: Call, saved: Config, values: Config, storage: str) -> Config:
    """A backup's settings: every disk on ``storage``, wherever it was, or none where the request names them."""
    if "rootfs" in values:
        return {key: value for key, value in saved.items() if not MOUNT.match(key)}
    if "rootdir" not in split_list(str(call.cluster.storage(storage, call.node)["content"])):
        raise bad_parameters({"storage": f"storage '{storage}' does not support container directories"})
    call.require(f"/storage/{storage}", "Datastore.AllocateSpace")
    return {
        key: NEW_DISK.sub(rf"{storage}:\g<size>", volume) + comma + rest if MOUNT.match(key) else value
        for key, value in saved.items()
        for volume, comma, rest in [str(value).partition(",")]
    }


def _in_the_way(call: Call, vmid: int, *, restore: bool, force: bool) -> Guest | None:
    """The guest that a backup is to be restored over; nothing else may have the VMID."""
    if restore and force and vmid in call.cluster.guests:
        return call.cluster.guests[vmid]
    check_new_vmid(call, f"unable to {'restore' if restore else 'create'} CT {vmid}", vmid)
    return None


def _make_way(call: Call, old: Guest | None) -> None:
    """A backup is restored over a guest that neither runs nor is protected."""
    if old is None:
        return
    if old.kind != "lxc" or old.node != call.node:
        raise failed(f"unable to restore CT {old.vmid} - {old.label} already exists on node '{old.node}'")
    if old.config.get("protection"):
        raise failed(f"unable to restore CT {old.vmid} - protection mode enabled")
    if old.running:
        raise failed("can't overwrite running container")
    call.require(f"/vms/{old.vmid}", "VM.Backup")
    call.cluster.remove_disks(old.vmid)
    call.cluster.remove_guest(old)


def _source(call: Call, template: str) -> Any:
    if template.startswith("/"):
        call.require_root("only root can use local template paths")
        raise failed(f"can't open '{template}' - No such file or directory")
    name = template.partition(":")[0]
    call.cluster.storage(name, call.node)
    if not call.may(f"/storage/{name}", "Datastore.AllocateSpace"):
        call.require(f"/storage/{name}", "Datastore.Audit")
    call.server.files.refresh(name, call.node)
    return call.cluster.volume(template, call.node)


@endpoint("GET", f"{GUEST['lxc']}/config", "current:bool snapshot", check="/vms/{vmid} VM.Audit")
def read_config(call: Call) -> Any:
    """All settings, raw ``lxc.*`` lines included."""
    guest = call.guest("lxc")
    if snapshot := call.values.get("snapshot"):
        return guest.snapshot(snapshot)
    view = guest.config | {"digest": digest(guest.config)}
    if guest.raw_lxc:
        view["lxc"] = guest.raw_lxc
    return view


@endpoint(
    "PUT",
    f"{GUEST['lxc']}/config",
    f"{_SETTINGS} delete digest revert",
    check="/vms/{vmid} VM.Config.Disk|VM.Config.CPU|VM.Config.Memory|VM.Config.Network|VM.Config.Options",
    locks=True,
)
def write_config(call: Call) -> None:
    """Changes settings."""
    guest = call.unlocked(call.guest("lxc"))
    values = dict(call.values)
    if values.pop("digest", digest(guest.config)) != digest(guest.config):
        raise failed("detected modified configuration - file changed by other user? Try again.")
    if not values:
        raise bad_parameters({"config": "no options specified"})
    deleted = split_list(values.pop("delete", ""))
    _check_values(values)
    unprivileged = bool(guest.config.get("unprivileged", 0))
    if "unprivileged" in values and bool(values["unprivileged"]) != unprivileged:
        raise failed("unable to modify read-only option: 'unprivileged'")
    pool = call.cluster.pool_of.get(str(guest.vmid))
    check_permissions(call, guest.vmid, pool, values, guest, unprivileged=unprivileged)
    check_permissions(call, guest.vmid, pool, dict.fromkeys(deleted, ""), guest, unprivileged=unprivileged)
    apply(call, guest, values, deleted)
