"""Constructs synthesized in a test, as the JSON that Terraform reads, and what two such documents differ in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from cdktf import App, TerraformStack

from imports.proxmox.provider import ProxmoxProvider

ABSENT: Final = "(absent)"
"""What ``difference`` says where the second document lacks a value that the first has."""


def synthesize(define: Callable[[TerraformStack], object], folder: Path) -> dict[str, Any]:
    """The JSON of a stack in which ``define`` made its constructs, with all validations run."""
    app = App(outdir=str(folder))
    stack = TerraformStack(app, "test")
    ProxmoxProvider(stack, "proxmox", endpoint="https://pve.home.arpa:8006")
    define(stack)
    app.synth()
    return stack_json(folder, "test")


def stack_json(folder: Path, name: str) -> dict[str, Any]:
    """The JSON of the stack ``name`` below ``folder``, a ``cdktf.out``."""
    loaded: dict[str, Any] = json.loads((folder / "stacks" / name / "cdk.tf.json").read_text(encoding="utf-8"))
    return loaded


def stack_names(folder: Path) -> set[str]:
    """The names of the stacks below ``folder``, a ``cdktf.out``."""
    return set(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["stacks"])


def resources(document: Mapping[str, Any], type_: str) -> dict[str, dict[str, Any]]:
    """The resources of one type by name, without cdktf's own metadata."""
    return {
        name: {key: value for key, value in arguments.items() if key != "//"}
        for name, arguments in document.get("resource", {}).get(type_, {}).items()
    }


def the_resource(document: Mapping[str, Any], type_: str) -> dict[str, Any]:
    """The only resource of a type."""
    found = list(resources(document, type_).values())
    assert len(found) == 1, f"{len(found)} resources of type {type_}"
    return found[0]


def reference(document: Mapping[str, Any], type_: str, attribute: str) -> str:
    """What stands for an attribute of the only resource of a type."""
    [name] = resources(document, type_)
    return f"${{{type_}.{name}.{attribute}}}"


def addresses(document: Mapping[str, Any]) -> set[str]:
    """The address of every resource in a stack."""
    return {f"{type_}.{name}" for type_, found in document.get("resource", {}).items() for name in found}


def difference(before: Any, after: Any) -> dict[str, Any]:
    """What is another value in ``after``, by its place such as ``disk.0.size``; ``ABSENT`` where it is gone."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    return {
        place: new.get(place, ABSENT) for place in {**old, **new} if old.get(place, ABSENT) != new.get(place, ABSENT)
    }


def _leaves(value: Any, place: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        pairs = list(value.items())
    elif isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
        pairs = [(str(index), item) for index, item in enumerate(value)]
    else:
        return [(place, value)]
    return [leaf for key, item in pairs for leaf in _leaves(item, f"{place}.{key}" if place else str(key))]
