"""What the models refuse, said in the words of the environment file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from homelab.config.json_schema import schema_at
from homelab.config.problems import Path, Problem, Refused
from homelab.config.pruning import entry_of
from homelab.config.source import Source

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails, ValidationError

_CREDENTIALS = re.compile(r"password|token|secret|username|private_key|api_key|auth")
_NUMBERS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
_MAPS = ("dict_type", "model_type", "model_attributes_type", "mapping_type", "dataclass_type")
_LISTS = ("tuple_type", "list_type", "set_type", "iterable_type")


@dataclass(frozen=True)
class Refusal:
    """Something that the models refuse, and the entries that the rest of the file must do without because of it."""

    problem: Problem
    spoils: tuple[Path, ...]


def refusals_of(error: ValidationError, source: Source) -> Iterator[Refusal]:
    """What ``error`` says, in the words of the file and with line and column."""
    for detail in error.errors(include_url=False):
        path, about_key = _path(detail, source.data)
        unknown = detail["type"] == "extra_forbidden"
        line, column = (source.locate_key if about_key or unknown else source.locate)(path)
        problem = replace(_problem(detail, path, source, about_key), line=line, column=column)
        spoils = _unknown_key_spoils(path, source) if unknown else (entry_of(path),) if path else ()
        yield Refusal(problem, spoils)


def suggestion(name: str, known: Iterable[str]) -> str:
    """The one of ``known`` that ``name`` was probably meant to be; empty when none is near."""
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=0.6)), "")


def shown(value: Any) -> Any:
    """``value`` as a message may show it: without what looks like a secret, and maps and lists not at all."""
    if isinstance(value, dict | list):
        return None
    if isinstance(value, str):
        return None if "PRIVATE KEY" in value else re.sub(r"://[^/@\s]+@", "://***@", value)
    return value


def _path(detail: ErrorDetails, data: Any) -> tuple[Path, bool]:
    """The path in the file, and whether the key at its end is what is wrong.

    pydantic's own path also has the names of a union's members, and the list and key that a short form stands for.
    """
    path: list[str | int] = []
    about_key = False
    for part in detail["loc"]:
        if part == "[key]":
            about_key = True
        elif (isinstance(data, dict) and part in data) or (
            isinstance(data, list) and isinstance(part, int) and part < len(data)
        ):
            path.append(part)
            data = data[part]
        elif isinstance(data, list) and part in data:
            path.append(data.index(part))
            data = part
    if detail["type"] == "missing" and isinstance(data, dict):
        path.append(detail["loc"][-1])
    return tuple(path), about_key


def _value(path: Path, data: Any) -> Any:
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _problem(detail: ErrorDetails, path: Path, source: Source, about_key: bool) -> Problem:
    kind, context = detail["type"], detail.get("ctx", {})
    value = path[-1] if about_key and not isinstance(path[-1], int) else _value(path, source.data)
    schema = schema_at(path, source.data)
    reason = context.get("error")
    if kind == "extra_forbidden":
        return _unknown_key(path, source)
    if kind == "missing":
        return _missing_key(path, schema)
    if isinstance(reason, Refused):
        return Problem(path, reason.message, shown(value), reason.allowed, reason.fix)
    if value is None:
        return _nothing(path, schema)
    if kind == "string_type":
        return _text_wanted(path, value, schema, source)
    if kind in _NUMBERS and not isinstance(value, str):
        small = kind.startswith("greater")
        return Problem(
            path, f"this is too {'small' if small else 'large'}", value, _allowed(schema), f"choose {_allowed(schema)}"
        )
    if kind == "literal_error":
        options = [str(option) for option in schema.get("enum", [])] or [str(schema.get("const", ""))]
        near = suggestion(str(value).lower(), options) or suggestion(str(value).upper(), options)
        return Problem(
            path,
            "this is none of the possible values",
            shown(value),
            ", ".join(options),
            _did_you_mean(near, "write one of them"),
        )
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        if path[-1:] != ("state",):
            return Problem(
                path,
                f"a text or a map belongs here, not {_kind(value)}",
                None,
                _description(schema),
                "write one of the two",
            )
        return Problem(
            (*path, "backend"),
            "the kind of state is missing or not known",
            _value((*path, "backend"), source.data),
            "local or s3",
            "add backend: local",
        )
    if kind.startswith("int_"):
        fix = (
            f"write {value} without quotes"
            if isinstance(value, str) and value.strip().isdecimal()
            else "write a whole number"
        )
        return Problem(path, "a whole number belongs here", shown(value), _allowed(schema), fix)
    if kind.startswith("float_") or kind == "finite_number":
        return Problem(path, "a number belongs here", shown(value), _allowed(schema), "write a number")
    if kind.startswith("bool_"):
        return Problem(path, "true or false belongs here", shown(value), "true, false", "write true or false")
    if kind in _MAPS:
        keys = ", ".join(schema.get("properties", {})) or "keys with values"
        return Problem(
            path, f"a map belongs here, not {_kind(value)}", shown(value), keys, "write `key: value` lines below it"
        )
    if kind in _LISTS:
        fix = "write its entries below it, each after `- `" if isinstance(value, dict) else f"write [{value}]"
        return Problem(path, f"a list belongs here, not {_kind(value)}", shown(value), _allowed(schema), fix)
    if kind == "too_short":
        return Problem(
            path, "there must be at least one entry", None, _description(schema), "add an entry, or remove the key"
        )
    if kind == "too_long":
        return Problem(path, "there are too many entries", None, f"at most {context.get('max_length')}", "remove some")
    if kind == "string_too_short":
        return Problem(
            path, "this is too short", shown(value), f"at least {context.get('min_length')} characters", "write more"
        )
    if kind == "string_too_long":
        return Problem(
            path,
            f"this is too long: {len(str(value))} characters",
            shown(value),
            f"at most {context.get('max_length')} characters",
            "shorten it",
        )
    return Problem(
        path,
        "this value is not allowed here",
        shown(value),
        _allowed(schema),
        "compare with docs/environment.schema.json",
    )


def _unknown_key(path: Path, source: Source) -> Problem:
    name = str(path[-1])
    known = list(schema_at(path[:-1], source.data).get("properties", {}))
    if path[0] == "proxmox" and _CREDENTIALS.search(name):
        fix = "remove it; set PROXMOX_VE_API_TOKEN, or PROXMOX_VE_USERNAME and PROXMOX_VE_PASSWORD"
        return Problem(path, "credentials never stand in this file", allowed=", ".join(known), fix=fix)
    near = suggestion(name, known)
    return Problem(
        path, f"the key {name} is not known here", allowed=", ".join(known), fix=_did_you_mean(near, "remove it")
    )


def _unknown_key_spoils(path: Path, source: Source) -> tuple[Path, ...]:
    """The key alone, and the one that was probably meant: what it should have said is not known."""
    near = suggestion(str(path[-1]), list(schema_at(path[:-1], source.data).get("properties", {})))
    return (path, (*path[:-1], near)) if near else (path,)


def _missing_key(path: Path, schema: dict[str, Any]) -> Problem:
    name = path[-1]
    if schema.get("type") in ("object", "array"):
        example = "..."
    else:
        example = str(next(iter(schema.get("examples", [])), schema.get("minimum", "...")))
    return Problem(path, f"the key {name} is missing", allowed=_description(schema), fix=f"add {name}: {example}")


def _nothing(path: Path, schema: dict[str, Any]) -> Problem:
    message = "there is nothing here"
    if schema.get("type") == "object" and len(path) <= 2:
        message = "there is nothing here: perhaps the file is cut off, and what is missing would be destroyed"
    return Problem(path, message, allowed=_allowed(schema), fix="give it a value, or remove the key")


def _text_wanted(path: Path, value: Any, schema: dict[str, Any], source: Source) -> Problem:
    if isinstance(value, dict | list):
        return Problem(
            path, f"a text belongs here, not {_kind(value)}", allowed=_allowed(schema), fix="write one value"
        )
    written = source.written(path) or str(value)
    return Problem(
        path,
        f"a text belongs here, and YAML reads this as {_kind(value)}",
        written,
        _allowed(schema),
        f'put it in quotes: "{written}"',
    )


def _kind(value: Any) -> str:
    names: dict[type, str] = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        dict: "a map",
        list: "a list",
    }
    return names.get(type(value), "nothing")


def _did_you_mean(near: str, otherwise: str) -> str:
    return f"did you mean {near}?" if near else otherwise


def _description(schema: dict[str, Any]) -> str:
    return str(schema.get("description", "")).partition("\n")[0].rstrip(".")


def _allowed(schema: dict[str, Any]) -> str:
    if options := schema.get("enum"):
        return ", ".join(str(option) for option in options)
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is not None and high is not None:
        above = "more than " if "exclusiveMinimum" in schema else ""
        return f"{above}{low} to {high}"
    if low is not None:
        return f"{low} or more"
    return _description(schema)
