"""The state of the cluster: nodes, guests, storages, volumes and every configuration, with indexes."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from typing import Any

from .errors import ApiError, failed, no_such_guest
from .firewall_state import Firewall
from .options import SimulatorOptions
from .properties import GIB

Config = dict[str, Any]

BLOCK_TYPES = frozenset({"lvm", "lvmthin", "zfspool", "rbd", "iscsi"})


def digest(value: object) -> str:
    """The fingerprint Proxmox gives a configuration, to detect concurrent changes."""
    return hashlib.sha1(repr(value).encode(), usedforsecurity=False).hexdigest()


@dataclass(slots=True)
class Volume:
    """A disk, image, template, snippet or backup on a storage.

    Attributes:
        size: bytes.
        parent: the base image of a linked clone.
        head: the first bytes of a file whose content is known.
        backup_of: the settings a backup restores.
    """

    volid: str
    content: str
    format: str
    size: int
    vmid: int | None = None
    parent: str | None = None
    ctime: int = field(default_factory=lambda: int(time.time()))
    notes: str = ""
    protected: bool = False
    head: bytes = b""
    backup_of: Config | None = None


@dataclass(slots=True)
class Guest:
    """A virtual machine (``qemu``) or container (``lxc``).

    Attributes:
        ssh_public_keys: what a container is made with for root's ``authorized_keys``; Proxmox writes it once.
        archive: the backup that was made of it last, or that it was made from.
    """

    vmid: int
    kind: str
    node: str
    config: Config = field(default_factory=dict)
    running: bool = False
    started_at: float = 0.0
    snapshots: dict[str, Config] = field(default_factory=dict)
    firewall: Firewall = field(default_factory=Firewall)
    raw_lxc: list[list[str]] = field(default_factory=list)
    busy: int = 0
    ssh_public_keys: str = ""
    archive: str = ""

    @property
    def name(self) -> str:
        """The name it is listed by."""
        key, prefix = ("name", "VM") if self.kind == "qemu" else ("hostname", "CT")
        return str(self.config.get(key) or f"{prefix}{self.vmid}")

    @property
    def label(self) -> str:
        """``VM 100`` or ``CT 100``, as messages call it."""
        return f"{'VM' if self.kind == 'qemu' else 'CT'} {self.vmid}"

    @property
    def ha_id(self) -> str:
        """What HA calls it: ``vm:100`` or ``ct:100``."""
        return f"{'vm' if self.kind == 'qemu' else 'ct'}:{self.vmid}"

    @property
    def is_template(self) -> bool:
        """Whether it has been turned into a template."""
        return bool(self.config.get("template"))

    def snapshot(self, name: str) -> Config:
        """The settings that a snapshot kept."""
        if name not in self.snapshots:
            raise failed(f"snapshot '{name}' does not exist")
        return self.snapshots[name]


@dataclass(slots=True)
class Node:
    """One node with its own network, name resolution, time and firewall."""

    name: str
    network: dict[str, Config] = field(default_factory=dict)
    pending_network: dict[str, Config] | None = None
    dns: Config = field(default_factory=lambda: {"search": "home.arpa", "dns1": "192.0.2.53"})
    timezone: str = "Etc/UTC"
    hosts: str = "127.0.0.1 localhost.localdomain localhost\n"
    config: Config = field(default_factory=dict)
    firewall: Firewall = field(default_factory=Firewall)


class Cluster:
    """Everything the API reads and changes."""

    def __init__(self, options: SimulatorOptions) -> None:
        self.nodes: dict[str, Node] = {name: Node(name, _network(options, name)) for name in options.nodes}
        self.guests: dict[int, Guest] = {}
        self.storages: dict[str, Config] = {}
        self.volumes: dict[tuple[str, str], dict[str, Volume]] = {}
        self.volumes_of: dict[int, set[tuple[str, str, str]]] = {}
        self.pools: dict[str, Config] = {}
        self.pool_of: dict[str, str] = {}
        self.users: dict[str, Config] = {"root@pam": {"enable": 1, "expire": 0, "tokens": {}}}
        self.groups: dict[str, Config] = {}
        self.roles: dict[str, set[str]] = {}
        self.acl: dict[tuple[str, str, str, str], int] = {}
        self.options: Config = {"mac_prefix": "BC:24:11"}
        self.firewall = Firewall()
        self.backup_jobs: dict[str, Config] = {}
        self.ha_resources: dict[str, Config] = {}
        self.ha_rules: dict[str, Config] = {}
        self.ha_groups: dict[str, Config] = {}
        self.replication: dict[str, Config] = {}
        self.failed_nodes: set[str] = set()
        self.metric_servers: dict[str, Config] = {}
        self.mappings: dict[str, dict[str, Config]] = {"dir": {}, "pci": {}, "usb": {}}
        self.sdn: dict[str, dict[str, Config]] = {"zones": {}, "vnets": {}, "subnets": {}, "controllers": {}}
        self.sdn_running: dict[str, dict[str, Config]] = {kind: {} for kind in self.sdn}
        self.leases: dict[str, dict[str, str]] = {}
        self.next_vmid = 100
        self.sizes_gib: dict[str, int] = {}
        for storage in options.storages:
            self.storages[storage.name] = {
                "storage": storage.name,
                "type": storage.type,
                "content": ",".join(storage.content),
                **({"path": "/var/lib/vz"} if storage.name == "local" else {}),
                **({"path": f"/mnt/pve/{storage.name}"} if storage.type == "dir" and storage.name != "local" else {}),
                **({"vgname": "pve", "thinpool": "data"} if storage.type == "lvmthin" else {}),
                **({"nodes": ",".join(storage.nodes)} if storage.nodes else {}),
                **({"shared": 1} if storage.shared else {}),
            }
            self.sizes_gib[storage.name] = storage.size_gib

    # nodes

    def node(self, name: str) -> Node:
        """The node, or the error of a cluster that can't resolve its name."""
        if name not in self.nodes:
            raise failed(
                f"hostname lookup '{name}' failed - failed to get address info for: {name}: Name or service not known"
            )
        return self.nodes[name]

    def bridge_exists(self, node: str, bridge: str) -> bool:
        """Whether a guest's interface can be attached: a bridge of the node, or a virtual network of the cluster."""
        return bridge in self.nodes[node].network or bridge in self.sdn_running["vnets"]

    # guests

    def guest(self, node: str, kind: str, vmid: str | int) -> Guest:
        """The guest on this node, or Proxmox's error."""
        self.node(node)
        try:
            number = int(vmid)
        except ValueError:
            raise ApiError(
                400, "Parameter verification failed.", {"vmid": f"type check ('integer') failed - got '{vmid}'"}
            ) from None
        guest = self.guests.get(number)
        if guest is None or guest.node != node or guest.kind != kind:
            raise no_such_guest(node, kind, number)
        return guest

    def add_guest(self, guest: Guest) -> None:
        """Puts a new guest into the indexes."""
        self.guests[guest.vmid] = guest

    def remove_guest(self, guest: Guest) -> None:
        """Takes a guest out of the cluster and its pool."""
        self.guests.pop(guest.vmid, None)
        self.set_pool(str(guest.vmid), None)
        self.next_vmid = min(self.next_vmid, guest.vmid)

    def free_vmid(self) -> int:
        """The lowest unused VMID from 100."""
        while self.next_vmid in self.guests:
            self.next_vmid += 1
        return self.next_vmid

    def set_pool(self, member: str, pool: str | None) -> None:
        """Moves a guest (its VMID as text) or a storage into a pool, or out of its pool."""
        if old := self.pool_of.pop(member, None):
            self.pools[old]["members"].discard(member)
        if pool:
            if pool not in self.pools:
                raise failed(f"pool '{pool}' does not exist")
            self.pools[pool]["members"].add(member)
            self.pool_of[member] = pool

    # storages and volumes

    def storage(self, name: str, node: str | None = None) -> Config:
        """The storage's configuration; with a node, only if it is available there."""
        config = self.storages.get(name)
        if config is None:
            raise failed(f"storage '{name}' does not exist")
        if node is not None:
            self.node(node)
            nodes = str(config.get("nodes") or "")
            if nodes and node not in nodes.split(","):
                raise failed(f"storage '{name}' is not available on node '{node}'")
            if config.get("disable"):
                raise failed(f"storage '{name}' is disabled")
        return config

    def storage_for(self, name: str, node: str, content: str) -> Config:
        """The storage, if it accepts this type of content."""
        config = self.storage(name, node)
        if content not in str(config.get("content", "")).split(","):
            if content == "images":
                raise failed(f"storage '{name}' does not support vm images")
            if content == "rootdir":
                raise failed(f"storage '{name}' does not support container directories")
            raise failed(f"storage '{name}' is not configured for content-type '{content}'")
        return config

    def is_shared(self, storage: str) -> bool:
        """Whether all nodes see the same volumes."""
        config = self.storages.get(storage, {})
        return bool(config.get("shared")) or config.get("type") in ("nfs", "cifs", "pbs", "rbd", "cephfs")

    def volumes_on(self, storage: str, node: str) -> dict[str, Volume]:
        """Volumes of a storage as one node sees them."""
        return self.volumes.setdefault((storage, "" if self.is_shared(storage) else node), {})

    def volume(self, volid: str, node: str) -> Volume:
        """A volume by its id."""
        storage = volid.partition(":")[0]
        self.storage(storage, node)
        volume = self.volumes_on(storage, node).get(volid)
        if volume is None:
            raise failed(f"volume '{volid}' does not exist")
        return volume

    def add_volume(self, storage: str, node: str, volume: Volume) -> Volume:
        """Stores a volume, checking the capacity."""
        where = self.volumes_on(storage, node)
        if volume.size > self.sizes_gib.get(storage, 900) * GIB:
            raise failed(f"storage '{storage}' has not enough space for '{volume.volid}'")
        where[volume.volid] = volume
        if volume.vmid is not None:
            self.volumes_of.setdefault(volume.vmid, set()).add((storage, node, volume.volid))
        return volume

    def remove_volume(self, volid: str, node: str) -> Volume | None:
        """Deletes a volume if it is there."""
        storage = volid.partition(":")[0]
        volume = self.volumes_on(storage, node).pop(volid, None)
        if volume is not None and volume.vmid is not None:
            self.volumes_of.get(volume.vmid, set()).discard((storage, node, volid))
        return volume

    def disks_of(self, vmid: int) -> list[tuple[str, str]]:
        """A guest's disks, attached or not, each with its node: no backups."""
        return [
            (volid, node)
            for storage, node, volid in self.volumes_of.get(vmid, ())
            if self.volumes_on(storage, node)[volid].content in ("images", "rootdir")
        ]

    def remove_disks(self, vmid: int) -> None:
        """Deletes all disks of a guest."""
        for volid, node in self.disks_of(vmid):
            self.remove_volume(volid, node)

    def used_bytes(self, storage: str, node: str) -> int:
        """Sum of the volumes' sizes."""
        return sum(v.size for v in self.volumes_on(storage, node).values())


def _network(options: SimulatorOptions, node: str) -> dict[str, Config]:
    interfaces: dict[str, Config] = {"eno1": {"iface": "eno1", "type": "eth", "exists": 1, "active": 1, "priority": 3}}
    for number, bridge in enumerate(options.bridges_of(node)):
        interfaces[bridge] = {
            "iface": bridge,
            "type": "bridge",
            "autostart": 1,
            "active": 1,
            "bridge_ports": "eno1" if number == 0 else "",
            "bridge_stp": "off",
            "bridge_fd": "0",
            "priority": 4 + number,
            "method": "static" if number == 0 else "manual",
            "method6": "manual",
            "families": ["inet"],
        }
        if number == 0:
            interfaces[bridge] |= {
                "address": "127.0.0.1",
                "netmask": "8",
                "cidr": "127.0.0.1/8",
                "gateway": "127.0.0.1",
            }
    return interfaces
