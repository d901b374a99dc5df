"""What virtual machines and containers have in common: power, state, removal, snapshots."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any

from simulator.call import Call
from simulator.disks import clones_of, free, guest_volumes
from simulator.endpoints import endpoint
from simulator.errors import TaskFailure, failed
from simulator.properties import parse_properties, split_list
from simulator.state import BLOCK_TYPES, Guest
from simulator.tasks import Task

from .cluster import processors, summary

GUEST = {kind: f"/nodes/{{node}}/{kind}/{{vmid}}" for kind in ("qemu", "lxc")}
_POWER = "/vms/{vmid} VM.PowerMgmt"
_AUDIT = "/vms/{vmid} VM.Audit"
_SNAPSHOT = "/vms/{vmid} VM.Snapshot"


def for_both(
    method: str, path: str, qemu: str, lxc: str, check: str, *, locks: bool = False
) -> Callable[[Callable[[Call, Guest], Any]], Callable[[Call, Guest], Any]]:
    """Adds a handler for both kinds of guests, with each kind's parameters; it gets the guest."""

    def add(handler: Callable[[Call, Guest], Any]) -> Callable[[Call, Guest], Any]:
        for kind, table in (("qemu", qemu), ("lxc", lxc)):

            def run(call: Call, kind: str = kind) -> Any:
                return handler(call, call.guest(kind))

            endpoint(method, GUEST[kind] + path, table, check=check, locks=locks)(run)
        return handler

    return add


def task_prefix(guest: Guest) -> str:
    """``qm`` or ``vz``, as the types of tasks begin."""
    return "qm" if guest.kind == "qemu" else "vz"


@for_both("GET", "/status/current", "", "", _AUDIT)
def current(call: Call, guest: Guest) -> Any:
    """State and figures of now."""
    view = summary(guest)
    managed = guest.ha_id in call.cluster.ha_resources
    view |= {"ha": {"managed": int(managed)}, "cpus": processors(guest)}
    if guest.kind == "lxc":
        view |= {"type": "lxc", "maxswap": int(guest.config.get("swap", 512)) * 1024 * 1024, "swap": 0}
    else:
        agent = parse_properties(str(guest.config.get("agent", "0")), "enabled").get("enabled", "0")
        view |= {"qmpstatus": view["status"], "agent": int(agent in ("1", "on", "yes", "true"))}
    if guest.running:
        view["pid"] = 100_000 + guest.vmid
    return view


@for_both("GET", "", "", "", "")
def index(_call: Call, _guest: Guest) -> Any:
    """Names of what is below a guest."""
    return [{"subdir": name} for name in ("config", "status", "snapshot", "firewall", "migrate", "clone")]


@for_both("GET", "/pending", "", "", _AUDIT)
def pending(_call: Call, guest: Guest) -> Any:
    """Every setting; changes of a running guest take effect at once here, so nothing is pending."""
    return [{"key": key, "value": value} for key, value in sorted(guest.config.items())]


def check_start(call: Call, guest: Guest) -> None:
    """What makes a start fail: missing bridges, volumes and snippets."""
    for key, value in guest.config.items():
        if key.startswith("net") and key[3:].isdigit():
            bridge = parse_properties(str(value), "model").get("bridge")
            if bridge and not call.cluster.bridge_exists(guest.node, bridge):
                raise TaskFailure(f"bridge '{bridge}' does not exist")
    for _key, volid in guest_volumes(guest):
        call.cluster.volume(volid, guest.node)
    for snippet in parse_properties(str(guest.config.get("cicustom", "")), "user").values():
        call.server.files.refresh(snippet.partition(":")[0], guest.node)
        call.cluster.volume(snippet, guest.node)


def power_on(call: Call, guest: Guest, _task: Task | None = None) -> None:
    """Starts a guest inside a task."""
    if guest.running:
        raise TaskFailure(f"{guest.label} already running")
    check_start(call, guest)
    guest.running = True
    guest.started_at = time.monotonic()


@for_both(
    "POST",
    "/status/start",
    "force-cpu machine migratedfrom migration_network migration_type nets-host-mtu skiplock:bool stateuri "
    "targetstorage timeout:int with-conntrack-state:bool",
    "debug:bool skiplock:bool",
    _POWER,
    locks=True,
)
def start(call: Call, guest: Guest) -> Any:
    """Starts a guest."""
    if guest.is_template:
        raise failed(
            "you can't start a vm if it's a template"
            if guest.kind == "qemu"
            else "you can't start a CT if it's a template"
        )
    call.unlocked(guest)
    if guest.running:
        raise failed(f"{guest.label} already running")
    return call.task(f"{task_prefix(guest)}start", guest.vmid, lambda task: power_on(call, guest, task), guest=guest)


