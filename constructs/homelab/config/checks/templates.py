"""Templates, and what is cloned from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from homelab.config.checks.subject import Subject, listed, nearest, written
from homelab.config.container import Container
from homelab.config.expansion import ExpandedGuest, size_of_root
from homelab.config.platform_containers import DefinedContainer, containers_by_key
from homelab.config.problems import Path, Problem, Severity
from homelab.config.units import format_gibibytes
from homelab.config.virtual_machine import Template, VirtualMachine


def check(subject: Subject) -> Iterator[Problem]:
    """Templates that are named exist, and clones of them are possible."""
    containers = containers_by_key(subject.environment)
    for guest in subject.first_guests:
        if isinstance(guest.definition, VirtualMachine):
            yield from _clone_of_template(subject, guest, guest.definition)
        elif guest.definition.clone_from is not None:
            yield from _clone_of_container(subject, guest, guest.definition, containers)
        if isinstance(guest.definition, Container) and guest.definition.template and guest.definition.replicas:
            fix = "remove replicas; replicas belong to its clones"
            yield Problem(
                (*guest.path, "replicas"), "a template container is one", guest.definition.replicas, "no replicas", fix
            )


def _clone_of_template(subject: Subject, guest: ExpandedGuest, machine: VirtualMachine) -> Iterator[Problem]:
    templates = subject.environment.templates
    if machine.template is None:
        return
    template = templates.get(machine.template)
    refers_to: Path = ("templates", machine.template)
    if template is None:
        yield Problem(
            (*guest.path, "template"),
            f"there is no template {machine.template}",
            value=machine.template,
            allowed=listed(templates),
            fix=nearest(
                machine.template, templates, f"add it to templates: {machine.template}: {{vm_id: ..., image: ...}}"
            ),
            refers_to=refers_to,
        )
        return
    if machine.disk < template.disk:
        yield _too_small(guest.path, "disk", machine.disk, template.disk, refers_to)
    if not machine.full_clone:
        yield from _linked_clone(subject, guest, machine, template, refers_to)
    if machine.bios is not None and machine.bios != template.bios:
        yield Problem(
            (*guest.path, "bios"),
            f"the template's disk is made for {template.bios} and may not start with {machine.bios}",
            value=machine.bios,
            allowed=template.bios,
            fix=f"remove bios, or set it in {refers_to[0]}.{refers_to[1]}",
            refers_to=refers_to,
        )
    if (machine.machine or template.machine) == "pc":
        for index, device in enumerate(machine.pci_devices):
            if device.pcie:
                path = (*guest.path, "pci_devices", index, "pcie")
                yield Problem(
                    path,
                    "PCI Express needs the machine type q35",
                    True,
                    "false with machine pc",
                    "write pcie: false",
                    refers_to=refers_to,
                )


def _too_small(path: Path, key: str, size: int, least: int, refers_to: Path) -> Problem:
    return Problem(
        (*path, key),
        f"the disk is smaller than that of {written(refers_to)}; a clone's can only be larger",
        value=format_gibibytes(size),
        allowed=f"{format_gibibytes(least)} or more",
        fix=f"write {key}: {format_gibibytes(least)}",
        refers_to=refers_to,
    )


def _linked_clone(
    subject: Subject,
    guest: ExpandedGuest,
    definition: VirtualMachine,
    origin: Template,
    refers_to: Path,
) -> Iterator[Problem]:
    """A linked clone shares the template's disk, so it is where the template is."""
    fallback = subject.environment.defaults.datastore
    here, there = definition.datastore or fallback, origin.datastore or fallback
    path = (*guest.path, "full_clone")
    if here != there:
        message = f"a linked clone is on its template's datastore {there}, not on {here}"
        yield Problem(
            path, message, False, "true, or the template's datastore", f"write datastore: {there}", refers_to=refers_to
        )
    origin_node = origin.node or subject.default_node
    node = subject.node(origin_node)
    datastore = node.datastores.get(there) if node else None
    if guest.node and origin_node and guest.node != origin_node and not (datastore and datastore.shared):
        message = f"a linked clone is on its template's node {origin_node}, not on {guest.node}"
        fix = f"write full_clone: true, or node: {origin_node}"
        yield Problem(
            path, message, False, "true, or the template's node, or a shared datastore", fix, refers_to=refers_to
        )


def _clone_of_container(
    subject: Subject, guest: ExpandedGuest, container: Container, containers: Mapping[str, DefinedContainer]
) -> Iterator[Problem]:
    name = container.clone_from or ""
    defined = containers.get(name)
    origin = defined.container if defined else None
    refers_to: Path = defined.path if defined else ("containers", name)
    path = (*guest.path, "clone_from")
    template_names = [key for key, other in containers.items() if other.container.template]
    known = listed(template_names, "no container is a template")
    if origin is None:
        fix = nearest(
            name, template_names, f"add it to containers, with template: true: {name}: {{vm_id: ..., os: ...}}"
        )
        yield Problem(path, f"there is no container {name}", name, known, fix, refers_to=refers_to)
        return
    if not origin.template:
        fix = f"add template: true to containers.{name}"
        yield Problem(path, f"containers.{name} is not a template", name, known, fix, refers_to=refers_to)
        return
    if _goes_in_circles(containers, name):
        yield Problem(
            path,
            "the container is, in the end, a clone of itself",
            name,
            "a template with a system of its own",
            "write os: debian-12",
        )
        return
    yield from _disk_of_clone(guest.path, container, name, refers_to, size_of_root(subject.environment, origin))
    if "unprivileged" in container.model_fields_set and container.unprivileged != origin.unprivileged:
        yield Problem(
            (*guest.path, "unprivileged"),
            f"a clone is as privileged as containers.{name}",
            value=container.unprivileged,
            allowed=str(origin.unprivileged).lower(),
            fix="remove unprivileged",
            refers_to=refers_to,
        )
    origin_node = next((one.node for one in subject.guests if (one.kind, one.key) == ("containers", name)), None)
    node = subject.node(origin_node)
    datastore = node.datastores.get(origin.datastore or subject.environment.defaults.datastore) if node else None
    if guest.node and origin_node and guest.node != origin_node and not (datastore and datastore.shared):
        yield Problem(
            path,
            f"Proxmox clones a container to another node only from shared storage; "
            f"containers.{name} is on {origin_node}, this on {guest.node}",
            value=name,
            allowed=f"a template container of {guest.node}, or one on a shared datastore",
            fix=f"write node: {origin_node}",
            refers_to=refers_to,
        )


def _disk_of_clone(path: Path, container: Container, name: str, refers_to: Path, made: int) -> Iterator[Problem]:
    if "disk" not in container.model_fields_set or container.disk == made:
        return
    if container.disk < made:
        yield _too_small(path, "disk", container.disk, made, refers_to)
        return
    if path[0] == "services":
        # A hook of the service's stack has the node grow it at once.
        return
    yield Problem(
        (*path, "disk"),
        f"a clone is made with the disk of containers.{name} and grows to its own size with the second apply",
        value=format_gibibytes(container.disk),
        allowed=f"{format_gibibytes(made)}, or two applies",
        fix=f"remove disk, or apply twice the first time; or make the disk of containers.{name} larger",
        severity=Severity.WARNING,
        refers_to=refers_to,
    )


def _goes_in_circles(containers: Mapping[str, DefinedContainer], key: str) -> bool:
    seen = {key}
    current = containers[key].container.clone_from
    while current is not None and current in containers:
        if current in seen:
            return True
        seen.add(current)
        current = containers[current].container.clone_from
    return False
