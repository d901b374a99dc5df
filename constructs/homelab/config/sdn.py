"""Software-defined networks: zones, virtual networks (vnets) and their subnets, the same on every node."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from homelab.config.model import Model
from homelab.config.names import BridgeName, Domain, Ipv4Address, Ipv4Network, Ipv4Range, NodeName, Vlan
from homelab.config.text import Matching

_NAME = r"[a-z][a-z0-9]{1,7}"
_ALLOWED = "a letter, then letters and digits, no -, 2 to 8 in all"

ZoneName = Annotated[str, Matching(_NAME, "an SDN zone", _ALLOWED, "lab", longest=8)]
"""The id of a zone. Interfaces on the nodes are called after it, which is why it is so short."""

VnetName = Annotated[str, Matching(_NAME, "an SDN vnet", _ALLOWED, "lab1", longest=8)]
"""The id of a vnet, which is also the name of its bridge on the nodes."""

ControllerName = Annotated[
    str,
    Matching(
        r"[a-zA-Z][a-zA-Z0-9_-]{0,62}[a-zA-Z0-9]",
        "an SDN controller",
        "a letter, then letters, digits, _ and -, 2 to 64 in all",
        "evpn1",
        longest=64,
    ),
]
Vni = Annotated[int, Field(ge=1, le=16_777_215, strict=True)]
"""The tag of a vnet: a VLAN in zones of type vlan and qinq, else a VXLAN network identifier."""


class _Zone(Model):
    nodes: tuple[NodeName, ...] = Field((), description="The nodes that have it; every node when left out.")
    mtu: Annotated[int, Field(ge=1280, le=65520, strict=True)] | None = Field(
        None,
        description="MTU of its vnets. It can be changed and not taken back to Proxmox's own. VXLAN and EVPN need 50 "
        "bytes less than the network below.",
    )
    ipam: str | None = Field(None, min_length=1, description="The IPAM that manages its addresses, such as pve.")
    dns: str | None = Field(None, min_length=1, description="The DNS plugin that names are registered with.")
    reverse_dns: str | None = Field(None, min_length=1, description="The DNS plugin for reverse names.")
    dns_zone: Domain | None = Field(None, description="The domain of registered names.")


class SimpleZone(_Zone):
    """A bridge of its own on each node: guests reach the others of their node, and further by SNAT or routing."""

    type: Literal["simple"]
    dhcp: Literal["dnsmasq"] | None = Field(
        None, description="dnsmasq: serve the `dhcp_range` of its subnets; needs the package dnsmasq on the nodes."
    )


class VlanZone(_Zone):
    """VLANs of a bridge that every node has."""

    type: Literal["vlan"]
    bridge: BridgeName = Field(description="The VLAN-aware bridge that carries them on every node.")


class QinqZone(_Zone):
    """VLANs inside a VLAN."""

    type: Literal["qinq"]
    bridge: BridgeName = Field(description="The VLAN-aware bridge that carries them on every node.")
    service_vlan: Vlan = Field(description="The outer VLAN.")
    service_vlan_protocol: Literal["802.1q", "802.1ad"] | None = Field(None, description="Its tags; 802.1q by default.")


class VxlanZone(_Zone):
    """Layer 2 tunnels over UDP between the nodes. They are not encrypted."""

    type: Literal["vxlan"]
    peers: Annotated[tuple[Ipv4Address, ...], Field(min_length=1)] = Field(description="The address of every node.")


class EvpnZone(_Zone):
    """Routed layer 3 networks between the nodes by BGP. Needs the package frr on the nodes."""

    type: Literal["evpn"]
    controller: ControllerName = Field(description="The controller, one of `controllers`.")
    vrf_vxlan: Vni = Field(description="The VXLAN id of the routing between its vnets; no vnet may have it.")
    exit_nodes: tuple[NodeName, ...] = Field((), description="Nodes that are the gateway to the outside.")
    primary_exit_node: NodeName | None = Field(None, description="The one of them that is preferred.")
    exit_nodes_local_routing: bool | None = Field(None, description="Whether exit nodes themselves reach the vnets.")
    advertise_subnets: bool | None = Field(None, description="Announce whole subnets, for silent guests.")
    disable_arp_nd_suppression: bool | None = Field(None, description="Answer no ARP and ND for others.")
    rt_import: str | None = Field(None, min_length=1, description="Further route targets to import.")


Zone = Annotated[SimpleZone | VlanZone | QinqZone | VxlanZone | EvpnZone, Field(discriminator="type")]


class Subnet(Model):
    """A subnet of a vnet."""

    gateway: Ipv4Address | None = Field(None, description="The gateway; in simple and EVPN zones the nodes.")
    snat: bool | None = Field(None, description="Translate what leaves it to the node's address.")
    dhcp_range: Ipv4Range | None = Field(
        None, description="Addresses that the zone's DHCP server hands out, first-last."
    )
    dhcp_dns_server: Ipv4Address | None = Field(None, description="The DNS server that it names.")
    dns_zone_prefix: str | None = Field(None, min_length=1, description="Put before the zone's domain.")


class Vnet(Model):
    """A virtual network: on the nodes a bridge of this name, which networks name as their `bridge`."""

    zone: ZoneName = Field(description="Its zone, one of `zones`.")
    tag: Vni | None = Field(None, description="Its VLAN or VXLAN id; none in simple zones.")
    alias: str | None = Field(None, min_length=1, max_length=256, description="A longer name.")
    vlan_aware: bool | None = Field(None, description="Let guests' own VLAN tags through.")
    isolate_ports: bool | None = Field(None, description="Guests don't reach each other.")
    subnets: dict[Ipv4Network, Subnet] = Field({}, description="Its subnets by CIDR.")


class EvpnController(Model):
    """What the EVPN zones speak BGP with."""

    asn: Annotated[int, Field(ge=1, le=4_294_967_295, strict=True)] = Field(description="The number of the BGP system.")
    peers: Annotated[tuple[Ipv4Address, ...], Field(min_length=1)] = Field(description="The address of every node.")


class Sdn(Model):
    """The SDN of the cluster (API: ``/cluster/sdn``); one environment of a cluster defines a zone or vnet."""

    zones: dict[ZoneName, Zone] = Field({}, description="Zones by id.")
    vnets: dict[VnetName, Vnet] = Field({}, description="Vnets by id.")
    controllers: dict[ControllerName, EvpnController] = Field({}, description="EVPN controllers by id.")
