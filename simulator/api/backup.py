"""``/cluster/backup`` and ``/nodes/{node}/vzdump``: backup jobs and backups."""

from __future__ import annotations

import copy
import secrets
import time
from typing import Any

from simulator.call import Call
from simulator.disks import guest_volumes
from simulator.endpoints import endpoint
from simulator.errors import TaskFailure, bad_parameters, failed
from simulator.files import file_format
from simulator.properties import MIB, parse_properties, split_list
from simulator.sections import change
from simulator.state import Config, Guest, Volume
from simulator.tasks import Task

_VZDUMP = (
    "all:bool bwlimit:int compress dumpdir exclude exclude-path:list fleecing ionice:int lockwait:int "
    "mailnotification mailto mode notes-template notification-mode pbs-change-detection-mode performance pigz:int "
    "pool protected:bool prune-backups quiet:bool remove:bool script stdexcludes:bool stop:bool stopwait:int "
    "storage tmpdir vmid zstd:int"
)
_JOB = f"{_VZDUMP} comment dow enabled:bool node repeat-missed:bool schedule starttime"
_AUDIT = "/ Sys.Audit"
_MODIFY = "/ Sys.Modify"
_COMPOUND = ("prune-backups", "fleecing", "performance")
_COMPRESSION = {"0": "", "1": ".lzo", "lzo": ".lzo", "gzip": ".gz", "zstd": ".zst"}


def _job(call: Call) -> Config:
    name = call.path["id"]
    if name not in call.cluster.backup_jobs:
        raise bad_parameters({"id": f"No such job '{name}'"})
    return call.cluster.backup_jobs[name]


def _view(job: Config) -> Config:
    view: Config = dict(job)
    for key in _COMPOUND:
        if key in view:
            view[key] = parse_properties(view[key], "enabled")
    return view


def _check(call: Call, job: Config) -> None:
    chosen = [key for key in ("vmid", "all", "pool") if job.get(key)]
    if len(chosen) > 1:
        raise bad_parameters({chosen[1]: f"option conflicts with option '{chosen[0]}'"})
    if not chosen:
        raise bad_parameters({"vmid": "property is missing and it is not optional"})
    if job.get("pool") and job["pool"] not in call.cluster.pools:
        raise failed(f"pool '{job['pool']}' does not exist")
    if job.get("mode", "snapshot") not in ("snapshot", "suspend", "stop"):
        raise bad_parameters({"mode": f"value '{job['mode']}' does not have a value in the enumeration"})
    if job.get("compress", "0") not in _COMPRESSION:
        raise bad_parameters({"compress": f"value '{job['compress']}' does not have a value in the enumeration"})
    if storage := job.get("storage"):
        config = call.cluster.storage(storage)
        if "backup" not in str(config["content"]).split(","):
            raise failed(f"storage '{storage}' does not support backups")
    if job.get("node"):
        call.cluster.node(job["node"])


def _normal(values: Config) -> Config:
    if "exclude-path" in values:
        values["exclude-path"] = ",".join(values["exclude-path"])
    return values


@endpoint("GET", "/cluster/backup", check=_AUDIT)
def list_jobs(call: Call) -> Any:
    """All backup jobs."""
    return [_view(job) for job in call.cluster.backup_jobs.values()]


@endpoint("POST", "/cluster/backup", f"{_JOB} id", check=_MODIFY)
def create_job(call: Call) -> None:
    """Makes a backup job."""
    values = _normal(dict(call.values))
    name = values.setdefault("id", f"backup-{secrets.token_hex(4)}-{secrets.token_hex(2)}")
    if name in call.cluster.backup_jobs:
        raise failed(f"Job '{name}' already exists")
    if not values.get("schedule") and not values.get("starttime"):
        raise bad_parameters({"schedule": "property is missing and it is not optional"})
    _check(call, values)
    call.cluster.backup_jobs[name] = {"enabled": 1, "mode": "snapshot", **values, "type": "vzdump"}


@endpoint("GET", "/cluster/backup/{id}", check=_AUDIT)
def read_job(call: Call) -> Any:
    """One backup job."""
    return _view(_job(call))


@endpoint("PUT", "/cluster/backup/{id}", f"{_JOB} delete", check=_MODIFY)
def update_job(call: Call) -> None:
    """Changes a backup job."""
    job = _job(call)
    values = _normal(dict(call.values))
    if values.get("all"):
        job.pop("vmid", None)
        job.pop("pool", None)
    changed = dict(job)
    change(changed, values)
    _check(call, changed)
    call.cluster.backup_jobs[call.path["id"]] = changed


@endpoint("DELETE", "/cluster/backup/{id}", check=_MODIFY)
def delete_job(call: Call) -> None:
    """Removes a backup job."""
    _job(call)
    del call.cluster.backup_jobs[call.path["id"]]


# backups


def _wanted(call: Call) -> list[Guest]:
    cluster, values = call.cluster, call.values
    excluded = {int(vmid) for vmid in split_list(values.get("exclude", ""))}
    if values.get("vmid"):
        chosen = [int(vmid) for vmid in split_list(values["vmid"])]
    elif values.get("pool"):
        chosen = [int(m) for m, pool in cluster.pool_of.items() if pool == values["pool"] and m.isdigit()]
    elif values.get("all"):
        chosen = list(cluster.guests)
    else:
        raise bad_parameters({"vmid": "property is missing and it is not optional"})
    found = []
    for vmid in chosen:
        guest = cluster.guests.get(vmid)
        if guest is None:
            raise failed(f"unable to find VM '{vmid}'")
        if guest.node == call.node and vmid not in excluded:
            call.require(f"/vms/{vmid}", "VM.Backup")
            found.append(guest)
    return found


