"""Static addresses: inside their subnet, not taken by anything else, each once in a segment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from homelab.config.checks.subject import Findings, Subject, seen_from
from homelab.config.expansion import ExpandedGuest, ExpandedInterface
from homelab.config.names import range_bounds
from homelab.config.network import Network
from homelab.config.problems import Path, Problem

_SEARCHED = 65_536
"""Addresses of a network among which a free one is looked for."""

Bounds = tuple[IPv4Address, IPv4Address]


def bounds(value: IPv4Address | str) -> Bounds:
    """The first and the last address of an address or a range ``first-last``."""
    return (value, value) if isinstance(value, IPv4Address) else range_bounds(value)


def usable(network: Network) -> Bounds:
    """The first and the last address that a host may have: without the subnet's own and its broadcast address."""
    first, last = network.cidr.network_address, network.cidr.broadcast_address
    return (first, last) if network.cidr.prefixlen >= 31 else (first + 1, last - 1)


@dataclass(frozen=True)
class _Plan:
    """What addresses of a network are for."""

    network: Network
    first: IPv4Address
    last: IPv4Address
    reserved: tuple[Bounds, ...]
    dhcp: Bounds | None

    @classmethod
    def of(cls, network: Network) -> _Plan:
        first, last = usable(network)
        reserved = tuple(bounds(entry) for entry in network.reserved)
        return cls(network, first, last, reserved, range_bounds(network.dhcp.range) if network.dhcp else None)

    def objection(self, address: IPv4Address) -> str:
        """Why no guest may have ``address``; empty when one may."""
        cidr = self.network.cidr
        if address not in cidr:
            return f"is not in {cidr}"
        if address < self.first:
            return f"is the address of the subnet {cidr} itself"
        if address > self.last:
            return f"is the broadcast address of {cidr}"
        if address == self.network.gateway:
            return "is the gateway's"
        if any(low <= address <= high for low, high in self.reserved):
            return "is reserved"
        if self.dhcp and self.dhcp[0] <= address <= self.dhcp[1]:
            return f"is in the DHCP range {self.dhcp[0]}-{self.dhcp[1]}"
        return ""

    def free(self, taken: set[IPv4Address], wanted: int) -> IPv4Address | None:
        """The first address from which ``wanted`` in a row are ones that a guest may have and none has."""
        run = 0
        for number in range(int(self.first), min(int(self.last), int(self.first) + _SEARCHED) + 1):
            address = IPv4Address(number)
            run = 0 if address in taken or self.objection(address) else run + 1
            if run == wanted:
                return IPv4Address(number - wanted + 1)
        return None


@dataclass(frozen=True, slots=True)
class _Place:
    """An interface of a guest of an environment."""

    subject: Subject
    guest: ExpandedGuest
    interface: ExpandedInterface

    @property
    def written(self) -> object:
        """The address as the file has it; None where the VMID makes it."""
        return self.guest.definition.network[int(self.interface.path[-1])].address

    @property
    def together(self) -> int:
        """How many guests count their addresses from the same one, with this one."""
        return sum(other.path == self.guest.path for other in self.subject.guests)


def check_cluster(subjects: Sequence[Subject]) -> Findings:
    """Every static address is one that a host may have, and is there once in its segment: a bridge with a VLAN."""
    owners: dict[tuple[str, int | None, IPv4Address], _Place] = {}
    reported: set[tuple[int, Path, int, Path]] = set()
    unusable: set[tuple[int, Path]] = set()
    for subject in subjects:
        plans = {name: _Plan.of(network) for name, network in subject.environment.networks.items()}
        for place in _static(subject):
            interface = place.interface
            plan = plans[interface.network_name]
            here = (id(subject), interface.path)
            objection = plan.objection(interface.address) if interface.address else "beyond the last address there is"
            if objection and here not in unusable:
                unusable.add(here)
                yield subject, _unusable(subjects, place, plan, objection)
            if interface.address is None:
                continue
            owner = owners.setdefault((plan.network.bridge, interface.vlan, interface.address), place)
            pair = (id(owner.subject), owner.interface.path, *here)
            if owner is not place and pair not in reported:
                reported.add(pair)
                yield subject, _twice(subjects, place, plan, owner)


def _static(subject: Subject) -> Iterator[_Place]:
    for guest in subject.guests:
        for interface in guest.interfaces:
            if interface.network is not None and not interface.dhcp:
                yield _Place(subject, guest, interface)


def _unusable(subjects: Sequence[Subject], place: _Place, plan: _Plan, objection: str) -> Problem:
    guest, interface = place.guest, place.interface
    name = interface.network_name
    if place.written is None:
        base = int(plan.network.cidr.network_address)
        low, high = max(100, int(plan.first) - base), int(plan.last) - base
        leads_to = f"leads to {interface.address} in network {name}, which" if interface.address else "leads"
        return Problem(
            (*guest.path, "vm_id"),
            f"VMID {guest.vm_id} of {guest.key} {leads_to} {objection}",
            value=guest.vm_id,
            allowed=f"{low} to {high}" if high >= low else "no VMID: the subnet ends before address 100",
            fix=f"choose another vm_id, or write the address: network: {{name: {name}, address: ...}}",
            refers_to=("networks", name),
        )
    who = f" of {guest.key}" if place.together > 1 else ""
    return Problem(
        (*interface.path, "address"),
        f"the address {interface.address or place.written}{who} {objection}",
        value=str(place.written),
        allowed=f"{plan.first} to {plan.last}, but for gateway, reserved and DHCP addresses",
        fix=_fix(subjects, place, plan),
        refers_to=("networks", name),
    )


def _fix(subjects: Sequence[Subject], place: _Place, plan: _Plan) -> str:
    wanted = place.together
    taken = {other.interface.address for subject in subjects for other in _static(subject) if other.interface.address}
    free = plan.free(taken, wanted)
    if free is None:
        what = "no address" if wanted == 1 else f"no {wanted} addresses in a row"
        return f"use a larger subnet: {place.interface.network_name} has {what} left"
    return f"write {free}" + (f", {wanted} are free from there" if wanted > 1 else "")


def _twice(subjects: Sequence[Subject], place: _Place, plan: _Plan, owner: _Place) -> Problem:
    guest, interface = place.guest, place.interface
    replica = f" ({owner.guest.key})" if owner.together > 1 else ""
    name = seen_from(place.subject, owner.subject, owner.guest.path) + replica
    from_vm_id = place.written is None
    says = f"VMID {guest.vm_id} of {guest.key} leads to" if from_vm_id else "the address"
    whose = ", which" if from_vm_id else f" of {guest.key}"
    return Problem(
        (*guest.path, "vm_id") if from_vm_id else (*interface.path, "address"),
        f"{says} {interface.address}{whose} is already that of {name}",
        value=guest.vm_id if from_vm_id else str(place.written),
        allowed="an address that no other guest of the network has",
        fix="choose another vm_id" if from_vm_id else _fix(subjects, place, plan),
        refers_to=owner.guest.path if owner.subject is place.subject else (),
    )
