"""What a simulated cluster consists of and how fast it works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DIRECTORY_CONTENT = ("iso", "vztmpl", "backup", "import", "snippets")


@dataclass(frozen=True, slots=True)
class StorageOptions:
    """A datastore.

    Attributes:
        name: id of the storage.
        type: Proxmox's storage type (``dir``, ``lvmthin``, ``zfspool``, ``nfs``, ...).
        content: content types it accepts.
        nodes: nodes it is on; empty is all of them.
        shared: one set of volumes for all nodes.
        size_gib: capacity in GiB.
    """

    name: str
    type: str = "dir"
    content: tuple[str, ...] = DIRECTORY_CONTENT
    nodes: tuple[str, ...] = ()
    shared: bool = False
    size_gib: int = 900


DEFAULT_STORAGES = (
    StorageOptions("local", "dir", DIRECTORY_CONTENT, size_gib=100),
    StorageOptions("local-lvm", "lvmthin", ("images", "rootdir")),
)


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """Options of a simulator.

    Attributes:
        host: loopback address to listen on.
        port: HTTPS port; 0 takes a free one.
        nodes: names of the nodes.
        bridges: bridges that exist on every node, or per node when it is a mapping.
        storages: datastores.
        version: the version it behaves as; before 9 there are HA groups.
        cores: logical processors of each node.
        memory_gib: memory of each node in GiB.
        task_seconds: how long a task runs; 0 ends it before its request is answered.
        address_seconds: how long a started guest takes until it reports addresses it got by DHCP or from its agent.
        lock_seconds: how long a request waits for another task on the same guest before it is refused.
        dhcp: network that hands out addresses on a bridge or ``bridge.vlan``; others use ``172.20.0.0/16``.
        downloads: what a URL yields: bytes, or another URL or local path to take them from. A URL that isn't listed is
            recorded with ``download_bytes`` and its checksum can't be checked.
        download_bytes: size of a download that isn't in ``downloads``.
        ssh_users: users that SSH lets in with the simulator's key; ``root`` with the password too.
        root_password: password of ``root@pam``, for the API and SSH; empty makes one.
    """

    host: str = "127.0.0.1"
    port: int = 0
    nodes: tuple[str, ...] = ("pve",)
    bridges: tuple[str, ...] | Mapping[str, tuple[str, ...]] = ("vmbr0",)
    storages: tuple[StorageOptions, ...] = DEFAULT_STORAGES
    version: str = "9.2.0"
    cores: int = 16
    memory_gib: int = 64
    task_seconds: float = 0.2
    address_seconds: float = 0.5
    lock_seconds: float = 10.0
    dhcp: Mapping[str, str] = field(default_factory=dict)
    downloads: Mapping[str, bytes | str] = field(default_factory=dict)
    download_bytes: int = 345 * 1024 * 1024
    ssh_users: tuple[str, ...] = ("root",)
    root_password: str = ""

    def bridges_of(self, node: str) -> tuple[str, ...]:
        """The bridges of one node."""
        if isinstance(self.bridges, Mapping):
            return self.bridges.get(node, ())
        return self.bridges
