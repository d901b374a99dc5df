"""SDN: each zone, vnet and subnet, and that every change is put into force."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from homelab.config.sdn import Sdn
from homelab.proxmox.sdn import SoftwareDefinedNetwork
from tests.synthesis import resources, synthesize, the_resource

SUBNETS = {
    "10.20.0.0/24": {
        "gateway": "10.20.0.1",
        "snat": True,
        "dhcp_range": "10.20.0.100-10.20.0.199",
        "dhcp_dns_server": "10.20.0.1",
        "dns_zone_prefix": "lab",
    }
}
LAB: dict[str, Any] = {
    "zones": {"lab": {"type": "simple", "dhcp": "dnsmasq"}},
    "vnets": {"lab1": {"zone": "lab", "alias": "Laboratory", "isolate_ports": True, "subnets": SUBNETS}},
}
ZONES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "simple": ({"dhcp": "dnsmasq", "ipam": "pve", "mtu": 1400}, {"dhcp": "dnsmasq", "ipam": "pve", "mtu": 1400}),
    "vlan": ({"bridge": "vmbr0", "nodes": ["pve1"]}, {"bridge": "vmbr0", "nodes": ["pve1"]}),
    "qinq": (
        {"bridge": "vmbr0", "service_vlan": 5, "service_vlan_protocol": "802.1ad"},
        {"bridge": "vmbr0", "service_vlan": 5, "service_vlan_protocol": "802.1ad"},
    ),
    "vxlan": (
        {"peers": ["10.0.0.1"], "dns": "pdns", "reverse_dns": "pdns", "dns_zone": "home.arpa"},
        {"peers": ["10.0.0.1"], "dns": "pdns", "reverse_dns": "pdns", "dns_zone": "home.arpa"},
    ),
    "evpn": (
        {"controller": "evpn1", "vrf_vxlan": 4000, "exit_nodes": ["pve1"], "primary_exit_node": "pve1"},
        {"controller": "evpn1", "vrf_vxlan": 4000, "exit_nodes": ["pve1"], "primary_exit_node": "pve1"},
    ),
}


def document(folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    return synthesize(lambda stack: SoftwareDefinedNetwork(stack, "sdn", settings=Sdn.model_validate(settings)), folder)


def appliers(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return resources(made, "proxmox_sdn_applier")


@pytest.mark.parametrize("kind", ZONES)
def test_a_zone_of_each_type(kind: str, tmp_path: Path) -> None:
    settings, expected = ZONES[kind]
    controllers = {"evpn1": {"asn": 65000, "peers": ["10.0.0.1"]}} if kind == "evpn" else {}

    made = document(tmp_path, {"zones": {"here": {"type": kind, **settings}}, "controllers": controllers})

    zone = the_resource(made, f"proxmox_sdn_zone_{kind}")
    assert {key: value for key, value in zone.items() if key != "depends_on"} == {"id": "here", **expected}
    for controller in resources(made, "proxmox_sdn_controller_evpn").values():
        assert (controller["id"], controller["asn"], controller["peers"]) == ("evpn1", 65000, ["10.0.0.1"])


def test_a_vnet_and_its_subnet(tmp_path: Path) -> None:
    made = document(tmp_path, LAB)

    vnet, subnet = the_resource(made, "proxmox_sdn_vnet"), the_resource(made, "proxmox_sdn_subnet")
    vnet.pop("depends_on"), subnet.pop("depends_on")
    assert vnet == {"id": "lab1", "zone": "lab", "alias": "Laboratory", "isolate_ports": True}
    assert subnet == {
        "vnet": "lab1",
        "cidr": "10.20.0.0/24",
        "gateway": "10.20.0.1",
        "snat": True,
        "dhcp_range": {"start_address": "10.20.0.100", "end_address": "10.20.0.199"},
        "dhcp_dns_server": "10.20.0.1",
        "dns_zone_prefix": "lab",
    }


def test_every_change_is_put_into_force(tmp_path: Path) -> None:
    made = document(tmp_path, LAB)
    applier = next(one for name, one in appliers(made).items() if "finalizer" not in name)

    everything = {
        f"{kind}.{name}" for kind, found in made["resource"].items() for name in found if kind != "proxmox_sdn_applier"
    }
    assert set(applier["depends_on"]) == everything
    assert set(applier["lifecycle"]["replace_triggered_by"]) == everything


def test_what_is_removed_is_put_into_force_after_it_is_gone(tmp_path: Path) -> None:
    before = document(tmp_path / "before", LAB)
    after = document(tmp_path / "after", {"zones": LAB["zones"]})
    changed = document(tmp_path / "changed", {**LAB, "zones": {"lab": {"type": "simple"}}})

    def finalizer(made: dict[str, Any]) -> str:
        return next(name for name in appliers(made) if "finalizer" in name)

    assert finalizer(before) != finalizer(after)
    assert finalizer(before) == finalizer(changed)
    assert appliers(before)[finalizer(before)] == {"on_create": False}
    for kind in ("zone_simple", "vnet", "subnet"):
        depends_on = the_resource(before, f"proxmox_sdn_{kind}")["depends_on"]
        assert f"proxmox_sdn_applier.{finalizer(before)}" in depends_on
