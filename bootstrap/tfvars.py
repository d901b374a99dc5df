"""Terraform variable files with string values, which is all the saved credentials need."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

_ASSIGNMENT = re.compile(r'([A-Za-z_][A-Za-z0-9_-]*)\s*=\s*("(?:[^"\\]|\\.)*")\s*(?:#.*)?')
_SPECIAL = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028\u2029"\\]|[$%](?=\{)')


def render(values: Mapping[str, str], comment: str) -> str:
    """The text of a `.tfvars` file: the comment, then one `name = "value"` a line."""
    width = max(len(name) for name in values)
    lines = [f"{name:<{width}} = {_quoted(value)}" for name, value in values.items()]
    return "\n".join([*(f"# {line}" for line in comment.splitlines()), *lines]) + "\n"


def parse(text: str) -> dict[str, str]:
    """The string values of a `.tfvars` file.

    Raises:
        ValueError: a line is none of: empty, a comment, `name = "value"`; the message names the line, not its content.
    """
    values: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _ASSIGNMENT.fullmatch(stripped)
        if not match:
            raise ValueError(f'line {number} is not of the form name = "value"')
        try:
            values[match[1]] = json.loads(match[2])
        except ValueError:
            raise ValueError(f"line {number} has a string that can't be read") from None
    return values


def _quoted(value: str) -> str:
    """A Terraform string; what could end it, start a template in it or break the line is written by its number."""
    return '"' + _SPECIAL.sub(lambda sign: f"\\u{ord(sign[0]):04x}", value) + '"'
