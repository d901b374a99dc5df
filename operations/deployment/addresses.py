"""Keeps a deployment from giving a guest the static address of another guest of the cluster.

The check of the environment file knows the guests of its files; here are those that no file names. Proxmox starts both,
and each of them is reached now and then. Paths: ``/nodes/{node}/lxc|qemu/{vmid}/config``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from operations.deployment.changes import Change
from operations.diagnosis.diagnosis import Diagnosis, Subject, Surroundings, place_of
from operations.terraform.stacks import Resource

_INTERFACE = re.compile(r"net(\d+)")
Read = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Gives the configuration of a guest as ``/cluster/resources`` lists it; empty when it can't be read."""


@dataclass(frozen=True)
class Place:
    """An address where it means the same to everybody: a bridge and, if any, a VLAN tag."""

    bridge: str
    vlan: str
    address: str


@dataclass(frozen=True)
class Conflict:
    """A guest to be created whose address is configured in another one."""

    change: Change
    address: str
    found: str


def conflicts(
    changes: Iterable[Change], guests: Mapping[int, Mapping[str, Any]], read: Read, defined: Collection[int] = ()
) -> list[Conflict]:
    """The new guests of a plan whose static addresses other guests have.

    Args:
        changes: everything that the plan does: a guest that it changes or destroys is in nobody's way.
        guests: the guests of the cluster by VMID.
        read: is called for guests of others, and for none where nothing new has a static address.
        defined: the VMIDs of the environment, whose addresses were compared when its file was checked.
    """
    changes = list(changes)
    wanted: dict[Place, Change] = {}
    for change in changes:
        if change.action == "create":
            wanted |= dict.fromkeys(planned(change.resource), change)
    if not wanted:
        return []
    own = {*defined, *(change.resource.vm_id for change in changes)}
    found = []
    for vm_id, guest in guests.items():
        if vm_id in own or guest.get("template"):
            continue
        kind = "container" if guest.get("type") == "lxc" else "VM"
        who = f"{kind} {guest.get('name', 'without a name')} ({vm_id}) on {guest.get('node', 'a node')}"
        found += [Conflict(wanted[place], place.address, who) for place in configured(read(guest)) if place in wanted]
    return found


def planned(resource: Resource) -> Iterator[Place]:
    """The static IPv4 addresses of a guest as its stack defines it."""
    initialization = _first(resource.arguments.get("initialization"))
    interfaces = resource.arguments.get("network_interface") or resource.arguments.get("network_device") or []
    for setting, interface in zip(_listed(initialization.get("ip_config")), _listed(interfaces), strict=False):
        address = str(_first(setting.get("ipv4")).get("address", ""))
        if "/" in address:
            vlan = str(interface.get("vlan_id") or "")
            yield Place(str(interface.get("bridge")), vlan, address.partition("/")[0])


def configured(config: Mapping[str, Any]) -> Iterator[Place]:
    """The static IPv4 addresses in the configuration of a container (``netN``) or machine (``ipconfigN``)."""
    for key, value in config.items():
        if match := _INTERFACE.fullmatch(key):
            interface = _properties(value)
            address = interface.get("ip") or _properties(config.get(f"ipconfig{match[1]}", "")).get("ip", "")
            if "/" in address:
                yield Place(interface.get("bridge", ""), interface.get("tag", ""), address.partition("/")[0])


def _properties(value: Any) -> dict[str, str]:
    return {name: text for name, _, text in (part.partition("=") for part in str(value).split(","))}


def _listed(value: Any) -> list[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        return [value]
    return [item for item in value or [] if isinstance(item, Mapping)]


def _first(value: Any) -> Mapping[str, Any]:
    return next(iter(_listed(value)), {})


def taken_address(conflict: Conflict, surroundings: Surroundings) -> Diagnosis:
    """The error about an address that another guest has."""
    resource = conflict.change.resource
    return Diagnosis(
        "address_taken",
        f"{conflict.address} of {resource.label} is already the address of another guest on that bridge",
        found=conflict.found,
        allowed="an address that no other guest on that bridge has",
        fix=("give yours another address, or the other one, and run the same command again",),
        places=place_of(Subject("", conflict.change.stack, "plan", resource, surroundings)),
    )
