"""``/nodes/{node}/qemu``: list and creation of virtual machines, and their configuration."""

from __future__ import annotations

import time
from typing import Any

from simulator.call import Call
from simulator.endpoints import endpoint
from simulator.errors import ApiError, bad_parameters, failed
from simulator.qemu_config import apply, check_permissions, deleted_keys, set_defaults
from simulator.state import Config, Guest, digest
from simulator.tasks import Task

from .cluster import summary
from .guests import GUEST, start_after
from .lxc import check_hostname, check_limits, check_new_vmid, check_tags
from .qemu_guest import to_template

_VM = GUEST["qemu"]
_SETTINGS = (
    "acpi:bool affinity agent allow-ksm:bool amd-sev arch args audio0 autostart:bool balloon:int bios boot bootdisk "
    "cdrom cicustom cipassword citype ciupgrade:bool ciuser cores:int cpu cpulimit:num cpuunits:int description "
    "efidisk0 force:bool freeze:bool hookscript hostpci[n] hotplug hugepages ide[n] intel-tdx ipconfig[n] ivshmem "
    "keephugepages:bool keyboard kvm:bool localtime:bool lock machine memory migrate_downtime:num migrate_speed:int "
    "name nameserver net[n] numa:bool numa[n] onboot:bool ostype parallel[n] protection:bool reboot:bool rng0 "
    "sata[n] scsi[n] scsihw searchdomain serial[n] shares:int smbios1 smp:int sockets:int spice_enhancements "
    "sshkeys startdate startup tablet:bool tags tdf:bool template:bool tpmstate0 unused[n] usb[n] vcpus:int vga "
    "virtio[n] virtiofs[n] vmgenid vmstatestorage watchdog"
)
_LIMITS = {"cores": (1, None), "sockets": (1, None), "vcpus": (1, None), "balloon": (0, None), "shares": (0, 50000)}
_ENUMERATIONS = {
    "bios": "seabios ovmf",
    "ostype": "other wxp w2k w2k3 w2k8 wvista win7 win8 win10 win11 l24 l26 solaris",
    "scsihw": "lsi lsi53c810 virtio-scsi-pci virtio-scsi-single megasas pvscsi",
}
_CHECK_ANY = (
    "/vms/{vmid} VM.Config.Disk|VM.Config.CDROM|VM.Config.CPU|VM.Config.Memory|VM.Config.Network|VM.Config.HWType"
    "|VM.Config.Options|VM.Config.Cloudinit"
)


@endpoint("GET", "/nodes/{node}/qemu", "full:bool")
def list_machines(call: Call) -> Any:
    """The node's virtual machines the caller may see."""
    return [
        summary(guest)
        for guest in call.cluster.guests.values()
        if guest.kind == "qemu" and guest.node == call.node and call.may(f"/vms/{guest.vmid}", "VM.Audit")
    ]


def _check_values(values: Config) -> None:
    check_limits(values, _LIMITS)
    check_hostname("name", values.get("name"))
    check_tags(values)
    for key, allowed in _ENUMERATIONS.items():
        if key in values and values[key] not in allowed.split():
            raise bad_parameters({key: f"value '{values[key]}' does not have a value in the enumeration"})


@endpoint(
    "POST",
    "/nodes/{node}/qemu",
    f"{_SETTINGS} archive bwlimit:int ha-managed:bool import-working-storage live-restore:bool pool start:bool storage "
    "unique:bool vmid!:int",
)
def create(call: Call) -> Any:
    """Makes a virtual machine (or, with ``archive``, restores one)."""
    values, cluster = dict(call.values), call.cluster
    vmid, pool, start = values.pop("vmid"), values.pop("pool", None), values.pop("start", 0)
    archive = values.pop("archive", None)
    for key in ("bwlimit", "force", "ha-managed", "import-working-storage", "live-restore", "storage", "unique"):
        values.pop(key, None)
    call.require_on_guest(vmid, pool, "VM.Allocate")
    _check_values(values)
    check_permissions(call, vmid, pool, values)
    if pool and pool not in cluster.pools:
        raise failed(f"no such pool '{pool}'")
    check_new_vmid(call, f"unable to {'restore' if archive else 'create'} VM {vmid}", vmid)
    if archive:
        source = cluster.volume(archive, call.node)
        values = {**(source.backup_of or {}), **values}
    template = values.pop("template", 0)
    guest = Guest(vmid, "qemu", call.node)
    guest.config = {"lock": "create", "meta": f"creation-qemu=10.1.2,ctime={int(time.time())}"}
    try:
        apply(call, guest, values, [])
    except ApiError as problem:
        call.cluster.remove_disks(guest.vmid)
        if problem.status == 500:
            raise failed(f"unable to create VM {vmid} - {problem.message}") from problem
        raise
    set_defaults(guest)
    cluster.add_guest(guest)
    if pool:
        cluster.set_pool(str(vmid), pool)

    def finish(_task: Task) -> None:
        guest.config.pop("lock", None)
        if template:
            to_template(call, guest)
        if start:
            start_after(call, guest)

    def undo() -> None:
        if guest.config.get("lock") == "create":
            call.cluster.remove_disks(guest.vmid)
            cluster.remove_guest(guest)

    return call.task("qmrestore" if archive else "qmcreate", vmid, finish, guest=guest, undo=undo)


@endpoint("GET", f"{_VM}/config", "current:bool snapshot", check="/vms/{vmid} VM.Audit")
def read_config(call: Call) -> Any:
    """All settings."""
    guest = call.guest("qemu")
    if snapshot := call.values.get("snapshot"):
        return guest.snapshot(snapshot)
    return guest.config | {"digest": digest(guest.config)}


def _write(call: Call) -> Guest:
    guest = call.guest("qemu")
    values = dict(call.values)
    if not values.get("skiplock"):
        call.unlocked(guest)
    if values.pop("digest", digest(guest.config)) != digest(guest.config):
        raise failed("detected modified configuration - file changed by other user? Try again.")
    force = bool(values.pop("force", 0))
    for key in ("background_delay", "import-working-storage"):
        values.pop(key, None)
    deleted = deleted_keys(values)
    if not values and not deleted:
        raise bad_parameters({"config": "no options specified"})
    _check_values(values)
    pool = call.cluster.pool_of.get(str(guest.vmid))
    check_permissions(call, guest.vmid, pool, values)
    check_permissions(call, guest.vmid, pool, dict.fromkeys(deleted, ""))
    template = values.pop("template", None)
    apply(call, guest, values, deleted, force=force)
    if template:
        to_template(call, guest)
    return guest


@endpoint("PUT", f"{_VM}/config", f"{_SETTINGS} delete digest revert skiplock:bool", check=_CHECK_ANY, locks=True)
def write_config(call: Call) -> None:
    """Changes settings; answers when it is done."""
    _write(call)


@endpoint(
    "POST",
    f"{_VM}/config",
    f"{_SETTINGS} background_delay:int delete digest import-working-storage revert skiplock:bool",
    check=_CHECK_ANY,
    locks=True,
)
def write_config_in_background(call: Call) -> Any:
    """Changes settings in a task; the settings are checked before it starts."""
    guest = _write(call)
    return call.task("qmconfig", guest.vmid, lambda _task: None, guest=guest)
