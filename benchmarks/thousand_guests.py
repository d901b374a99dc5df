"""A large environment: half VMs, half containers, static addresses, a firewall on a tenth of them."""

from typing import Any

GUESTS_PER_GROUP = 50
FIREWALL_EVERY = 10
NAME = "big"


def environment(guests: int) -> dict[str, Any]:
    """An environment file's content with ``guests`` guests in groups of fifty."""
    machines = guests // 2
    return {
        **_around("https://pve.example:8006"),
        "templates": {"debian-12": {"vm_id": 9000, "image": "debian-12"}},
        "vms": {f"vm-{index}": _machine(index) for index in range(machines)},
        "containers": {
            f"ct-{index}": {"os": "debian-12", **_container(index), **_firewall(index)}
            for index in range(guests - machines)
        },
    }


def containers(guests: int, endpoint: str) -> dict[str, Any]:
    """As many containers from a template file that is on the node already, at ``endpoint``."""
    source = {"template_file": "local:vztmpl/big.tar.zst", "os_type": "debian"}
    return {
        **_around(endpoint),
        "containers": {f"ct-{index}": {**source, **_container(index)} for index in range(guests)},
    }


def address(block: int, index: int) -> str:
    """The address of guest ``index``: two hundred in each /24 of 10.0.0.0/16, from 10.0.<block>.1 on."""
    return f"10.0.{block + index // 200}.{index % 200 + 1}"


def _around(endpoint: str) -> dict[str, Any]:
    datastores = {
        "local": {"content": ["iso", "vztmpl", "import", "snippets", "backup"]},
        "local-lvm": {"content": ["images", "rootdir"]},
    }
    node = {"cores": 1024, "memory": "8TiB", "bridges": ["vmbr0"], "datastores": datastores}
    return {
        "proxmox": {"endpoint": endpoint, "nodes": {"pve": node}},
        "policy": {
            "vm_ids": {"vms": {"first": 10_000, "last": 19_999}, "containers": {"first": 20_000, "last": 29_999}}
        },
        "networks": {"lan": {"bridge": "vmbr0", "cidr": "10.0.0.0/16", "gateway": "10.0.0.1"}},
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
        "vm_id": 20_000 + index,
        "group": f"containers-{index // GUESTS_PER_GROUP}",
        "network": {"name": "lan", "address": address(32, index)},
    }


def _firewall(index: int) -> dict[str, Any]:
    return {"firewall": {"allow": [{"port": 22, "from": "lan"}, {"port": 443}]}} if index % FIREWALL_EVERY == 0 else {}
