"""What the models refuse, said in the words of the environment file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from homelab.config.json_schema import schema_at
from homelab.config.problems import Path, Problem
from homelab.config.pruning import entry_of
from homelab.config.source import Source
from homelab.config.value_problems import WrongValue, description, did_you_mean, suggestion, value_problem

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails, ValidationError

_CREDENTIALS = re.compile(r"password|token|secret|username|private_key|api_key|auth")


@dataclass(frozen=True)
class Refusal:
    """Something that the models refuse, and the entries that the rest of the file must do without because of it."""

    problem: Problem
    spoils: tuple[Path, ...]


def refusals_of(error: ValidationError, source: Source) -> Iterator[Refusal]:
    """What ``error`` says, in the words of the file and with line and column."""
    for detail in error.errors(include_url=False):
        path, about_key = _path(detail, source.data)
        problem = _problem(detail, path, source, about_key=about_key)
        unknown = detail["type"] == "extra_forbidden"
        line, column = (source.locate_key if about_key or unknown else source.locate)(path)
        spoils = _unknown_key_spoils(path, source) if unknown else (entry_of(path),) if path else ()
        yield Refusal(replace(problem, line=line, column=column), spoils)


def _path(detail: ErrorDetails, data: Any) -> tuple[Path, bool]:
    """The path in the file, and whether the key at its end is what is wrong.

    pydantic's own path also has the names of a union's members, and the list and key that a short form stands for.
    """
    path: list[str | int] = []
    about_key = False
    for part in detail["loc"]:
        if part == "[key]":
            about_key = True
        elif isinstance(data, list) and isinstance(part, str) and part in data:
            path.append(data.index(part))
            data = part
        elif _has(data, part):
            path.append(part)
            data = data[part]
    if detail["type"] == "missing" and isinstance(data, dict):
        path.append(detail["loc"][-1])
    return tuple(path), about_key


def _has(data: Any, part: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, dict) and part in data


def _value(path: Path, data: Any) -> Any:
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _problem(detail: ErrorDetails, path: Path, source: Source, *, about_key: bool) -> Problem:
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown_key(path, source)
    schema = schema_at(path, source.data)
    if kind == "missing":
        return _missing_key(path, schema)
    if path == ("state",) and kind.startswith("union_tag"):
        path = ("state", "backend")
        value = _value(path, source.data)
        return Problem(
            path, "the kind of state is missing or not known", value, "local, s3", "write backend: local or backend: s3"
        )
    value = path[-1] if about_key and not isinstance(path[-1], int) else _value(path, source.data)
    return value_problem(WrongValue(kind, detail.get("ctx", {}), path, value, schema, source.written(path)))


def _known_keys(path: Path, source: Source) -> list[str]:
    return list(schema_at(path[:-1], source.data).get("properties", {}))


def _unknown_key(path: Path, source: Source) -> Problem:
    name = str(path[-1])
    known = _known_keys(path, source)
    allowed = ", ".join(known)
    if path[0] == "proxmox" and _CREDENTIALS.search(name):
        fix = "remove it; set PROXMOX_VE_API_TOKEN, or PROXMOX_VE_USERNAME and PROXMOX_VE_PASSWORD"
        return Problem(path, "credentials never stand in this file", allowed=allowed, fix=fix)
    # Its value is not shown: a key that is not known may hold anything, such as a password.
    fix = did_you_mean(suggestion(name, known), "remove it")
    return Problem(path, f"the key {name} is not known here", allowed=allowed, fix=fix)


def _unknown_key_spoils(path: Path, source: Source) -> tuple[Path, ...]:
    """The key alone, and the one that was probably meant: what it should have said is not known."""
    near = suggestion(str(path[-1]), _known_keys(path, source))
    return (path, (*path[:-1], near)) if near else (path,)


def _missing_key(path: Path, schema: dict[str, Any]) -> Problem:
    nested = schema.get("type") in ("object", "array")
    example = "..." if nested else next(iter(schema.get("examples", [])), schema.get("minimum", "..."))
    message = f"the key {path[-1]} is missing"
    return Problem(path, message, allowed=description(schema), fix=f"add {path[-1]}: {example}")
