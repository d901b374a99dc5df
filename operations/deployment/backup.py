"""Backups of guests through the API (vzdump): taken before something is destroyed, and restored in its place.

Paths: ``/nodes/{node}/vzdump``, ``/nodes/{node}/storage/{storage}/content``, ``/nodes/{node}/lxc|qemu``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from operations.diagnosis.diagnosis import Diagnosis
from operations.proxmox_api import ProxmoxApi, ProxmoxError

LATEST = "latest"
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.1, 2.0, 1.5
_SUCCESSES = ("OK", "WARNINGS")


class BackupError(Exception):
    """A guest could not be saved, or not be brought back; the message says why."""


@dataclass(frozen=True)
class Backup:
    """A backup of a guest.

    Attributes:
        volume: its id, such as ``local:backup/vzdump-lxc-200-2026_11_21-12_00_00.tar.zst``.
        made: when, in seconds since 1970.
    """

    volume: str
    made: int
    size: int

    @property
    def moment(self) -> str:
        """When, for people: UTC."""
        return datetime.fromtimestamp(self.made, UTC).strftime("%Y-%m-%d %H:%M UTC")


@dataclass(frozen=True)
class Target:
    """A guest as the API finds it.

    Attributes:
        kind: ``lxc`` or ``qemu``.
        datastore: where the disks of a container go that is restored. Proxmox does not ask where they were and takes
            ``local`` when nothing is said, which seldom has room for containers. Disks of a machine go where they were.
    """

    node: str
    kind: str
    vm_id: int
    datastore: str = ""

    @property
    def path(self) -> str:
        """Its path in the API."""
        return f"/nodes/{self.node}/{self.kind}/{self.vm_id}"


class Backups:
    """Saves guests and brings them back.

    Args:
        api: the connection; its credentials need VM.Backup, and Datastore.AllocateSpace on the datastore.
        stop_if_interrupted: is called while waiting, to raise what ends it.
    """

    def __init__(self, api: ProxmoxApi, stop_if_interrupted: Callable[[], None]) -> None:
        self._api = api
        self._stop_if_interrupted = stop_if_interrupted

    def datastores(self, node: str) -> list[str]:
        """The datastores of a node that take backups, those with the most room first.

        Raises:
            ProxmoxError: the API did not answer.
        """
        found = [
            entry
            for entry in self._api.get(f"/nodes/{node}/storage", content="backup")
            if entry.get("active", 1) and entry.get("enabled", 1)
        ]
        return [entry["storage"] for entry in sorted(found, key=lambda entry: -int(entry.get("avail", 0)))]

    def of(self, target: Target) -> list[Backup]:
        """The backups of a guest, the latest first.

        Raises:
            ProxmoxError: the API did not answer.
        """
        found = [backup for datastore in self.datastores(target.node) for backup in self._in(target, datastore)]
        return sorted(found, key=lambda backup: -backup.made)

    def _in(self, target: Target, datastore: str) -> list[Backup]:
        path = f"/nodes/{target.node}/storage/{datastore}/content"
        entries = self._api.get(path, content="backup", vmid=str(target.vm_id))
        return [
            Backup(entry["volid"], int(entry.get("ctime", 0)), int(entry.get("size", 0)))
            for entry in entries
            if int(entry.get("vmid", 0)) == target.vm_id
        ]

    def save(self, target: Target, datastore: str = "") -> Backup:
        """Backs a guest up and returns the backup, which is there and which pruning leaves alone.

        The guest is stopped for it and started again, so that what is saved is consistent.

        Args:
            datastore: where to; the one with the most room among those that take backups when empty.

        Raises:
            BackupError: it could not be saved, or the backup is not there afterwards.
        """
        try:
            allowed = self.datastores(target.node)
            if not allowed or (datastore and datastore not in allowed):
                raise BackupError(
                    f"{f'{datastore} takes' if datastore else 'no datastore takes'} no backups on {target.node}"
                    f" (there are: {', '.join(allowed) or 'none'})"
                )
            chosen = datastore or allowed[0]
            before = {backup.volume for backup in self._in(target, chosen)}
            self._wait(
                target.node,
                self._api.post(
                    f"/nodes/{target.node}/vzdump",
                    **{"notes-template": "before homelab destroyed {{guestname}}"},
                    vmid=str(target.vm_id),
                    storage=chosen,
                    mode="stop",
                    compress="zstd",
                    protected="1",
                    remove="0",
                ),
            )
            made = [backup for backup in self._in(target, chosen) if backup.volume not in before and backup.size > 0]
        except ProxmoxError as error:
            raise BackupError(error.text) from error
        if not made:
            raise BackupError(f"the backup ended well, and there is none in {chosen}")
        return made[0]

    def restore(self, target: Target, volume: str) -> None:
        """Puts what is in a backup in the place of a guest, or makes the guest anew from it, and starts it.

        Raises:
            BackupError: it did not work.
        """
        try:
            if (there := self._api.guests().get(target.vm_id)) is not None:
                self._make_way(target, running=there.get("status") == "running")
            source = {"ostemplate": volume, "restore": "1"} if target.kind == "lxc" else {"archive": volume}
            if target.kind == "lxc" and target.datastore:
                source["storage"] = target.datastore
            path = f"/nodes/{target.node}/{target.kind}"
            self._wait(target.node, self._api.post(path, vmid=str(target.vm_id), force="1", **source))
            self._wait(target.node, self._api.post(f"{target.path}/status/start"))
        except ProxmoxError as error:
            raise BackupError(error.text) from error

    def _make_way(self, target: Target, *, running: bool) -> None:
        """Proxmox restores over no guest that runs or is protected."""
        if running:
            self._wait(target.node, self._api.post(f"{target.path}/status/stop"))
        if self._api.get(f"{target.path}/config").get("protection"):
            self._api.put(f"{target.path}/config", protection="0")

    def _wait(self, node: str, task: str) -> None:
        pause = _FIRST_PAUSE
        while True:
            self._stop_if_interrupted()
            status: dict[str, Any] = self._api.get(f"/nodes/{node}/tasks/{task}/status")
            if status.get("status") == "stopped":
                break
            time.sleep(pause)
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)
        if not str(status.get("exitstatus", "")).startswith(_SUCCESSES):
            raise BackupError(f"the task ended with: {status.get('exitstatus')}")


def not_saved(label: str, stack: str, reason: str) -> Diagnosis:
    """The error about a guest that stays because it could not be saved."""
    return Diagnosis(
        "not_saved",
        f"{label} could not be saved, and is not destroyed",
        found=reason,
        allowed="a backup that is there, with all disks of the guest in it",
        fix=(
            "mend what it names, or name another datastore with --backup-to, and run the command again",
            "or save it yourself and run the command without --backup",
        ),
        places=(f"stack {stack}",),
    )
