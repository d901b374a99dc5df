"""``/cluster/sdn``: zones, virtual networks and subnets; in force only when applied."""

from __future__ import annotations

import copy
import ipaddress
import re
from typing import Any

from simulator.call import Call
from simulator.endpoints import endpoint
from simulator.errors import bad_parameters, failed
from simulator.properties import parse_properties, split_list
from simulator.sections import change
from simulator.state import Config, digest
from simulator.tasks import Task

_FLAGS = "pending:bool running:bool"
_ZONE = (
    "advertise-subnets:bool bridge bridge-disable-mac-learning:bool controller dhcp disable-arp-nd-suppression:bool "
    "dns dnszone dp-id:int exitnodes exitnodes-local-routing:bool exitnodes-primary fabric ipam lock-token mac "
    "mtu:int nodes peers reversedns rt-import secondary-controllers:list tag:int vlan-protocol vrf-vxlan:int "
    "vxlan-port:int"
)
_VNET = "alias isolate-ports:bool lock-token tag:int vlanaware:bool"
_SUBNET = "dhcp-dns-server dhcp-range:list dnszoneprefix gateway lock-token snat:bool"
_NAME = re.compile(r"^[a-z][a-z0-9]{0,7}$", re.IGNORECASE)
_REQUIRED = {
    "vlan": ("bridge",),
    "qinq": ("bridge", "tag"),
    "vxlan": (),
    "evpn": ("controller", "vrf-vxlan"),
    "simple": (),
}


def show(call: Call, kind: str, name: str) -> Config:
    """The entry as it is defined, in force (``running``), or in force with what is pending (``pending``)."""
    staged = call.cluster.sdn[kind].get(name)
    running = call.cluster.sdn_running[kind].get(name)
    if call.values.get("running"):
        return _found(kind, name, running)
    if not call.values.get("pending"):
        entry = _found(kind, name, staged)
        return entry | {"digest": digest(entry)}
    if running == staged:
        return _found(kind, name, staged)
    if running is None:
        entry = _found(kind, name, staged)
        return entry | {"pending": dict(entry), "state": "new"}
    if staged is None:
        return running | {"state": "deleted"}
    changed = {k: staged.get(k, "deleted") for k in staged.keys() | running.keys() if staged.get(k) != running.get(k)}
    return running | {"pending": changed, "state": "changed"}


def _found(kind: str, name: str, entry: Config | None) -> Config:
    if entry is None:
        raise failed(f"sdn {kind.removesuffix('s')} '{name}' does not exist")
    return copy.deepcopy(entry)


def _check_name(key: str, name: str) -> None:
    if not _NAME.match(name):
        what = "zone ID" if key == "zone" else "vnet ID"
        raise bad_parameters({key: f"invalid format - {what} '{name}' contains illegal characters or is too long"})


def _use(call: Call, zone: str, vnet: str = "") -> bool:
    path = f"/sdn/zones/{zone}" + (f"/{vnet}" if vnet else "")
    return call.may(path, "SDN.Audit") or call.may(path, "SDN.Allocate")


# zones


@endpoint("GET", "/cluster/sdn/zones", f"{_FLAGS} type")
def list_zones(call: Call) -> Any:
    """Zones the caller may see."""
    return [show(call, "zones", name) for name in call.cluster.sdn["zones"] if _use(call, name)]


@endpoint("POST", "/cluster/sdn/zones", f"{_ZONE} type! zone!", check="/sdn/zones SDN.Allocate")
def create_zone(call: Call) -> None:
    """Defines a zone."""
    values = {k: v for k, v in call.values.items() if k != "lock-token"}
    name, kind = values["zone"], values["type"]
    _check_name("zone", name)
    if kind not in _REQUIRED:
        raise bad_parameters({"type": f"value '{kind}' does not have a value in the enumeration"})
    if missing := [key for key in _REQUIRED[kind] if key not in values]:
        raise bad_parameters(dict.fromkeys(missing, "property is missing and it is not optional"))
    if name in call.cluster.sdn["zones"]:
        raise failed(f"sdn zone object ID '{name}' already defined")
    for node in split_list(values.get("nodes", "")):
        call.cluster.node(node)
    call.cluster.sdn["zones"][name] = values


