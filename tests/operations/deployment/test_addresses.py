"""Which static addresses of new guests other guests of the cluster have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from operations.deployment.addresses import conflicts, taken_address
from operations.deployment.changes import Change
from operations.diagnosis.diagnosis import Surroundings
from operations.terraform.messages import Action
from operations.terraform.stacks import Resource

CONTAINER = "proxmox_virtual_environment_container"
OTHER = {"vmid": 777, "type": "lxc", "name": "old-cache", "node": "pve"}


def change(action: Action = "create", vm_id: int = 201, address: str = "10.0.30.20/24", **interface: Any) -> Change:
    arguments = {
        "vm_id": vm_id,
        "initialization": {"hostname": "redis-cache", "ip_config": [{"ipv4": {"address": address}}]},
        "network_interface": [{"name": "eth0", "bridge": "vmbr2", **interface}],
    }
    return Change("lab-service-redis", Resource(f"{CONTAINER}.redis", CONTAINER, "redis", arguments), action)


def found(config: Mapping[str, Any], *changes: Change, guest: Mapping[str, Any] = OTHER) -> list[str]:
    everything = list(changes or (change(),))
    return [conflict.found for conflict in conflicts(everything, {int(guest["vmid"]): guest}, lambda _: config)]


LXC = {"hostname": "old-cache", "net0": "name=eth0,bridge=vmbr2,hwaddr=BC:24:11:00:00:01,ip=10.0.30.20/24,type=veth"}
QEMU = {"net0": "virtio=BC:24:11:00:00:02,bridge=vmbr2", "ipconfig0": "ip=10.0.30.20/24,gw=10.0.30.1"}


def test_guests_of_the_environment_are_not_asked_for() -> None:
    def read(guest: Mapping[str, Any]) -> dict[str, str]:
        raise AssertionError(guest)

    assert not conflicts([change()], {777: OTHER}, read, defined={777})


@pytest.mark.parametrize("config", [LXC, QEMU])
def test_an_address_that_another_guest_has(config: dict[str, str]) -> None:
    assert found(config) == ["container old-cache (777) on pve"]


@pytest.mark.parametrize(
    "config",
    [
        {"net0": "name=eth0,bridge=vmbr2,ip=10.0.30.2/24"},
        {"net0": "name=eth0,bridge=vmbr1,ip=10.0.30.20/24"},
        {"net0": "name=eth0,bridge=vmbr2,tag=30,ip=10.0.30.20/24"},
        {"net0": "name=eth0,bridge=vmbr2,ip=dhcp"},
        {"net0": "virtio=BC:24:11:00:00:02,bridge=vmbr2"},
        {},
    ],
)
def test_another_address_bridge_or_vlan_is_in_nobody_s_way(config: dict[str, str]) -> None:
    assert found(config) == []


def test_the_same_vlan_is_the_same_network() -> None:
    config = {"net0": "name=eth0,bridge=vmbr2,tag=30,ip=10.0.30.20/24"}
    assert found(config, change(vlan_id=30)) == ["container old-cache (777) on pve"]


def test_a_guest_that_the_plan_changes_or_destroys_is_in_nobody_s_way() -> None:
    assert found(LXC, change(), change("delete", vm_id=777)) == []
    assert found(LXC, guest={**OTHER, "vmid": 201}) == []
    assert found(LXC, guest={**OTHER, "template": 1}) == []


def test_nothing_is_read_where_nothing_new_has_a_static_address() -> None:
    def read(_: Mapping[str, Any]) -> Mapping[str, Any]:
        raise AssertionError

    assert conflicts([change("update"), change(address="dhcp")], {777: OTHER}, read) == []


def test_the_error_says_whose_it_is_and_what_to_do() -> None:
    (conflict,) = conflicts([change()], {777: OTHER}, lambda _: LXC)
    surroundings = Surroundings(key_paths={"redis": "services.redis"}, file="environments/lab.yaml")
    text = taken_address(conflict, surroundings).render()
    assert "10.0.30.20 of container redis (201) is already the address of another guest on that bridge" in text
    assert "services.redis" in text
    assert "container old-cache (777) on pve" in text
    assert "give yours another address, or the other one, and run the same command again" in text
