"""Looking into the values of a plan, which are JSON of any shape.

What isn't there, or is of another kind, is None or empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

EMPTY: tuple[Any, ...] = (None, "", [], {})
"""What providers use for one another to say that an argument isn't set."""
_LARGEST = 10**15
"""A whole number up to this is a float without loss, and more than any amount in Proxmox."""


def mapping(value: Any) -> Mapping[str, Any]:
    """``value`` where it is an object; else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> Sequence[Any]:
    """``value`` where it is a list; else an empty one."""
    return value if isinstance(value, list) else ()


def blocks(values: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The blocks ``name``: a nested block is a list of objects in a plan, even where there can be only one."""
    value = values.get(name)
    return [entry for entry in items(value) if isinstance(entry, dict)] if not isinstance(value, dict) else [value]


def block(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The first block ``name``, or an empty one."""
    found = blocks(values, name)
    return found[0] if found else {}


def text(value: Any) -> str | None:
    """``value`` where it is a text that isn't empty."""
    return value if isinstance(value, str) and value else None


def flag(value: Any) -> bool | None:
    """``value`` where it is true or false."""
    return value if isinstance(value, bool) else None


def number(value: Any) -> float | None:
    """``value`` where it is a number that something can have: JSON as Python reads it also has NaN and any size."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return value if -_LARGEST <= value <= _LARGEST else None


def whole(value: Any) -> int | None:
    """``value`` where it is a whole number, also one that is written as a text, as ids are."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 10:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def child(value: Any, key: str | int) -> Any:
    """What a mask (``after_unknown``, ``before_sensitive``) says about ``key``: true for all is true for each part."""
    if value is True:
        return True
    if isinstance(value, dict):
        return value.get(str(key))
    if isinstance(value, list) and isinstance(key, int):
        return value[key] if 0 <= key < len(value) else None
    return None


def masked(mask: Any, *path: str | int) -> bool:
    """Whether ``mask`` covers the whole value at ``path``."""
    for key in path:
        mask = child(mask, key)
    return mask is True


def same(before: Any, after: Any) -> bool:
    """Whether both mean the same to a provider: alike, or different ways of saying that nothing is set."""
    if before == after:
        return True
    if isinstance(before, dict) and isinstance(after, dict):
        return all(same(before.get(key), after.get(key)) for key in {*before, *after})
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(same, before, after))
    return before in EMPTY and after in EMPTY


def changed(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> bool:
    """Whether the argument ``name`` changes."""
    return not same(before.get(name), after.get(name))
