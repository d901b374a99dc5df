"""SDN: what is said about zones, vnets and subnets, and about networks on them."""

# ruff: noqa: E501 (what is said is compared as it is printed)

from textwrap import dedent

import pytest
import yaml

from homelab.config.environment import Environment
from tests.config.cases import merged
from tests.config.cluster_cases import cluster, problems

SDN = """
sdn:
  zones:
    lab: {type: simple, dhcp: dnsmasq}
    trunk: {type: vlan, bridge: vmbr0}
  vnets:
    lab1: {zone: lab, subnets: {10.20.0.0/24: {gateway: 10.20.0.1, dhcp_range: 10.20.0.100-10.20.0.199}}}
    dmz: {zone: trunk, tag: 40}
networks: {lab: {bridge: lab1, cidr: 10.20.0.0/24, gateway: 10.20.0.1}}
containers: {box: {os: debian-12, vm_id: 9250, node: two, network: lab}}
"""


def with_sdn(changes: str) -> Environment:
    """The environment with an SDN, and with ``changes``."""
    return cluster(yaml.safe_dump(merged(yaml.safe_load(SDN), yaml.safe_load(dedent(changes)) or {}), sort_keys=False))


CASES = {
    "as it should be": ("", []),
    "a zone of nodes that are not there": (
        "sdn: {zones: {trunk: {nodes: [one, tow]}}}",
        ["error sdn.zones.trunk.nodes[1]: there is no node tow"],
    ),
    "a guest on a node without the zone": (
        "sdn: {zones: {lab: {nodes: [one]}}}",
        ["error networks.lab.bridge: node two, where containers.box is, has no bridge lab1"],
    ),
    "a bridge that is not everywhere": (
        "proxmox: {nodes: {three: {bridges: [vmbr1]}}}\ncontainers: {dns: {ha: false}, web: {ha: false}}",
        ["error sdn.zones.trunk.bridge: node three has no bridge vmbr0, which carries the zone"],
    ),
    "a bridge that takes no VLANs": (
        "proxmox: {nodes: {three: {bridges: {vmbr0: {vlan_aware: false}}}}}",
        ["error sdn.zones.trunk.bridge: the bridge vmbr0 of three takes no VLANs"],
    ),
    "no such zone": ("sdn: {vnets: {dmz: {zone: trnk}}}", ["error sdn.vnets.dmz.zone: there is no zone trnk"]),
    "no tag": (
        "sdn: {vnets: {dmz: {tag: null}}}",
        ["error sdn.vnets.dmz.tag: a vnet of a vlan zone needs a tag"],
    ),
    "a tag too many": ("sdn: {vnets: {lab1: {tag: 5}}}", ["error sdn.vnets.lab1.tag: a simple zone has no tags"]),
    "a tag that is no VLAN": ("sdn: {vnets: {dmz: {tag: 4095}}}", ["error sdn.vnets.dmz.tag: this is not a VLAN"]),
    "a tag that is taken": (
        "sdn: {vnets: {dmz2: {zone: trunk, tag: 40}}}",
        ["error sdn.vnets.dmz2.tag: sdn.vnets.dmz has the tag 40 in zone trunk already"],
    ),
    "a vnet called like a bridge": (
        "sdn: {vnets: {vmbr0: {zone: lab}}}",
        [f"error sdn.vnets.vmbr0: node {node} has a bridge of this name" for node in ("one", "two", "three")],
    ),
    "a gateway elsewhere": (
        "sdn: {vnets: {dmz: {subnets: {10.40.0.0/24: {gateway: 10.41.0.1}}}}}",
        ["error sdn.vnets.dmz.subnets.10.40.0.0/24.gateway: the gateway is not in 10.40.0.0/24"],
    ),
    "a DHCP range elsewhere": (
        "sdn: {vnets: {lab1: {subnets: {10.20.0.0/24: {dhcp_range: 10.20.1.1-10.20.1.9}}}}}",
        ["error sdn.vnets.lab1.subnets.10.20.0.0/24.dhcp_range: the DHCP range leaves 10.20.0.0/24"],
    ),
    "a DHCP range with the gateway": (
        "sdn: {vnets: {lab1: {subnets: {10.20.0.0/24: {dhcp_range: 10.20.0.1-10.20.0.9}}}}}",
        ["error sdn.vnets.lab1.subnets.10.20.0.0/24.dhcp_range: the DHCP range has the gateway in it"],
    ),
    "a DHCP range that nobody serves": (
        "sdn: {zones: {lab: {dhcp: null}}}",
        [
            "error sdn.vnets.lab1.subnets.10.20.0.0/24.dhcp_range: the zone has no DHCP server, so nobody hands these addresses out"
        ],
    ),
    "subnets that overlap": (
        "sdn: {vnets: {dmz: {subnets: {10.40.0.0/24: {}, 10.40.0.0/16: {}}}}}",
        ["error sdn.vnets.dmz.subnets.10.40.0.0/16: the subnet overlaps with 10.40.0.0/24"],
    ),
    "a network that is none of the subnets": (
        "networks: {lab: {cidr: 10.21.0.0/24, gateway: null}}",
        ["warning networks.lab.cidr: the vnet lab1 has no subnet 10.21.0.0/24"],
    ),
    "a network with another gateway": (
        "networks: {lab: {gateway: 10.20.0.2}}",
        ["warning networks.lab.gateway: the vnet lab1 has the gateway 10.20.0.1"],
    ),
    "a VLAN on a vnet that takes none": (
        "networks: {lab: {vlan: 5}}",
        ["error networks.lab.vlan: the vnet lab1 takes no VLANs"],
    ),
    "a VLAN on a vnet that takes some": ("networks: {lab: {vlan: 5}}\nsdn: {vnets: {lab1: {vlan_aware: true}}}", []),
    "EVPN without its controller": (
        "sdn: {zones: {far: {type: evpn, controller: evpn1, vrf_vxlan: 4000}}}",
        ["error sdn.zones.far.controller: there is no controller evpn1"],
    ),
    "exit nodes": (
        """
        sdn:
          controllers: {evpn1: {asn: 65000, peers: [10.0.0.1]}}
          zones: {far: {type: evpn, controller: evpn1, vrf_vxlan: 4000, nodes: [one], exit_nodes: [two], primary_exit_node: one}}
        """,
        [
            "error sdn.zones.far.exit_nodes[0]: the exit node two is not in the zone",
            "error sdn.zones.far.primary_exit_node: the primary exit node is none of the exit nodes",
        ],
    ),
    "a vnet with the tag of the zone": (
        """
        sdn:
          controllers: {evpn1: {asn: 65000, peers: [10.0.0.1]}}
          zones: {far: {type: evpn, controller: evpn1, vrf_vxlan: 4000}}
          vnets: {hop: {zone: far, tag: 4000}}
        """,
        ["error sdn.vnets.hop.tag: sdn.zones.far.vrf_vxlan has the tag 4000 in zone far already"],
    ),
}


@pytest.mark.parametrize(("changes", "said"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: str, said: list[str]) -> None:
    assert problems(with_sdn(changes)) == said


def test_one_environment_of_a_cluster_defines_a_zone() -> None:
    other = cluster(
        """
        sdn: {zones: {lab: {type: simple}}}
        containers: {dns: null, web: null}
        pools: {other: {}}
        """,
        name="other",
    )

    assert "error sdn.zones.lab: environment one defines lab already" in problems(with_sdn(""), other)
