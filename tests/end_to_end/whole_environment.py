"""An environment with everything that the constructs can make, for the simulator of `OPTIONS`."""

from __future__ import annotations

from typing import Any

from simulator import SimulatorOptions, StorageOptions

OPTIONS = SimulatorOptions(
    nodes=("pve", "pve2"),
    bridges=("vmbr0", "vmbr2"),
    storages=(
        StorageOptions("local"),
        StorageOptions("local-lvm", "lvmthin", ("images", "rootdir")),
        StorageOptions("tank", "zfspool", ("images", "rootdir")),
    ),
    task_seconds=0,
    address_seconds=0,
)
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxhcHRvcGxhcHRvcGxhcHRvcGxhcHRvcGxhcHRvcGxh me@laptop"
FILES = ["iso", "vztmpl", "import", "snippets", "backup"]
NODE: dict[str, Any] = {
    "cores": 16,
    "memory": "64GiB",
    "bridges": ["vmbr0", "vmbr2"],
    "datastores": {
        "local": {"size": "100GiB", "content": FILES},
        "local-lvm": {"size": "900GiB"},
        "tank": {"size": "900GiB"},
    },
}

EVERYTHING: dict[str, Any] = {
    "name": "test",
    "proxmox": {"endpoint": "", "nodes": {"pve": {**NODE}, "pve2": {**NODE}}, "default_node": "pve"},
    "policy": {"unlocked_images": "ignore"},
    "defaults": {"ssh_keys": [SSH_KEY]},
    "tags": ["homelab"],
    "access": {"expires": "2099-01-01T00:00:00Z"},
    "networks": {
        "lan": {
            "bridge": "vmbr0",
            "cidr": "192.168.3.0/24",
            "gateway": "192.168.3.1",
            "dns": ["192.168.3.1"],
            "domain": "home.arpa",
        },
        "internal": {"bridge": "vmbr2", "vlan": 30, "cidr": "10.0.30.0/24", "mtu": 1400},
    },
    "pools": {"services": {"comment": "What is used"}, "other": {}},
    "firewall": {
        "enabled": True,
        "aliases": {"home": {"cidr": "10.0.0.0/8", "comment": "Every network"}},
        "ipsets": {"management": {"addresses": ["lan", "home"], "comment": "Who may reach the nodes"}},
        "groups": {
            "internal-access": {
                "comment": "SSH and ping from inside",
                "rules": [
                    {"protocol": "tcp", "port": 22, "source": "home", "comment": "SSH"},
                    {"protocol": "icmp", "source": "home"},
                ],
            }
        },
        "rules": [
            {"protocol": "tcp", "port": 8006, "source": "+management", "comment": "Web interface"},
            {"protocol": "tcp", "port": 22, "source": "+management", "log": "info"},
        ],
    },
    "templates": {
        "debian-12": {
            "vm_id": 9000,
            "image": "debian-12",
            "disk": "10GiB",
            "packages": ["unattended-upgrades"],
            "run_commands": ["echo ${HOME}"],
        },
        # The same image a second time, with other firmware, elsewhere.
        "debian-uefi": {
            "vm_id": 9001,
            "image": "debian-12",
            "disk": "10GiB",
            "bios": "ovmf",
            "guest_agent": False,
            "datastore": "tank",
        },
    },
    "vms": {
        "full": {
            "template": "debian-12",
            "vm_id": 9100,
            "group": "machines",
            "pool": "services",
            "description": "Notes\nin two lines, ${HOME} and %{if}",
            "network": [
                {"name": "lan", "address": "192.168.3.20"},
                {"name": "internal", "address": "10.0.30.2", "mac": "BC:24:11:00:00:01", "rate_limit": 12.5},
            ],
            "disks": {
                "scsi1": {"size": "5GiB"},
                "virtio1": {"size": "6GiB", "cache": "writeback"},
                "sata3": {
                    "size": "7GiB",
                    "datastore": "tank",
                    "ssd": False,
                    "discard": "ignore",
                    "backup": False,
                    "replicate": False,
                },
            },
            "startup": {"order": 3, "up_delay": 20},
            "protection": True,
            "firewall": {
                "ip_filter": True,
                "allow": [{"port": "80,443", "comment": "Web"}, {"protocol": "icmp", "from": "lan"}],
                "groups": ["internal-access"],
                "rules": [
                    {"macro": "SSH", "source": "lan", "log": "info"},
                    {"direction": "out", "action": "DROP", "protocol": "udp", "port": 53, "destination": "10.0.0.1"},
                ],
            },
        },
        "linked": {
            "template": "debian-12",
            "vm_id": 9101,
            "replicas": 2,
            "group": "machines",
            "full_clone": False,
            "network": {"name": "lan", "address": "192.168.3.21"},
        },
        "custom": {
            "template": "debian-12",
            "vm_id": 9104,
            "group": "machines",
            "network": "lan",
            "cloud_init": {"user_data": "#cloud-config\npackages: [vim]\n"},
        },
        "uefi": {"template": "debian-uefi", "vm_id": 9105, "group": "machines", "network": "lan", "disk": "12GiB"},
        "elsewhere": {
            "template": "debian-12",
            "vm_id": 9106,
            "group": "machines",
            "node": "pve2",
            "network": "lan",
            "ballooning": False,
            "started": False,
        },
        "alone": {"template": "debian-12", "vm_id": 9107, "group": "machines", "agent": False, "vga": "serial0"},
    },
    "containers": {
        "base": {"os": "debian-12", "vm_id": 9200, "group": "boxes", "template": True, "network": "lan"},
        "copy": {
            "clone_from": "base",
            "vm_id": 9201,
            "group": "boxes",
            "pool": "other",
            "network": {"name": "lan", "address": "192.168.3.30"},
            "mount_points": {"mp0": {"path": "/srv", "size": "5GiB"}},
            "firewall": {"allow": [{"port": 22}]},
        },
        "dns": {
            "os": "debian-12",
            "vm_id": 9202,
            "replicas": 2,
            "group": "boxes",
            "pool": "services",
            "description": "Names",
            "network": [{"name": "lan", "address": "192.168.3.53"}, "internal"],
            "mount_points": {
                "mp0": {"path": "/srv", "size": "5GiB"},
                "mp1": {"path": "/mnt/cache", "size": "6GiB", "datastore": "tank", "backup": False},
            },
            "startup": {"order": 1, "up_delay": 5},
            "protection": True,
            "firewall": {"allow": [{"port": 53, "protocol": "udp"}, {"port": 22, "from": "lan"}]},
        },
        "small": {
            "os": "alpine-3.22",
            "vm_id": 9204,
            "group": "boxes",
            "node": "pve2",
            "network": "lan",
            "swap": "0MiB",
            "cpu_units": 200,
        },
        "own": {
            "image": {"url": "https://example.org/own-1.0.tar.zst"},
            "os_type": "debian",
            "vm_id": 9205,
            "group": "boxes",
            "started": False,
            "network": "lan",
        },
    },
}

ROOT_ONLY: dict[str, Any] = {
    "name": "root",
    "proxmox": {"endpoint": "", "nodes": {"pve": {**NODE}}, "authentication": "root_password"},
    "policy": {"unlocked_images": "ignore"},
    "networks": {"lan": {"bridge": "vmbr0", "cidr": "192.168.3.0/24", "gateway": "192.168.3.1"}},
    "templates": {"debian-12": {"vm_id": 9000, "image": "debian-12", "guest_agent": False}},
    "vms": {
        "pinned": {
            "template": "debian-12",
            "vm_id": 9100,
            "cpu_affinity": "0-1",
            "pci_devices": [{"id": "0000:01:00.0"}],
            "network": "lan",
            "started": False,
        }
    },
    "containers": {
        "engine": {
            "os": "debian-12",
            "vm_id": 9200,
            "features": {"keyctl": True, "fuse": True, "mount": ["nfs"]},
            "devices": ["/dev/net/tun"],
            "mount_points": {"mp0": {"path": "/srv", "host_path": "/tank/files", "read_only": True}},
            "network": "lan",
        },
        "privileged": {"os": "debian-12", "vm_id": 9201, "unprivileged": False, "features": {"nesting": False}},
    },
}
"""What only root@pam with a password may set."""
