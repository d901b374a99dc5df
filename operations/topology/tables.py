"""The tables of an environment: addresses, VMIDs, open ports, networks."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from operations.topology.model import GuestView, Topology


@dataclass(frozen=True)
class Table:
    """A table: its title, the names of its columns, its rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables_of(topology: Topology) -> list[Table]:
    """All tables that have rows."""
    tables = [_networks(topology), _addresses(topology), _vm_ids(topology), _ports(topology)]
    return [table for table in tables if table.rows]


def _networks(topology: Topology) -> Table:
    return Table(
        "Networks",
        ("network", "subnet", "bridge", "VLAN", "gateway", "DHCP range", "guests"),
        tuple(
            (
                one.key,
                one.cidr,
                one.bridge,
                str(one.vlan or ""),
                one.gateway,
                one.dhcp,
                str(one.guests),
            )
            for one in topology.networks
        ),
    )


def _addresses(topology: Topology) -> Table:
    rows = [
        (interface.address, guest.hostname, interface.network, str(guest.vm_id), guest.node)
        for guest in topology.guests
        for interface in guest.interfaces
    ]
    return Table("Addresses", ("address", "guest", "network", "VMID", "node"), tuple(sorted(rows, key=_by_address)))


def _by_address(row: tuple[str, ...]) -> tuple[bool, int, str]:
    try:
        return False, int(IPv4Address(row[0])), row[1]
    except ValueError:
        return True, 0, row[1]


def _vm_ids(topology: Topology) -> Table:
    return Table(
        "VMIDs",
        ("VMID", "name", "kind", "node", "cores", "memory", "disk", "group", "notes"),
        tuple(
            (
                str(one.vm_id),
                one.label,
                one.kind,
                one.node,
                str(one.cores),
                one.memory,
                one.disk,
                one.group,
                ", ".join(_notes(one)),
            )
            for one in topology.guests
        ),
    )


def _notes(guest: GuestView) -> list[str]:
    notes = [("HA", guest.high_availability), ("protected", guest.protected and guest.kind != "template")]
    notes.append(("stopped", guest.kind != "template" and not guest.runs))
    return [word for word, holds in notes if holds]


def _ports(topology: Topology) -> Table:
    return Table(
        "Who may reach what",
        ("from", "to", "ports", "why"),
        tuple(
            (flow.source, guest.label, flow.what, flow.comment or (f"group {flow.group}" if flow.group else ""))
            for guest in topology.guests
            for flow in guest.flows
        ),
    )
