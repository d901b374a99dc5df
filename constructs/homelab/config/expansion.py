"""Every guest of an environment with its number, name, node and addresses, whether or not they are right.

The checks look at this, and the resolution builds on it once the checks are content.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal

from homelab.config.container import Container
from homelab.config.environment import Environment
from homelab.config.network import Network
from homelab.config.platform_containers import all_containers, container_called
from homelab.config.problems import Path
from homelab.config.virtual_machine import VirtualMachine


@dataclass(frozen=True, slots=True)
class ExpandedInterface:
    """An interface of a guest; ``network`` is None where the environment has no such network."""

    path: Path
    network_name: str
    network: Network | None
    address: IPv4Address | None
    """The static address; None with DHCP, or where the VMID leads beyond any address."""
    dhcp: bool
    vlan: int | None
    mac: str | None
    firewall: bool


@dataclass(frozen=True, slots=True)
class ExpandedGuest:
    """A virtual machine or container, one for each replica."""

    kind: Literal["vms", "containers"]
    key: str
    path: Path
    """Where the environment file defines it; the same for all replicas."""
    definition: VirtualMachine | Container
    vm_id: int
    hostname: str
    node: str | None
    """None where the guest names no node and there is no default, or its policy has not been applied yet."""
    placement: str | None
    """The policy that chooses its node; None where it names one, or the default one is meant."""
    interfaces: tuple[ExpandedInterface, ...]


def default_node(environment: Environment) -> str | None:
    """The node for what names none: ``proxmox.default_node``, else the only node there is."""
    nodes = environment.proxmox.nodes
    return environment.proxmox.default_node or (next(iter(nodes)) if len(nodes) == 1 else None)


def policy_of(environment: Environment, definition: VirtualMachine | Container) -> str | None:
    """The policy that chooses the guest's node; None where it names one, or goes to the default node.

    A template container has a policy only where it says so itself: its clones have to be where it is.
    """
    is_template = isinstance(definition, Container) and definition.template
    by_default = None if definition.node is not None or is_template else environment.defaults.placement
    return definition.placement or by_default


def expand(environment: Environment) -> Iterator[ExpandedGuest]:
    """The guests of ``environment`` in the order of the file, replicas counted up; those of platforms come last.

    Replica n of ``web`` is ``web-n``; VMIDs and static addresses count up from the first. A MAC address stays with
    the first replica.
    """
    fallback = default_node(environment)
    for key, machine in environment.vms.items():
        yield from _expand_guest(("vms", key), key, machine, environment, fallback)
    for defined in all_containers(environment):
        yield from _expand_guest(defined.path, defined.key, defined.container, environment, fallback)


def size_of_root(environment: Environment, container: Container) -> int:
    """Size of a container's root file system in GiB: its own, else that of the container it is cloned from."""
    seen: set[str] = set()
    while "disk" not in container.model_fields_set and container.clone_from is not None:
        origin = container_called(environment, container.clone_from)
        if origin is None or container.clone_from in seen:
            break
        seen.add(container.clone_from)
        container = origin
    return container.disk


def _expand_guest(
    path: Path,
    key: str,
    definition: VirtualMachine | Container,
    environment: Environment,
    fallback: str | None,
) -> Iterator[ExpandedGuest]:
    policy = policy_of(environment, definition)
    kind: Literal["vms", "containers"] = "vms" if isinstance(definition, VirtualMachine) else "containers"
    for index in range(definition.replicas or 1):
        name = f"{key}-{index + 1}" if definition.replicas else key
        vm_id = definition.vm_id + index
        yield ExpandedGuest(
            kind=kind,
            key=name,
            path=path,
            definition=definition,
            vm_id=vm_id,
            hostname=definition.hostname or name,
            node=environment.placed.get(f"{kind}.{name}") if policy else definition.node or fallback,
            placement=policy,
            interfaces=tuple(_expand_interfaces(path, definition, environment, vm_id, index)),
        )


def _expand_interfaces(
    path: Path, definition: VirtualMachine | Container, environment: Environment, vm_id: int, index: int
) -> Iterator[ExpandedInterface]:
    for position, interface in enumerate(definition.network):
        network = environment.networks.get(interface.name)
        address: IPv4Address | None = None
        from_vm_id = interface.address is None and network is not None and network.address_from == "vm_id"
        if isinstance(interface.address, IPv4Address):
            address = _counted(interface.address, index)
        elif from_vm_id and network is not None:
            address = _counted(network.cidr.network_address, vm_id)
        yield ExpandedInterface(
            path=(*path, "network", position),
            network_name=interface.name,
            network=network,
            address=address,
            dhcp=address is None and not from_vm_id and not isinstance(interface.address, IPv4Address),
            vlan=interface.vlan or (network.vlan if network else None),
            mac=interface.mac if index == 0 else None,
            firewall=definition.firewall.enabled if interface.firewall is None else interface.firewall,
        )


def _counted(address: IPv4Address, offset: int) -> IPv4Address | None:
    try:
        return address + offset
    except ValueError:
        return None
