"""What only root@pam with a password may set, while an API token is used."""

from __future__ import annotations

from collections.abc import Iterator

from homelab.config.checks.subject import Subject
from homelab.config.container import Container
from homelab.config.platform_containers import all_containers
from homelab.config.problems import Path, Problem
from homelab.config.virtual_machine import VirtualMachine

_AUTHENTICATION: Path = ("proxmox", "authentication")


def check(subject: Subject) -> Iterator[Problem]:
    """Nothing of the kind with ``authentication: api_token``: Proxmox would refuse it in the middle of an apply."""
    if subject.environment.proxmox.authentication != "api_token":
        return
    for defined in all_containers(subject.environment):
        # What an adopted guest has was set by root already, and stays.
        if defined.container.adopted is None:
            yield from _container(defined.path, defined.container)
    for key, machine in subject.environment.vms.items():
        if machine.adopted is None:
            yield from _virtual_machine(("vms", key), machine)


def _container(path: Path, container: Container) -> Iterator[Problem]:
    features = container.features
    for name in ("keyctl", "fuse", "mknod"):
        if getattr(features, name):
            yield _refused((*path, "features", name), f"the feature {name}", True, f"remove {name}")
    if features.mount:
        yield _refused((*path, "features", "mount"), "mounting file systems", list(features.mount), "remove mount")
    if not container.unprivileged and features.nesting:
        what = "a feature of a privileged container, here nesting,"
        yield _refused(
            (*path, "unprivileged"), what, False, "remove unprivileged: false, or write features: {nesting: false}"
        )
    for name, mount_point in container.mount_points.items():
        if mount_point.host_path is not None:
            place = (*path, "mount_points", name, "host_path")
            yield _refused(
                place,
                "a folder of the node inside a container",
                mount_point.host_path,
                "use a volume: size instead of host_path",
            )
    if container.devices:
        yield _refused(
            (*path, "devices"), "a device of the node inside a container", list(container.devices), "remove devices"
        )


def _virtual_machine(path: Path, machine: VirtualMachine) -> Iterator[Problem]:
    if machine.cpu_affinity is not None:
        yield _refused((*path, "cpu_affinity"), "CPU affinity", machine.cpu_affinity, "remove cpu_affinity")
    for index, device in enumerate(machine.pci_devices):
        if device.id is not None:
            fix = "make a hardware mapping in Proxmox and name it in mapping"
            yield _refused((*path, "pci_devices", index, "id"), "a PCI device by its id", device.id, fix)


def _refused(path: Path, what: str, value: object, fix: str) -> Problem:
    return Problem(
        path,
        f"{what} may be set by root@pam with a password only, and an API token is used",
        value=", ".join(value) if isinstance(value, list) else value,
        allowed="anything with proxmox.authentication: root_password",
        fix=f"{fix}; or set proxmox.authentication: root_password",
        refers_to=_AUTHENTICATION,
    )
