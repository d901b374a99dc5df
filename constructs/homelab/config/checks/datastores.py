"""Datastores: declared on the node where they are needed, and for the content that goes there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from homelab.config.checks.subject import Subject, listed, nearest, written
from homelab.config.container import Container
from homelab.config.expansion import ExpandedGuest
from homelab.config.problems import Path, Problem
from homelab.config.proxmox import Content, Node
from homelab.config.virtual_machine import Template, VirtualMachine

_KINDS: dict[Content, str] = {
    "images": "disks of virtual machines",
    "rootdir": "containers",
    "import": "disk images to import",
    "vztmpl": "container templates",
    "snippets": "cloud-init snippets",
    "iso": "ISO images",
    "backup": "backups",
}


@dataclass(frozen=True, slots=True)
class _Need:
    """Something of ``content`` that goes to ``datastore`` of ``node``."""

    path: Path
    datastore: str
    node: str
    content: Content
    default: str = ""
    """The key in ``defaults`` that names the datastore, where the entry itself names none."""


def check(subject: Subject) -> Iterator[Problem]:
    """Everything that is stored goes to a datastore that the node has and that takes it."""
    reported: set[tuple[str, str, Content]] = set()
    for need in _needs(subject):
        node = subject.node(need.node)
        if node is None:
            continue
        key = (need.datastore, need.node, need.content)
        if need.default and key in reported:
            continue
        problem = _problem(subject, need, node)
        if problem is not None:
            reported.add(key)
            yield problem


def _needs(subject: Subject) -> Iterator[_Need]:
    environment = subject.environment
    clone_nodes: dict[str, set[str]] = {}
    for guest in subject.first_guests:
        if isinstance(guest.definition, VirtualMachine) and guest.node and guest.definition.template:
            clone_nodes.setdefault(guest.definition.template, set()).add(guest.node)
    for key, template in environment.templates.items():
        node = template.node or subject.default_node
        if node is not None:
            yield from _template_needs(subject, key, template, node, clone_nodes.get(key, set()))
    for guest in subject.first_guests:
        if guest.node is None:
            continue
        if isinstance(guest.definition, VirtualMachine):
            yield from _virtual_machine_needs(subject, guest, guest.definition, guest.node)
        else:
            yield from _container_needs(subject, guest, guest.definition, guest.node)


def _template_needs(
    subject: Subject, key: str, template: Template, node: str, clone_nodes: set[str]
) -> Iterator[_Need]:
    path: Path = ("templates", key)
    defaults = subject.environment.defaults
    yield _own_or_default(path, template.datastore, defaults.datastore, node, "images")
    if template.adopted:
        return
    yield _Need(path, defaults.image_datastore, node, "import", "image_datastore")
    if template.guest_agent or template.packages or template.run_commands or template.vendor_data:
        for place in sorted({node, *clone_nodes}):
            yield _Need(path, defaults.snippet_datastore, place, "snippets", "snippet_datastore")


def _virtual_machine_needs(
    subject: Subject, guest: ExpandedGuest, machine: VirtualMachine, node: str
) -> Iterator[_Need]:
    defaults = subject.environment.defaults
    if machine.adopted is not None:
        for name, adopted in machine.adopted.disks.items():
            yield _Need((*guest.path, "adopted", "disks", name, "datastore"), adopted.datastore, node, "images")
        return
    yield _own_or_default(guest.path, machine.datastore, defaults.datastore, node, "images")
    for name, disk in machine.disks.items():
        if disk.datastore is not None:
            yield _Need((*guest.path, "disks", name, "datastore"), disk.datastore, node, "images")
    if machine.cloud_init.user_data is not None:
        yield _Need(guest.path, defaults.snippet_datastore, node, "snippets", "snippet_datastore")


def _container_needs(subject: Subject, guest: ExpandedGuest, container: Container, node: str) -> Iterator[_Need]:
    defaults = subject.environment.defaults
    yield _own_or_default(guest.path, container.datastore, defaults.datastore, node, "rootdir")
    for name, mount_point in container.mount_points.items():
        if mount_point.datastore is not None and mount_point.size is not None:
            yield _Need((*guest.path, "mount_points", name, "datastore"), mount_point.datastore, node, "rootdir")
    if container.os is not None or container.image is not None:
        yield _Need(guest.path, defaults.image_datastore, node, "vztmpl", "image_datastore")
    if container.template_file is not None:
        yield _Need((*guest.path, "template_file"), container.template_file.partition(":")[0], node, "vztmpl")


def _own_or_default(path: Path, own: str | None, default: str, node: str, content: Content) -> _Need:
    if own is not None:
        return _Need((*path, "datastore"), own, node, content)
    return _Need(path, default, node, content, "datastore")


def _problem(subject: Subject, need: _Need, node: Node) -> Problem | None:
    datastore = node.datastores.get(need.datastore)
    if datastore is not None and need.content in datastore.content:
        return None
    fitting = [name for name, known in node.datastores.items() if need.content in known.content]
    declared: Path = ("proxmox", "nodes", need.node, "datastores", need.datastore)
    in_defaults = need.default in subject.environment.defaults.model_fields_set
    by_default = f", the default of {written(need.path)}," if need.default else ""
    allowed = listed(fitting, f"no datastore of {need.node} takes {need.content}")
    setting = f"set {'defaults.' if need.default else ''}{need.default or 'it'} to {fitting[0]}" if fitting else ""
    if datastore is None:
        message = f"node {need.node} has no datastore {need.datastore}{by_default.rstrip(',')}"
        fix = nearest(need.datastore, fitting, setting or f"add it to {written(declared[:-1])}")
    else:
        message = f"the datastore {need.datastore}{by_default} is not for {_KINDS[need.content]}"
        add = f"add {need.content} to its content, in Proxmox and in {written(declared)}.content"
        fix = f"{add}, or {setting}" if setting else add
    return Problem(
        ("defaults", need.default) if in_defaults else need.path,
        message,
        value=need.datastore,
        allowed=allowed,
        fix=fix,
        refers_to=declared,
    )