_ONE_ZONE = "/sdn/zones/{zone} SDN.Allocate"


@endpoint("GET", "/cluster/sdn/zones/{zone}", _FLAGS, check=_ONE_ZONE)
def read_zone(call: Call) -> Any:
    """One zone."""
    return show(call, "zones", call.path["zone"])


@endpoint("PUT", "/cluster/sdn/zones/{zone}", f"{_ZONE} delete digest", check=_ONE_ZONE)
def update_zone(call: Call) -> None:
    """Changes a zone."""
    _found("zones", call.path["zone"], call.cluster.sdn["zones"].get(call.path["zone"]))
    values = {k: v for k, v in call.values.items() if k != "lock-token"}
    change(call.cluster.sdn["zones"][call.path["zone"]], values)


@endpoint("DELETE", "/cluster/sdn/zones/{zone}", "lock-token", check=_ONE_ZONE)
def delete_zone(call: Call) -> None:
    """Removes a zone no virtual network is in."""
    name = call.path["zone"]
    _found("zones", name, call.cluster.sdn["zones"].get(name))
    for vnet in call.cluster.sdn["vnets"].values():
        if vnet["zone"] == name:
            raise failed(f"zone {name} is used by vnet {vnet['vnet']}")
    del call.cluster.sdn["zones"][name]


# virtual networks


def _vnet(call: Call, *, change_it: bool = False) -> Config:
    name = call.path["vnet"]
    vnet = call.cluster.sdn["vnets"].get(name)
    if vnet is None:
        raise failed(f"sdn vnet '{name}' does not exist")
    path = f"/sdn/zones/{vnet['zone']}/{name}"
    if change_it:
        call.require(path, "SDN.Allocate")
    else:
        call.require(path, "SDN.Audit", "SDN.Allocate", either=True)
    return vnet


def _check_vnet(call: Call, vnet: Config) -> None:
    zone = call.cluster.sdn["zones"].get(vnet["zone"])
    if zone is None:
        raise failed(f"zone '{vnet['zone']}' does not exist")
    if zone["type"] in ("vlan", "qinq", "vxlan", "evpn") and not vnet.get("tag"):
        raise bad_parameters({"tag": "missing vlan tag"})
    if zone["type"] == "simple" and vnet.get("tag"):
        raise bad_parameters({"tag": "vlan tag is not allowed on simple zone"})


@endpoint("GET", "/cluster/sdn/vnets", _FLAGS)
def list_vnets(call: Call) -> Any:
    """Virtual networks the caller may see."""
    vnets = call.cluster.sdn["vnets"]
    return [show(call, "vnets", name) for name, vnet in vnets.items() if _use(call, vnet["zone"], name)]


@endpoint("POST", "/cluster/sdn/vnets", f"{_VNET} type vnet! zone!", check="/sdn/zones/{zone} SDN.Allocate")
def create_vnet(call: Call) -> None:
    """Defines a virtual network."""
    values = {k: v for k, v in call.values.items() if k != "lock-token"}
    _check_name("vnet", values["vnet"])
    if values["vnet"] in call.cluster.sdn["vnets"]:
        raise failed(f"sdn vnet object ID '{values['vnet']}' already defined")
    _check_vnet(call, values)
    call.cluster.sdn["vnets"][values["vnet"]] = {"type": "vnet", **values}


@endpoint("GET", "/cluster/sdn/vnets/{vnet}", _FLAGS)
def read_vnet(call: Call) -> Any:
    """One virtual network."""
    if not call.values.get("running"):
        _vnet(call)
    return show(call, "vnets", call.path["vnet"])


@endpoint("PUT", "/cluster/sdn/vnets/{vnet}", f"{_VNET} delete digest zone")
def update_vnet(call: Call) -> None:
    """Changes a virtual network."""
    vnet = _vnet(call, change_it=True)
    values = {k: v for k, v in call.values.items() if k != "lock-token"}
    changed = dict(vnet)
    change(changed, {k: v for k, v in values.items() if k != "digest"})
    _check_vnet(call, changed)
    change(vnet, values)