def start_after(call: Call, guest: Guest) -> None:
    """Starts a guest that was just made, in a task of its own, which may fail without failing the creation."""
    call.task(f"{task_prefix(guest)}start", guest.vmid, lambda task: power_on(call, guest, task), guest=guest)


def _end(call: Call, guest: Guest, verb: str) -> Any:
    if guest.kind == "lxc" and not guest.running:
        raise failed(f"{guest.label} not running")
    if not call.values.get("skiplock"):
        call.unlocked(guest)

    def stop_it(_task: Task) -> None:
        guest.running = False

    return call.task(f"{task_prefix(guest)}{verb}", guest.vmid, stop_it, guest=guest)


@for_both(
    "POST",
    "/status/stop",
    "keepActive:bool migratedfrom overrule-shutdown:bool skiplock:bool timeout:int",
    "overrule-shutdown:bool skiplock:bool",
    _POWER,
    locks=True,
)
def stop(call: Call, guest: Guest) -> Any:
    """Stops a guest at once."""
    return _end(call, guest, "stop")


@for_both(
    "POST",
    "/status/shutdown",
    "forceStop:bool keepActive:bool skiplock:bool timeout:int",
    "forceStop:bool timeout:int",
    _POWER,
    locks=True,
)
def shutdown(call: Call, guest: Guest) -> Any:
    """Asks a guest to shut down; simulated guests always do."""
    return _end(call, guest, "shutdown")


@for_both("POST", "/status/reboot", "timeout:int", "timeout:int", _POWER, locks=True)
def reboot(call: Call, guest: Guest) -> Any:
    """Shuts down and starts again."""
    if not guest.running:
        raise failed(f"{guest.label} not running")
    call.unlocked(guest)

    def restart(task: Task) -> None:
        guest.running = False
        power_on(call, guest, task)

    return call.task(f"{task_prefix(guest)}reboot", guest.vmid, restart, guest=guest)


def _needs_running(call: Call, guest: Guest, verb: str) -> Any:
    if not guest.running:
        raise failed(f"{guest.label} not running")
    call.unlocked(guest)
    return call.task(f"{task_prefix(guest)}{verb}", guest.vmid, lambda _task: None, guest=guest)


@for_both("POST", "/status/suspend", "skiplock:bool statestorage todisk:bool", "", _POWER, locks=True)
def suspend(call: Call, guest: Guest) -> Any:
    """Pauses a running guest; nothing in the simulator depends on it."""
    return _needs_running(call, guest, "suspend")


@for_both("POST", "/status/resume", "nocheck:bool skiplock:bool", "", _POWER, locks=True)
def resume(call: Call, guest: Guest) -> Any:
    """Continues a paused guest."""
    return _needs_running(call, guest, "resume")


# removal


def forget(call: Call, guest: Guest, *, purge: bool) -> None:
    """Takes a guest out of everything that names it."""
    cluster = call.cluster
    cluster.remove_guest(guest)
    for path, role, kind, subject in list(cluster.acl):
        if path == f"/vms/{guest.vmid}":
            del cluster.acl[(path, role, kind, subject)]
    if not purge:
        return
    for name, job in list(cluster.backup_jobs.items()):
        members = split_list(str(job.get("vmid", "")))
        if str(guest.vmid) in members:
            members.remove(str(guest.vmid))
            if members:
                job["vmid"] = ",".join(members)
            else:
                del cluster.backup_jobs[name]
    cluster.ha_resources.pop(guest.ha_id, None)


@for_both(
    "DELETE",
    "",
    "destroy-unreferenced-disks:bool purge:bool skiplock:bool",
    "destroy-unreferenced-disks:bool force:bool purge:bool",
    "/vms/{vmid} VM.Allocate",
    locks=True,
)
def destroy(call: Call, guest: Guest) -> Any:
    """Removes a stopped guest with its disks."""
    cluster, values = call.cluster, call.values
    purge = bool(values.get("purge"))
    _check_destroy(call, guest, purge=purge)
    volumes = [volid for _key, volid in guest_volumes(guest)]
    for volid in volumes:
        if users := clones_of(cluster, volid, guest.node):
            raise failed(f"base volume '{volid}' is still in use by linked clone '{users[0]}'")

    def remove(_task: Task) -> None:
        for volid in volumes:
            free(cluster, volid, guest.node)
        if values.get("destroy-unreferenced-disks"):
            for volid, node in cluster.disks_of(guest.vmid):
                free(cluster, volid, node)
        forget(call, guest, purge=purge)

    return call.task(f"{task_prefix(guest)}destroy", guest.vmid, remove, guest=guest)


