"""What makes a resource the same one, wherever a state has it: the numbers and names that Proxmox knows it by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LONG = "proxmox_virtual_environment_"
SHORT = "proxmox_"

ONLY_LONG = frozenset(
    f"{LONG}{name}"
    for name in (
        "certificate",
        "cluster_firewall",
        "cluster_firewall_security_group",
        "container",
        "dns",
        "file",
        "firewall_alias",
        "firewall_ipset",
        "firewall_options",
        "firewall_rules",
        "group",
        "hosts",
        "pool",
        "role",
        "time",
        "user",
        # The short proxmox_vm is another resource, an experiment.
        "vm",
        "vm2",
    )
)
"""Types whose long name is their only one. All other long names are deprecated (provider 0.111)."""

_FIELDS: dict[str, tuple[str, ...]] = {
    f"{LONG}vm": ("vm_id",),
    f"{LONG}container": ("vm_id",),
    f"{LONG}pool": ("pool_id",),
    f"{LONG}file": ("node_name", "datastore_id", "content_type", "source_raw.file_name", "source_file.path"),
    f"{LONG}firewall_options": ("vm_id", "container_id"),
    f"{LONG}firewall_rules": ("vm_id", "container_id", "node_name"),
    f"{LONG}firewall_ipset": ("name", "vm_id", "container_id"),
    f"{LONG}firewall_alias": ("name", "vm_id", "container_id"),
    f"{LONG}cluster_firewall": (),
    f"{LONG}cluster_firewall_security_group": ("name",),
    f"{LONG}role": ("role_id",),
    f"{LONG}user": ("user_id",),
    f"{LONG}group": ("group_id",),
    f"{SHORT}download_file": ("node_name", "datastore_id", "content_type", "file_name"),
    f"{SHORT}pool_membership": ("pool_id", "vm_id", "storage_id"),
    f"{SHORT}user_token": ("user_id", "token_name"),
    f"{SHORT}acl": ("path", "role_id", "user_id", "group_id", "token_id"),
    f"{SHORT}haresource": ("resource_id",),
    f"{SHORT}harule": ("rule",),
    f"{SHORT}replication": ("id",),
    f"{SHORT}backup_job": ("id",),
    f"{SHORT}sdn_applier": (),
    f"{SHORT}sdn_vnet": ("id",),
    f"{SHORT}sdn_subnet": ("vnet", "cidr"),
    **{f"{SHORT}sdn_zone_{kind}": ("id",) for kind in ("simple", "vlan", "qinq", "vxlan", "evpn")},
}
_OF_A_GUEST = ("vm_id", "container_id")

Identity = tuple[Any, ...]


def current_type(type_: str) -> str:
    """The name of a resource type today: the short one where the long one is deprecated."""
    if type_.startswith(LONG) and type_ not in ONLY_LONG:
        return SHORT + type_.removeprefix(LONG)
    return type_


def identity(type_: str, arguments: Mapping[str, Any]) -> Identity | None:
    """What the resource is called on the node; None where nothing does, or where it is known only after an apply.

    Args:
        arguments: as a stack or a state has them.
    """
    current = current_type(type_)
    fields = _FIELDS.get(current)
    if fields is None:
        return None
    values = [_value(arguments, field) for field in fields]
    if any(isinstance(value, str) and "${" in value for value in values):
        return None
    found = dict(zip(fields, values, strict=True))
    if any(found.get(field) for field in _OF_A_GUEST):
        # A guest may move to another node, and what belongs to it goes with it.
        found.pop("node_name", None)
    if fields and not any(value is not None for value in found.values()) and current != f"{LONG}firewall_rules":
        return None
    return (current, *sorted((name, str(value)) for name, value in found.items() if value is not None))


def _value(arguments: Mapping[str, Any], field: str) -> Any:
    current: Any = arguments
    for part in field.split("."):
        if isinstance(current, list):
            current = current[0] if current else None
        current = current.get(part) if isinstance(current, Mapping) else None
    return current if current not in ("", 0) else None
