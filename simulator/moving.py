"""Moving guests between nodes."""

from __future__ import annotations

from .call import Call
from .disks import Disk, allocate, guest_volumes
from .errors import bad_parameters, failed
from .properties import format_properties, parse_properties
from .state import Cluster, Guest


def check_target(call: Call, guest: Guest, target: str) -> None:
    """Refuses a target that is this node or none, or lacks what the guest uses."""
    if target == guest.node:
        raise bad_parameters({"target": "target is local node."})
    if target not in call.cluster.nodes:
        raise failed(f"no such cluster node '{target}'")
    for key, value in guest.config.items():
        if key.startswith("net") and key[3:].isdigit():
            bridge = parse_properties(str(value), "model").get("bridge")
            if bridge and not call.cluster.bridge_exists(target, bridge):
                raise failed(f"bridge '{bridge}' does not exist on node '{target}'")


def unavailable(cluster: Cluster, guest: Guest) -> dict[str, list[str]]:
    """The other nodes that lack a storage of the guest's, with the storages they lack."""
    used = dict.fromkeys(volid.partition(":")[0] for _key, volid in guest_volumes(guest))
    found: dict[str, list[str]] = {}
    for node in cluster.nodes:
        lacking = []
        for name in used:
            nodes = str(cluster.storages.get(name, {}).get("nodes") or "")
            if nodes and node not in nodes.split(","):
                lacking.append(name)
        if lacking and node != guest.node:
            found[node] = lacking
    return found


def move_guest(cluster: Cluster, guest: Guest, target: str, storage: str | None) -> None:
    """Takes the guest and its local volumes to another node."""
    default = "file" if guest.kind == "qemu" else "volume"
    for key, volid in guest_volumes(guest):
        old_storage = volid.partition(":")[0]
        if cluster.is_shared(old_storage):
            continue
        new_storage = storage or old_storage
        volume = cluster.volume(volid, guest.node)
        cluster.storage_for(new_storage, target, volume.content)
        cluster.remove_volume(volid, guest.node)
        if new_storage == old_storage and volid not in cluster.volumes_on(new_storage, target):
            cluster.add_volume(new_storage, target, volume)
        else:
            disk = Disk(new_storage, target, guest.vmid, volume.content, volume.size, volume.format)
            volume = allocate(cluster, disk)
        properties = parse_properties(str(guest.config[key]), default) | {default: volume.volid}
        guest.config[key] = format_properties(properties, default)
    switch_replication(cluster, guest, target)
    guest.node = target


def switch_replication(cluster: Cluster, guest: Guest, target: str) -> None:
    """Turns the job round whose copy the guest now lives on; the others start from the new node."""
    for job in cluster.replication.values():
        if job["guest"] == guest.vmid:
            if job["target"] == target:
                job["target"] = guest.node
            job["source"] = target
