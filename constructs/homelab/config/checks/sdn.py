"""SDN: zones and vnets that belong together, with tags and subnets that Proxmox takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address

from homelab.config.checks.subject import Findings, Subject, listed, nearest
from homelab.config.names import range_bounds
from homelab.config.problems import Path, Problem, Severity
from homelab.config.sdn import EvpnZone, QinqZone, Sdn, SimpleZone, Subnet, VlanZone, Vnet, Zone
from homelab.config.sdn_reach import vnet_of

_LAST_VLAN = 4094


def check(subject: Subject) -> Iterator[Problem]:
    """Everything about the SDN that one environment shows."""
    sdn = subject.environment.sdn
    if sdn is None:
        return
    for name, zone in sdn.zones.items():
        yield from _nodes(subject, name, zone)
        if isinstance(zone, VlanZone | QinqZone):
            yield from _bridge(subject, name, zone)
        if isinstance(zone, EvpnZone):
            yield from _evpn(subject, sdn, name, zone)
    for name, vnet in sdn.vnets.items():
        yield from _vnet(subject, sdn, name, vnet)
    yield from _tags(sdn)
    yield from _networks(subject)


def _no_such_node(subject: Subject, path: Path, node: str) -> Iterator[Problem]:
    nodes = subject.environment.proxmox.nodes
    if node not in nodes:
        fix = nearest(node, nodes, "add it to proxmox.nodes, or remove it here")
        refers_to: Path = ("proxmox", "nodes", node)
        yield Problem(path, f"there is no node {node}", node, listed(nodes), fix, refers_to=refers_to)


def _nodes(subject: Subject, name: str, zone: Zone) -> Iterator[Problem]:
    for index, node in enumerate(zone.nodes):
        yield from _no_such_node(subject, ("sdn", "zones", name, "nodes", index), node)


def _bridge(subject: Subject, name: str, zone: VlanZone | QinqZone) -> Iterator[Problem]:
    nodes = subject.environment.proxmox.nodes
    path: Path = ("sdn", "zones", name, "bridge")
    for node in zone.nodes or tuple(nodes):
        known = nodes.get(node)
        if known is None:
            continue
        bridge = known.bridges.get(zone.bridge)
        refers_to: Path = ("proxmox", "nodes", node, "bridges", zone.bridge)
        if bridge is None:
            fix = nearest(
                zone.bridge, known.bridges, f"add it to the bridges of {node}, or leave {node} out of the zone"
            )
            message = f"node {node} has no bridge {zone.bridge}, which carries the zone"
            yield Problem(path, message, zone.bridge, listed(known.bridges), fix, refers_to=refers_to)
        elif not bridge.vlan_aware:
            message = f"the bridge {zone.bridge} of {node} takes no VLANs"
            yield Problem(path, message, zone.bridge, "a VLAN-aware bridge", "make it one", refers_to=refers_to)


def _evpn(subject: Subject, sdn: Sdn, name: str, zone: EvpnZone) -> Iterator[Problem]:
    path: Path = ("sdn", "zones", name)
    if zone.controller not in sdn.controllers:
        fix = nearest(
            zone.controller, sdn.controllers, f"add it to sdn.controllers: {zone.controller}: {{asn: 65000, ...}}"
        )
        refers_to: Path = ("sdn", "controllers", zone.controller)
        yield Problem(
            (*path, "controller"),
            f"there is no controller {zone.controller}",
            zone.controller,
            listed(sdn.controllers),
            fix,
            refers_to=refers_to,
        )
    for index, node in enumerate(zone.exit_nodes):
        yield from _no_such_node(subject, (*path, "exit_nodes", index), node)
        if zone.nodes and node not in zone.nodes:
            message = f"the exit node {node} is not in the zone"
            yield Problem((*path, "exit_nodes", index), message, node, listed(zone.nodes), "add it to nodes")
    if zone.primary_exit_node is not None and zone.primary_exit_node not in zone.exit_nodes:
        message = "the primary exit node is none of the exit nodes"
        allowed = listed(zone.exit_nodes, "the zone has no exit node")
        yield Problem((*path, "primary_exit_node"), message, zone.primary_exit_node, allowed, "add it to exit_nodes")


def _vnet(subject: Subject, sdn: Sdn, name: str, vnet: Vnet) -> Iterator[Problem]:
    path: Path = ("sdn", "vnets", name)
    zone = sdn.zones.get(vnet.zone)
    for node, known in subject.environment.proxmox.nodes.items():
        if name in known.bridges:
            message = f"node {node} has a bridge of this name"
            fix = f"choose another name, or remove {name} from the bridges of {node}"
            yield Problem(
                path, message, name, "a name of its own", fix, refers_to=("proxmox", "nodes", node, "bridges")
            )
    if zone is None:
        fix = nearest(vnet.zone, sdn.zones, f"add it to sdn.zones: {vnet.zone}: {{type: simple}}")
        refers_to: Path = ("sdn", "zones", vnet.zone)
        yield Problem(
            (*path, "zone"), f"there is no zone {vnet.zone}", vnet.zone, listed(sdn.zones), fix, refers_to=refers_to
        )
        return
    yield from _tag(path, zone, vnet)
    known_ids: list[str] = []
    for cidr, subnet in vnet.subnets.items():
        yield from _subnet((*path, "subnets", str(cidr)), zone, subnet, cidr)
        for other in known_ids:
            if cidr.overlaps(type(cidr)(other)):
                message = f"the subnet overlaps with {other}"
                yield Problem(
                    (*path, "subnets", str(cidr)), message, str(cidr), "subnets apart", "correct one of the two"
                )
        known_ids.append(str(cidr))


def _tag(path: Path, zone: Zone, vnet: Vnet) -> Iterator[Problem]:
    refers_to: Path = ("sdn", "zones", vnet.zone)
    if isinstance(zone, SimpleZone):
        if vnet.tag is not None:
            yield Problem(
                (*path, "tag"), "a simple zone has no tags", vnet.tag, "no tag", "remove tag", refers_to=refers_to
            )
        return
    vlan = isinstance(zone, VlanZone | QinqZone)
    allowed = f"1 to {_LAST_VLAN}" if vlan else "1 to 16777215"
    if vnet.tag is None:
        message = f"a vnet of a {zone.type} zone needs a tag"
        yield Problem((*path, "tag"), message, allowed=allowed, fix="add tag: 100", refers_to=refers_to)
    elif vlan and vnet.tag > _LAST_VLAN:
        yield Problem(
            (*path, "tag"), "this is not a VLAN", vnet.tag, allowed, "choose a lower tag", refers_to=refers_to
        )


def _subnet(path: Path, zone: Zone, subnet: Subnet, cidr: object) -> Iterator[Problem]:
    def outside(address: IPv4Address) -> bool:
        return address not in cidr  # type: ignore[operator]

    if subnet.gateway is not None and outside(subnet.gateway):
        message = f"the gateway is not in {cidr}"
        yield Problem((*path, "gateway"), message, str(subnet.gateway), f"an address of {cidr}", "correct the gateway")
    if subnet.dhcp_range is None:
        return
    low, high = range_bounds(subnet.dhcp_range)
    if outside(low) or outside(high):
        message = f"the DHCP range leaves {cidr}"
        yield Problem((*path, "dhcp_range"), message, subnet.dhcp_range, f"addresses of {cidr}", "correct the range")
    elif subnet.gateway is not None and low <= subnet.gateway <= high:
        fix = "begin the range after the gateway"
        yield Problem((*path, "dhcp_range"), "the DHCP range has the gateway in it", subnet.dhcp_range, fix=fix)
    if not isinstance(zone, SimpleZone) or zone.dhcp is None:
        message = "the zone has no DHCP server, so nobody hands these addresses out"
        allowed = "a simple zone with dhcp: dnsmasq"
        yield Problem((*path, "dhcp_range"), message, subnet.dhcp_range, allowed, "add dhcp: dnsmasq to the zone")


def _tags(sdn: Sdn) -> Iterator[Problem]:
    owners: dict[tuple[str, int], str] = {
        (name, zone.vrf_vxlan): f"zones.{name}.vrf_vxlan"
        for name, zone in sdn.zones.items()
        if isinstance(zone, EvpnZone)
    }
    for name, vnet in sdn.vnets.items():
        if vnet.tag is None:
            continue
        owner = owners.setdefault((vnet.zone, vnet.tag), f"vnets.{name}")
        if owner != f"vnets.{name}":
            message = f"sdn.{owner} has the tag {vnet.tag} in zone {vnet.zone} already"
            yield Problem(("sdn", "vnets", name, "tag"), message, vnet.tag, "a tag of its own", "choose another tag")


def _networks(subject: Subject) -> Iterator[Problem]:
    """A network on a vnet is one of its subnets, where it has any."""
    for name, network in subject.environment.networks.items():
        vnet = vnet_of(subject.environment, network.bridge)
        if vnet is None or not vnet.subnets or network.vlan is not None:
            continue
        refers_to: Path = ("sdn", "vnets", network.bridge)
        subnet = vnet.subnets.get(network.cidr)
        if subnet is None:
            message = f"the vnet {network.bridge} has no subnet {network.cidr}"
            known = listed(str(cidr) for cidr in vnet.subnets)
            fix = f"write one of them, or add it to sdn.vnets.{network.bridge}.subnets"
            path: Path = ("networks", name, "cidr")
            yield Problem(path, message, str(network.cidr), known, fix, severity=Severity.WARNING, refers_to=refers_to)
        elif subnet.gateway != network.gateway and subnet.gateway is not None and network.gateway is not None:
            message = f"the vnet {network.bridge} has the gateway {subnet.gateway}"
            path = ("networks", name, "gateway")
            allowed = str(subnet.gateway)
            fix = f"write gateway: {subnet.gateway}"
            value = str(network.gateway)
            yield Problem(path, message, value, allowed, fix, severity=Severity.WARNING, refers_to=refers_to)


def check_cluster(subjects: Sequence[Subject]) -> Findings:
    """One environment of a cluster defines a zone, vnet or controller."""
    owners: dict[Path, Subject] = {}
    for subject in subjects:
        sdn = subject.environment.sdn
        if sdn is None:
            continue
        paths: list[Path] = [("sdn", "zones", name) for name in sdn.zones]
        paths += [("sdn", "vnets", name) for name in sdn.vnets]
        paths += [("sdn", "controllers", name) for name in sdn.controllers]
        for path in paths:
            owner = owners.setdefault(path, subject)
            if owner is not subject:
                message = f"environment {owner.environment.name} defines {path[2]} already"
                fix = "remove it here; guests use a vnet that nodes list among their bridges"
                yield subject, Problem(path, message, path[2], "one environment of a cluster", fix)
