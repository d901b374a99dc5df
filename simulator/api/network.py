"""``/nodes/{node}/network``: interfaces, staged until they are applied."""

from __future__ import annotations

import copy
import ipaddress
import re
from typing import Any

from simulator.call import Call
from simulator.endpoints import endpoint
from simulator.errors import bad_parameters, failed
from simulator.properties import split_list
from simulator.state import Config, Node
from simulator.tasks import Task

_PATH = "/nodes/{node}/network"
_MODIFY = "/nodes/{node} Sys.Modify"
_SETTINGS = (
    "address address6 autostart:bool bond-primary bond_mode bond_xmit_hash_policy bridge_ports bridge_vids "
    "bridge_vlan_aware:bool cidr cidr6 comments comments6 gateway gateway6 mtu:int netmask netmask6:int ovs_bonds "
    "ovs_bridge ovs_options ovs_ports ovs_tag:int slaves type! vlan-id:int vlan-raw-device"
)
_TYPE_NAMES = """
    bridge bond eth alias vlan fabric OVSBridge OVSBond OVSPort OVSIntPort vnet unknown
"""
_TYPES = frozenset(_TYPE_NAMES.split())
_TEXT = ("mtu", "vlan-id", "netmask6")
"""Numbers that are read back as text."""
_KINDS = {"any_bridge": ("bridge", "OVSBridge", "vnet"), "any_local_bridge": ("bridge", "OVSBridge")}


def _staged(node: Node) -> dict[str, Config]:
    if node.pending_network is None:
        node.pending_network = copy.deepcopy(node.network)
    return node.pending_network


def _visible(node: Node) -> dict[str, Config]:
    return node.network if node.pending_network is None else node.pending_network


def _interface(call: Call) -> Config:
    interfaces = _visible(call.cluster.nodes[call.node])
    if call.path["iface"] not in interfaces:
        raise bad_parameters({"iface": "interface does not exist"})
    return interfaces[call.path["iface"]]


def _normal(interface: Config) -> Config:
    """Address, mask, families and methods that belong together."""
    for cidr, address, mask in (("cidr", "address", "netmask"), ("cidr6", "address6", "netmask6")):
        try:
            if interface.get(cidr):
                given = ipaddress.ip_interface(interface[cidr])
                interface |= {address: str(given.ip), mask: str(given.network.prefixlen)}
            elif interface.get(address) and interface.get(mask):
                interface[cidr] = str(ipaddress.ip_interface(f"{interface[address]}/{interface[mask]}"))
                interface[mask] = interface[cidr].rpartition("/")[2]
            elif cidr not in interface:
                interface.pop(address, None)
                interface.pop(mask, None)
        except ValueError:
            raise bad_parameters(
                {cidr: f"invalid format - value '{interface.get(cidr)}' does not look like a valid address"}
            ) from None
    for key in _TEXT:
        if key in interface:
            interface[key] = str(interface[key])
    if interface.get("comments") and not interface["comments"].endswith("\n"):
        interface["comments"] += "\n"
    if interface["type"] == "bridge":
        interface.setdefault("bridge_ports", "")
        interface |= {"bridge_stp": "off", "bridge_fd": "0"}
    if interface["type"] == "vlan" and (match := re.match(r"^(.+)\.(\d{1,4})$", interface["iface"])):
        interface |= {"vlan-raw-device": match[1], "vlan-id": match[2]}
    interface["method"] = "static" if interface.get("cidr") else "manual"
    interface["method6"] = "static" if interface.get("cidr6") else "manual"
    families = [name for name, key in (("inet", "cidr"), ("inet6", "cidr6")) if interface.get(key)]
    interface["families"] = families or ["inet"]
    return interface


def _check(interfaces: dict[str, Config], interface: Config) -> None:
    if interface["type"] not in _TYPES:
        raise bad_parameters({"type": f"value '{interface['type']}' does not have a value in the enumeration"})
    for family, key in (("inet", "gateway"), ("inet6", "gateway6")):
        if interface.get(key):
            _check_gateway(interfaces, interface, family, key)
    if interface["type"] == "vlan":
        _check_vlan(interfaces, interface)
    _check_ports(interfaces, interface)


