"""Compares what an environment file says of its nodes with what they are; and privileges with what is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homelab.config.environment import Environment
from homelab.config.proxmox import Node
from operations.proxmox_api import ProxmoxApi


@dataclass(frozen=True)
class NodeFinding:
    """What was found on a node."""

    node: str
    problems: tuple[str, ...]
    summary: str
    fix: tuple[str, ...] = ()
    is_offline: bool = False
    """The node is there and does not answer. With others in the cluster their guests can be worked on."""


def missing_privileges(permissions: Mapping[str, Any], needed: Sequence[str]) -> list[tuple[str, str]]:
    """Those of ``needed`` that are neither on ``/`` nor on what they are needed for, each with that path.

    Args:
        permissions: the answer of ``/access/permissions``: for each path the privileges, with 1 where they propagate.
    """
    everywhere = {privilege for privilege, propagates in permissions.get("/", {}).items() if propagates}
    return [
        (privilege, path)
        for privilege in needed
        if privilege not in everywhere and not _granted(permissions, path := _path_of(privilege), privilege)
    ]


_PATHS = {
    "Datastore": "/storage",
    "Mapping": "/mapping",
    "Pool": "/pool",
    "SDN": "/sdn",
    "Sys": "/nodes",
    "VM": "/vms",
}


def _path_of(privilege: str) -> str:
    return _PATHS.get(privilege.partition(".")[0], "/")


def _granted(permissions: Mapping[str, Any], path: str, privilege: str) -> bool:
    return bool(permissions.get(path, {}).get(privilege))


def find_on_nodes(api: ProxmoxApi, environment: Environment) -> Iterator[NodeFinding]:
    """Looks at every node that ``environment`` names.

    Raises:
        ProxmoxError: the API did not answer.
    """
    there = {entry["node"]: entry for entry in api.get("/nodes")}
    for name, node in environment.proxmox.nodes.items():
        entry = there.get(name)
        if entry is None:
            known = ", ".join(sorted(there)) or "none that the credentials may see"
            yield NodeFinding(
                name,
                (f"there is no node {name}; there are: {known}",),
                "",
                ("correct proxmox.nodes in the environment file",),
            )
        elif entry.get("status", "online") != "online":
            message = f"node {name} is {entry['status']}"
            advice = ("start the node; until then its guests can't be planned, and stacks with them fail",)
            yield NodeFinding(name, (message,), "", advice, is_offline=True)
        else:
            yield _look_at(api, name, node)


def _look_at(api: ProxmoxApi, name: str, node: Node) -> NodeFinding:
    problems: list[str] = []
    fix: list[str] = []
    bridges = {entry["iface"] for entry in api.get(f"/nodes/{name}/network", type="any_bridge")}
    for bridge in node.bridges:
        if bridge not in bridges:
            problems.append(f"no bridge {bridge}; there are: {', '.join(sorted(bridges)) or 'none'}")
            fix.append(f"make {bridge} (node, Network), or correct proxmox.nodes.{name}.bridges")
    datastores = {entry["storage"]: entry for entry in api.get(f"/nodes/{name}/storage")}
    for datastore, wanted in node.datastores.items():
        entry = datastores.get(datastore)
        if entry is None:
            problems.append(
                f"no datastore {datastore}; there are: "
                f"{', '.join(sorted(datastores)) or 'none that the credentials may see'}"
            )
            fix.append(f"make {datastore} (Datacenter, Storage), or correct proxmox.nodes.{name}.datastores")
            continue
        content = set(str(entry.get("content", "")).split(","))
        if not entry.get("active", 1) or not entry.get("enabled", 1):
            problems.append(f"datastore {datastore} is not active")
            fix.append(f"see why: pvesm status --storage {datastore}")
        if lacking := sorted(set(wanted.content) - content):
            problems.append(f"datastore {datastore} does not take {', '.join(lacking)}")
            fix.append(
                f"pvesm set {datastore} --content {','.join(sorted(content.union(wanted.content) - {''}))}   (on "
                "the node)"
            )
    summary = f"bridges {', '.join(node.bridges)}; datastores {', '.join(node.datastores)}"
    return NodeFinding(name, tuple(problems), summary, tuple(fix))
