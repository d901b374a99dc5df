"""The Proxmox firewall: of the cluster, and of each guest."""

import re
from ipaddress import ip_network
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from homelab.config.model import Model
from homelab.config.names import FirewallName
from homelab.config.problems import Refused
from homelab.config.text import Matching

Policy = Literal["ACCEPT", "DROP", "REJECT"]
LogLevel = Literal["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "nolog"]
Protocol = Literal["tcp", "udp", "icmp", "icmpv6", "igmp", "esp", "ah", "sctp", "gre", "vrrp"]

MacroName = Annotated[str, Matching(r"[A-Za-z0-9]+", "a macro", "letters and digits", "SSH")]
InterfaceName = Annotated[str, Matching(r"net[0-9]{1,2}", "an interface", "net0, net1, ...", "net0")]
AdoptedParts = tuple[Literal["options", "rules"], ...]
"""What of a firewall was there before its environment file and is imported."""

LogRate = Annotated[
    str,
    Matching(r"[1-9][0-9]*/(second|minute|hour|day)", "a rate", "a number per second, minute, hour or day", "1/second"),
]


def _port_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _ports_in_range(value: str) -> str:
    if not re.fullmatch(r"[0-9]{1,5}([:,][0-9]{1,5})*", value):
        raise Refused("these are no ports", allowed=_PORTS_ALLOWED, fix='write 22, "80,443" or "1514:1518"')
    for part in value.split(","):
        bounds = [int(bound) for bound in part.split(":")]
        if len(bounds) > 2 or not all(1 <= bound <= 65535 for bound in bounds):
            raise Refused(f"{part} is no port and no range", allowed=_PORTS_ALLOWED, fix="choose ports from 1 to 65535")
        if bounds != sorted(bounds):
            raise Refused(
                f"the range {part} ends before it begins", allowed=_PORTS_ALLOWED, fix=f"write {bounds[1]}:{bounds[0]}"
            )
    return value


def _cidr(value: str) -> str:
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        raise Refused(
            "this is not an address or subnet",
            allowed="an address, or a subnet with prefix length",
            fix="write 10.0.0.0/8",
        ) from None
    if "/" in value and str(network.network_address) != value.partition("/")[0]:
        raise Refused(
            "this is an address inside a subnet, not a subnet",
            allowed="the subnet's first address",
            fix=f"write {network}",
        )
    return value


Cidr = Annotated[str, AfterValidator(_cidr), WithJsonSchema({"type": "string", "examples": ["10.0.0.0/8"]})]
"""An IPv4 or IPv6 address or subnet."""

_PORTS_ALLOWED = "ports from 1 to 65535, ranges as first:last, several with commas"
_PORT_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "pattern": "^[0-9]{1,5}([:,][0-9]{1,5})*$", "examples": ["22", "1514:1518", "80,443"]},
            {"type": "integer", "minimum": 1, "maximum": 65535},
        ]
    }
)

Ports = Annotated[
    str,
    BeforeValidator(_port_as_text),
    AfterValidator(_ports_in_range),
    _PORT_SCHEMA,
]
"""A port, a range ``first:last``, or several separated by commas."""

Peer = Annotated[
    str,
    Matching(
        r"[A-Za-z0-9+._:/\-]+(,[A-Za-z0-9+._:/\-]+)*",
        "a peer",
        "a network, an address, a subnet, a range, an alias or +ipset; several with commas",
        "10.0.0.0/8",
    ),
]
"""A network's name, an address, a subnet, an alias, or an IP set as ``+name``; several with commas."""


