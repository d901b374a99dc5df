"""What guests ask of their node and its datastores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from homelab.config.environment import Environment
from homelab.config.expansion import ExpandedGuest, default_node, size_of_root
from homelab.config.problems import Path
from homelab.config.virtual_machine import VirtualMachine


@dataclass(frozen=True, slots=True)
class StoredDisk:
    """A disk, or the root of a container, and where it lies."""

    node: str
    datastore: str
    path: Path
    """The entry of the environment file that it comes from."""
    size: int
    """GiB"""
    replicated: bool = True
    """Whether the guest's replication copies it."""


def sockets_of(guest: ExpandedGuest) -> int:
    """Sockets of a virtual machine; 1 for a container."""
    return guest.definition.sockets if isinstance(guest.definition, VirtualMachine) else 1


def cores_of(guest: ExpandedGuest) -> int:
    """The cores that a guest has in all its sockets."""
    return guest.definition.cores * sockets_of(guest)


def may_run(guest: ExpandedGuest) -> bool:
    """Whether a guest takes memory and cores: it runs, or starts with its node. A template never does."""
    definition = guest.definition
    is_template = not isinstance(definition, VirtualMachine) and definition.template
    return not is_template and (definition.started or definition.start_on_boot)


def disks_of(environment: Environment, guest: ExpandedGuest) -> Iterator[StoredDisk]:
    """The disks of a guest; none where its node isn't known. Folders of the node that it sees are none."""
    definition, node = guest.definition, guest.node
    if node is None:
        return
    if isinstance(definition, VirtualMachine) and definition.adopted is not None:
        for name, adopted in definition.adopted.disks.items():
            place = (*guest.path, "adopted", "disks", name)
            yield StoredDisk(node, adopted.datastore, place, adopted.size, adopted.replicate)
        return
    own = definition.datastore or environment.defaults.datastore
    if isinstance(definition, VirtualMachine):
        yield StoredDisk(node, own, guest.path, definition.disk)
        for name, disk in definition.disks.items():
            yield StoredDisk(node, disk.datastore or own, (*guest.path, "disks", name), disk.size, disk.replicate)
        return
    yield StoredDisk(node, own, guest.path, size_of_root(environment, definition))
    for name, point in definition.mount_points.items():
        if point.size is not None:
            yield StoredDisk(node, point.datastore or own, (*guest.path, "mount_points", name), point.size)


def stored_disks(environment: Environment, guests: Iterable[ExpandedGuest]) -> Iterator[StoredDisk]:
    """The disks of templates and ``guests``, and the copies that replication keeps of them on other nodes."""
    for key, template in environment.templates.items():
        node = template.node or default_node(environment)
        if node is not None:
            datastore = template.datastore or environment.defaults.datastore
            yield StoredDisk(node, datastore, ("templates", key), template.disk)
    for guest in guests:
        disks = list(disks_of(environment, guest))
        yield from disks
        for target in sorted({job.target for job in guest.definition.replication} - {guest.node}):
            yield from (replace(disk, node=target) for disk in disks if disk.replicated)
