"""The arguments of synthesized resources, in the shape that a plan has them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations.review.values import block, items, mapping

_META = frozenset({"//", "lifecycle", "depends_on", "provisioner", "connection", "provider", "count", "for_each"})
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_REFERENCE = re.compile(r"\b([a-z][a-z0-9]*(?:_[a-z0-9]+)+\.[A-Za-z_][A-Za-z0-9_-]*)")
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    # What the provider takes for left out, where leaving it out means that something is on.
    "proxmox_virtual_environment_vm": {"started": True, "protection": False},
    "proxmox_virtual_environment_container": {"started": True, "protection": False},
}

Schemas = Mapping[str, Mapping[str, Any]]
"""The block of each resource type, as ``terraform providers schema -json`` has it."""


def read_schemas(folder: Path) -> Schemas:
    """The resource types of every schema in ``folder``; types that none of them has keep the shape they are given."""
    found: dict[str, Mapping[str, Any]] = {}
    for file in sorted(folder.glob("*.json")):
        for provider in json.loads(file.read_text(encoding="utf-8"))["provider_schemas"].values():
            found |= {name: schema["block"] for name, schema in provider.get("resource_schemas", {}).items()}
    return found


@dataclass(frozen=True)
class Defined:
    """A resource as a stack defines it.

    Attributes:
        values: its arguments, nested blocks always as lists.
        ignored: the paths of ``ignore_changes``; ``all`` is one of them where everything is ignored.
        triggers: what ``replace_triggered_by`` names: a resource, or one argument of it.
        is_kept: Terraform refuses to destroy it (``prevent_destroy``).
    """

    address: str
    type: str
    values: Mapping[str, Any]
    ignored: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    is_kept: bool = False


def defined_resources(configuration: Mapping[str, Any], schemas: Schemas) -> dict[str, Defined]:
    """The resources in a ``cdk.tf.json`` by address."""
    found = {}
    for type_, instances in mapping(configuration.get("resource")).items():
        for name, arguments in mapping(instances).items():
            lifecycle = block(arguments, "lifecycle")
            ignored = lifecycle.get("ignore_changes")
            values = {**_DEFAULTS.get(type_, {}), **_shaped(arguments, schemas.get(type_, {}))}
            found[f"{type_}.{name}"] = Defined(
                address=f"{type_}.{name}",
                type=type_,
                values=values | _identity(type_, values),
                ignored=("all",) if ignored == "all" else tuple(str(path) for path in items(ignored)),
                triggers=tuple(str(entry) for entry in items(lifecycle.get("replace_triggered_by"))),
                is_kept=lifecycle.get("prevent_destroy") is True,
            )
    return found


def _shaped(arguments: Mapping[str, Any], block: Mapping[str, Any]) -> dict[str, Any]:
    nested = mapping(block.get("block_types"))
    values: dict[str, Any] = {}
    for name, value in arguments.items():
        if name in _META or value is None:
            continue
        kind = mapping(nested.get(name))
        if kind.get("nesting_mode") in ("list", "set"):
            entries = value if isinstance(value, list) else [value]
            inner = mapping(kind.get("block"))
            values[name] = [_shaped(entry, inner) if isinstance(entry, dict) else entry for entry in entries]
        else:
            values[name] = value
    return values


def references(text: str) -> Iterator[str]:
    """The addresses of resources that an expression refers to."""
    yield from _REFERENCE.findall(text)


def _identity(type_: str, values: Mapping[str, Any]) -> dict[str, str]:
    """The id that an uploaded file gets: its volume, which guests refer to."""
    name = block(values, "source_raw").get("file_name")
    if type_ != "proxmox_virtual_environment_file" or not isinstance(name, str):
        return {}
    return {"id": f"{values.get('datastore_id')}:{values.get('content_type', 'snippets')}/{name}"}


def file_ids(resources: Mapping[str, Defined]) -> dict[str, str]:
    """The expressions of uploaded files' ids, with the volume that each stands for."""
    return {
        f"${{{address}.id}}": entry.values["id"]
        for address, entry in resources.items()
        if _identity(entry.type, entry.values)
    }


def with_ids(value: Any, ids: Mapping[str, str]) -> Any:
    """``value`` with the expressions in ``ids`` replaced by what they stand for."""
    if isinstance(value, str):
        return ids.get(value, value)
    if isinstance(value, dict):
        return {key: with_ids(inner, ids) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_ids(inner, ids) for inner in value]
    return value


def texts(value: Any) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def without_ignored(before: Mapping[str, Any], after: Defined) -> dict[str, Any]:
    """The values of ``after`` as an apply leaves them: what it ignores stays as it was ``before``."""
    if "all" in after.ignored:
        return dict(before)
    values = deepcopy(dict(after.values))
    for path in after.ignored:
        steps = [int(index) if index else name for name, index in _STEP.findall(path)]
        if steps:
            _restore(before, values, steps)
    return values


def _restore(before: Any, after: Any, steps: Sequence[str | int]) -> None:
    step, rest = steps[0], steps[1:]
    # Terraform leaves the index of a block that there is one of to the reader.
    if isinstance(step, str) and isinstance(after, list):
        for index, entry in enumerate(after):
            _restore(before[index] if isinstance(before, list) and index < len(before) else {}, entry, steps)
        return
    if isinstance(step, int):
        if isinstance(after, list) and step < len(after):
            inner = before[step] if isinstance(before, list) and step < len(before) else {}
            if rest:
                _restore(inner, after[step], rest)
        return
    if not isinstance(after, dict):
        return
    old = before.get(step) if isinstance(before, dict) else None
    if not rest:
        if old is None:
            after.pop(step, None)
        else:
            after[step] = old
    elif step in after:
        _restore(old if old is not None else {}, after[step], rest)
