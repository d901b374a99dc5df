"""`VirtualMachine`: each setting becomes the argument that it is for, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from homelab.config.guest import InterfaceSpec
from homelab.config.units import Size
from homelab.config.virtual_machine import Disk, VirtualMachineSpec
from homelab.proxmox.virtual_machine import VirtualMachine
from tests.synthesis import ABSENT, difference, resources, synthesize, the_resource

VM = "proxmox_virtual_environment_vm"
FILE = "proxmox_virtual_environment_file"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxhcHRvcA me@laptop"
LAN = {"bridge": "vmbr0", "address": "192.168.3.20/24", "gateway": "192.168.3.1"}


def spec(**changes: Any) -> VirtualMachineSpec:
    settings = {"vm_id": 9100, "hostname": "web", "node": "pve", "template_vm_id": 9000, "interfaces": [LAN]}
    return VirtualMachineSpec.model_validate(settings | changes)


def stack_of(folder: Path, **changes: Any) -> dict[str, Any]:
    return synthesize(lambda stack: VirtualMachine(stack, "web", spec=spec(**changes)), folder)


def machine_of(folder: Path, **changes: Any) -> dict[str, Any]:
    return the_resource(stack_of(folder, **changes), VM)


def test_the_whole_resource_of_the_shortest_spec(tmp_path: Path) -> None:
    assert machine_of(tmp_path) == {
        "node_name": "pve",
        "vm_id": 9100,
        "name": "web",
        "tags": [],
        "on_boot": True,
        "started": True,
        "protection": False,
        "migrate": True,
        "stop_on_destroy": True,
        "timeout_shutdown_vm": 300,
        "delete_unreferenced_disks_on_destroy": False,
        "scsi_hardware": "virtio-scsi-single",
        "clone": {"vm_id": 9000, "full": True, "datastore_id": "local-lvm", "retries": 3},
        "cpu": {"cores": 2, "sockets": 1, "type": "x86-64-v2-AES", "flags": []},
        "memory": {"dedicated": 2048, "floating": 1024},
        "operating_system": {"type": "l26"},
        "agent": {"enabled": False, "timeout": "15m"},
        "disk": [
            {
                "interface": "scsi0",
                "datastore_id": "local-lvm",
                "size": 20,
                "cache": "none",
                "discard": "on",
                "ssd": True,
                "iothread": True,
            }
        ],
        "network_device": [
            {
                "bridge": "vmbr0",
                "disconnected": False,
                "enabled": None,
                "firewall": False,
                "mac_address": None,
                "model": "virtio",
                "mtu": None,
                "queues": None,
                "rate_limit": None,
                "trunks": None,
                "vlan_id": None,
            }
        ],
        "serial_device": [{}],
        "initialization": {
            "datastore_id": "local-lvm",
            "interface": "ide2",
            "ip_config": [{"ipv4": {"address": "192.168.3.20/24", "gateway": "192.168.3.1"}}],
            "user_account": {"username": "debian"},
        },
        "lifecycle": {"ignore_changes": ["clone", "pool_id", "initialization"]},
    }


MAPPINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "vm_id": ({"vm_id": 9101}, {"vm_id": 9101}),
    "hostname": ({"hostname": "other"}, {"name": "other"}),
    "node": ({"node": "pve2"}, {"node_name": "pve2"}),
    "description": ({"description": "Notes"}, {"description": "Notes"}),
    "tags": ({"tags": ["a", "b"]}, {"tags": ["a", "b"]}),
    "pool": ({"pool": "services"}, {}),
    "start_on_boot": ({"start_on_boot": False}, {"on_boot": False}),
    "started": ({"started": False}, {"started": False}),
    "startup": (
        {"startup": {"order": 3, "up_delay": 20, "down_delay": 30}},
        {"startup.order": 3, "startup.up_delay": 20, "startup.down_delay": 30},
    ),
    "startup defaults": (
        {"startup": {"order": 0}},
        {"startup.order": 0, "startup.up_delay": 10, "startup.down_delay": 10},
    ),
    "protection": ({"protection": True}, {"protection": True, "lifecycle.prevent_destroy": True}),
    "bios": ({"bios": "seabios"}, {"bios": "seabios"}),
    "machine": ({"machine": "q35"}, {"machine": "q35"}),
    "template_vm_id": ({"template_vm_id": 9001}, {"clone.vm_id": 9001}),
    "template_node": ({"template_node": "pve2"}, {"clone.node_name": "pve2"}),
    "linked clone": ({"full_clone": False}, {"clone.full": False, "clone.datastore_id": ABSENT}),
    "cores": ({"cores": 4}, {"cpu.cores": 4}),
    "sockets": ({"sockets": 2}, {"cpu.sockets": 2}),
    "cpu_type": ({"cpu_type": "host"}, {"cpu.type": "host"}),
    "cpu_affinity": ({"cpu_affinity": "0-3"}, {"cpu.affinity": "0-3"}),
    "memory": ({"memory": "4GiB"}, {"memory.dedicated": 4096, "memory.floating": 2048}),
    "memory_minimum": ({"memory_minimum": "512MiB"}, {"memory.floating": 512}),
    "ballooning off": ({"ballooning": False}, {"memory.floating": 0}),
    "ballooning off with a minimum": ({"ballooning": False, "memory_minimum": "512MiB"}, {"memory.floating": 0}),
    "os_type": ({"os_type": "win11"}, {"operating_system.type": "win11"}),
    "vga": ({"vga": "serial0"}, {"vga.type": "serial0"}),
    "disk": ({"disk": "32GiB"}, {"disk.0.size": 32}),
    "disk_cache": ({"disk_cache": "writeback"}, {"disk.0.cache": "writeback"}),
    "datastore": (
        {"datastore": "tank"},
        {"clone.datastore_id": "tank", "disk.0.datastore_id": "tank", "initialization.datastore_id": "tank"},
    ),
    "serial_device": ({"serial_device": False}, {"serial_device.0": ABSENT}),
    "user": ({"user": "admin"}, {"initialization.user_account.username": "admin"}),
    "ssh_keys": ({"ssh_keys": [KEY]}, {"initialization.user_account.keys": [KEY]}),
    "dns servers": ({"dns": {"servers": ["192.168.3.1"]}}, {"initialization.dns.servers": ["192.168.3.1"]}),
    "dns domain": ({"dns": {"domain": "home.arpa"}}, {"initialization.dns.domain": "home.arpa"}),
    "vendor data": (
        {"vendor_data_file_id": "local:snippets/a.yaml"},
        {"initialization.vendor_data_file_id": "local:snippets/a.yaml"},
    ),
    "cloud-init changes": ({"ignore_cloud_init_changes": False}, {"lifecycle.ignore_changes": ["clone", "pool_id"]}),
    "agent": (
        {"agent": True},
        {"agent.enabled": True, "agent.trim": True, "agent.wait_for_ip.ipv4": True, "stop_on_destroy": False},
    ),
    "agent_timeout": ({"agent_timeout": "5m"}, {"agent.timeout": "5m"}),
    "pci by mapping": (
        {"pci_devices": [{"mapping": "gpu"}]},
        {"hostpci.0.device": "hostpci0", "hostpci.0.mapping": "gpu", "hostpci.0.pcie": True, "hostpci.0.rombar": True},
    ),
    "pci by id": (
        {"pci_devices": [{"id": "0000:01:00.0", "pcie": False}]},
        {
            "hostpci.0.device": "hostpci0",
            "hostpci.0.id": "0000:01:00.0",
            "hostpci.0.pcie": False,
            "hostpci.0.rombar": True,
        },
    ),
    "ovmf": (
        {"bios": "ovmf"},
        {
            "bios": "ovmf",
            "efi_disk.datastore_id": "local-lvm",
            "efi_disk.type": "4m",
            "efi_disk.pre_enrolled_keys": True,
        },
    ),
    "dhcp": (
        {"interfaces": [{"bridge": "vmbr0"}]},
        {"initialization.ip_config.0.ipv4.address": "dhcp", "initialization.ip_config.0.ipv4.gateway": ABSENT},
    ),
    "bridge": ({"interfaces": [{**LAN, "bridge": "vmbr2"}]}, {"network_device.0.bridge": "vmbr2"}),
    "vlan": ({"interfaces": [{**LAN, "vlan": 30}]}, {"network_device.0.vlan_id": 30}),
    "mac": (
        {"interfaces": [{**LAN, "mac": "bc:24:11:00:00:01"}]},
        {"network_device.0.mac_address": "BC:24:11:00:00:01"},
    ),
    "mtu": ({"interfaces": [{**LAN, "mtu": 1400}]}, {"network_device.0.mtu": 1400}),
    "rate_limit": ({"interfaces": [{**LAN, "rate_limit": 12.5}]}, {"network_device.0.rate_limit": 12.5}),
    "interface behind the firewall": ({"interfaces": [{**LAN, "firewall": True}]}, {"network_device.0.firewall": True}),
}


@pytest.mark.parametrize(("changes", "expected"), MAPPINGS.values(), ids=MAPPINGS.keys())
def test_a_setting_is_one_argument(changes: dict[str, Any], expected: dict[str, Any], tmp_path: Path) -> None:
    before, after = machine_of(tmp_path / "before"), machine_of(tmp_path / "after", **changes)

    assert difference(before, after) == expected


def test_a_pool_is_a_membership_after_the_machine(tmp_path: Path) -> None:
    assert the_resource(stack_of(tmp_path, pool="services"), "proxmox_pool_membership") == {
        "pool_id": "services",
        "vm_id": 9100,
        "depends_on": [f"{VM}.web"],
        "lifecycle": {"replace_triggered_by": [f"{VM}.web.id"]},
    }


def test_no_other_resource_is_made_for_a_plain_machine(tmp_path: Path) -> None:
    assert set(stack_of(tmp_path)["resource"]) == {VM}


def test_every_field_of_the_spec_is_covered_above() -> None:
    covered = {key for changes, _ in MAPPINGS.values() for key in changes}
    elsewhere = {"disks", "firewall", "firewall_names", "user_data", "user_data_file_name", "snippet_datastore"}
    elsewhere |= {"ha", "ha_group", "replication"}  # parts of their own, in test_ha.py
    elsewhere.add("adopted")  # of which AdoptedVirtualMachine makes something

    assert set(VirtualMachineSpec.model_fields) == covered | elsewhere


def test_further_disks_come_after_the_boot_disk_in_the_order_of_the_file(tmp_path: Path) -> None:
    disks = {"virtio1": {"size": "6GiB"}, "scsi2": {"size": "5GiB"}, "sata3": {"size": "7GiB"}}

    machine = machine_of(tmp_path, disks=disks)

    assert [disk["interface"] for disk in machine["disk"]] == ["scsi0", "virtio1", "scsi2", "sata3"]


def test_a_further_disk_has_its_own_settings(tmp_path: Path) -> None:
    disk = {
        "size": "5GiB",
        "datastore": "tank",
        "format": "qcow2",
        "cache": "writeback",
        "discard": "ignore",
        "ssd": False,
        "iothread": False,
        "backup": False,
        "replicate": False,
    }

    assert machine_of(tmp_path, disks={"scsi1": disk})["disk"][1] == {
        "interface": "scsi1",
        "datastore_id": "tank",
        "size": 5,
        "file_format": "qcow2",
        "cache": "writeback",
        "discard": "ignore",
        "ssd": False,
        "iothread": False,
        "backup": False,
        "replicate": False,
    }


def test_a_further_disk_is_on_the_boot_disks_datastore_and_backed_up(tmp_path: Path) -> None:
    further = machine_of(tmp_path, datastore="tank", disks={"scsi1": {"size": "5GiB"}})["disk"][1]

    assert (further["datastore_id"], further["backup"], further["replicate"]) == ("tank", True, True)


@pytest.mark.parametrize(
    ("interface", "missing"), [("virtio1", {"ssd"}), ("sata1", {"iothread"}), ("scsi1", set())], ids=str
)
def test_a_bus_gets_only_what_it_has(interface: str, missing: set[str], tmp_path: Path) -> None:
    further = machine_of(tmp_path, disks={interface: {"size": "5GiB"}})["disk"][1]

    assert {"ssd", "iothread"} - set(further) == missing


def test_two_interfaces_keep_their_order(tmp_path: Path) -> None:
    second = {"bridge": "vmbr2", "vlan": 30, "address": "10.0.30.2/24"}

    machine = machine_of(tmp_path, interfaces=[LAN, second])

    assert [device["bridge"] for device in machine["network_device"]] == ["vmbr0", "vmbr2"]
    assert machine["initialization"]["ip_config"] == [
        {"ipv4": {"address": "192.168.3.20/24", "gateway": "192.168.3.1"}},
        {"ipv4": {"address": "10.0.30.2/24"}},
    ]


def test_a_machine_without_network_has_no_address_and_waits_for_none(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, interfaces=[], agent=True)

    assert "ip_config" not in machine["initialization"]
    assert "wait_for_ip" not in machine["agent"]


def test_user_data_is_a_snippet_in_place_of_the_account(tmp_path: Path) -> None:
    stack = stack_of(
        tmp_path,
        user_data="#cloud-config\nhostname: web\n",
        user_data_file_name="prod-web-user-data.yaml",
        snippet_datastore="tank",
        ssh_keys=[KEY],
        node="pve2",
    )

    [(name, snippet)] = resources(stack, FILE).items()
    assert snippet == {
        "node_name": "pve2",
        "datastore_id": "tank",
        "content_type": "snippets",
        "source_raw": {"data": "#cloud-config\nhostname: web\n", "file_name": "prod-web-user-data.yaml"},
    }
    machine = the_resource(stack, VM)
    assert machine["initialization"]["user_data_file_id"] == "tank:snippets/prod-web-user-data.yaml"
    assert "user_account" not in machine["initialization"]
    assert machine["depends_on"] == [f"{FILE}.{name}"]


def test_without_user_data_nothing_is_uploaded(tmp_path: Path) -> None:
    assert FILE not in stack_of(tmp_path)["resource"]


def test_the_firewall_comes_after_the_machine(tmp_path: Path) -> None:
    stack = stack_of(
        tmp_path, firewall={"allow": [{"port": 80, "from": "lan"}]}, firewall_names={"lan": "192.168.3.0/24"}
    )

    options = the_resource(stack, "proxmox_virtual_environment_firewall_options")
    rules = the_resource(stack, "proxmox_virtual_environment_firewall_rules")
    assert (options["vm_id"], options["node_name"], options["depends_on"]) == (9100, "pve", [f"{VM}.web"])
    assert (rules["vm_id"], rules["rule"][0]["source"]) == (9100, "192.168.3.0/24")
    assert "container_id" not in options
    assert "container_id" not in rules


def test_the_filter_of_addresses_has_the_machines_own(tmp_path: Path) -> None:
    interfaces = [LAN, {"bridge": "vmbr2", "address": "10.0.30.2/24"}]

    stack = stack_of(tmp_path, interfaces=interfaces, firewall={"ip_filter": True})

    ipsets = resources(stack, "proxmox_virtual_environment_firewall_ipset").values()
    assert [ipset["cidr"] for ipset in ipsets] == [[{"name": "192.168.3.20"}], [{"name": "10.0.30.2"}]]


def test_a_firewall_that_is_off_makes_nothing(tmp_path: Path) -> None:
    stack = stack_of(tmp_path, firewall={"enabled": False, "allow": [{"port": 80}]})

    assert set(stack["resource"]) == {VM}


def test_the_resource_is_called_like_the_construct(tmp_path: Path) -> None:
    assert set(resources(stack_of(tmp_path), VM)) == {"web"}


def test_the_template_and_cloud_init_never_replace_a_machine(tmp_path: Path) -> None:
    assert machine_of(tmp_path)["lifecycle"]["ignore_changes"] == ["clone", "pool_id", "initialization"]


def test_without_protection_terraform_may_destroy_it(tmp_path: Path) -> None:
    assert "prevent_destroy" not in machine_of(tmp_path)["lifecycle"]


def test_a_program_makes_one_in_one_statement(tmp_path: Path) -> None:
    document = synthesize(
        lambda stack: VirtualMachine(
            stack,
            "web",
            spec=VirtualMachineSpec(
                vm_id=9100,
                hostname="web",
                node="pve",
                template_vm_id=9000,
                memory=Size.gib(4),
                disk=Size.gib(32),
                disks={"scsi1": Disk(size=Size.tib(1))},
                interfaces=(InterfaceSpec(bridge="vmbr0"),),
            ),
        ),
        tmp_path,
    )

    machine = the_resource(document, VM)
    assert machine["memory"] == {"dedicated": 4096, "floating": 2048}
    assert [disk["size"] for disk in machine["disk"]] == [32, 1024]
