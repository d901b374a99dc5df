"""Networks, worked out from the bridges, VLANs and addresses that guests use."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv4Network
from typing import Any

from operations.adoption.properties import flag, numbered, properties
from operations.adoption.reading import FoundCluster, FoundGuest

Place = tuple[str, int | None]
"""A bridge and a VLAN."""


@dataclass(frozen=True)
class FoundInterface:
    """An interface of a guest.

    Attributes:
        address: the static address with its prefix length; None with DHCP or where nothing is known.
        dhcp: it asks a DHCP server.
        settings: the other properties, as Proxmox has them.
    """

    number: int
    bridge: str
    vlan: int | None
    mac: str
    address: IPv4Interface | None
    gateway: str | None
    dhcp: bool
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """Where it is plugged in."""
        return (self.bridge, self.vlan)


def interfaces_of(guest: FoundGuest) -> list[FoundInterface]:
    """The interfaces of ``guest`` by number; a virtual machine's addresses are those of cloud-init."""
    found = []
    for number, text in numbered(guest.config, "net").items():
        settings = properties(text, "model")
        if guest.kind == "qemu":
            model = next((name for name in settings if re.fullmatch(r"([0-9A-Fa-f]{2}:){5}.*", settings[name])), "")
            mac = settings.pop(model, "")
            settings["model"] = model or settings.get("model", "")
            ip = properties(guest.config.get(f"ipconfig{number}", ""))
        else:
            mac, ip = settings.pop("hwaddr", ""), settings
        address = _interface(ip.get("ip", ""))
        vlan = int(settings["tag"]) if settings.get("tag", "").isdigit() else None
        gateway = ip.get("gw") if address is not None else None
        found.append(
            FoundInterface(
                number,
                settings.get("bridge", ""),
                vlan,
                mac.upper(),
                address,
                gateway,
                ip.get("ip") == "dhcp",
                settings,
            )
        )
    return found


def _interface(text: str) -> IPv4Interface | None:
    try:
        return IPv4Interface(text) if "/" in text else None
    except ValueError:
        return None


class Networks:
    """The networks of a cluster.

    Args:
        given: subnets that somebody named, by place.
    """

    def __init__(self, cluster: FoundCluster, given: Mapping[Place, IPv4Network]) -> None:
        self._by_place: dict[Place, list[tuple[IPv4Network, str]]] = {}
        self.entries: dict[str, dict[str, Any]] = {}
        self.unknown: set[Place] = set()
        addresses, gateways = _evidence(cluster)
        places = {interface.place for guest in cluster.guests for interface in interfaces_of(guest)}
        for place in sorted(places, key=lambda place: (place[0], place[1] or 0)):
            subnets = (
                [given[place]] if place in given else [net for net, _ in addresses.get(place, Counter()).most_common()]
            )
            for subnet in dict.fromkeys((*subnets, *(net for net in addresses.get(place, ()) if net not in subnets))):
                self._add(place, subnet, gateways.get((place, subnet), Counter()))
            if not subnets:
                self.unknown.add(place)

    def _add(self, place: Place, subnet: IPv4Network, gateways: Counter[str]) -> None:
        if subnet.prefixlen > 30:
            return
        bridge, vlan = place
        name = re.sub(r"[^a-z0-9]+", "-", bridge.lower()).strip("-") + (f"-vlan{vlan}" if vlan else "")
        number = len(self._by_place.get(place, ())) + 1
        name = f"{name}-{number}" if number > 1 else name
        entry: dict[str, Any] = {"bridge": bridge, "cidr": str(subnet)}
        if gateways:
            entry["gateway"] = gateways.most_common(1)[0][0]
        if vlan is not None:
            entry["vlan"] = vlan
        self.entries[name] = entry
        self._by_place.setdefault(place, []).append((subnet, name))

    def name_of(self, interface: FoundInterface) -> str | None:
        """The network that an interface is in; with DHCP the one that most guests there are in. None if none is."""
        known = self._by_place.get(interface.place, [])
        if interface.address is None:
            return known[0][1] if known else None
        return next((name for subnet, name in known if interface.address in subnet), None)

    def gateway_of(self, name: str) -> str | None:
        """The gateway of a network."""
        gateway: str | None = self.entries[name].get("gateway")
        return gateway

    def drop_unused(self, used: Iterable[str]) -> None:
        """Forgets the networks that no adopted guest is in."""
        wanted = set(used)
        self.entries = {name: entry for name, entry in self.entries.items() if name in wanted}


def _evidence(
    cluster: FoundCluster,
) -> tuple[dict[Place, Counter[IPv4Network]], dict[tuple[Place, IPv4Network], Counter[str]]]:
    subnets: dict[Place, Counter[IPv4Network]] = {}
    gateways: dict[tuple[Place, IPv4Network], Counter[str]] = {}

    def see(place: Place, address: IPv4Interface, gateway: str | None) -> None:
        subnets.setdefault(place, Counter())[address.network] += 1
        if gateway:
            gateways.setdefault((place, address.network), Counter())[gateway] += 1

    for node in cluster.nodes:
        for interface in node.interfaces:
            address = _interface(str(interface.get("cidr", "")))
            if address is not None and interface.get("type") in ("bridge", "OVSBridge"):
                see((str(interface["iface"]), None), address, interface.get("gateway"))
    for guest in cluster.guests:
        for found in interfaces_of(guest):
            if found.address is not None:
                see(found.place, found.address, found.gateway)
            for text in guest.observed.get(found.mac, ()):
                if (observed := _interface(text)) is not None and not observed.ip.is_link_local:
                    see(found.place, observed, None)
    return subnets, gateways


def bridges_of(cluster: FoundCluster) -> dict[str, dict[str, dict[str, Any]]]:
    """The bridges of each node as the environment file has them; those of SDN zones too, where guests use them."""
    result: dict[str, dict[str, dict[str, Any]]] = {}
    for node in cluster.nodes:
        bridges = {
            str(interface["iface"]): interface
            for interface in node.interfaces
            if interface.get("type") in ("bridge", "OVSBridge", "vnet")
        }
        tagged = {
            found.bridge
            for guest in cluster.guests
            if guest.node == node.name
            for found in interfaces_of(guest)
            if found.vlan is not None
        }
        used = {found.bridge for guest in cluster.guests if guest.node == node.name for found in interfaces_of(guest)}
        result[node.name] = {
            # Proxmox tags frames on a bridge that is not VLAN-aware too, by a bridge of its own for each VLAN.
            name: {}
            if name in tagged or flag(bridges.get(name, {}).get("bridge_vlan_aware", 0))
            else {"vlan_aware": False}
            for name in sorted({*bridges, *used} - {""})
        }
    return result
