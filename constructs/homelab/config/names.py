"""The names, numbers and addresses that Proxmox accepts, each as a type that refuses the rest."""

import ipaddress
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from homelab.config.problems import Refused
from homelab.config.text import Matching

_MAC = re.compile(r"([0-9A-F]{2}:){5}[0-9A-F]{2}")


Hostname = Annotated[
    str,
    Matching(
        r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
        "a host name",
        "1 to 63 of a-z, 0-9 and -, neither first nor last a - (RFC 1123)",
        longest=63,
    ),
]
"""A host name without domain; also the key of a guest and so its identity."""

Domain = Annotated[
    str,
    Matching(
        r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
        "a DNS domain",
        "labels of a-z, 0-9 and -, separated by dots",
        longest=253,
    ),
]
"""A DNS search domain."""

Key = Annotated[
    str,
    Matching(
        r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
        "a key",
        "a letter, then a-z, 0-9 and -, not - last, 1 to 63 in all",
        longest=63,
    ),
]
"""The key of an entry.

It becomes the name of a Terraform resource, so it begins with a letter and a changed key is a move.
"""

NodeName = Annotated[
    str,
    Matching(
        r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?",
        "a node name",
        "the node's host name: letters, digits and -",
        longest=63,
    ),
]
"""The name of a Proxmox node, as the cluster lists it."""

Tag = Annotated[
    str,
    Matching(
        r"[a-z0-9_][a-z0-9_\-+.]*",
        "a tag",
        "a-z, 0-9 and _ first, then also - + . (Proxmox shows capitals but stores none)",
        longest=64,
    ),
]
"""A guest's tag.

The provider lets other characters pass and Proxmox then refuses them or never stops showing a difference.
"""

DatastoreName = Annotated[
    str,
    Matching(
        r"[a-zA-Z][a-zA-Z0-9_.-]*[a-zA-Z0-9]",
        "a datastore id",
        "a letter, then letters, digits, _ . -, no _ . - last",
        longest=100,
    ),
]
"""The id of a datastore (Proxmox calls it storage)."""

BridgeName = Annotated[
    str,
    Matching(
        r"[a-zA-Z][a-zA-Z0-9_]{1,14}",
        "a bridge",
        "a letter, then letters, digits and _, 2 to 15 in all, such as vmbr0",
        longest=15,
    ),
]
"""A Linux bridge or SDN vnet of a node."""

PoolName = Annotated[
    str,
    Matching(
        r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+){0,2}",
        "a pool id",
        "letters, digits, . _ -, at most three levels with /",
        longest=1024,
    ),
]
"""The id of a resource pool."""

FirewallName = Annotated[
    str,
    Matching(
        r"[A-Za-z][A-Za-z0-9_-]+",
        "a firewall name",
        "a letter, then letters, digits, - and _, 2 to 18 in all",
        longest=18,
    ),
]
"""The name of an alias, an IP set or a security group of the firewall."""

VmId = Annotated[int, Field(ge=100, le=999_999_999, strict=True, examples=[9100])]
"""The number of a VM, container or template: 100 to 999999999, unique in a cluster.

The provider accepts more than Proxmox does.
"""

Vlan = Annotated[int, Field(ge=1, le=4094, strict=True)]
"""A VLAN tag."""

Port = Annotated[int, Field(ge=1, le=65535, strict=True)]
"""A TCP or UDP port."""

PORT_PATTERN = r"([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
"""A port inside a text: 1 to 65535."""

IPV4_PATTERN = r"((25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})(\.(25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})){3})"
"""An IPv4 address inside a text."""


def _mac(value: Any) -> str:
    # YAML 1.1 reads an unquoted 02:11:22:33:44:55 of digits below 60 as a base-60 number.
    if isinstance(value, int):
        raise Refused("YAML reads this MAC address as a number", allowed="a quoted address", fix="put it in quotes")
    text = str(value).upper().replace("-", ":")
    if not _MAC.fullmatch(text):
        raise Refused(
            "this is not a MAC address", allowed="six pairs of hexadecimal digits", fix='write "BC:24:11:00:00:01"'
        )
    if int(text[:2], 16) & 1:
        raise Refused(
            "this is a multicast MAC address", allowed="an even first pair", fix='start it with "BC:24:11" or "02"'
        )
    return text


def _mac_schema(description: str) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "string", "pattern": "^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$", "description": description}
    )


MacAddress = Annotated[str, BeforeValidator(_mac), _mac_schema("MAC address of a network interface, in quotes")]
"""A unicast MAC address, held in capitals as Proxmox writes it."""


def _ipv4_network(value: Any) -> ipaddress.IPv4Network:
    if isinstance(value, ipaddress.IPv4Network):
        return value
    try:
        interface = ipaddress.IPv4Interface(str(value))
    except ValueError:
        raise Refused(
            "this is not a subnet", allowed="an IPv4 subnet with prefix length", fix="write 192.168.3.0/24"
        ) from None
    if "/" not in str(value):
        raise Refused(
            "the prefix length is missing", allowed="an IPv4 subnet with prefix length", fix=f"write {value}/24"
        )
    if interface.ip != interface.network.network_address:
        raise Refused(
            "this is an address inside a subnet, not a subnet",
            allowed="the subnet's first address",
            fix=f"write {interface.network}",
        )
    return interface.network


def parse_ipv4_address(value: Any) -> ipaddress.IPv4Address:
    """The IPv4 address that ``value`` writes out.

    Raises:
        Refused: it is none, or has a prefix length.
    """
    if isinstance(value, ipaddress.IPv4Address):
        return value
    text = str(value)
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        fix = (
            f"write {text.partition('/')[0]}; the prefix length comes from the network"
            if "/" in text
            else "write 192.168.3.10"
        )
        raise Refused(
            f"{text or 'this'} is not an IPv4 address", allowed="four numbers from 0 to 255", fix=fix
        ) from None


Ipv4Network = Annotated[
    ipaddress.IPv4Network,
    BeforeValidator(_ipv4_network),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["192.168.3.0/24"]}),
]
"""An IPv4 subnet with its prefix length."""

Ipv4Address = Annotated[
    ipaddress.IPv4Address,
    BeforeValidator(parse_ipv4_address),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["192.168.3.10"]}),
]
"""An IPv4 address without prefix length."""


def parse_ipv4_range(value: str) -> str:
    """``value``, when it is a range ``first-last``.

    Raises:
        Refused: it is none, or ends before it begins.
    """
    if value.count("-") != 1:
        raise Refused("this is not a range of addresses", allowed="first-last", fix="write 192.168.3.100-192.168.3.199")
    first, last = range_bounds(value)
    if first > last:
        raise Refused("the range ends before it begins", allowed="first-last", fix=f"write {last}-{first}")
    return value


def range_bounds(value: str) -> tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]:
    """The first and the last address of a range written ``first-last``.

    Raises:
        Refused: one of the two is not an IPv4 address.
    """
    first, _, last = value.partition("-")
    return parse_ipv4_address(first.strip()), parse_ipv4_address(last.strip())


Ipv4Range = Annotated[
    str,
    AfterValidator(parse_ipv4_range),
    WithJsonSchema({"type": "string", "pattern": "^[0-9.]+-[0-9.]+$", "examples": ["192.168.3.100-192.168.3.199"]}),
]
"""An inclusive range of IPv4 addresses, ``first-last``."""
