"""A large environment, as a file and as what a bare cdktf program would be given: half VMs, half containers."""

from typing import Any

GUESTS_PER_GROUP = 50
FIREWALL_EVERY = 10


def environment(guests: int, *, containers_only: bool = False) -> dict[str, Any]:
    """An environment with ``guests`` guests in groups of fifty, static addresses, and a firewall on a tenth of them."""
    machines = 0 if containers_only else guests // 2
    return {
        "proxmox": {
            "endpoint": "https://pve.example:8006",
            "nodes": {
                "pve": {
                    "cores": 512,
                    "memory": "8TiB",
                    "bridges": ["vmbr0"],
                    "datastores": {
                        "local": {"content": ["iso", "vztmpl", "import", "snippets", "backup"]},
                        "local-lvm": {"content": ["images", "rootdir"]},
                    },
                }
            },
        },
        "policy": {
            "vm_ids": {"vms": {"first": 10_000, "last": 19_999}, "containers": {"first": 20_000, "last": 29_999}},
        },
        "networks": {"lan": {"bridge": "vmbr0", "cidr": "10.0.0.0/16", "gateway": "10.0.0.1"}},
        "templates": {} if containers_only else {"debian-12": {"vm_id": 9000, "image": "debian-12"}},
        "vms": {f"vm-{index}": _machine(index) for index in range(machines)},
        "containers": {f"ct-{index}": _container(index) for index in range(guests - machines)},
    }


def _machine(index: int) -> dict[str, Any]:
    return {
        "template": "debian-12",
        "vm_id": 10_000 + index,
        "group": f"vms-{index // GUESTS_PER_GROUP}",
        "agent": False,
        "network": {"name": "lan", "address": address(16, index)},
        **_firewall(index),
    }


def _container(index: int) -> dict[str, Any]:
    return {
        "os": "debian-12",
        "vm_id": 20_000 + index,
        "group": f"containers-{index // GUESTS_PER_GROUP}",
        "network": {"name": "lan", "address": address(32, index)},
        **_firewall(index),
    }


def address(block: int, index: int) -> str:
    """The address of guest ``index``: two hundred in each /24 of 10.0.0.0/16, from 10.0.<block>.1 on."""
    return f"10.0.{block + index // 200}.{index % 200 + 1}"


def _firewall(index: int) -> dict[str, Any]:
    return {"firewall": {"allow": [{"port": 22, "from": "lan"}, {"port": 443}]}} if index % FIREWALL_EVERY == 0 else {}
