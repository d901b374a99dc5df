"""Networks: gateways and ranges inside their subnet, and bridges and VLANs that the nodes have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address
from itertools import combinations

from homelab.config.checks.addresses import bounds, usable
from homelab.config.checks.subject import Findings, Subject, listed, nearest, written
from homelab.config.expansion import ExpandedInterface
from homelab.config.network import Network
from homelab.config.problems import Path, Problem, Severity
from homelab.config.proxmox import Node
from homelab.config.sdn_reach import vnet_of, vnet_reaches


def check(subject: Subject) -> Iterator[Problem]:
    """Everything about networks that one environment shows."""
    networks = subject.environment.networks
    for name, network in networks.items():
        yield from _inside_the_subnet(name, network)
    for (name, network), (other, another) in combinations(networks.items(), 2):
        yield from _overlap(name, network, other, another)
    yield from _undeclared(subject)
    yield from _bridges(subject)


def _inside_the_subnet(name: str, network: Network) -> Iterator[Problem]:
    first, last = usable(network)
    allowed = f"{first} to {last}"
    gateway = network.gateway
    if gateway is not None and not first <= gateway <= last:
        where = "is not in" if gateway not in network.cidr else "is the network or broadcast address of"
        yield Problem(
            ("networks", name, "gateway"),
            f"the gateway {where} {network.cidr}",
            value=str(gateway),
            allowed=allowed,
            fix=f"write the router's address in this network, such as {first}",
        )
    if network.dhcp is not None:
        low, high = bounds(network.dhcp.range)
        path: Path = ("networks", name, "dhcp", "range")
        if not (first <= low and high <= last):
            yield Problem(
                path, f"the DHCP range leaves {network.cidr}", network.dhcp.range, allowed, "correct the range or cidr"
            )
        elif gateway is not None and low <= gateway <= high:
            fix = "begin the range after the gateway"
            yield Problem(path, f"the DHCP range has the gateway {gateway} in it", network.dhcp.range, allowed, fix)
    for index, entry in enumerate(network.reserved):
        low, high = bounds(entry)
        if low not in network.cidr or high not in network.cidr:
            message = f"the reserved address is not in {network.cidr}"
            yield Problem(("networks", name, "reserved", index), message, str(entry), allowed, "correct or remove it")


def _overlap(name: str, network: Network, other: str, another: Network) -> Iterator[Problem]:
    if not network.cidr.overlaps(another.cidr):
        return
    same_segment = (network.bridge, network.vlan) == (another.bridge, another.vlan)
    yield Problem(
        ("networks", other, "cidr"),
        f"the subnet {another.cidr} overlaps with {network.cidr} of networks.{name}"
        + (" on the same bridge and VLAN" if same_segment else ", so routers can't tell them apart"),
        value=str(another.cidr),
        allowed="subnets that don't overlap",
        fix="choose another subnet, or use one network for both",
        severity=Severity.ERROR if same_segment else Severity.WARNING,
        refers_to=("networks", name),
    )


def _undeclared(subject: Subject) -> Iterator[Problem]:
    networks = subject.environment.networks
    for guest in subject.first_guests:
        for interface in guest.interfaces:
            if interface.network is None:
                name = interface.network_name
                yield Problem(
                    (*interface.path, "name"),
                    f"there is no network {name}",
                    value=name,
                    allowed=listed(networks),
                    fix=nearest(name, networks, f"add it to networks: {name}: {{bridge: ..., cidr: ...}}"),
                    refers_to=("networks", name),
                )


def _bridges(subject: Subject) -> Iterator[Problem]:
    """Bridges and VLANs on the nodes where guests use them; of networks that nobody uses, on any node."""
    nodes = subject.environment.proxmox.nodes
    reported: set[tuple[str, str, int | None]] = set()
    used: set[str] = set()
    for guest in subject.first_guests:
        node = subject.node(guest.node)
        for interface in guest.interfaces:
            used.add(interface.network_name)
            key = (interface.network_name, guest.node or "", interface.vlan)
            if node is None or interface.network is None or key in reported:
                continue
            reported.add(key)
            bridges: Path = ("proxmox", "nodes", str(guest.node), "bridges")
            where = f"node {guest.node}, where {written(guest.path)} is,"
            if vnet_reaches(subject.environment, interface.network.bridge, str(guest.node)):
                yield from _tag_on_vnet(subject, interface)
            elif interface.network.bridge not in node.bridges:
                yield _no_bridge(interface, node, bridges, where)
            elif interface.vlan is not None:
                own = guest.definition.network[int(interface.path[-1])].vlan is not None
                path = (*interface.path, "vlan") if own else ("networks", interface.network_name, "vlan")
                yield from _no_vlan(path, interface.network.bridge, interface.vlan, node, (bridges, where))
    for name, network in subject.environment.networks.items():
        if vnet_of(subject.environment, network.bridge) is not None:
            continue
        if name not in used and not any(network.bridge in node.bridges for node in nodes.values()):
            everywhere = [bridge for node in nodes.values() for bridge in node.bridges]
            yield Problem(
                ("networks", name, "bridge"),
                f"no node has a bridge {network.bridge}",
                value=network.bridge,
                allowed=listed(dict.fromkeys(everywhere)),
                fix=nearest(network.bridge, everywhere, "add it to the bridges of a node"),
                refers_to=("proxmox", "nodes"),
            )


def _tag_on_vnet(subject: Subject, interface: ExpandedInterface) -> Iterator[Problem]:
    name = interface.network.bridge if interface.network else ""
    vnet = vnet_of(subject.environment, name)
    if interface.vlan is not None and vnet is not None and not vnet.vlan_aware:
        path: Path = ("networks", interface.network_name, "vlan")
        allowed = "no vlan, or a vnet with vlan_aware: true"
        fix = f"remove vlan, or add vlan_aware: true to sdn.vnets.{name}"
        refers_to: Path = ("sdn", "vnets", name)
        yield Problem(path, f"the vnet {name} takes no VLANs", interface.vlan, allowed, fix, refers_to=refers_to)


def _no_bridge(interface: ExpandedInterface, node: Node, bridges: Path, where: str) -> Problem:
    name = interface.network.bridge if interface.network else ""
    return Problem(
        ("networks", interface.network_name, "bridge"),
        f"{where} has no bridge {name}",
        value=name,
        allowed=listed(node.bridges),
        fix=nearest(name, node.bridges, f"add it to {written(bridges)}"),
        refers_to=(*bridges, name),
    )


def _no_vlan(path: Path, name: str, vlan: int, node: Node, place: tuple[Path, str]) -> Iterator[Problem]:
    bridges, where = place
    bridge = node.bridges[name]
    refers_to = (*bridges, name)
    if not bridge.vlan_aware:
        allowed = "no vlan, or a bridge with vlan_aware: true"
        message = f"the bridge {name} of {where} takes no VLANs"
        yield Problem(path, message, vlan, allowed, "remove vlan, or make the bridge VLAN aware", refers_to=refers_to)
    elif bridge.vlans is not None and vlan not in bridge.vlans:
        allowed = listed((str(known) for known in bridge.vlans), "none")
        message = f"VLAN {vlan} does not reach the bridge {name} of {where.rstrip(',')}"
        fix = f"choose one of them, or add it to {written(refers_to)}.vlans"
        yield Problem(path, message, vlan, allowed, fix, refers_to=refers_to)


def check_cluster(subjects: Sequence[Subject]) -> Findings:
    """Environments that share a bridge and VLAN agree about its subnet and gateway."""
    known: dict[tuple[str, int | None], list[tuple[Subject, str, Network]]] = {}
    for subject in subjects:
        for name, network in subject.environment.networks.items():
            others = known.setdefault((network.bridge, network.vlan), [])
            for owner, other, another in others:
                if owner is not subject and network.cidr.overlaps(another.cidr):
                    yield from ((subject, problem) for problem in _disagreement(name, network, owner, other, another))
            others.append((subject, name, network))


def _disagreement(name: str, network: Network, owner: Subject, other: str, another: Network) -> Iterator[Problem]:
    there = f"networks.{other} of environment {owner.environment.name}, on the same bridge and VLAN"
    differences: tuple[tuple[str, object, object], ...] = (
        ("cidr", network.cidr, another.cidr),
        ("gateway", network.gateway, another.gateway),
    )
    for key, here, elsewhere in differences:
        if here != elsewhere and here is not None and elsewhere is not None:
            yield Problem(
                ("networks", name, key),
                f"{there}, has the {key} {elsewhere}",
                value=str(here) if isinstance(here, IPv4Address) else f"{here}",
                allowed="the same in all environments of a cluster",
                fix="correct one of the two",
                severity=Severity.WARNING,
            )
            return
