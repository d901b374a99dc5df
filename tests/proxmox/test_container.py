"""`Container`: each setting becomes the argument that it is for, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from homelab.config.container import ContainerSpec
from homelab.proxmox.adopted_container import AdoptedContainer
from homelab.proxmox.container import Container
from tests.synthesis import ABSENT, difference, resources, synthesize, the_resource

CONTAINER = "proxmox_virtual_environment_container"
MEMBERSHIP = "proxmox_pool_membership"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxhcHRvcA me@laptop"
TEMPLATE = "local:vztmpl/debian-12.tar.zst"
LAN = {"bridge": "vmbr0", "address": "192.168.3.53/24", "gateway": "192.168.3.1"}
ROOT_ONLY = ("keyctl", "fuse", "mknod")


def spec(**changes: Any) -> ContainerSpec:
    settings = {
        "vm_id": 9200,
        "hostname": "dns",
        "node": "pve",
        "template_file_id": TEMPLATE,
        "interfaces": [LAN],
    }
    return ContainerSpec.model_validate(settings | changes)


def stack_of(folder: Path, **changes: Any) -> dict[str, Any]:
    return synthesize(lambda stack: Container(stack, "dns", spec=spec(**changes)), folder)


def container_of(folder: Path, **changes: Any) -> dict[str, Any]:
    return the_resource(stack_of(folder, **changes), CONTAINER)


def clone_of(folder: Path, **changes: Any) -> dict[str, Any]:
    return container_of(folder, template_file_id=None, clone_vm_id=9201, **changes)


def test_the_whole_resource_of_the_shortest_spec(tmp_path: Path) -> None:
    assert container_of(tmp_path) == {
        "node_name": "pve",
        "vm_id": 9200,
        "tags": [],
        "start_on_boot": True,
        "started": True,
        "protection": False,
        "unprivileged": True,
        "timeout_create": 1800,
        "timeout_clone": 1800,
        "timeout_delete": 300,
        "operating_system": {"template_file_id": TEMPLATE, "type": "debian"},
        "cpu": {"cores": 1},
        "memory": {"dedicated": 512, "swap": 512},
        "disk": {"datastore_id": "local-lvm", "size": 8, "acl": True, "replicate": True},
        "features": {"nesting": True},
        "network_interface": [{"name": "eth0", "bridge": "vmbr0", "firewall": False}],
        "initialization": {
            "hostname": "dns",
            "ip_config": [{"ipv4": {"address": "192.168.3.53/24", "gateway": "192.168.3.1"}}],
        },
        "lifecycle": {
            "ignore_changes": ["operating_system", "pool_id", "node_name"],
            "postcondition": [
                {
                    "condition": '${self.node_name == "pve"}',
                    "error_message": "Container dns (9200) is on node ${self.node_name}, and the environment says pve. "
                    "Terraform can't move containers: run `homelab migrate dns`, or write where it is.",
                }
            ],
        },
    }


MAPPINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "vm_id": ({"vm_id": 9201}, {"vm_id": 9201}),
    "hostname": ({"hostname": "other"}, {"initialization.hostname": "other"}),
    "node": ({"node": "pve2"}, {"node_name": "pve2"}),
    "description": ({"description": "Notes"}, {"description": "Notes"}),
    "tags": ({"tags": ["a", "b"]}, {"tags": ["a", "b"]}),
    "start_on_boot": ({"start_on_boot": False}, {"start_on_boot": False}),
    "started": ({"started": False}, {"started": False}),
    "startup": (
        {"startup": {"order": 3, "up_delay": 20, "down_delay": 30}},
        {"startup.order": 3, "startup.up_delay": 20, "startup.down_delay": 30},
    ),
    "protection": ({"protection": True}, {"protection": True, "lifecycle.prevent_destroy": True}),
    "template": (
        {"template": True},
        {"template": True, "started": False, "start_on_boot": False, "disk.acl": ABSENT, "disk.replicate": ABSENT},
    ),
    "unprivileged": ({"unprivileged": False}, {"unprivileged": False}),
    "template_file_id": (
        {"template_file_id": "tank:vztmpl/a.tar.xz"},
        {"operating_system.template_file_id": "tank:vztmpl/a.tar.xz"},
    ),
    "os_type": ({"os_type": "alpine"}, {"operating_system.type": "alpine"}),
    "cores": ({"cores": 4}, {"cpu.cores": 4}),
    "cpu_units": ({"cpu_units": 200}, {"cpu.units": 200}),
    "memory": ({"memory": "1GiB"}, {"memory.dedicated": 1024}),
    "swap": ({"swap": "0MiB"}, {"memory.swap": 0}),
    "disk": ({"disk": "16GiB"}, {"disk.size": 16}),
    "datastore": ({"datastore": "tank"}, {"disk.datastore_id": "tank"}),
    "no nesting": ({"features": {"nesting": False}}, {"features.nesting": False}),
    "keyctl": ({"features": {"keyctl": True}}, {"features.keyctl": True}),
    "fuse": ({"features": {"fuse": True}}, {"features.fuse": True}),
    "mknod": ({"features": {"mknod": True}}, {"features.mknod": True}),
    "mount": ({"features": {"mount": ["nfs"]}}, {"features.mount": ["nfs"]}),
    "devices": ({"devices": ["/dev/net/tun"]}, {"device_passthrough.0.path": "/dev/net/tun"}),
    "ssh_keys": (
        {"ssh_keys": [KEY]},
        {
            "initialization.user_account.keys": [KEY],
            "lifecycle.ignore_changes": [
                "operating_system",
                "pool_id",
                "node_name",
                "initialization[0].user_account",
            ],
        },
    ),
    "dns servers": ({"dns": {"servers": ["192.168.3.1"]}}, {"initialization.dns.servers": ["192.168.3.1"]}),
    "dns domain": ({"dns": {"domain": "home.arpa"}}, {"initialization.dns.domain": "home.arpa"}),
    "bridge": ({"interfaces": [{**LAN, "bridge": "vmbr2"}]}, {"network_interface.0.bridge": "vmbr2"}),
    "vlan": ({"interfaces": [{**LAN, "vlan": 30}]}, {"network_interface.0.vlan_id": 30}),
    "mac": (
        {"interfaces": [{**LAN, "mac": "BC:24:11:00:00:01"}]},
        {"network_interface.0.mac_address": "BC:24:11:00:00:01"},
    ),
    "mtu": ({"interfaces": [{**LAN, "mtu": 1400}]}, {"network_interface.0.mtu": 1400}),
    "rate_limit": ({"interfaces": [{**LAN, "rate_limit": 12.5}]}, {"network_interface.0.rate_limit": 12.5}),
    "interface behind the firewall": (
        {"interfaces": [{**LAN, "firewall": True}]},
        {"network_interface.0.firewall": True},
    ),
    "dhcp": (
        {"interfaces": [{"bridge": "vmbr0"}]},
        {
            "initialization.ip_config.0.ipv4.address": "dhcp",
            "initialization.ip_config.0.ipv4.gateway": ABSENT,
            "wait_for_ip.ipv4": True,
        },
    ),
    "pool": ({"pool": "services"}, {}),
}


@pytest.mark.parametrize(("changes", "expected"), MAPPINGS.values(), ids=MAPPINGS.keys())
def test_a_setting_is_one_argument(changes: dict[str, Any], expected: dict[str, Any], tmp_path: Path) -> None:
    before, after = container_of(tmp_path / "before"), container_of(tmp_path / "after", **changes)

    said = {place: value for place, value in difference(before, after).items() if "postcondition" not in place}
    assert said == expected


def test_every_field_of_the_spec_is_covered() -> None:
    covered = {key for changes, _ in MAPPINGS.values() for key in changes}
    elsewhere = {"mount_points", "firewall", "firewall_names", "clone_vm_id", "clone_node", "full_clone"}
    elsewhere |= {"ha", "ha_group", "replication"}  # parts of their own, in test_ha.py
    elsewhere.add("adopted")  # of which AdoptedContainer makes something

    assert set(ContainerSpec.model_fields) == covered | elsewhere


@pytest.mark.parametrize("feature", ROOT_ONLY)
def test_a_feature_that_only_root_may_set_is_not_even_said_to_be_off(feature: str, tmp_path: Path) -> None:
    assert container_of(tmp_path, features={feature: False})["features"] == {"nesting": True}


def test_a_pool_is_a_membership_after_the_container(tmp_path: Path) -> None:
    document = stack_of(tmp_path, pool="services")

    assert the_resource(document, MEMBERSHIP) == {
        "pool_id": "services",
        "vm_id": 9200,
        "depends_on": [f"{CONTAINER}.dns"],
        "lifecycle": {"replace_triggered_by": [f"{CONTAINER}.dns.id"]},
    }
    assert "pool_id" not in the_resource(document, CONTAINER)


def test_without_pool_there_is_no_membership(tmp_path: Path) -> None:
    assert set(stack_of(tmp_path)["resource"]) == {CONTAINER}


def test_a_clone_has_a_source_in_place_of_a_system(tmp_path: Path) -> None:
    clone = clone_of(tmp_path)

    assert clone["clone"] == {"vm_id": 9201, "full": True, "datastore_id": "local-lvm"}
    assert "operating_system" not in clone
    assert clone["disk"] == {"datastore_id": "local-lvm", "size": 8}
    assert clone["lifecycle"]["ignore_changes"] == ["clone", "pool_id", "node_name"]


def test_a_clone_from_another_node_names_it(tmp_path: Path) -> None:
    assert clone_of(tmp_path, clone_node="pve2")["clone"]["node_name"] == "pve2"


def test_a_linked_clone_stays_where_its_template_is(tmp_path: Path) -> None:
    assert clone_of(tmp_path, full_clone=False)["clone"] == {"vm_id": 9201, "full": False}


def test_a_clone_gets_no_keys_as_proxmox_refuses_them(tmp_path: Path) -> None:
    clone = clone_of(tmp_path, ssh_keys=[KEY])

    assert "user_account" not in clone["initialization"]
    assert clone["lifecycle"]["ignore_changes"] == ["clone", "pool_id", "node_name"]


def test_mount_points_are_in_the_order_of_their_numbers_and_backed_up(tmp_path: Path) -> None:
    points = {f"mp{index}": {"path": f"/srv/{index}", "size": "5GiB"} for index in (10, 2, 0, 1, *range(3, 10))}

    mounted = container_of(tmp_path, mount_points=points)["mount_point"]

    assert [point["path"] for point in mounted] == [f"/srv/{index}" for index in range(11)]
    assert mounted[0] == {"path": "/srv/0", "size": "5G", "volume": "local-lvm", "backup": True}


def test_a_mount_point_has_its_own_settings(tmp_path: Path) -> None:
    point = {
        "path": "/srv",
        "size": "1TiB",
        "datastore": "tank",
        "backup": False,
        "read_only": True,
        "shared": True,
    }

    assert container_of(tmp_path, mount_points={"mp0": point})["mount_point"] == [
        {"path": "/srv", "size": "1024G", "volume": "tank", "backup": False, "read_only": True, "shared": True}
    ]


def test_a_folder_of_the_node_has_neither_size_nor_backup(tmp_path: Path) -> None:
    point = {"path": "/srv", "host_path": "/tank/files"}

    assert container_of(tmp_path, mount_points={"mp0": point})["mount_point"] == [
        {"path": "/srv", "volume": "/tank/files"}
    ]


def test_interfaces_are_numbered_in_order(tmp_path: Path) -> None:
    container = container_of(tmp_path, interfaces=[LAN, {"bridge": "vmbr2"}])

    assert [(entry["name"], entry["bridge"]) for entry in container["network_interface"]] == [
        ("eth0", "vmbr0"),
        ("eth1", "vmbr2"),
    ]


def test_a_container_without_network_has_none(tmp_path: Path) -> None:
    container = container_of(tmp_path, interfaces=[])

    assert "network_interface" not in container
    assert "wait_for_ip" not in container
    assert container["initialization"] == {"hostname": "dns"}


@pytest.mark.parametrize("never_runs", [{"started": False}, {"template": True}], ids=str)
def test_what_does_not_run_waits_for_no_address(never_runs: dict[str, Any], tmp_path: Path) -> None:
    assert "wait_for_ip" not in container_of(tmp_path, interfaces=[{"bridge": "vmbr0"}], **never_runs)


def test_one_interface_with_dhcp_is_enough_to_wait(tmp_path: Path) -> None:
    assert container_of(tmp_path, interfaces=[LAN, {"bridge": "vmbr2"}])["wait_for_ip"] == {"ipv4": True}


def test_the_firewall_comes_after_the_container(tmp_path: Path) -> None:
    document = stack_of(
        tmp_path, firewall={"allow": [{"port": 53, "from": "lan"}]}, firewall_names={"lan": "192.168.3.0/24"}
    )

    options = the_resource(document, "proxmox_virtual_environment_firewall_options")
    rules = the_resource(document, "proxmox_virtual_environment_firewall_rules")
    assert (options["container_id"], options["depends_on"]) == (9200, [f"{CONTAINER}.dns"])
    assert (rules["container_id"], rules["rule"][0]["source"]) == (9200, "192.168.3.0/24")
    assert "vm_id" not in options
    assert "vm_id" not in rules


def test_the_filter_of_addresses_needs_no_set_as_proxmox_knows_them(tmp_path: Path) -> None:
    document = stack_of(tmp_path, firewall={"ip_filter": True})

    assert the_resource(document, "proxmox_virtual_environment_firewall_options")["ipfilter"] is True
    assert "proxmox_virtual_environment_firewall_ipset" not in document["resource"]


def test_the_resource_is_called_like_the_construct(tmp_path: Path) -> None:
    assert set(resources(stack_of(tmp_path), CONTAINER)) == {"dns"}


def test_an_adopted_container_that_high_availability_moves_has_no_node_to_be_on(tmp_path: Path) -> None:
    def conditions(ignored: list[str]) -> Any:
        adopted = spec(adopted={"ignore": ignored}, template_file_id=None)
        document = synthesize(lambda stack: AdoptedContainer(stack, "dns", spec=adopted), tmp_path)
        return the_resource(document, CONTAINER)["lifecycle"].get("postcondition")

    assert conditions(["tags"])
    assert conditions(["node_name"]) is None
