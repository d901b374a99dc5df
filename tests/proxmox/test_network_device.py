"""`network_devices`: the one form of a machine's interfaces that the provider accepts from JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from homelab.config.guest import InterfaceSpec
from homelab.proxmox.network_device import network_devices
from imports.proxmox.virtual_environment_vm import VirtualEnvironmentVm
from tests.synthesis import synthesize, the_resource

VM = "proxmox_virtual_environment_vm"
SCHEMA = Path(__file__).parents[2] / "schemas" / "proxmox@0.111.1.json"


def devices_of(folder: Path, *interfaces: dict[str, Any]) -> list[dict[str, Any]]:
    specs = [InterfaceSpec.model_validate(interface) for interface in interfaces]
    stack = synthesize(
        lambda stack: VirtualEnvironmentVm(stack, "vm", node_name="pve", network_device=network_devices(specs)), folder
    )
    devices: list[dict[str, Any]] = the_resource(stack, VM).get("network_device", [])
    return devices


def test_every_key_of_the_object_is_there(tmp_path: Path) -> None:
    provider = json.loads(SCHEMA.read_text())["provider_schemas"]["registry.terraform.io/bpg/proxmox"]
    _, (_, keys) = provider["resource_schemas"][VM]["block"]["attributes"]["network_device"]["type"]

    [device] = devices_of(tmp_path, {"bridge": "vmbr0"})

    assert len(device) == 11
    assert set(device) == set(keys)


def test_what_is_not_set_is_null(tmp_path: Path) -> None:
    [device] = devices_of(tmp_path, {"bridge": "vmbr0"})

    assert {key for key, value in device.items() if value is None} == {
        "enabled",
        "mac_address",
        "mtu",
        "queues",
        "rate_limit",
        "trunks",
        "vlan_id",
    }


def test_what_is_set_is_there(tmp_path: Path) -> None:
    [device] = devices_of(
        tmp_path,
        {
            "bridge": "vmbr2",
            "vlan": 30,
            "mac": "BC:24:11:00:00:01",
            "mtu": 1400,
            "firewall": True,
            "rate_limit": 12.5,
            "address": "10.0.30.2/24",
            "gateway": "10.0.30.1",
        },
    )

    assert device == {
        "bridge": "vmbr2",
        "disconnected": False,
        "enabled": None,
        "firewall": True,
        "mac_address": "BC:24:11:00:00:01",
        "model": "virtio",
        "mtu": 1400,
        "queues": None,
        "rate_limit": 12.5,
        "trunks": None,
        "vlan_id": 30,
    }


def test_the_deprecated_key_is_never_set(tmp_path: Path) -> None:
    devices = devices_of(tmp_path, {"bridge": "vmbr0"}, {"bridge": "vmbr2", "firewall": True})

    assert [device["enabled"] for device in devices] == [None, None]


def test_interfaces_keep_their_order(tmp_path: Path) -> None:
    devices = devices_of(tmp_path, {"bridge": "vmbr2"}, {"bridge": "vmbr0"}, {"bridge": "vmbr1"})

    assert [device["bridge"] for device in devices] == ["vmbr2", "vmbr0", "vmbr1"]


def test_no_interface_is_no_device() -> None:
    assert network_devices([]) == []