def _check_destroy(call: Call, guest: Guest, *, purge: bool) -> None:
    if guest.config.get("protection"):
        raise failed(f"can't remove {guest.label} - protection mode enabled")
    if guest.ha_id in call.cluster.ha_resources and not purge:
        raise failed(f"unable to remove {guest.label} - used in HA resources and purge parameter not set.")
    for job in call.cluster.replication.values():
        if job["guest"] == guest.vmid:
            text = f"There is a replication job '{job['id']}' for guest '{guest.vmid}' - Please remove that first."
            raise failed(text)
    if guest.running and not call.values.get("force"):
        if guest.kind == "qemu":
            raise failed(f"VM {guest.vmid} is running - destroy failed")
        raise failed(f"unable to destroy CT {guest.vmid} - container is running")
    call.unlocked(guest)


# snapshots


def _check_snapshots_possible(call: Call, guest: Guest) -> None:
    for _key, volid in guest_volumes(guest):
        kind = call.cluster.storage(volid.partition(":")[0])["type"]
        qcow2 = call.cluster.volume(volid, guest.node).format == "qcow2"
        if kind == "lvm" or (kind not in BLOCK_TYPES and not qcow2 and "cloudinit" not in volid):
            raise failed("snapshot feature is not available")


@for_both("GET", "/snapshot", "", "", _AUDIT)
def list_snapshots(_call: Call, guest: Guest) -> Any:
    """All snapshots, and ``current`` for now."""
    found = []
    for name, kept in guest.snapshots.items():
        view = {"name": name, "snaptime": kept["snaptime"], "description": kept.get("snapdescription", "")}
        if kept.get("parent"):
            view["parent"] = kept["parent"]
        found.append(view)
    now = {"name": "current", "running": int(guest.running), "description": "You are here!"}
    if guest.config.get("parent"):
        now["parent"] = guest.config["parent"]
    return [*found, now]


@for_both("POST", "/snapshot", "description snapname! vmstate:bool", "description snapname!", _SNAPSHOT, locks=True)
def take_snapshot(call: Call, guest: Guest) -> Any:
    """Keeps the configuration under a name."""
    name = call.values["snapname"]
    call.unlocked(guest)
    if name == "current" or name in guest.snapshots:
        raise failed(f"snapshot name '{name}' already used")
    _check_snapshots_possible(call, guest)

    def keep(_task: Task) -> None:
        kept = copy.deepcopy(guest.config)
        guest.snapshots[name] = kept | {
            "snaptime": int(time.time()),
            "snapdescription": call.values.get("description", ""),
        }
        guest.config["parent"] = name

    return call.task(f"{task_prefix(guest)}snapshot", guest.vmid, keep, guest=guest)


@for_both("DELETE", "/snapshot/{snapname}", "force:bool", "force:bool", _SNAPSHOT, locks=True)
def delete_snapshot(call: Call, guest: Guest) -> Any:
    """Removes a snapshot; its children get its parent."""
    name = call.path["snapname"]
    guest.snapshot(name)
    call.unlocked(guest)

    def remove(_task: Task) -> None:
        parent = guest.snapshots.pop(name).get("parent")
        for config in (*guest.snapshots.values(), guest.config):
            if config.get("parent") == name:
                config.pop("parent")
                if parent:
                    config["parent"] = parent

    return call.task(f"{task_prefix(guest)}delsnapshot", guest.vmid, remove, guest=guest)


@for_both(
    "POST",
    "/snapshot/{snapname}/rollback",
    "start:bool",
    "start:bool",
    "/vms/{vmid} VM.Snapshot|VM.Snapshot.Rollback",
    locks=True,
)
def rollback(call: Call, guest: Guest) -> Any:
    """Goes back to a snapshot; the guest is stopped."""
    name = call.path["snapname"]
    kept = copy.deepcopy(guest.snapshot(name))
    call.unlocked(guest)

    def restore(task: Task) -> None:
        for key in ("snaptime", "snapdescription"):
            kept.pop(key)
        guest.config = kept | {"parent": name}
        guest.running = False
        if call.values.get("start"):
            power_on(call, guest, task)

    return call.task(f"{task_prefix(guest)}rollback", guest.vmid, restore, guest=guest)


@for_both("GET", "/snapshot/{snapname}/config", "", "", "/vms/{vmid} VM.Snapshot|VM.Snapshot.Rollback|VM.Audit")
def read_snapshot(call: Call, guest: Guest) -> Any:
    """The configuration a snapshot keeps."""
    return guest.snapshot(call.path["snapname"])


@for_both("PUT", "/snapshot/{snapname}/config", "description", "description", _SNAPSHOT)
def describe_snapshot(call: Call, guest: Guest) -> None:
    """Changes a snapshot's description."""
    guest.snapshot(call.path["snapname"])["snapdescription"] = call.values.get("description", "")
