"""Moves a guest to another node of its cluster, which Terraform can't do for containers.

A virtual machine that runs is moved while it runs, a container that runs is stopped, moved and started again, and one
under HA is moved by the HA manager. Local disks are copied. Nothing is begun before everything that can be known
beforehand is right.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from operations.proxmox_api import ProxmoxApi, ProxmoxError

POLL_SECONDS = 1.0
LONGEST_SECONDS = 6 * 3600
"""A large disk over a slow network takes hours; who does not want to wait may press Ctrl-C, and the task goes on."""
HA_SECONDS = 600
_DISK_KEYS = ("scsi", "virtio", "sata", "ide", "efidisk", "tpmstate", "rootfs", "mp", "unused")


class MigrationError(Exception):
    """A guest that can't be moved, or was not; the message says why and what to do next."""


@dataclass(frozen=True)
class Guest:
    """A guest as the cluster has it."""

    vm_id: int
    name: str
    kind: Literal["qemu", "lxc"]
    node: str
    running: bool

    @property
    def label(self) -> str:
        """What people call it: ``VM web-1 (9100)``."""
        return f"{'VM' if self.kind == 'qemu' else 'container'} {self.name} ({self.vm_id})"

    @property
    def ha_id(self) -> str:
        """What HA calls it."""
        return f"{'vm' if self.kind == 'qemu' else 'ct'}:{self.vm_id}"

    @property
    def path(self) -> str:
        """Its path in the API."""
        return f"/nodes/{self.node}/{self.kind}/{self.vm_id}"


@dataclass(frozen=True)
class Migration:
    """What is to be done: ``guest`` goes to ``target``.

    Attributes:
        by_ha: the HA manager does it.
        local: the volumes that are copied.
    """

    guest: Guest
    target: str
    by_ha: bool
    local: tuple[str, ...]

    @property
    def summary(self) -> str:
        """One line for the person who is asked."""
        guest = self.guest
        how = (
            "stays as it is"
            if not guest.running
            else "keeps running"
            if guest.kind == "qemu"
            else "is stopped and started again"
        )
        copied = f"; copied to {self.target}: {', '.join(self.local)}" if self.local else ""
        by = " by HA" if self.by_ha else ""
        return f"{guest.label} goes from {guest.node} to {self.target}{by} and {how}{copied}"


def find_guest(api: ProxmoxApi, vm_id: int) -> Guest:
    """The guest with this number.

    Raises:
        MigrationError: the cluster has none, or does not show it to these credentials.
    """
    found = api.guests().get(vm_id)
    if found is None:
        raise MigrationError(f"the cluster has no guest {vm_id}\n    fix:      deploy it first")
    return Guest(
        vm_id,
        str(found.get("name", "")),
        "lxc" if found["type"] == "lxc" else "qemu",
        str(found["node"]),
        found.get("status") == "running",
    )


def prepare(api: ProxmoxApi, guest: Guest, target: str) -> Migration:
    """What moving ``guest`` to ``target`` means.

    Raises:
        MigrationError: it can't be moved there; the message has every reason.
    """
    by_ha = any(entry.get("sid") == guest.ha_id for entry in api.get("/cluster/ha/resources"))
    _see_that_nodes_are_there(api, guest, target)
    config: Mapping[str, Any] = api.get(f"{guest.path}/config")
    storages = {entry["storage"]: entry for entry in api.get(f"/nodes/{target}/storage")}
    shared = {entry["storage"] for entry in api.get("/storage") if entry.get("shared")}
    volumes = dict(_volumes(config))
    reasons = [
        *_locked(config),
        *_missing_storages(guest, volumes, storages, target),
        *_missing_snippets(api, config, shared, target),
        *_proxmox_says(api, guest, target),
    ]
    if reasons:
        lines = "\n".join(f"    because:  {reason}" for reason in reasons)
        raise MigrationError(f"{guest.label} can't be moved to {target}\n{lines}")
    local = tuple(volume for volume in volumes.values() if volume.partition(":")[0] not in shared)
    return Migration(guest, target, by_ha, local)


def migrate(api: ProxmoxApi, migration: Migration, *, say: Callable[[str], None]) -> Guest:
    """Moves the guest, waits until that is done, and sees that it is there and runs as before.

    Raises:
        MigrationError: it failed. The guest is where it was, or the message says where else.
    """
    guest, target = migration.guest, migration.target
    if migration.by_ha:
        answer = api.post(f"/cluster/ha/resources/{guest.ha_id}/migrate", node=target) or {}
        if blocking := answer.get("blocking-resources"):
            causes = ", ".join(f"{entry.get('cause')} with {entry.get('sid')}" for entry in blocking)
            raise MigrationError(
                f"HA does not move {guest.label} to {target}: {causes}\n    fix:      change the rule in ha.rules first"
            )
        say(f"HA was asked to move {guest.label}")
        _wait_until_there(api, guest, target)
    else:
        how = {"target": target}
        if guest.kind == "qemu":
            how |= {"with-local-disks": "1"} | ({"online": "1"} if guest.running else {})
        elif guest.running:
            how |= {"restart": "1"}
        task = str(api.post(f"{guest.path}/migrate", **how))
        say(f"{guest.label} is being moved ({task})")
        _wait_for_task(api, guest, task)
        _wait_until_there(api, guest, target, longest=HA_SECONDS if "hamigrate" in task else 30)
    return find_guest(api, guest.vm_id)


