"""Values of a wrong type, length or size, said in words: what belongs there and what to write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from homelab.config.problems import Path, Problem, Refused


@dataclass(frozen=True)
class WrongValue:
    """A value that the models refuse. ``schema`` says what belongs there; ``kind`` and ``context`` are pydantic's."""

    kind: str
    context: dict[str, Any]
    path: Path
    value: Any
    schema: dict[str, Any]
    written: str | None
    """How the file writes it, where it has no quotes."""


Answer = tuple[str, str, str]
"""What is wrong, what is allowed, and what to do."""


def value_problem(wrong: WrongValue) -> Problem:
    """``wrong`` as a problem."""
    reason = wrong.context.get("error")
    value = shown(wrong.value)
    if isinstance(reason, Refused):
        return Problem(wrong.path, reason.message, None if reason.secret else value, reason.allowed, reason.fix)
    if wrong.value is None:
        return Problem(wrong.path, *_with_value(None, _nothing(wrong)))
    if wrong.kind == "string_type" and wrong.written is not None:
        value = wrong.written
    answer = _ANSWERS.get(wrong.kind) or _ANSWERS.get(wrong.kind.partition("_")[0]) or _anything_else
    return Problem(wrong.path, *_with_value(value, answer(wrong)))


def shown(value: Any) -> Any:
    """``value`` as a message may show it: without what looks like a secret, and maps and lists not at all."""
    if isinstance(value, dict | list):
        return None
    if isinstance(value, str):
        return None if "PRIVATE KEY" in value else re.sub(r"://[^/@\s]+@", "://***@", value)
    return value


def suggestion(name: str, known: Iterable[str]) -> str:
    """The one of ``known`` that ``name`` was probably meant to be; empty when none is near."""
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=0.6)), "")


def did_you_mean(near: str, otherwise: str) -> str:
    """The question whether ``near`` was meant; ``otherwise`` when that is empty."""
    return f"did you mean {near}?" if near else otherwise


def description(schema: dict[str, Any]) -> str:
    """What ``schema`` says about itself, in one line."""
    return str(schema.get("description", "")).partition("\n")[0].rstrip(".")


def allowed(schema: dict[str, Any]) -> str:
    """The values that ``schema`` allows: a list, a range, or its description."""
    if options := schema.get("enum"):
        return ", ".join(str(option) for option in options)
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is not None and high is not None:
        return f"above {low}, up to {high}" if "exclusiveMinimum" in schema else f"{low} to {high}"
    return f"{low} or more" if low is not None else description(schema)


def _with_value(value: Any, answer: Answer) -> tuple[str, Any, str, str]:
    message, permitted, fix = answer
    return message, value, permitted, fix


def _kind(value: Any) -> str:
    names: dict[type, str] = {dict: "a map", list: "a list", str: "a text", bool: "true or false"}
    return names.get(type(value), "a number")


def _nothing(wrong: WrongValue) -> Answer:
    message = "there is nothing here"
    if wrong.schema.get("type") == "object" and len(wrong.path) <= 2:
        message += ": perhaps the file is cut off, and what is missing would be destroyed"
    return message, allowed(wrong.schema), "give it a value, or remove the key"


def _text(wrong: WrongValue) -> Answer:
    if isinstance(wrong.value, dict | list):
        return f"a text belongs here, not {_kind(wrong.value)}", allowed(wrong.schema), "write one value"
    message = f"a text belongs here, and YAML reads this as {_kind(wrong.value)}"
    written = wrong.written or str(wrong.value)
    examples = wrong.schema.get("examples", [])
    if examples and not re.search(wrong.schema.get("pattern", ""), written):
        return message, allowed(wrong.schema), f"write it like {examples[0]}"
    return message, allowed(wrong.schema), f'put it in quotes: "{written}"'


def _whole_number(wrong: WrongValue) -> Answer:
    value = wrong.value
    in_quotes = isinstance(value, str) and value.strip().isdecimal()
    return (
        "a whole number belongs here",
        allowed(wrong.schema),
        f"write {value} without quotes" if in_quotes else "write a whole number",
    )


def _number(wrong: WrongValue) -> Answer:
    return "a number belongs here", allowed(wrong.schema), "write a number"


def _true_or_false(_: WrongValue) -> Answer:
    return "true or false belongs here", "true, false", "write true or false"


def _too_small(wrong: WrongValue) -> Answer:
    return "this is too small", allowed(wrong.schema), f"choose a number: {allowed(wrong.schema)}"


def _too_large(wrong: WrongValue) -> Answer:
    return "this is too large", allowed(wrong.schema), f"choose a number: {allowed(wrong.schema)}"


def _choice(wrong: WrongValue) -> Answer:
    options = [str(option) for option in wrong.schema.get("enum", [wrong.schema.get("const", "")])]
    text = str(wrong.value)
    near = suggestion(text.lower(), options) or suggestion(text.upper(), options)
    return "this is none of the possible values", ", ".join(options), did_you_mean(near, "write one of them")


def _text_or_map(wrong: WrongValue) -> Answer:
    message = f"a text or a map belongs here, not {_kind(wrong.value)}"
    return message, description(wrong.schema), "write one of the two"


def _map(wrong: WrongValue) -> Answer:
    keys = ", ".join(wrong.schema.get("properties", {})) or description(wrong.schema)
    return f"a map belongs here, not {_kind(wrong.value)}", keys, "write `key: value` lines below it"


def _list(wrong: WrongValue) -> Answer:
    fix = "write its entries below it, each after `- `" if isinstance(wrong.value, dict) else f"write [{wrong.value}]"
    return f"a list belongs here, not {_kind(wrong.value)}", allowed(wrong.schema), fix


def _too_few(wrong: WrongValue) -> Answer:
    return "there must be at least one entry", description(wrong.schema), "add an entry, or remove the key"


def _too_many(wrong: WrongValue) -> Answer:
    return "there are too many entries", f"at most {wrong.context.get('max_length')}", "remove some"


def _too_short(wrong: WrongValue) -> Answer:
    return "this is too short", f"{wrong.context.get('min_length')} or more characters", "write more"


def _too_long(wrong: WrongValue) -> Answer:
    message = f"this is too long: {len(str(wrong.value))} characters"
    return message, f"at most {wrong.context.get('max_length')} characters", "shorten it"


def _anything_else(wrong: WrongValue) -> Answer:
    return "this value is not allowed here", allowed(wrong.schema), "compare with docs/environment.schema.json"


_ANSWERS: dict[str, Callable[[WrongValue], Answer]] = {
    "string_type": _text,
    "string_too_short": _too_short,
    "string_too_long": _too_long,
    "int": _whole_number,
    "float": _number,
    "finite_number": _number,
    "bool": _true_or_false,
    "greater": _too_small,
    "less": _too_large,
    "literal_error": _choice,
    "union": _text_or_map,
    "dict": _map,
    "mapping": _map,
    "model": _map,
    "tuple": _list,
    "list": _list,
    "too_short": _too_few,
    "too_long": _too_many,
}
"""Answers by pydantic's name of an error, or by the first word of it."""