def _check_gateway(interfaces: dict[str, Config], interface: Config, family: str, key: str) -> None:
    for other in interfaces.values():
        if other["iface"] != interface["iface"] and other.get(key):
            raise bad_parameters({key: f"Default gateway already exists on interface '{other['iface']}'."})
    if family not in interface["families"]:
        raise bad_parameters({key: "gateway without address"})


def _check_vlan(interfaces: dict[str, Config], interface: Config) -> None:
    raw = interface.get("vlan-raw-device")
    if not raw or not interface.get("vlan-id"):
        raise bad_parameters({"vlan-raw-device": "property is missing and it is not optional"})
    if raw not in interfaces:
        raise failed(f"vlan '{interface['iface']}' - wrong interface type on or missing raw device '{raw}'")


def _check_ports(interfaces: dict[str, Config], interface: Config) -> None:
    for kind, key in (("bond", "slaves"), ("bridge", "bridge_ports")):
        for port in split_list(str(interface.get(key, ""))):
            if interface["type"] == kind and port not in interfaces:
                raise failed(f"{kind} '{interface['iface']}' - unable to use non existing interface '{port}'")


@endpoint("GET", _PATH, "type")
def list_interfaces(call: Call) -> Any:
    """Interfaces with what is staged."""
    wanted = call.values.get("type")
    kinds = _KINDS.get(wanted, (wanted,)) if wanted else None
    return [view for view in _visible(call.cluster.nodes[call.node]).values() if kinds is None or view["type"] in kinds]


@endpoint("GET", f"{_PATH}/{{iface}}", check="/nodes/{node} Sys.Audit")
def read(call: Call) -> Any:
    """One interface."""
    return _interface(call)


@endpoint("POST", _PATH, f"{_SETTINGS} iface!", check=_MODIFY)
def create(call: Call) -> None:
    """Stages a new interface."""
    interfaces = _staged(call.cluster.nodes[call.node])
    name = call.values["iface"]
    if name in interfaces:
        raise bad_parameters({"iface": "interface already exists"})
    interface = _normal({**call.values, "priority": 3 + len(interfaces)})
    _check(interfaces, interface)
    interfaces[name] = interface


@endpoint("PUT", f"{_PATH}/{{iface}}", f"{_SETTINGS} delete", check=_MODIFY)
def update(call: Call) -> None:
    """Stages a changed interface; what isn't given stays."""
    _interface(call)
    interfaces = _staged(call.cluster.nodes[call.node])
    values = dict(call.values)
    changed = dict(interfaces[call.path["iface"]])
    for key in split_list(values.pop("delete", "")):
        changed.pop(key, None)
        if key in ("cidr", "cidr6"):
            changed.pop("address" if key == "cidr" else "address6", None)
    for key in ("cidr", "cidr6"):
        if key in values:
            changed.pop(key, None)
    changed = _normal(changed | values)
    _check(interfaces, changed)
    interfaces[call.path["iface"]] = changed


@endpoint("DELETE", f"{_PATH}/{{iface}}", check=_MODIFY)
def delete(call: Call) -> None:
    """Stages the removal of an interface."""
    _interface(call)
    del _staged(call.cluster.nodes[call.node])[call.path["iface"]]


@endpoint("PUT", _PATH, "regenerate-frr:bool", check=_MODIFY)
def reload(call: Call) -> Any:
    """Applies what is staged."""
    node = call.cluster.nodes[call.node]

    def apply(_task: Task) -> None:
        if node.pending_network is not None:
            node.network, node.pending_network = node.pending_network, None
        for interface in node.network.values():
            interface["active"] = 1

    return call.task("srvreload", "networking", apply)


@endpoint("DELETE", _PATH, check=_MODIFY)
def revert(call: Call) -> None:
    """Forgets what is staged."""
    call.cluster.nodes[call.node].pending_network = None