def _see_that_nodes_are_there(api: ProxmoxApi, guest: Guest, target: str) -> None:
    nodes = {entry["node"]: entry.get("status") for entry in api.get("/nodes")}
    online = ", ".join(sorted(node for node, status in nodes.items() if status == "online" and node != guest.node))
    if target not in nodes:
        raise MigrationError(f"the cluster has no node {target}\n    allowed:  {online or 'there is no other node'}")
    for node in (guest.node, target):
        if nodes.get(node) != "online":
            advice = (
                f"choose another node: {online}"
                if node == target
                else "bring the node back; HA would have moved the guest, or restore it from a backup"
            )
            raise MigrationError(f"node {node} is {nodes.get(node, 'gone')}\n    fix:      {advice}")


def _volumes(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each disk of a configuration with its volume; folders of the node and empty drives are none."""
    for key, value in config.items():
        volume = str(value).partition(",")[0].removeprefix("file=").removeprefix("volume=")
        if key.rstrip("0123456789") in _DISK_KEYS and ":" in volume and not volume.startswith("/"):
            yield key, volume


def _locked(config: Mapping[str, Any]) -> Iterator[str]:
    if config.get("lock"):
        yield f"it is locked ({config['lock']}): wait until what holds it has ended"


def _missing_storages(
    guest: Guest, volumes: Mapping[str, str], storages: Mapping[str, Mapping[str, Any]], target: str
) -> Iterator[str]:
    content = "images" if guest.kind == "qemu" else "rootdir"
    for name in dict.fromkeys(volume.partition(":")[0] for volume in volumes.values()):
        there = storages.get(name)
        if there is None:
            yield f"{target} has no datastore {name}, where its disks are"
        elif content not in str(there.get("content", "")).split(","):
            yield f"the datastore {name} of {target} does not take {content}"


def _missing_snippets(api: ProxmoxApi, config: Mapping[str, Any], shared: set[str], target: str) -> Iterator[str]:
    """A machine does not start where the cloud-init snippets that it names are not."""
    for part in str(config.get("cicustom", "")).split(","):
        volume = part.partition("=")[2]
        storage = volume.partition(":")[0]
        if not volume or storage in shared:
            continue
        known = {entry["volid"] for entry in api.get(f"/nodes/{target}/storage/{storage}/content", content="snippets")}
        if volume not in known:
            yield f"{target} has no {volume}, without which it does not start: run `homelab deploy templates` first"


def _proxmox_says(api: ProxmoxApi, guest: Guest, target: str) -> Iterator[str]:
    """What Proxmox itself knows beforehand; older versions know nothing about containers."""
    try:
        known: Mapping[str, Any] = api.get(f"{guest.path}/migrate", target=target)
    except ProxmoxError as error:
        if error.status == 501:
            return
        raise
    if known.get("local_resources"):
        names = ", ".join(map(str, known["local_resources"]))
        yield f"it uses what only {guest.node} has: {names}"
    refused = known.get("not_allowed_nodes") or known.get("not-allowed-nodes") or {}
    here = refused.get(target) if isinstance(refused, Mapping) else None
    if isinstance(here, Mapping) and here.get("unavailable_storages"):
        yield f"{target} lacks the datastores {', '.join(here['unavailable_storages'])}"
    if isinstance(here, Mapping):
        for entry in here.get("blocking-ha-resources", ()):
            yield f"HA keeps it from there: {entry.get('cause')} with {entry.get('sid')}"


def _wait_for_task(api: ProxmoxApi, guest: Guest, task: str) -> None:
    ends = time.monotonic() + LONGEST_SECONDS
    path = f"/nodes/{guest.node}/tasks/{task}"
    while (status := api.get(f"{path}/status")).get("status") != "stopped":
        if time.monotonic() > ends:
            raise MigrationError(f"moving {guest.label} takes longer than six hours; its task goes on: {task}")
        time.sleep(POLL_SECONDS)
    if status.get("exitstatus") != "OK":
        lines = [str(entry.get("t", "")) for entry in api.get(f"{path}/log")][-5:]
        log = "".join(f"\n    log:      {line}" for line in lines)
        raise MigrationError(
            f"Proxmox could not move {guest.label}: {status.get('exitstatus')}{log}\n"
            f"    fix:      mend the cause and run the command again; it is still on {guest.node}"
        )


def _wait_until_there(api: ProxmoxApi, guest: Guest, target: str, *, longest: float = HA_SECONDS) -> None:
    ends = time.monotonic() + longest
    while True:
        now = find_guest(api, guest.vm_id)
        if now.node == target and now.running == guest.running:
            return
        if time.monotonic() > ends:
            state = "runs" if now.running else "does not run"
            raise MigrationError(
                f"{guest.label} is on {now.node} and {state} after {longest:g} seconds\n"
                f"    fix:      look at Tasks in the web interface, then run the command again"
            )
        time.sleep(POLL_SECONDS)
