"""Network interfaces of guests that stay."""

from __future__ import annotations

from collections.abc import Iterator

from operations.review.findings import Case, Finding, Severity
from operations.review.guests import Nic
from operations.review.values import masked


def removed(case: Case) -> Iterator[Finding]:
    """A guest loses a network interface."""
    if not case.guests:
        return
    before, after = case.guests
    if masked(case.change.after_unknown, "network_interface" if before.is_container else "network_device"):
        if before.nics:
            yield case.finding(
                "nic-removed",
                Severity.DANGER,
                f"{before.label}: network interfaces are known only after the apply",
                consequence="It may lose some of them, and be reached nowhere",
            )
        return
    kept = {old.key for old, _ in _pairs(before.nics, after.nics)}
    for nic in before.nics:
        if nic.key not in kept:
            last = ". It was its last one: the guest has no network any more" if not after.nics else ""
            yield case.finding(
                "nic-removed",
                Severity.DANGER,
                f"{before.label}: network interface {_label(nic)} is removed",
                consequence=f"Proxmox unplugs it at once; what listens on its address can't be reached{last}",
            )


def disconnected(case: Case) -> Iterator[Finding]:
    """The link of an interface goes down."""
    if not case.guests:
        return
    before, after = case.guests
    for old, new in _pairs(before.nics, after.nics):
        if old.connected and not new.connected:
            yield case.finding(
                "nic-disconnected",
                Severity.DANGER,
                f"{before.label}: network interface {_label(old)} is disconnected",
                consequence="The guest keeps the interface, and its link is down",
            )


def moved(case: Case) -> Iterator[Finding]:
    """An interface changes to another network: the guest's address may not belong there."""
    if not case.guests:
        return
    before, after = case.guests
    for old, new in _pairs(before.nics, after.nics):
        if old.bridge and new.bridge and (old.bridge, old.vlan) != (new.bridge, new.vlan):
            only = ". It is its only one" if len(before.nics) == 1 else ""
            yield case.finding(
                "nic-moved",
                Severity.DANGER,
                f"{before.label}: network interface {_short(old)} moves from {_network(old)} to {_network(new)}",
                consequence="Proxmox plugs it into the other network at once: the guest keeps its address and can be "
                f"reached there only if the address, the gateway and the firewalls fit{only}",
            )


def readdressed(case: Case) -> Iterator[Finding]:
    """An interface gets another MAC address."""
    if not case.guests:
        return
    before, after = case.guests
    for old, new in _pairs(before.nics, after.nics):
        if old.mac and new.mac and old.mac != new.mac:
            yield case.finding(
                "mac-changed",
                Severity.CHANGE,
                f"{before.label}: network interface {_short(old)} gets the MAC address {new.mac}",
                consequence="A DHCP server gives it another address, and what is bound to the old one no longer fits",
            )


def firewall(case: Case) -> Iterator[Finding]:
    """An interface is taken out of the firewall: the guest's rules are still there and no longer looked at."""
    if not case.successors:
        return
    before, after = case.successors
    for old, new in _pairs(before.nics, after.nics):
        # With the first of two gone, the second takes its number and MAC address: the network is as open as it was.
        if old.firewall and not new.firewall and _open(after.nics, new) > _open(before.nics, new):
            unknown = "may be" if new.firewall is None else "is"
            yield case.finding(
                "nic-firewall-off",
                Severity.BLOCKED,
                f"{before.label}: the firewall {unknown} switched off for network interface {_label(new)}",
                consequence="Proxmox lets everything through this interface; the guest's firewall rules stay and do "
                "nothing there",
            )


def _open(nics: tuple[Nic, ...], like: Nic) -> int:
    """How many interfaces without firewall are in the network of ``like``."""
    return sum(not nic.firewall and (nic.bridge, nic.vlan) == (like.bridge, like.vlan) for nic in nics)


def _pairs(before: tuple[Nic, ...], after: tuple[Nic, ...]) -> list[tuple[Nic, Nic]]:
    """Which interface becomes which: by MAC address, by name in the container, and what is left by its number."""
    pairs: list[tuple[Nic, Nic]] = []
    old, new = list(before), list(after)
    for identity in ("mac", "name", "key"):
        later = {value: nic for nic in new if (value := getattr(nic, identity))}
        for nic in list(old):
            match = later.pop(getattr(nic, identity), None)
            if match is not None:
                pairs.append((nic, match))
                old.remove(nic)
                new.remove(match)
    return pairs


def _network(nic: Nic) -> str:
    return f"{nic.bridge} VLAN {nic.vlan}" if nic.vlan else nic.bridge


def _short(nic: Nic) -> str:
    return f"{nic.key} {nic.name}" if nic.name else nic.key


def _label(nic: Nic) -> str:
    return f"{_short(nic)} on {nic.bridge}" if nic.bridge else _short(nic)
