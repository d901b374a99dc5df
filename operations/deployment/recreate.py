"""Making a service anew: its containers from the template or a backup, or its template, with nothing else touched."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from operations.deployment.backup import LATEST, Backup, BackupError, Backups, Target
from operations.deployment.deployment import Replacements
from operations.deployment.guard import guest_name
from operations.deployment.platforms import SERVICE
from operations.deployment.policy import today
from operations.proxmox_api import ProxmoxApi
from operations.review import Allowance
from operations.review.guests import CONTAINER
from operations.terraform.stacks import Resource, Stack, StackError

_TEMPLATE = "-template"
_BUILT_BY = ("terraform_data.template-version", "null_resource.build")
"""What a service's template is made anew with: the version of its scripts, or the community's script."""


@dataclass(frozen=True)
class Service:
    """A service, or one instance of it, as its stack defines it.

    Attributes:
        instances: the containers that are meant, the primary first.
        template: the container that they are cloned from; None where a script of the community makes it.
    """

    name: str
    stack: Stack
    instances: tuple[Resource, ...]
    template: Resource | None

    @property
    def primary(self) -> Service | None:
        """Its first container alone, which has the data; None where only a replica is meant."""
        first = tuple(one for one in self.instances if self.stack.name.endswith(f"-{one.construct}"))
        return replace(self, instances=first) if first else None

    @property
    def replicas(self) -> Service:
        """Its other containers, which copy what the first has."""
        others = tuple(one for one in self.instances if not self.stack.name.endswith(f"-{one.construct}"))
        return replace(self, instances=others)


def find_service(stacks: Sequence[Stack], name: str, environment: str) -> Service:
    """The service ``name``; with ``postgresql-1`` that instance of it.

    Raises:
        StackError: the environment has no such service.
    """
    prefix = f"{environment}-{SERVICE}"
    for stack in stacks:
        if not stack.name.startswith(prefix):
            continue
        guests = {resource.construct: resource for resource in stack.resources.values() if resource.is_guest}
        service = stack.name.removeprefix(prefix)
        template = guests.pop(f"{SERVICE}{service}{_TEMPLATE}", None)
        if name == service:
            return Service(name, stack, tuple(guests[key] for key in sorted(guests)), template)
        if (one := guests.get(f"{SERVICE}{name}")) is not None:
            return Service(name, stack, (one,), template)
    known = ", ".join(stack.name.removeprefix(prefix) for stack in stacks if stack.name.startswith(prefix))
    raise StackError(f"{environment} has no service {name}. There are: {known or 'none'}.")


def recreated(service: Service) -> Replacements:
    """The containers of a service, destroyed and cloned again: allowed because it is asked for by name."""
    addresses = [resource.address for resource in service.instances]
    return Replacements(
        {service.stack.name: addresses},
        tuple(_allowance(service, address, "guest-replaced", "--recreate") for address in addresses),
    )


def rebuilt(service: Service) -> Replacements:
    """The template of a service, built again. What was cloned from it owns its disks and stays as it is.

    Raises:
        StackError: its stack builds none.
    """
    made_by = [address for address in _BUILT_BY if address in service.stack.resources]
    if not made_by:
        raise StackError(f"{service.stack.name} builds no template")
    addresses = [service.template.address] if service.template is not None else []
    # One that somebody has started or restored as a container is to the review a guest like any other.
    kinds = ("template-replaced", "guest-replaced")
    return Replacements(
        {service.stack.name: made_by},
        tuple(_allowance(service, address, kind, "--rebuild-template") for address in addresses for kind in kinds),
    )


def restored(service: Service) -> Replacements:
    """What follows when the first container of a service was restored.

    Its scripts run again, because what was restored may be older than they are. Replicas are cloned again: one that is
    ahead of what it follows never catches up.
    """
    cloned = recreated(service.replicas)
    scripts = _scripts_of(service.primary) if service.primary else []
    return Replacements(
        {service.stack.name: [*scripts, *cloned.addresses[service.stack.name]]},
        cloned.allowances,
    )


def _scripts_of(service: Service) -> list[str]:
    return [
        resource.address
        for resource in service.stack.resources.values()
        if resource.type == "null_resource"
        and any(f"{instance.address}." in json.dumps(resource.arguments) for instance in service.instances)
    ]


def _allowance(service: Service, address: str, finding: str, option: str) -> Allowance:
    """Only that it is made anew was asked for, not that the new one is less protected."""
    return Allowance(address, f"asked for with {option}", today(), service.stack.name, finding)


@contextmanager
def destroy_allowed(service: Service) -> Iterator[None]:
    """While the context is entered Terraform may destroy the service's containers; then the file is as before."""
    file = service.stack.folder / "cdk.tf.json"
    text = file.read_text(encoding="utf-8")
    configuration = json.loads(text)
    for instance in service.instances:
        type_, _, name = instance.address.partition(".")
        configuration["resource"][type_][name].get("lifecycle", {}).pop("prevent_destroy", None)
    try:
        _write(file, json.dumps(configuration, indent=2))
        yield
    finally:
        _write(file, text)


def _write(file: Path, text: str) -> None:
    part = file.with_name(f".{file.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(file)


def target_of(resource: Resource) -> Target:
    """A container or machine as the API finds it.

    Raises:
        StackError: it has no VMID of its own in the stack.
    """
    if resource.vm_id is None or resource.node is None:
        raise StackError(f"{resource.label} has no VMID and node in its stack")
    disk = resource.arguments.get("disk")
    datastore = disk.get("datastore_id", "") if isinstance(disk, dict) else ""
    return Target(resource.node, "lxc" if resource.type == CONTAINER else "qemu", resource.vm_id, datastore)


def chosen_backup(backups: Backups, resource: Resource, wanted: str) -> Backup:
    """The backup that ``wanted`` names: ``latest``, or a volume such as ``local:backup/vzdump-lxc-200-....tar.zst``.

    Raises:
        BackupError: there is no such backup of this guest.
        ProxmoxError: the API did not answer.
    """
    there = backups.of(target_of(resource))
    found = next((backup for backup in there if wanted in (LATEST, backup.volume)), None)
    if found is None:
        known = ", ".join(backup.volume for backup in there) or "none"
        raise BackupError(f"there is no backup {wanted} of {resource.label}; there are: {known}")
    return found


def lift_protection(api: ProxmoxApi, service: Service) -> None:
    """Takes Proxmox's protection off the service's containers that have it; the apply puts it back.

    Raises:
        ProxmoxError: the API did not answer, or refused.
    """
    there = api.guests()
    for instance in service.instances:
        target = target_of(instance)
        guest = there.get(target.vm_id)
        # Only what is this container by name: another one that has its number keeps its protection.
        if guest and guest.get("name") == guest_name(instance) and api.get(f"{target.path}/config").get("protection"):
            api.put(f"{target.path}/config", protection="0")
