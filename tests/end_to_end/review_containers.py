"""Dangers to containers, each with its harmless twin."""

from __future__ import annotations

from tests.end_to_end.review_resources import CONTAINER, REBOOT, Scenario, container, mount, one


def containers() -> dict[str, Scenario]:
    """Containers and their mount points."""
    points = [mount("/data", "4G")]
    return {
        "container destroyed": one(f"{CONTAINER}.gone", container(2000), None, {"tags": ["kept"]}, "guest-destroyed"),
        "mount point grows": one(
            f"{CONTAINER}.grows",
            container(2001, mount_point=points),
            {"mount_point": [mount("/data", "8G")]},
            {"disk": [{"datastore_id": "local-lvm", "size": 6}]},
            "guest-replaced",
        ),
        "mount point added": one(
            f"{CONTAINER}.added",
            container(2002),
            {"mount_point": points},
            {"memory": [{"dedicated": 512}]},
            "guest-replaced",
            notes=REBOOT,
        ),
        "mount point elsewhere": one(
            f"{CONTAINER}.path",
            container(2003, mount_point=points),
            {"mount_point": [mount("/srv", "4G")]},
            {"description": "the same"},
            "mount-point-changed",
            blocked=False,
        ),
        "mount point out of backups": one(
            f"{CONTAINER}.mount_backup",
            container(2004, mount_point=points),
            {"mount_point": [mount("/data", "4G", backup=False)]},
            {"mount_point": [mount("/data", "4G", read_only=True)]},
            "disk-backup-off",
            notes=REBOOT,
        ),
        "root disk shrunk": one(
            f"{CONTAINER}.shrunk",
            container(2005, disk=[{"datastore_id": "local-lvm", "size": 8}]),
            {"disk": [{"datastore_id": "local-lvm", "size": 4}]},
            {"disk": [{"datastore_id": "local-lvm", "size": 9}]},
            "disk-shrunk",
        ),
        "container on another node": one(
            f"{CONTAINER}.node", container(2006), {"node_name": "pve2"}, {"start_on_boot": False}, "guest-replaced"
        ),
        "container stopped": one(
            f"{CONTAINER}.stopped",
            container(2007),
            {"started": False},
            {"cpu": [{"cores": 2}]},
            "guest-stopped",
            blocked=False,
        ),
        "container without firewall": one(
            f"{CONTAINER}.nic_firewall",
            container(2008),
            {"network_interface": [{"name": "eth0", "bridge": "vmbr0", "firewall": False}]},
            {"network_interface": [{"name": "eth0", "bridge": "vmbr0", "firewall": True, "rate_limit": 10}]},
            "nic-firewall-off",
            notes=REBOOT,
        ),
        "container in another VLAN": one(
            f"{CONTAINER}.vlan",
            container(2010),
            {"network_interface": [{"name": "eth0", "bridge": "vmbr0", "firewall": True, "vlan_id": 7}]},
            {"network_interface": [{"name": "eth0", "bridge": "vmbr0", "firewall": True, "mtu": 1400}]},
            "nic-moved",
            blocked=False,
            notes=REBOOT,
        ),
        "container unprotected": one(
            f"{CONTAINER}.protected",
            container(2009, protection=True),
            {"protection": False},
            {"tags": ["kept"]},
            "protection-off",
        ),
    }
