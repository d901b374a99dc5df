"""What cloning machines and containers has in common: the checks, the copied settings, the task."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .call import Call
from .disks import guest_volumes
from .errors import ApiError, bad_parameters, failed
from .state import Guest
from .tasks import Task

_NOT_COPIED = ("template", "parent", "lock", "protection")


@dataclass(frozen=True, slots=True)
class Clone:
    """A clone that may be made.

    Attributes:
        full: copies the disks instead of linking to them.
        storage: where the disks go; ``None`` leaves them on theirs.
        target: the node it is made on.
    """

    source: Guest
    newid: int
    pool: str | None
    full: bool
    storage: str | None
    target: str

    def storage_of(self, volid: str) -> str:
        """Where the copy of a volume goes."""
        return self.storage or volid.partition(":")[0]

    def guest(self) -> Guest:
        """The new guest with the source's settings, its disks still those of the source."""
        made = Guest(self.newid, self.source.kind, self.target, copy.deepcopy(self.source.config))
        made.raw_lxc = copy.deepcopy(self.source.raw_lxc)
        for key in (*_NOT_COPIED, *(k for k in self.source.config if k.startswith("unused"))):
            made.config.pop(key, None)
        return made


def wanted_clone(call: Call, source: Guest) -> Clone:
    """The clone the request asks for, when the caller may make it and nothing is in its way but a taken VMID."""
    values, cluster = call.values, call.cluster
    call.unlocked(source)
    full = bool(values.get("full", 0 if source.is_template else 1))
    wanted = Clone(
        source, values["newid"], values.get("pool"), full, values.get("storage"), values.get("target", call.node)
    )
    call.require_on_guest(wanted.newid, wanted.pool, "VM.Allocate")
    if wanted.pool and wanted.pool not in cluster.pools:
        raise failed(f"no such pool '{wanted.pool}'")
    cluster.node(wanted.target)
    if wanted.storage and not full:
        raise bad_parameters({"storage": "parameter 'storage' not allowed for linked clones"})
    short = "VM" if source.kind == "qemu" else "CT"
    for _key, volid in guest_volumes(source):
        call.require(f"/storage/{wanted.storage_of(volid)}", "Datastore.AllocateSpace")
        if wanted.target != call.node and not cluster.is_shared(volid.partition(":")[0]):
            raise failed(f"can't clone {short} to node '{wanted.target}' ({short} uses local storage)")
    return wanted


def start_clone(call: Call, wanted: Clone, guest: Guest, copy_disks: Callable[[Guest], None], lock: str) -> Any:
    """Copies the disks, adds the guest under a lock and starts the task that takes the lock off."""
    cluster = call.cluster

    try:
        copy_disks(guest)
    except ApiError:
        cluster.remove_disks(guest.vmid)
        raise
    guest.config["lock"] = lock
    cluster.add_guest(guest)
    cluster.set_pool(str(guest.vmid), wanted.pool)

    def finish(_task: Task) -> None:
        guest.config.pop("lock", None)

    def undo() -> None:
        cluster.remove_disks(guest.vmid)
        cluster.remove_guest(guest)

    kind = "qmclone" if guest.kind == "qemu" else "vzclone"
    return call.task(kind, wanted.source.vmid, finish, guest=guest, undo=undo)
