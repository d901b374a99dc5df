"""What the state of a stack has when it is to be destroyed: what must stay, and what holds data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from operations.deployment.guard import guest_name
from operations.review.disclosure import Disclosure
from operations.review.guests import Disk, read_guest
from operations.terraform.stacks import Resource, Stack

DOCKER_VOLUME = "docker_volume"


@dataclass(frozen=True)
class Data:
    """Something that holds data which nothing can make again: it is destroyed only by its name.

    Attributes:
        name: what is typed to destroy it.
        label: what people call it.
        why: what makes it so.
    """

    name: str
    label: str
    why: str


@dataclass(frozen=True)
class Holdings:
    """What the state of a stack has, and what of it must stay."""

    stack: Stack
    resources: Mapping[str, Resource] = field(default_factory=dict)
    protected: tuple[Resource, ...] = ()
    kept: frozenset[str] = frozenset()
    """Addresses that stay: what is protected, what belongs to it, and what it depends on."""
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    """The values in the state, which may be secret."""

    @property
    def targets(self) -> list[str]:
        """What is destroyed when something is kept; empty means everything."""
        return sorted(set(self.resources) - self.kept) if self.kept else []

    @property
    def data(self) -> list[Data]:
        """What goes and holds data: protected guests, guests with data disks or mount points, Docker volumes."""
        going = (address for address in self.resources if address not in self.kept)
        return [found for address in going if (found := self._data(address)) is not None]

    def _data(self, address: str) -> Data | None:
        resource, values = self.resources[address], self.values[address]
        if resource.type == DOCKER_VOLUME:
            name = str(values.get("name") or resource.path)
            return Data(name, f"Docker volume {name}", "a volume")
        if not resource.is_guest or values.get("template"):
            return None
        why = ["protected"] if resource in self.protected else []
        why += [disk.label for disk in data_disks(resource.type, values)]
        name = guest_name(Resource(address, resource.type, resource.path, values)) or resource.construct
        return Data(name, resource.label, ", ".join(why)) if why else None


def data_disks(type_: str, values: Mapping[str, Any]) -> list[Disk]:
    """The disks and mount points of a guest besides the one that it starts from."""
    disks = [disk for disk in read_guest(type_, values, Disclosure()).own_disks if disk.size is not None]
    return disks[1:]


def left_out_of_backups(type_: str, values: Mapping[str, Any]) -> list[Disk]:
    """The disks and mount points of a guest that no backup of it has."""
    return [disk for disk in read_guest(type_, values, Disclosure()).own_disks if disk.backup is False]


def holdings(stack: Stack, state: Mapping[str, Any], *, include_protected: bool) -> Holdings:
    """Reads the state, as ``terraform show -json`` gives it."""
    entries = [
        entry for entry in _entries(state.get("values", {}).get("root_module", {})) if entry.get("mode") == "managed"
    ]
    values = {entry["address"]: entry.get("values") or {} for entry in entries}
    resources = {address: stack.resource(address, known) for address, known in values.items()}
    protected = tuple(
        resource
        for address, resource in resources.items()
        if resource.prevents_destroy or values[address].get("protection") is True
    )
    if include_protected:
        return Holdings(stack, resources, protected, values=values)
    constructs = {resource.construct for resource in protected}
    kept = {address for address, resource in resources.items() if resource.construct in constructs}
    for entry in entries:
        if entry["address"] in kept:
            kept.update(address for address in resources if address.partition("[")[0] in entry.get("depends_on", ()))
    return Holdings(stack, resources, protected, frozenset(kept), values)


def _entries(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from module.get("resources", ())
    for child in module.get("child_modules", ()):
        yield from _entries(child)


@contextmanager
def protection_lifted(stacks: Sequence[Stack]) -> Iterator[list[Stack]]:
    """The same stacks without ``prevent_destroy`` and ``protection``; afterwards the files are as before."""
    originals = {stack: (stack.folder / "cdk.tf.json").read_text(encoding="utf-8") for stack in stacks}
    try:
        for stack, text in originals.items():
            configuration = json.loads(text)
            for instances in configuration.get("resource", {}).values():
                for arguments in instances.values():
                    arguments.get("lifecycle", {}).pop("prevent_destroy", None)
                    if arguments.get("protection"):
                        arguments["protection"] = False
            (stack.folder / "cdk.tf.json").write_text(json.dumps(configuration, indent=2), encoding="utf-8")
        yield [Stack(stack.name, stack.folder, stack.dependencies) for stack in stacks]
    finally:
        for stack, text in originals.items():
            (stack.folder / "cdk.tf.json").write_text(text, encoding="utf-8")
