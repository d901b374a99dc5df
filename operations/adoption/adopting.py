"""From what was found to the content of an environment file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any

from homelab.config.checks.organisation import RESERVED_BEGINNINGS, RESERVED_GROUPS
from homelab.config.units import format_gibibytes, format_mebibytes
from operations.adoption.containers import container_entry
from operations.adoption.entries import Entry, NotAdoptable, key_for
from operations.adoption.firewalls import cluster_firewall, guest_firewall
from operations.adoption.machines import machine_entry, memory_mib, template_entry
from operations.adoption.networks import Networks, Place, bridges_of
from operations.adoption.reading import Config, FoundCluster, FoundGuest

_CONTENT = ("images", "rootdir", "iso", "vztmpl", "import", "snippets", "backup")
_LARGEST = 999_999_999
_OTHER_STACKS = (*RESERVED_GROUPS, "secrets", "services")
"""What a group is not called: a stack is, or a word of `homelab deploy`."""
GROUP = "guests"


@dataclass(frozen=True)
class Wishes:
    """What somebody wants of an adoption.

    Attributes:
        endpoint: of the API, as the environment file shall have it.
        insecure: whether the file shall say that the certificate can't be verified.
        networks: subnets by place, where nothing on the cluster tells them.
        skipped: VMIDs that are not to be adopted, with the reason.
        other_pools: pools that another environment makes.
        firewall: whether the cluster's firewall may be taken over.
    """

    endpoint: str
    insecure: bool = False
    networks: Mapping[Place, IPv4Network] = field(default_factory=dict)
    skipped: Mapping[int, str] = field(default_factory=dict)
    other_pools: Collection[str] = ()
    firewall: bool = True


@dataclass
class Adoption:
    """The content of the environment file, and what is to be said about it.

    Attributes:
        content: what the file holds.
        entries: the guests and templates that were taken over.
        refused: those that were not, with the reason.
        left_out: what else stays as it is.
    """

    content: dict[str, Any]
    entries: list[Entry] = field(default_factory=list)
    refused: list[tuple[FoundGuest, str]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def adopt(cluster: FoundCluster, wishes: Wishes) -> Adoption:
    """What an environment file has to say so that everything in ``cluster`` stays as it is."""
    result = Adoption({}, left_out=[*cluster.unread, *cluster.beside])
    networks = Networks(cluster, wishes.networks)
    hostnames: set[str] = set()
    for guest in cluster.guests:
        reason = wishes.skipped.get(guest.vm_id)
        if reason is not None:
            result.refused.append((guest, reason))
            continue
        try:
            entry = _entry(guest, networks, hostnames, {entry.key for entry in result.entries})
        except NotAdoptable as error:
            result.refused.append((guest, str(error)))
            continue
        except (KeyError, ValueError, TypeError) as error:
            result.refused.append((guest, f"its configuration is not understood: {error}"))
            continue
        if guest.vm_id in cluster.under_ha:
            entry.ignore("node_name", "high availability may move it; its `node` is where it was found")
        if "name" not in entry.ignored and "initialization" not in entry.ignored:
            hostnames.add(guest.name)
        result.entries.append(entry)
    pools = _pools(cluster, wishes, result)
    firewall = cluster_firewall(cluster.firewall, result.left_out) if cluster.firewall and wishes.firewall else None
    networks.drop_unused(_used_networks(result.entries))
    result.content = {
        "proxmox": _proxmox(cluster, wishes),
        "policy": _policy(result.entries, cluster),
        "networks": networks.entries,
        "pools": pools,
        "firewall": firewall,
        "templates": _section(result.entries, "templates"),
        "vms": _section(result.entries, "vms"),
        "containers": _section(result.entries, "containers"),
    }
    result.content = {name: value for name, value in result.content.items() if value}
    return result


def _entry(guest: FoundGuest, networks: Networks, hostnames: set[str], keys: set[str]) -> Entry:
    key = key_for(guest.name, guest.vm_id, keys)
    if guest.kind == "qemu" and guest.is_template:
        entry = Entry("templates", key, guest)
        template_entry(entry)
        return entry
    if guest.kind == "qemu":
        entry = Entry("vms", key, guest)
        machine_entry(entry, networks, hostnames)
    else:
        entry = Entry("containers", key, guest)
        container_entry(entry, networks, hostnames)
    guest_firewall(entry)
    group = re.sub(r"[^a-z0-9-]+", "-", guest.pool.lower()).strip("-")
    if group and group[0].isalpha():
        is_other = group in _OTHER_STACKS or group.startswith(RESERVED_BEGINNINGS)
        entry.values["group"] = f"pool-{group}" if is_other else group
    return entry


def _pools(cluster: FoundCluster, wishes: Wishes, result: Adoption) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for pool in cluster.pools:
        name = str(pool["poolid"])
        entries[name] = {"create": False} if name in wishes.other_pools else {"adopted": True}
        if pool.get("comment") and name not in wishes.other_pools:
            entries[name]["comment"] = pool["comment"]
    for entry in result.entries:
        member_of = entry.guest.pool
        if entry.section == "templates" or member_of not in entries:
            continue
        if "/" in member_of:
            entry.notes.append(f"it stays in the pool {member_of} without this file: the provider can't import that")
            continue
        entry.values["pool"] = member_of
    return entries


def _section(entries: list[Entry], section: str) -> dict[str, Any]:
    return {entry.key: written(entry) for entry in entries if entry.section == section}


def written(entry: Entry) -> dict[str, Any]:
    """What the file says about a guest."""
    values = dict(entry.values)
    if entry.section == "templates":
        return values
    adopted: dict[str, Any] = {}
    if "pool" in values:
        adopted["in_pool"] = True
    if entry.ignored:
        adopted["ignore"] = sorted(entry.ignored)
    if entry.section == "vms" and "disks" in values:
        adopted["disks"] = values.pop("disks")
    first: dict[str, Any] = {name: values.pop(name) for name in ("vm_id", "node", "group") if name in values}
    return {**first, "adopted": adopted or True, **values}


def _proxmox(cluster: FoundCluster, wishes: Wishes) -> dict[str, Any]:
    bridges = bridges_of(cluster)
    value: dict[str, Any] = {"endpoint": wishes.endpoint}
    if wishes.insecure:
        value["insecure"] = True
    value["nodes"] = {
        node.name: {
            "cores": node.cores,
            "memory": format_mebibytes(node.memory_mib),
            "bridges": bridges[node.name],
            "datastores": {str(entry["storage"]): _datastore(entry) for entry in node.datastores},
        }
        for node in cluster.nodes
    }
    return value


def _datastore(entry: Config) -> dict[str, Any]:
    content = [kind for kind in str(entry.get("content", "")).split(",") if kind in _CONTENT]
    value: dict[str, Any] = {"content": content}
    if total := int(entry.get("total") or 0) // 1024**3:
        value["size"] = format_gibibytes(total)
    if entry.get("shared"):
        value["shared"] = True
    return value


def _policy(entries: list[Entry], cluster: FoundCluster) -> dict[str, Any]:
    """Numbers as they are; memory that is promised more than once is what was found, and no reason to stop."""
    everything = {"first": 100, "last": _LARGEST}
    value: dict[str, Any] = {"vm_ids": dict.fromkeys(("templates", "vms", "containers"), everything)}
    promised: Counter[str] = Counter()
    for entry in entries:
        if entry.section != "templates" and (entry.values["started"] or entry.values["start_on_boot"]):
            promised[entry.guest.node] += memory_mib(entry.guest.config)
    if any(promised[node.name] > node.memory_mib - 2048 for node in cluster.nodes):
        value["over_commit"] = {"memory": "warning"}
    return value


def _used_networks(entries: list[Entry]) -> set[str]:
    used: set[str] = set()
    for entry in entries:
        network = entry.values.get("network", [])
        used.update(interface["name"] for interface in (network if isinstance(network, list) else [network]))
    return used
