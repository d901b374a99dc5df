"""Small plan documents in the shape that Terraform gives them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from operations.review import AllowList, Finding, PlanDocument, Review, read_plan, review

VM = "proxmox_virtual_environment_vm"
CONTAINER = "proxmox_virtual_environment_container"
JOB = "proxmox_backup_job"
OPTIONS = "proxmox_virtual_environment_firewall_options"
RULES = "proxmox_virtual_environment_firewall_rules"


def vm(vm_id: int = 100, **values: Any) -> dict[str, Any]:
    """The values of a virtual machine."""
    return {
        "id": str(vm_id),
        "vm_id": vm_id,
        "name": f"vm-{vm_id}",
        "node_name": "pve",
        "started": True,
        "template": False,
        "protection": False,
        "reboot_after_update": True,
        "hotplug": "",
        "clone": [],
        "cpu": [{"cores": 2, "sockets": 1, "hotplugged": 0}],
        "memory": [{"dedicated": 2048, "floating": 0, "shared": 0}],
        "disk": [disk("scsi0", 20)],
        "efi_disk": [],
        "network_device": [nic()],
        "initialization": [],
        **values,
    }


def disk(interface: str, size: int | None, **values: Any) -> dict[str, Any]:
    return {
        "interface": interface,
        "size": size,
        "datastore_id": "local-lvm",
        "backup": True,
        "path_in_datastore": "",
        **values,
    }


def nic(**values: Any) -> dict[str, Any]:
    return {"bridge": "vmbr0", "firewall": True, "mac_address": "", "disconnected": False, "enabled": True, **values}


def container(vm_id: int = 200, **values: Any) -> dict[str, Any]:
    """The values of a container."""
    return {
        "id": str(vm_id),
        "vm_id": vm_id,
        "node_name": "pve",
        "started": True,
        "template": False,
        "protection": False,
        "cpu": [{"cores": 1}],
        "memory": [{"dedicated": 512, "swap": 0}],
        "disk": [{"datastore_id": "local-lvm", "size": 8, "mount_options": None}],
        "mount_point": [],
        "network_interface": [{"name": "eth0", "bridge": "vmbr0", "firewall": True, "enabled": True}],
        "initialization": [{"hostname": f"ct-{vm_id}", "ip_config": []}],
        **values,
    }


def mount(path: str, size: str = "10G", **values: Any) -> dict[str, Any]:
    return {"path": path, "size": size, "volume": "local-lvm", "backup": True, **values}


def change(
    address: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    *,
    actions: list[str] | None = None,
    unknown: Any = None,
    before_sensitive: Any = None,
    after_sensitive: Any = None,
    replace_paths: list[list[str | int]] | None = None,
    importing: Mapping[str, Any] | None = None,
    **entry: Any,
) -> dict[str, Any]:
    """One entry of ``resource_changes``; without ``actions`` what before and after tell."""
    if actions is None:
        actions = (
            ["create"]
            if before is None
            else ["delete"]
            if after is None
            else ["update"]
            if before != after
            else ["no-op"]
        )
    inner: dict[str, Any] = {
        "actions": actions,
        "before": before,
        "after": after,
        "after_unknown": unknown or {},
        "before_sensitive": before_sensitive or {},
        "after_sensitive": after_sensitive or {},
    }
    if replace_paths is not None:
        inner["replace_paths"] = replace_paths
    if importing is not None:
        inner["importing"] = importing
    type_, name = address.partition("[")[0].split(".")[-2:]
    return {
        "address": address,
        "mode": "managed",
        "type": type_,
        "name": name,
        "provider_name": "registry.terraform.io/bpg/proxmox",
        "change": inner,
        **entry,
    }


def document(*changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A plan with these changes."""
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {},
        "resource_changes": list(changes),
        "applyable": True,
        "complete": True,
        "errored": False,
        **more,
    }


def plan(*changes: dict[str, Any], stack: str = "prod-web", **more: Any) -> PlanDocument:
    """The same, read."""
    return read_plan(json.dumps(document(*changes, **more)), stack)


def judged(*changes: dict[str, Any], allow_list: AllowList | None = None, **more: Any) -> Review:
    """The review of one plan."""
    return review([plan(*changes, **more)], allow_list)


def kinds(result: Review) -> dict[str, str]:
    """The severity of each kind of finding."""
    return {finding.kind: str(finding.severity) for finding in result.findings}


def only(result: Review, kind: str) -> Finding:
    """The one finding of a kind."""
    (found,) = [finding for finding in result.findings if finding.kind == kind]
    return found
