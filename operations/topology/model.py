"""What is drawn: an environment in the words of its reader, everything counted out and named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from homelab.config.demand import cores_of, disks_of, may_run
from homelab.config.environment import Environment
from homelab.config.expansion import ExpandedGuest, default_node, expand
from homelab.config.units import format_gibibytes, format_mebibytes
from homelab.config.virtual_machine import VirtualMachine
from operations.topology.flows import NO_FIREWALL, Flow, flows_of

_PLATFORMS = {"vms": "", "containers": ""}
"""What stands in an environment file beside platforms."""


def counted(number: int, noun: str) -> str:
    """``1 core``, ``2 cores``."""
    return f"{number} {noun if number == 1 else f'{noun}s'}"


@dataclass(frozen=True)
class NetworkView:
    """A network: where it is, and its place in the list, by which it is coloured."""

    key: str
    index: int
    bridge: str
    vlan: int | None
    cidr: str
    gateway: str
    dhcp: str
    guests: int

    @property
    def wire(self) -> str:
        """``vmbr0``, or ``vmbr2, VLAN 30``."""
        return f"{self.bridge}, VLAN {self.vlan}" if self.vlan is not None else self.bridge


@dataclass(frozen=True)
class InterfaceView:
    """An interface of a guest; ``address`` is written out, or ``DHCP``, or what it has instead."""

    network: str
    address: str


@dataclass(frozen=True)
class GuestView:
    """A guest or template. Sizes are texts with their units; ``group`` is that of its stack."""

    key: str
    kind: str
    """``VM``, ``container`` or ``template``."""
    vm_id: int
    node: str
    group: str
    platform: str
    hostname: str
    cores: int
    memory: str
    disk: str
    interfaces: tuple[InterfaceView, ...]
    flows: tuple[Flow, ...]
    tags: tuple[str, ...]
    firewall: bool
    protected: bool
    high_availability: bool
    runs: bool

    @property
    def label(self) -> str:
        """What people call it: its key, and of a platform's guest the host name, as nobody chose its key."""
        return self.hostname if self.platform else self.key

    @property
    def address(self) -> str:
        """The address of the first interface; empty without one."""
        return self.interfaces[0].address if self.interfaces else ""

    @property
    def openness(self) -> str:
        """``no firewall``, ``no firewall in lan``, ``open`` by its policy; empty where only rules let something in."""
        why = [flow.comment for flow in self.flows if flow.is_unfiltered]
        return next((words for words in why if words.startswith(NO_FIREWALL)), "open" if why else "")

    @property
    def size(self) -> str:
        """``2 cores · 4GiB · 20GiB``."""
        return f"{counted(self.cores, 'core')} · {self.memory} · {self.disk}"


@dataclass(frozen=True)
class NodeView:
    """A node with its bridges; ``share`` is the part of its memory that guests are promised."""

    name: str
    cores: int
    memory: str
    promised: str
    share: float
    bridges: tuple[str, ...]
    datastores: tuple[str, ...]
    guests: tuple[GuestView, ...]


@dataclass(frozen=True)
class Topology:
    """An environment as it is drawn."""

    name: str
    endpoint: str
    nodes: tuple[NodeView, ...]
    networks: tuple[NetworkView, ...]
    guests: tuple[GuestView, ...]

    @property
    def flows(self) -> tuple[Flow, ...]:
        """Who may reach what, guest by guest."""
        return tuple(flow for guest in self.guests for flow in guest.flows)

    def network(self, key: str) -> NetworkView | None:
        """The network called ``key``."""
        return next((network for network in self.networks if network.key == key), None)


def topology_of(environment: Environment) -> Topology:
    """Everything of ``environment`` that a picture or a table shows, by VMID."""
    expanded = list(expand(environment))
    guests = sorted(
        [*_templates(environment), *(_guest(environment, guest) for guest in expanded)], key=lambda one: one.vm_id
    )
    return Topology(
        name=environment.name,
        endpoint=environment.proxmox.endpoint,
        nodes=tuple(_nodes(environment, expanded, guests)),
        networks=tuple(_networks(environment, guests)),
        guests=tuple(guests),
    )


def _templates(environment: Environment) -> Iterator[GuestView]:
    for key, template in environment.templates.items():
        yield GuestView(
            key=key,
            kind="template",
            vm_id=template.vm_id,
            node=template.node or default_node(environment) or "",
            group="templates",
            platform="",
            hostname=key,
            cores=template.cores,
            memory=format_mebibytes(template.memory),
            disk=format_gibibytes(template.disk),
            interfaces=(),
            flows=(),
            tags=tuple(template.tags),
            firewall=False,
            protected=True,
            high_availability=False,
            runs=False,
        )


def _guest(environment: Environment, guest: ExpandedGuest) -> GuestView:
    definition = guest.definition
    is_machine = isinstance(definition, VirtualMachine)
    is_template = not isinstance(definition, VirtualMachine) and definition.template
    section = str(guest.path[0])
    return GuestView(
        key=guest.key,
        kind="VM" if is_machine else "template" if is_template else "container",
        vm_id=guest.vm_id,
        node=guest.node or "",
        group=definition.group,
        platform=_PLATFORMS.get(section, section),
        hostname=guest.hostname,
        cores=cores_of(guest),
        memory=format_mebibytes(definition.memory),
        disk=" + ".join(format_gibibytes(disk.size) for disk in disks_of(environment, guest)) or "no disk",
        interfaces=tuple(
            InterfaceView(one.network_name, str(one.address) if one.address else "DHCP" if one.dhcp else "none")
            for one in guest.interfaces
        ),
        flows=() if is_template else tuple(flows_of(environment, guest)),
        tags=tuple(definition.tags),
        firewall=definition.firewall.enabled,
        protected=definition.protection,
        high_availability=definition.ha is not None,
        runs=may_run(guest),
    )


def _nodes(environment: Environment, expanded: list[ExpandedGuest], guests: list[GuestView]) -> Iterator[NodeView]:
    for name, node in environment.proxmox.nodes.items():
        limit = max(0, node.memory - node.memory_reserved)
        promised = sum(guest.definition.memory for guest in expanded if guest.node == name and may_run(guest))
        yield NodeView(
            name=name,
            cores=node.cores,
            memory=format_mebibytes(limit),
            promised=format_mebibytes(promised),
            share=promised / limit if limit else 0.0,
            bridges=tuple(node.bridges),
            datastores=tuple(
                f"{key} ({format_gibibytes(datastore.size)})" if datastore.size else key
                for key, datastore in node.datastores.items()
            ),
            guests=tuple(guest for guest in guests if guest.node == name),
        )


def _networks(environment: Environment, guests: list[GuestView]) -> Iterator[NetworkView]:
    for index, (key, network) in enumerate(environment.networks.items()):
        yield NetworkView(
            key=key,
            index=index,
            bridge=network.bridge,
            vlan=network.vlan,
            cidr=str(network.cidr),
            gateway=str(network.gateway or ""),
            dhcp=network.dhcp.range if network.dhcp else "",
            guests=sum(any(one.network == key for one in guest.interfaces) for guest in guests),
        )
