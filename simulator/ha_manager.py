"""What Proxmox's HA manager does: recovers the guests of a failed node, moves guests, follows rules.

It decides at once where the real one takes about two minutes, which it waits until the failed node has fenced itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from .disks import guest_volumes
from .moving import move_guest, switch_replication
from .properties import split_list
from .state import Cluster, Config, Guest

_NOT_RECOVERED = frozenset({"ignored", "disabled"})


def has_majority(cluster: Cluster) -> bool:
    """Whether the nodes that are left may act: more than half of all."""
    return 2 * len(cluster.failed_nodes) < len(cluster.nodes)


def fail_node(cluster: Cluster, node: str) -> None:
    """The node is gone from one moment to the next; its guests under HA are started elsewhere."""
    cluster.node(node)
    cluster.failed_nodes.add(node)
    if not has_majority(cluster):
        return
    for guest in _managed(cluster):
        if guest.node == node and cluster.ha_resources[guest.ha_id].get("state") not in _NOT_RECOVERED:
            target = choose_node(cluster, guest)
            if target is not None:
                _recover(cluster, guest, target)


def return_node(cluster: Cluster, node: str) -> None:
    """The node is back, with the guests that stayed with it; those that prefer it move to it."""
    cluster.failed_nodes.discard(node)
    for guest in _managed(cluster):
        fails_back = cluster.ha_resources[guest.ha_id].get("failback", 1)
        preferred = _preferred(cluster, guest)
        if fails_back and guest.node not in preferred and node in preferred and _allowed(cluster, guest, node):
            move_guest(cluster, guest, node, None)


def choose_node(cluster: Cluster, guest: Guest) -> str | None:
    """The node that a guest goes to: of those that its rules prefer the one with the fewest guests under HA."""
    possible = [node for node in _preferred(cluster, guest) if _allowed(cluster, guest, node)]
    count = {node: sum(other.node == node for other in _managed(cluster)) for node in possible}
    return min(possible, key=lambda node: (count[node], node), default=None)


def blocked(cluster: Cluster, guest: Guest, node: str) -> str:
    """Why HA would not move the guest to the node; empty where it would."""
    names, strict = _node_affinity(cluster, guest)
    if strict and names and node not in names:
        return "node-affinity"
    return "" if _allowed(cluster, guest, node) else "resource-affinity"


def _managed(cluster: Cluster) -> list[Guest]:
    return [guest for guest in cluster.guests.values() if guest.ha_id in cluster.ha_resources]


def _recover(cluster: Cluster, guest: Guest, target: str) -> None:
    """Takes the configuration to another node; local disks come along only as copies that replication left there."""
    was_running = cluster.ha_resources[guest.ha_id].get("state", "started") in ("started", "enabled")
    copied = any(job["guest"] == guest.vmid and job["target"] == target for job in cluster.replication.values())
    complete = True
    for _key, volid in guest_volumes(guest):
        storage = volid.partition(":")[0]
        if cluster.is_shared(storage):
            continue
        if copied:
            volume = cluster.remove_volume(volid, guest.node)
            if volume is not None:
                cluster.add_volume(storage, target, volume)
        else:
            complete = False
    switch_replication(cluster, guest, target)
    guest.node = target
    guest.running = was_running and complete
    guest.started_at = time.monotonic()


def _rules(cluster: Cluster, guest: Guest, kind: str) -> list[Config]:
    return [
        rule
        for rule in cluster.ha_rules.values()
        if rule["type"] == kind and not rule.get("disable") and guest.ha_id in split_list(rule["resources"])
    ]


def _node_affinity(cluster: Cluster, guest: Guest) -> tuple[dict[str, int], bool]:
    """Priorities of the nodes in the guest's rule or group, and whether it may be nowhere else."""
    rules = _rules(cluster, guest, "node-affinity")
    entry = rules[0] if rules else cluster.ha_groups.get(str(cluster.ha_resources[guest.ha_id].get("group", "")), {})
    nodes: dict[str, int] = {}
    for text in split_list(str(entry.get("nodes", ""))):
        name, _, priority = text.partition(":")
        nodes[name] = int(priority or 0)
    return nodes, bool(entry.get("strict") or entry.get("restricted"))


def _preferred(cluster: Cluster, guest: Guest) -> list[str]:
    """The nodes that are there and that the guest's rule puts first; all that are there without a rule."""
    there = [node for node in cluster.nodes if node not in cluster.failed_nodes]
    priorities, strict = _node_affinity(cluster, guest)
    listed = [node for node in there if node in priorities]
    if not listed:
        return [] if strict and priorities else there
    highest = max(priorities[node] for node in listed)
    return [node for node in listed if priorities[node] == highest]


def _allowed(cluster: Cluster, guest: Guest, node: str) -> bool:
    """Whether rules about other guests let the guest be on the node."""
    for rule in _rules(cluster, guest, "resource-affinity"):
        others = [
            other
            for other in _managed(cluster)
            if other is not guest and other.ha_id in split_list(rule["resources"]) and other.running
        ]
        together = rule["affinity"] == "positive"
        places = _places(cluster, others)
        if (together and places and node not in places) or (not together and node in places):
            return False
    return True


def _places(cluster: Cluster, guests: Iterable[Guest]) -> set[str]:
    return {guest.node for guest in guests if guest.node not in cluster.failed_nodes}