class Rule(Model):
    """One firewall rule in full (provider: block ``rule``; API: ``/nodes/{node}/{qemu,lxc}/{vmid}/firewall/rules``)."""

    direction: Literal["in", "out"] = Field("in", description="Traffic to the guest (in) or from it (out).")
    action: Policy = Field("ACCEPT", description="What happens to it.")
    group: FirewallName | None = Field(None, description="A security group in place of everything else.")
    macro: MacroName | None = Field(None, description="One of Proxmox's macros, such as SSH or DNS.")
    protocol: Protocol | None = Field(None, description="The protocol; needed where a port is named.")
    port: Ports | None = Field(None, description="Destination ports.")
    source_port: Ports | None = Field(None, description="Source ports.")
    source: Peer | None = Field(None, description="Where it comes from; anywhere when left out.")
    destination: Peer | None = Field(None, description="Where it goes to; anywhere when left out.")
    interface: InterfaceName | None = Field(None, description="Only on this interface of the guest.")
    log: LogLevel | None = Field(
        "nolog", description="Whether and how it is logged; null leaves it unsaid, which Proxmox takes for nolog."
    )
    comment: str | None = Field(None, max_length=200, description="Why the rule exists.")
    enabled: bool = Field(True, description="false keeps the rule without effect.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.port or self.source_port) and self.protocol not in ("tcp", "udp", "sctp"):
            raise Refused("ports need a protocol that has ports", allowed="tcp, udp or sctp", fix="add protocol: tcp")
        if self.macro and (self.protocol or self.port or self.source_port):
            raise Refused("a macro brings its own protocol and ports", fix="remove either macro or protocol and port")
        named = self.model_fields_set - {"group", "comment", "enabled", "interface", "direction"}
        if self.group and named:
            raise Refused(
                f"a rule with a group has no {', '.join(sorted(named))}",
                fix="keep only group, interface, comment and enabled",
            )
        return self


class Allow(Model):
    """The short form of the commonest rule: let something in."""

    port: Ports | None = Field(None, description="Destination ports; none for icmp.")
    protocol: Protocol = Field("tcp", description="The protocol.")
    from_: Peer | None = Field(None, alias="from", description="Where it may come from; anywhere when left out.")
    comment: str | None = Field(None, max_length=200, description="Why.")

    @model_validator(mode="after")
    def _port_where_one_belongs(self) -> Self:
        if self.protocol in ("tcp", "udp", "sctp") and self.port is None:
            raise Refused(
                f"{self.protocol} needs a port",
                allowed="a port, a range first:last, or several with commas",
                fix="add port: 22",
            )
        if self.protocol not in ("tcp", "udp", "sctp") and self.port is not None:
            raise Refused(f"{self.protocol} has no ports", fix="remove port")
        return self

    def rule(self) -> Rule:
        """The rule that this is short for."""
        return Rule(protocol=self.protocol, port=self.port, source=self.from_, comment=self.comment)


class GuestFirewall(Model):
    """The firewall of one guest: drops what comes in and is not allowed, lets out what the guest sends.

    It works only where the cluster's firewall is enabled too. DHCP, router advertisement and neighbour discovery stay
    possible, as a guest without them loses its address.
    """

    enabled: bool = Field(True, description="Filter this guest's interfaces.")
    input_policy: Policy = Field("DROP", description="What happens to incoming traffic that no rule names.")
    output_policy: Policy = Field("ACCEPT", description="What happens to outgoing traffic that no rule names.")
    allow: tuple[Allow, ...] = Field((), description="What may come in, in short form; these rules come first.")
    groups: tuple[FirewallName, ...] = Field((), description="Security groups that apply, after `allow`.")
    rules: tuple[Rule, ...] = Field((), description="Rules in full, after `groups`; the order counts.")
    dhcp: bool = Field(True, description="Let DHCP pass.")
    ndp: bool = Field(True, description="Let IPv6 neighbour discovery pass.")
    router_advertisement: bool = Field(False, description="Let the guest send router advertisements.")
    mac_filter: bool = Field(True, description="Drop frames with another MAC address than the interface's.")
    ip_filter: bool = Field(
        False,
        description="Drop packets with another source address than the interface's, which has to be a static one.",
    )
    log_in: LogLevel = Field("nolog", description="Log level of incoming traffic that is dropped.")
    log_out: LogLevel = Field("nolog", description="Log level of outgoing traffic that is dropped.")
    adopted: AdoptedParts = Field(
        (), description="What of it was there before; options and rules of a guest that was adopted with them."
    )


class Alias(Model):
    """A name for an address or subnet."""

    cidr: Cidr = Field(description="The address or subnet.")
    comment: str | None = Field(None, max_length=200, description="What it is.")
    create: bool = Field(
        True, description="false: it exists already and stays as it is; the provider can't import an alias."
    )


class IpSet(Model):
    """A named set of addresses, subnets and aliases. The set `management` may always reach the nodes."""

    addresses: tuple[Peer, ...] = Field(
        min_length=1, description="Its members; a network's name stands for its subnet."
    )
    comment: str | None = Field(None, max_length=200, description="What it is for.")
    create: bool = Field(True, description="false: it exists already and stays as it is.")
    adopted: Literal[True] | None = Field(None, description="It was there before, with these members.")


class SecurityGroup(Model):
    """Rules under a name, to be used by several guests."""

    rules: tuple[Rule, ...] = Field(min_length=1, description="Its rules in order.")
    comment: str | None = Field(None, max_length=200, description="What it is for.")
    create: bool = Field(True, description="false: it exists already and stays as it is.")
    adopted: Literal[True] | None = Field(None, description="It was there before, with these rules.")


class ClusterFirewall(Model):
    """The firewall of the whole cluster. One environment of a cluster owns it; guests of all of them use its names."""

    enabled: bool = Field(False, description="Switch the firewall on; without it no guest is filtered.")
    input_policy: Policy = Field("DROP", description="What happens to traffic to the nodes that no rule names.")
    output_policy: Policy = Field("ACCEPT", description="What happens to traffic from the nodes that no rule names.")
    log_burst: int = Field(5, ge=0, strict=True, description="Log lines in one burst.")
    log_rate: LogRate = Field("1/second", description="Log lines after the burst.")
    aliases: dict[FirewallName, Alias] = Field({}, description="Names for addresses.")
    ipsets: dict[FirewallName, IpSet] = Field({}, description="Named sets of addresses.")
    groups: dict[FirewallName, SecurityGroup] = Field({}, description="Security groups for guests.")
    rules: tuple[Rule, ...] = Field((), description="Rules for traffic to and from the nodes; the order counts.")
    adopted: AdoptedParts = Field((), description="What of it was there before: options, rules, or both.")