@endpoint("POST", "/nodes/{node}/vzdump", f"{_VZDUMP} job-id stdout:bool")
def vzdump(call: Call) -> Any:
    """Backs guests up to a storage; they are locked meanwhile."""
    values, cluster = call.values, call.cluster
    storage = values.get("storage", "local")
    if "backup" not in str(cluster.storage(storage, call.node)["content"]).split(","):
        raise failed(f"storage '{storage}' does not support backups")
    call.require(f"/storage/{storage}", "Datastore.AllocateSpace")
    suffix = _COMPRESSION.get(values.get("compress", "0"))
    if suffix is None:
        raise bad_parameters({"compress": f"value '{values['compress']}' does not have a value in the enumeration"})
    guests = _wanted(call)
    for guest in guests:
        call.unlocked(guest)
    for guest in guests:
        guest.config["lock"] = "backup"

    def unlock() -> None:
        for guest in guests:
            if guest.config.get("lock") == "backup":
                del guest.config["lock"]

    def back_up(task: Task) -> None:
        unlock()
        for guest in guests:
            volume = _backup(call, guest, storage, suffix)
            task.log(f"INFO: creating vzdump archive '{volume.volid}'")
            task.log(f"INFO: Finished Backup of VM {guest.vmid} (00:00:01)")
        if values.get("prune-backups") or cluster.storages[storage].get("prune-backups"):
            rules = str(values.get("prune-backups") or cluster.storages[storage]["prune-backups"])
            for guest in guests:
                _prune(call, guest, storage, parse_properties(rules, "keep-last"), task)

    name = str(guests[0].vmid) if len(guests) == 1 else ""
    return call.task("vzdump", name, back_up, undo=unlock, guest=guests[0] if len(guests) == 1 else None)


def _backup(call: Call, guest: Guest, storage: str, suffix: str) -> Volume:
    cluster = call.cluster
    if not guest_volumes(guest):
        raise TaskFailure("job errors")
    ending = "vma" if guest.kind == "qemu" else "tar"
    moment = int(time.time())
    while True:
        stamp = time.strftime("%Y_%m_%d-%H_%M_%S", time.localtime(moment))
        volid = f"{storage}:backup/vzdump-{guest.kind}-{guest.vmid}-{stamp}.{ending}{suffix}"
        if volid not in cluster.volumes_on(storage, call.node):
            break
        moment += 1
    size = sum(cluster.volume(v, guest.node).size for _k, v in guest_volumes(guest))
    volume = Volume(volid, "backup", file_format(volid, "backup"), max(MIB, size // 4), guest.vmid, ctime=moment)
    notes = call.values.get("notes-template", "{{guestname}}")
    for key, text in (("guestname", guest.name), ("vmid", str(guest.vmid)), ("node", guest.node)):
        notes = notes.replace("{{" + key + "}}", text)
    volume.notes = notes
    volume.protected = bool(call.values.get("protected"))
    guest.archive = volid
    volume.backup_of = {k: v for k, v in restorable(call, guest).items() if k not in ("lock", "digest", "parent")}
    return cluster.add_volume(storage, call.node, volume)


def restorable(call: Call, guest: Guest) -> Config:
    """The guest's settings with each disk as a request for a new one of its size."""
    default = "file" if guest.kind == "qemu" else "volume"
    config = copy.deepcopy(guest.config)
    for key, volid in guest_volumes(guest):
        properties = parse_properties(str(config[key]), default)
        if key.startswith("unused"):
            del config[key]
            continue
        if volid.partition(":")[2].rpartition("/")[2].startswith(f"vm-{guest.vmid}-cloudinit"):
            config[key] = f"{volid.partition(':')[0]}:cloudinit"
            continue
        size = call.cluster.volume(volid, guest.node).size / 1024**3
        properties.pop("size", None)
        rest = "".join(f",{k}={v}" for k, v in properties.items() if k != default)
        config[key] = f"{volid.partition(':')[0]}:{size:.9f}{rest}"
    return config


def _prune(call: Call, guest: Guest, storage: str, rules: dict[str, str], task: Task) -> None:
    if rules.get("keep-all") == "1" or "keep-last" not in rules:
        return
    backups = [
        volume
        for volume in call.cluster.volumes_on(storage, call.node).values()
        if volume.content == "backup" and volume.vmid == guest.vmid and not volume.protected
    ]
    backups.sort(key=lambda volume: volume.ctime, reverse=True)
    for volume in backups[int(rules["keep-last"]) :]:
        call.cluster.remove_volume(volume.volid, call.node)
        task.log(f"INFO: removing backup '{volume.volid}'")


@endpoint("GET", "/nodes/{node}/vzdump/defaults", "storage")
def defaults(call: Call) -> Any:
    """What a backup does when nothing is said."""
    return {"mode": "snapshot", "compress": "0", "storage": call.values.get("storage", "local")}
