"""A cluster of three nodes with guests that are placed, replicated, under HA and on a network of their own."""

from __future__ import annotations

from typing import Any

from simulator import SimulatorOptions, StorageOptions

NODES = ("pve1", "pve2", "pve3")
OPTIONS = SimulatorOptions(
    nodes=NODES,
    bridges=("vmbr0",),
    storages=(
        StorageOptions("local"),
        StorageOptions("tank", "zfspool", ("images", "rootdir")),
        StorageOptions("shared", "nfs", ("images", "rootdir"), shared=True),
    ),
    task_seconds=0,
    address_seconds=0,
)
_NODE: dict[str, Any] = {
    "cores": 16,
    "memory": "64GiB",
    "bridges": ["vmbr0"],
    "datastores": {
        "local": {"size": "100GiB", "content": ["iso", "vztmpl", "import", "snippets", "backup"]},
        "tank": {"type": "zfspool", "size": "900GiB"},
        "shared": {"type": "nfs", "shared": True, "size": "900GiB"},
    },
}

CLUSTER: dict[str, Any] = {
    "proxmox": {"nodes": {name: {**_NODE} for name in NODES}, "default_node": "pve3"},
    "policy": {"unlocked_images": "ignore"},
    "defaults": {"datastore": "tank"},
    "access": {},
    "firewall": {"enabled": True, "ipsets": {"management": {"addresses": ["lan"]}}},
    "placement": {"anywhere": {}},
    "ha": {
        "rules": {
            "web-apart": {"type": "resource-affinity", "affinity": "negative", "guests": ["web"]},
            "home": {"type": "node-affinity", "guests": ["database", "proxy"], "nodes": {"pve1": 2, "pve2": None}},
        }
    },
    "sdn": {
        "controllers": {"evpn1": {"asn": 65000, "peers": ["10.0.0.1", "10.0.0.2", "10.0.0.3"]}},
        "zones": {
            "lab": {"type": "simple", "dhcp": "dnsmasq", "ipam": "pve"},
            "trunk": {"type": "vlan", "bridge": "vmbr0", "nodes": list(NODES)},
            "double": {"type": "qinq", "bridge": "vmbr0", "service_vlan": 50},
            "tunnel": {"type": "vxlan", "peers": ["10.0.0.1", "10.0.0.2", "10.0.0.3"], "mtu": 1450},
            "routed": {"type": "evpn", "controller": "evpn1", "vrf_vxlan": 4000, "exit_nodes": ["pve1"]},
        },
        "vnets": {
            "lab1": {
                "zone": "lab",
                "alias": "Laboratory",
                "subnets": {
                    "10.20.0.0/24": {
                        "gateway": "10.20.0.1",
                        "snat": True,
                        "dhcp_range": "10.20.0.100-10.20.0.199",
                    }
                },
            },
            "dmz": {"zone": "trunk", "tag": 40, "vlan_aware": True},
            "inner": {"zone": "double", "tag": 60},
            "far": {"zone": "tunnel", "tag": 10040, "isolate_ports": True},
            "hop": {"zone": "routed", "tag": 4001, "subnets": {"10.30.0.0/24": {"gateway": "10.30.0.1"}}},
        },
    },
    "networks": {
        "lan": {"bridge": "vmbr0", "cidr": "192.168.3.0/24", "gateway": "192.168.3.1"},
        "lab": {"bridge": "lab1", "cidr": "10.20.0.0/24", "gateway": "10.20.0.1"},
    },
    "templates": {"debian-12": {"vm_id": 9000, "image": "debian-12", "disk": "10GiB"}},
    "vms": {
        "web": {
            "template": "debian-12",
            "vm_id": 9100,
            "replicas": 2,
            "group": "available",
            "placement": "anywhere",
            "datastore": "shared",
            "ha": True,
            "network": {"name": "lan", "address": "192.168.3.10"},
            "firewall": {"ip_filter": True, "allow": [{"port": 443}]},
        },
        "database": {
            "template": "debian-12",
            "vm_id": 9110,
            "node": "pve1",
            "group": "available",
            "replication": {"target": "pve2", "schedule": "*/5", "rate": 20},
            "ha": {"max_restart": 2, "failback": True, "comment": "Comes home"},
            "network": {"name": "lan", "address": "192.168.3.20"},
        },
        "plain": {
            "template": "debian-12",
            "vm_id": 9120,
            "node": "pve1",
            "network": {"name": "lab", "address": "10.20.0.10"},
            "firewall": {"allow": [{"port": 22}]},
        },
    },
    "containers": {
        "proxy": {
            "os": "debian-12",
            "vm_id": 9200,
            "node": "pve1",
            "group": "available",
            "datastore": "shared",
            "ha": True,
            "network": {"name": "lan", "address": "192.168.3.80"},
            "firewall": {"allow": [{"port": 80}]},
        },
        "box": {
            "os": "debian-12",
            "vm_id": 9210,
            "node": "pve2",
            "network": {"name": "lan", "address": "192.168.3.81"},
            "firewall": {"allow": [{"port": 22}]},
        },
        "sandbox": {"os": "debian-12", "vm_id": 9220, "placement": "anywhere", "network": "lab"},
    },
}
