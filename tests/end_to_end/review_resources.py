"""Resources for the plans that a review has to judge, and what a scenario is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

VM = "proxmox_virtual_environment_vm"
CONTAINER = "proxmox_virtual_environment_container"
OPTIONS = "proxmox_virtual_environment_firewall_options"
RULES = "proxmox_virtual_environment_firewall_rules"
IPSET = "proxmox_virtual_environment_firewall_ipset"
FILE = "proxmox_virtual_environment_file"
JOB = "proxmox_backup_job"
CLUSTER = "proxmox_virtual_environment_cluster_firewall"
IMAGE = "proxmox_download_file"
POOL = "proxmox_virtual_environment_pool"
MEMBERSHIP = "proxmox_pool_membership"
HA = "proxmox_haresource"
REPLICATION = "proxmox_replication"
TEMPLATE = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"
IMAGE_URL = "https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2"

Resources = Mapping[str, Mapping[str, Any]]
"""Arguments by address."""


@dataclass(frozen=True)
class Scenario:
    """What there is, what the dangerous plan makes of it, and what the harmless one does.

    Attributes:
        before: all resources; the others name only those that differ. None removes one.
        finds: the kinds of findings that the danger has to lead to, by address, with whether each is blocked.
        allowed_notes: kinds below a danger that the harmless twin leads to rightly, such as a reboot.
    """

    before: Resources
    danger: Mapping[str, Any]
    harmless: Mapping[str, Any]
    finds: Mapping[str, Mapping[str, bool]]
    notes: frozenset[str] = field(default=frozenset())


def vm(vm_id: int, **arguments: Any) -> dict[str, Any]:
    """A running machine without an operating system."""
    return {
        "name": f"vm-{vm_id}",
        "node_name": "pve",
        "vm_id": vm_id,
        "stop_on_destroy": True,
        "cpu": [{"cores": 1, "type": "x86-64-v2-AES"}],
        "memory": [{"dedicated": 512}],
        "disk": [disk("scsi0", 4)],
        "network_device": [nic("vmbr0", firewall=True)],
        "operating_system": [{"type": "l26"}],
        **arguments,
    }


def disk(interface: str, size: int, **arguments: Any) -> dict[str, Any]:
    return {"datastore_id": "local-lvm", "interface": interface, "size": size, **arguments}


def nic(bridge: str, *, firewall: bool = False, **arguments: Any) -> dict[str, Any]:
    """All of its arguments, as the provider wants them."""
    unset = ("enabled", "mac_address", "mtu", "queues", "rate_limit", "trunks", "vlan_id")
    return {
        **dict.fromkeys(unset),
        "bridge": bridge,
        "disconnected": False,
        "firewall": firewall,
        "model": "virtio",
        **arguments,
    }


def container(vm_id: int, **arguments: Any) -> dict[str, Any]:
    return {
        "node_name": "pve",
        "vm_id": vm_id,
        "unprivileged": True,
        "operating_system": [{"template_file_id": TEMPLATE, "type": "debian"}],
        "disk": [{"datastore_id": "local-lvm", "size": 4}],
        "memory": [{"dedicated": 256}],
        "network_interface": [{"name": "eth0", "bridge": "vmbr0", "firewall": True}],
        "initialization": [{"hostname": f"ct-{vm_id}"}],
        "depends_on": [f"{IMAGE}.ct"],
        **arguments,
    }


def mount(path: str, size: str, **arguments: Any) -> dict[str, Any]:
    return {"volume": "local-lvm", "size": size, "path": path, "backup": True, **arguments}


def job(vm_ids: list[int], **arguments: Any) -> dict[str, Any]:
    return {
        "schedule": "02:00",
        "storage": "local",
        "vmid": [str(number) for number in vm_ids],
        **arguments,
    }


def snippet(name: str, text: str) -> dict[str, Any]:
    return {
        "content_type": "snippets",
        "datastore_id": "local",
        "node_name": "pve",
        "source_raw": [{"data": text, "file_name": name}],
    }


def one(
    address: str,
    before: Mapping[str, Any],
    danger: Mapping[str, Any] | None,
    harmless: Mapping[str, Any] | None,
    kind: str,
    *,
    blocked: bool = True,
    notes: frozenset[str] = frozenset(),
) -> Scenario:
    """A scenario with a single resource; the others are given as the arguments that differ."""

    def changed(arguments: Mapping[str, Any] | None) -> Any:
        return None if arguments is None else {**before, **arguments}

    return Scenario(
        {address: before}, {address: changed(danger)}, {address: changed(harmless)}, {address: {kind: blocked}}, notes
    )


REBOOT = frozenset({"guest-reboots"})


def document(resources: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Terraform's JSON configuration with these resources."""
    nested: dict[str, dict[str, Any]] = {}
    for address, arguments in resources.items():
        if arguments is not None:
            type_, _, name = address.partition(".")
            nested.setdefault(type_, {})[name] = {key: value for key, value in arguments.items() if value is not None}
    return {"resource": nested, **more}
