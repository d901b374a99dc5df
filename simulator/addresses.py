"""Addresses of running guests: static ones from the configuration, others leased per bridge and VLAN."""

from __future__ import annotations

import ipaddress
import secrets
import time
from dataclasses import dataclass

from .options import SimulatorOptions
from .properties import parse_properties
from .state import Cluster, Guest

FIRST_LEASE = 100
_QEMU_MODELS = frozenset({"virtio", "e1000", "e1000e", "rtl8139", "vmxnet3"})


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface inside a guest with its addresses in CIDR form."""

    name: str
    mac: str
    addresses: tuple[str, ...]


def new_mac(cluster: Cluster) -> str:
    """An address with the cluster's prefix."""
    rest = secrets.token_hex(3).upper()
    return ":".join([str(cluster.options.get("mac_prefix", "BC:24:11")), rest[:2], rest[2:4], rest[4:]])


def parse_qemu_net(text: str) -> dict[str, str]:
    """A virtual machine's interface with ``model`` and ``macaddr`` as keys, however it was written."""
    properties = parse_properties(text, "model")
    for model in _QEMU_MODELS & properties.keys():
        properties["macaddr"] = properties.pop(model)
        properties["model"] = model
    return properties


def interfaces(cluster: Cluster, options: SimulatorOptions, guest: Guest) -> list[Interface]:
    """What the guest has now, without loopback; nothing that is leased until its time has come."""
    settled = time.monotonic() - guest.started_at >= options.address_seconds
    found = []
    for key in sorted(k for k in guest.config if k.startswith("net") and k[3:].isdigit()):
        text = str(guest.config[key])
        if guest.kind == "lxc":
            net = parse_properties(text, "name")
            name, mac, wanted = net.get("name", f"eth{key[3:]}"), net.get("hwaddr", ""), net
        else:
            net = parse_qemu_net(text)
            name, mac = f"ens{18 + int(key[3:])}", net.get("macaddr", "")
            wanted = parse_properties(str(guest.config.get(f"ipconfig{key[3:]}", "ip=dhcp")), "ip")
        addresses = [v for v in (wanted.get("ip", ""), wanted.get("ip6", "")) if "/" in v]
        if wanted.get("ip") == "dhcp" and settled and net.get("link_down") != "1":
            addresses.insert(0, _lease(cluster, options, net, mac))
        found.append(Interface(name, mac, tuple(addresses)))
    return found


def _lease(cluster: Cluster, options: SimulatorOptions, net: dict[str, str], mac: str) -> str:
    bridge = net.get("bridge", "")
    where = f"{bridge}.{net['tag']}" if net.get("tag") else bridge
    network = ipaddress.ip_network(options.dhcp.get(where) or "172.20.0.0/16")
    leases = cluster.leases.setdefault(where, {})
    if mac not in leases:
        leases[mac] = f"{network[FIRST_LEASE + len(leases)]}/{network.prefixlen}"
    return leases[mac]
