"""The interfaces of a guest as an entry has them."""

from __future__ import annotations

from typing import Any

from operations.adoption.entries import Entry
from operations.adoption.networks import FoundInterface, Networks, interfaces_of
from operations.adoption.properties import flag

_MODELS = ("virtio", "e1000", "e1000e", "rtl8139", "vmxnet3")
_KNOWN = frozenset({"model", "bridge", "tag", "firewall", "rate", "ip", "gw", "name", "type"})


def set_interfaces(entry: Entry, networks: Networks, argument: str) -> None:
    """Fills in ``network``, or leaves the interfaces to the node where one of them can't be expressed.

    Args:
        argument: the provider's argument for interfaces.
    """
    found = interfaces_of(entry.guest)
    reasons = [
        reason for position, interface in enumerate(found) if (reason := _reason(entry, position, interface, networks))
    ]
    for reason in reasons:
        entry.ignore(argument, reason)
    if reasons:
        if argument == "network_interface":
            entry.ignore("initialization", "its addresses belong to interfaces that are left to the node")
        return
    values = [_value(entry, interface, networks) for interface in found]
    if values:
        entry.values["network"] = values[0] if len(values) == 1 else values


def _reason(entry: Entry, position: int, interface: FoundInterface, networks: Networks) -> str:
    net = f"net{interface.number}"
    if interface.number != position:
        return f"net{position} is missing before {net}"
    if not interface.bridge:
        return f"{net} is on no bridge"
    if unknown := sorted(set(interface.settings) - _KNOWN):
        return f"{net} has {', '.join(unknown)}"
    if entry.guest.kind == "qemu" and interface.settings.get("model") not in _MODELS:
        return f"{net} is of model {interface.settings.get('model')}"
    if entry.guest.kind == "lxc":
        if interface.settings.get("name") != f"eth{position}":
            return f"{net} is called {interface.settings.get('name')}"
        if interface.address is None and not interface.dhcp:
            return f"{net} has no IPv4 address from Proxmox"
    if networks.name_of(interface) is None:
        where = interface.bridge + (f".{interface.vlan}" if interface.vlan else "")
        return f"no subnet is known for {where}; name it: --network {where}=CIDR"
    return ""


def _value(entry: Entry, interface: FoundInterface, networks: Networks) -> dict[str, Any]:
    name = networks.name_of(interface) or ""
    value: dict[str, Any] = {"name": name}
    if interface.address is not None:
        value["address"] = str(interface.address.ip)
    if interface.mac:
        value["mac"] = interface.mac
    if flag(interface.settings.get("firewall", 0)):
        value["firewall"] = True
    else:
        value["firewall"] = False
    if rate := interface.settings.get("rate"):
        value["rate_limit"] = float(rate)
    if entry.guest.kind == "qemu" and interface.settings["model"] != "virtio":
        value["model"] = interface.settings["model"]
    if entry.guest.kind == "lxc":
        expected = networks.gateway_of(name) if interface.number == 0 and interface.address is not None else None
        if interface.gateway != expected:
            own = f"the gateway {interface.gateway}" if interface.gateway else "no gateway"
            entry.ignore(
                "initialization", f"net{interface.number} has {own}, the network {name} {expected or 'none there'}"
            )
    return value
