"""Networks, and the interfaces with which guests join them."""

from ipaddress import IPv4Address
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from homelab.config.model import Model
from homelab.config.names import (
    BridgeName,
    Domain,
    Ipv4Address,
    Ipv4Network,
    Ipv4Range,
    Key,
    MacAddress,
    Vlan,
    parse_ipv4_address,
    parse_ipv4_range,
)


def _address_or_range(value: Any) -> IPv4Address | str:
    return parse_ipv4_range(value) if isinstance(value, str) and "-" in value else parse_ipv4_address(value)


AddressOrRange = Annotated[
    IPv4Address | str,
    BeforeValidator(_address_or_range),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["192.168.3.2", "192.168.3.2-192.168.3.9"]}),
]
"""An IPv4 address, or an inclusive range ``first-last``."""

StaticOrDhcp = Annotated[
    IPv4Address | Literal["dhcp"],
    BeforeValidator(lambda value: value if value == "dhcp" else parse_ipv4_address(value)),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["192.168.3.10", "dhcp"]}),
]
"""An IPv4 address without prefix length, or ``dhcp``."""


NetworkModel = Literal["virtio", "e1000", "e1000e", "rtl8139", "vmxnet3"]
"""The network card of a virtual machine (provider argument ``network_device.model``)."""


class Dhcp(Model):
    """The DHCP server of a network, which is somebody else's: named so that no static address lands in its range."""

    range: Ipv4Range = Field(description="The addresses that it hands out, first-last.")


class Network(Model):
    """A subnet on a bridge, with or without a VLAN tag."""

    bridge: BridgeName = Field(description="The bridge that carries it on every node.")
    cidr: Ipv4Network = Field(description="The subnet, such as 192.168.3.0/24.")
    gateway: Ipv4Address | None = Field(None, description="The router's address inside the subnet.")
    vlan: Vlan | None = Field(None, description="The VLAN tag; untagged when left out.")
    dhcp: Dhcp | None = Field(None, description="The DHCP server's range, where there is one.")
    reserved: tuple[AddressOrRange, ...] = Field((), description="Addresses or ranges that no guest may take.")
    dns: tuple[Ipv4Address, ...] = Field((), description="DNS servers of its guests; those of `defaults` when empty.")
    domain: Domain | None = Field(None, description="DNS search domain of its guests.")
    mtu: int | None = Field(
        None, ge=576, le=65520, strict=True, description="MTU of its interfaces; the bridge's when left out."
    )
    address_from: Literal["vm_id"] | None = Field(
        None,
        description="vm_id: a guest's address is the subnet's plus its VMID; 200 in 192.168.0.0/24 is 192.168.0.200.",
    )


class NetworkInterface(Model):
    """One network interface of a guest."""

    name: Key = Field(description="The network that it joins.")
    address: StaticOrDhcp | None = Field(
        None, description="A static address, or dhcp. Left out: from the VMID where the network says so, else dhcp."
    )
    mac: MacAddress | None = Field(None, description="Its MAC address; Proxmox chooses one when left out.")
    vlan: Vlan | None = Field(None, description="Another VLAN tag than the network's.")
    firewall: bool | None = Field(
        None, description="Whether the guest's firewall filters it; as the guest's firewall when left out."
    )
    rate_limit: float | None = Field(None, gt=0, le=100_000, description="Limit in MB/s.")
    model: NetworkModel = Field(
        "virtio", description="The card that a virtual machine sees; without effect on containers."
    )


def _interfaces(value: Any) -> Any:
    items = value if isinstance(value, list | tuple) else [value]
    return tuple({"name": item} if isinstance(item, str) else item for item in items)


NetworkInterfaces = Annotated[
    tuple[NetworkInterface, ...],
    BeforeValidator(_interfaces, json_schema_input_type=Key | NetworkInterface | list[Key | NetworkInterface]),
]
"""A guest's interfaces in order (net0, net1, ...): a network's name, one interface, or a list of either."""