@endpoint("DELETE", "/cluster/sdn/vnets/{vnet}", "lock-token")
def delete_vnet(call: Call) -> None:
    """Removes a virtual network without subnets."""
    vnet = _vnet(call, change_it=True)
    if any(subnet["vnet"] == vnet["vnet"] for subnet in call.cluster.sdn["subnets"].values()):
        raise failed(f"can't delete vnet if subnets exists: {vnet['vnet']}")
    del call.cluster.sdn["vnets"][vnet["vnet"]]


# subnets

_SUBNETS = "/cluster/sdn/vnets/{vnet}/subnets"


def _ranges(values: Config) -> Config:
    if "dhcp-range" in values:
        found = []
        for text in values["dhcp-range"]:
            parts = re.findall(r"start-address=[^,]+,end-address=[^,]+", text)
            found += [dict(parse_properties(part, "start-address")) for part in parts]
        values["dhcp-range"] = found
    values.pop("lock-token", None)
    return values


def _check_subnet(subnet: Config) -> None:
    network = ipaddress.ip_network(subnet["cidr"])
    gateway = subnet.get("gateway")
    if gateway and ipaddress.ip_address(gateway) not in network:
        raise failed(f"subnet {subnet['subnet']}: gateway {gateway} is not in the subnet")


def _subnet(call: Call) -> Config:
    subnet = call.cluster.sdn["subnets"].get(call.path["subnet"])
    if subnet is None or subnet["vnet"] != call.path["vnet"]:
        raise failed(f"sdn subnet '{call.path['subnet']}' does not exist")
    return subnet


@endpoint("GET", _SUBNETS, _FLAGS)
def list_subnets(call: Call) -> Any:
    """Subnets of a virtual network."""
    _vnet(call)
    subnets = call.cluster.sdn["subnets"]
    return [show(call, "subnets", name) for name, subnet in subnets.items() if subnet["vnet"] == call.path["vnet"]]


@endpoint("POST", _SUBNETS, f"{_SUBNET} subnet! type!")
def create_subnet(call: Call) -> None:
    """Defines a subnet by its CIDR."""
    vnet = _vnet(call, change_it=True)
    values = _ranges(dict(call.values))
    try:
        network = ipaddress.ip_network(values["subnet"])
    except ValueError:
        raise bad_parameters({"subnet": f"invalid format - '{values['subnet']}' is not a network"}) from None
    name = f"{vnet['zone']}-{network.network_address}-{network.prefixlen}"
    if name in call.cluster.sdn["subnets"]:
        raise failed(f"sdn subnet object ID '{name}' already defined")
    subnet = values | {
        "subnet": name,
        "id": name,
        "cidr": str(network),
        "network": str(network.network_address),
        "mask": str(network.prefixlen),
        "vnet": vnet["vnet"],
        "zone": vnet["zone"],
    }
    _check_subnet(subnet)
    call.cluster.sdn["subnets"][name] = subnet


@endpoint("GET", f"{_SUBNETS}/{{subnet}}", _FLAGS)
def read_subnet(call: Call) -> Any:
    """One subnet."""
    _vnet(call)
    return show(call, "subnets", _subnet(call)["subnet"])


@endpoint("PUT", f"{_SUBNETS}/{{subnet}}", f"{_SUBNET} delete digest")
def update_subnet(call: Call) -> None:
    """Changes a subnet."""
    _vnet(call, change_it=True)
    subnet = _subnet(call)
    values = _ranges(dict(call.values))
    changed = dict(subnet)
    change(changed, {k: v for k, v in values.items() if k != "digest"})
    _check_subnet(changed)
    change(subnet, values)


@endpoint("DELETE", f"{_SUBNETS}/{{subnet}}", "lock-token")
def delete_subnet(call: Call) -> None:
    """Removes a subnet."""
    _vnet(call, change_it=True)
    del call.cluster.sdn["subnets"][_subnet(call)["subnet"]]


@endpoint("PUT", "/cluster/sdn", "lock-token release-lock:bool", check="/sdn SDN.Allocate")
def apply_all(call: Call) -> Any:
    """Puts everything that is defined into force, on all nodes."""

    def reload(_task: Task) -> None:
        call.cluster.sdn_running = copy.deepcopy(call.cluster.sdn)

    return call.task("reloadnetworkall", "", reload, node=next(iter(call.cluster.nodes)))
