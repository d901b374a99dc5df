"""The names, numbers and addresses that Proxmox accepts, each as a type that refuses the rest."""

import ipaddress
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from homelab.config.problems import Refused

_HOSTNAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_KEY = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_NODE = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
_TAG = re.compile(r"[a-z0-9_][a-z0-9_\-+.]*")
_DATASTORE = re.compile(r"[a-zA-Z][a-zA-Z0-9_.-]*[a-zA-Z0-9]")
_BRIDGE = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{1,14}")
_POOL = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+){0,2}")
_FIREWALL = re.compile(r"[A-Za-z][A-Za-z0-9_-]+")
_MAC = re.compile(r"([0-9A-F]{2}:){5}[0-9A-F]{2}")


def _matching(pattern: re.Pattern[str], what: str, allowed: str, longest: int) -> AfterValidator:
    def check(value: str) -> str:
        if len(value) > longest or not pattern.fullmatch(value):
            raise Refused(f"this is not {what}", allowed=allowed, fix=_suggestion(value, pattern, longest))
        return value

    return AfterValidator(check)


def _suggestion(value: str, pattern: re.Pattern[str], longest: int) -> str:
    candidate = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")[:longest].strip("-")
    return f"write {candidate}" if candidate != value and pattern.fullmatch(candidate) else "choose another name"


Hostname = Annotated[
    str, _matching(_HOSTNAME, "a host name", "1 to 63 of a-z, 0-9 and -, neither first nor last a - (RFC 1123)", 63)
]
"""A host name without domain; also the key of a guest and so its identity."""

Domain = Annotated[str, _matching(_DOMAIN, "a DNS domain", "labels of a-z, 0-9 and -, separated by dots", 253)]
"""A DNS search domain."""

Key = Annotated[str, _matching(_KEY, "a key", "a letter, then a-z, 0-9 and -, not - last, 1 to 63 in all", 63)]
"""The key of an entry. It becomes the name of a Terraform resource, so it begins with a letter and a changed key is a move."""

NodeName = Annotated[str, _matching(_NODE, "a node name", "the node's host name: letters, digits and -", 63)]
"""The name of a Proxmox node, as the cluster lists it."""

Tag = Annotated[
    str, _matching(_TAG, "a tag", "a-z, 0-9 and _ first, then also - + . (Proxmox shows capitals but stores none)", 64)
]
"""A guest's tag. The provider lets other characters pass and Proxmox then refuses them or never stops showing a difference."""

DatastoreName = Annotated[
    str, _matching(_DATASTORE, "a datastore id", "a letter, then letters, digits, _ . -, no _ . - last", 100)
]
"""The id of a datastore (Proxmox calls it storage)."""

BridgeName = Annotated[
    str, _matching(_BRIDGE, "a bridge", "a letter, then letters, digits and _, 2 to 15 in all, such as vmbr0", 15)
]
"""A Linux bridge or SDN vnet of a node."""

PoolName = Annotated[str, _matching(_POOL, "a pool id", "letters, digits, . _ -, at most three levels with /", 1024)]
"""The id of a resource pool."""

FirewallName = Annotated[
    str, _matching(_FIREWALL, "a firewall name", "a letter, then letters, digits, - and _, 2 to 18 in all", 18)
]
"""The name of an alias, an IP set or a security group of the firewall."""

VmId = Annotated[int, Field(ge=100, le=999_999_999, strict=True)]
"""The number of a VM, container or template: 100 to 999999999, unique in a cluster (the provider accepts more than Proxmox does)."""

Vlan = Annotated[int, Field(ge=1, le=4094, strict=True)]
"""A VLAN tag."""

Port = Annotated[int, Field(ge=1, le=65535, strict=True)]
"""A TCP or UDP port."""


def _mac(value: Any) -> str:
    # YAML 1.1 reads an unquoted 02:11:22:33:44:55 of digits below 60 as a base-60 number.
    if isinstance(value, int):
        raise Refused("YAML reads this MAC address as a number", allowed="a quoted address", fix="put it in quotes")
    text = str(value).upper().replace("-", ":")
    if not _MAC.fullmatch(text):
        raise Refused("this is not a MAC address", allowed="six pairs of hexadecimal digits", fix='write "BC:24:11:00:00:01"')
    if int(text[:2], 16) & 1:
        raise Refused("this is a multicast MAC address", allowed="an even first pair", fix='start it with "BC:24:11" or "02"')
    return text


def _mac_schema(description: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": "^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$", "description": description})


MacAddress = Annotated[str, BeforeValidator(_mac), _mac_schema("MAC address of a network interface, in quotes")]
"""A unicast MAC address, held in capitals as Proxmox writes it."""


def _ipv4_network(value: Any) -> ipaddress.IPv4Network:
    if isinstance(value, ipaddress.IPv4Network):
        return value
    try:
        interface = ipaddress.IPv4Interface(str(value))
    except ValueError:
        raise Refused("this is not a subnet", allowed="an IPv4 subnet with prefix length", fix="write 192.168.3.0/24") from None
    if "/" not in str(value):
        raise Refused("the prefix length is missing", allowed="an IPv4 subnet with prefix length", fix=f"write {value}/24")
    if interface.ip != interface.network.network_address:
        raise Refused(
            "this is an address inside a subnet, not a subnet", allowed="the subnet's first address", fix=f"write {interface.network}"
        )
    return interface.network


def _ipv4_address(value: Any) -> ipaddress.IPv4Address:
    if isinstance(value, ipaddress.IPv4Address):
        return value
    text = str(value)
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        fix = f"write {text.split('/')[0]}; the prefix length comes from the network" if "/" in text else "write 192.168.3.10"
        raise Refused("this is not an IPv4 address", allowed="four numbers of 0 to 255", fix=fix) from None


Ipv4Network = Annotated[
    ipaddress.IPv4Network,
    BeforeValidator(_ipv4_network),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["192.168.3.0/24"]}),
]
"""An IPv4 subnet with its prefix length."""

Ipv4Address = Annotated[
    ipaddress.IPv4Address,
    BeforeValidator(_ipv4_address),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["192.168.3.10"]}),
]
"""An IPv4 address without prefix length."""

Ipv4Range = Annotated[
    str,
    Field(pattern=r"^[0-9.]+-[0-9.]+$", examples=["192.168.3.100-192.168.3.199"]),
    AfterValidator(lambda value: _range_in_order(value)),
]
"""An inclusive range of IPv4 addresses, ``first-last``."""


def _range_in_order(value: str) -> str:
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
    return _ipv4_address(first), _ipv4_address(last)
