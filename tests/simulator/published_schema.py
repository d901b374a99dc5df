"""Proxmox's published API schema, as the fakepve package carries it, to hold requests and parameter tables against."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from fakepve import schema

Spec = dict[str, Any]
JOINED = ("delete", "groups", "peers", "roles", "vms", "storage")


def _without_names(path: str) -> str:
    return re.sub(r"\{[^}]+\}", "{}", path)


TEMPLATES = {_without_names(path): methods for path, methods in schema.load().paths.items()}


def properties(spec: Spec, chosen: str | None = None) -> Spec:
    """All properties of a specification; of alternatives that of the ``chosen`` type, or of all types."""
    found: Spec = dict(spec.get("properties", {}))
    for part in spec.get("allOf", []):
        found |= properties(part, chosen)
    if alternatives := spec.get("oneOf"):
        found[spec["type-property"]] = spec["type-property-schema"]
        kinds = [properties(part) for part in alternatives if chosen in (None, part["instance-type"])]
        for name in {name for kind in kinds for name in kind}:
            specs = [kind.get(name, {"optional": 1}) for kind in kinds]
            known = next(kind[name] for kind in kinds if name in kind)
            found[name] = known | {"optional": int(any(each.get("optional") for each in specs))}
    return found


def parameters(method: str, path: str) -> Spec:
    """Parameters of a method by its path template, without those in the path."""
    spec = TEMPLATES[_without_names(path)][method]["parameters"]
    names = set(re.findall(r"\{([^}]+)\}", path))
    return {name: value for name, value in properties(spec).items() if name not in names}


def schema_problems(method: str, path: str, sent: Mapping[str, Sequence[str]]) -> list[str]:
    """What the schema has against a request; ``path`` is as sent, below ``/api2/json``."""
    match = schema.load().match(path)
    if match is None or method not in match.methods:
        return ["not in the schema"]
    values = {name: texts[0] if len(texts) == 1 else list(texts) for name, texts in sent.items()}
    for name in JOINED:
        if isinstance(values.get(name), list):
            values[name] = ",".join(values[name])
    values |= {name: unquote(value) for name, value in match.params.items()}
    chosen = values.get("type")
    spec = {
        "properties": properties(match.methods[method]["parameters"], chosen if isinstance(chosen, str) else None),
        "additionalProperties": 0,
    }
    _, errors = schema.validate(spec, values)
    return [f"{name}: {problem}" for name, problem in errors.items()]
