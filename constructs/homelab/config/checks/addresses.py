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

    def free(self, taken: set[IPv4Address]) -> IPv4Address | None:
        """The first address that a guest may have and none has."""
        candidates = (IPv4Address(number) for number in range(int(self.first), int(self.last) + 1))
        return next((address for address in candidates if address not in taken and not self.objection(address)), None)


def check(subject: Subject) -> Iterator[Problem]:
    """Every static address, written or made from a VMID, is one that a host may have."""
    plans = {name: _Plan.of(network) for name, network in subject.environment.networks.items()}
    reported: set[Path] = set()
    for guest in subject.guests:
        for interface in guest.interfaces:
            plan = plans.get(interface.network_name)
            if plan is None or interface.dhcp or interface.path in reported:
                continue
            objection = plan.objection(interface.address) if interface.address else "is no address any more"
            if objection:
                reported.add(interface.path)
                yield _unusable(subject, guest, interface, plan, objection)


def _unusable(
    subject: Subject, guest: ExpandedGuest, interface: ExpandedInterface, plan: _Plan, objection: str
) -> Problem:
    written = guest.definition.network[int(interface.path[-1])].address
    refers_to: Path = ("networks", interface.network_name)
    if written is None:
        base = int(plan.network.cidr.network_address)
        low, high = max(100, int(plan.first) - base), int(plan.last) - base
        return Problem(
            (*guest.path, "vm_id"),
            f"VMID {guest.vm_id} of {guest.key} leads to {interface.address or 'no address'} in network "
            f"{interface.network_name}, which {objection}",
            value=guest.vm_id,
            allowed=f"{low} to {high}" if high >= low else "no VMID: the subnet ends before address 100",
            fix="choose another vm_id, or write the address: "
            f"network: {{name: {interface.network_name}, address: ...}}",
            refers_to=refers_to,
        )
    taken = {other.address for one in subject.guests for other in one.interfaces if other.address is not None}
    free = plan.free(taken)
    who = f" of {guest.key}" if guest.definition.replicas else ""
    return Problem(
        (*interface.path, "address"),
        f"the address {interface.address or written}{who} {objection}",
        value=str(written),
        allowed=f"{plan.first} to {plan.last}, but for gateway, reserved and DHCP addresses",
        fix=f"write {free}" if free else f"use a larger subnet: {interface.network_name} has no address left",
        refers_to=refers_to,
    )


def check_cluster(subjects: Sequence[Subject]) -> Findings:
    """No address twice in a segment, which is a bridge with a VLAN."""
    owners: dict[tuple[str, int | None, IPv4Address], tuple[Subject, ExpandedGuest, ExpandedInterface]] = {}
    reported: set[tuple[int, Path, int, Path]] = set()
    for subject in subjects:
        for guest in subject.guests:
            for interface in guest.interfaces:
                if interface.address is None or interface.network is None:
                    continue
                segment = (interface.network.bridge, interface.vlan, interface.address)
                owner, other, taken = owners.setdefault(segment, (subject, guest, interface))
                pair = (id(owner), taken.path, id(subject), interface.path)
                if taken is interface or pair in reported:
                    continue
                reported.add(pair)
                yield subject, _same_address((owner, other, taken), (subject, guest, interface))


def _same_address(
    owner: tuple[Subject, ExpandedGuest, ExpandedInterface], here: tuple[Subject, ExpandedGuest, ExpandedInterface]
) -> Problem:
    other_subject, other, taken = owner
    subject, guest, interface = here
    written = guest.definition.network[int(interface.path[-1])].address
    name = seen_from(subject, other_subject, taken.path) + (f" ({other.key})" if other.definition.replicas else "")
    allowed = "an address that no other guest of the network has"
    refers_to = other.path if other_subject is subject else ()
    if written is None:
        message = f"VMID {guest.vm_id} of {guest.key} leads to {interface.address}, which is already that of {name}"
        path: Path = (*guest.path, "vm_id")
        return Problem(path, message, guest.vm_id, allowed, "choose another vm_id", refers_to=refers_to)
    everyone = {
        one.address for each in (subject, other_subject) for g in each.guests for one in g.interfaces if one.address
    }
    free = _Plan.of(interface.network).free(everyone) if interface.network else None
    message = f"the address {interface.address} of {guest.key} is already that of {name}"
    fix = f"write {free}" if free else "use a larger subnet"
    return Problem((*interface.path, "address"), message, str(written), allowed, fix, refers_to=refers_to)
