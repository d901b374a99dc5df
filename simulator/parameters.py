"""Tables of the parameters an endpoint accepts, and their verification.

A table is one string of names: ``vmid!:int`` is a required integer, ``cores:int`` an optional one, ``net[n]``
stands for ``net0``, ``net1`` and so on; a name without a kind is a string. What isn't in the table is refused,
as Proxmox does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import bad_parameters

_NUMBERED = re.compile(r"^([a-z]+)\d+$")
_INTEGER = re.compile(r"^-?\d+$")
_TRUE = frozenset({"1", "on", "yes", "true"})
_FALSE = frozenset({"0", "off", "no", "false"})
_JOINED = frozenset({"delete", "groups", "nodes", "peers", "roles", "storage", "tokens", "users", "vmid", "vms"})
"""Names whose values are lists in one string; the provider repeats them instead of separating with commas."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One accepted name: ``kind`` is ``str``, ``int``, ``num``, ``bool`` or ``list``."""

    name: str
    kind: str
    required: bool

    def convert(self, values: Sequence[str]) -> Any:
        """The typed value, or ``ValueError`` with Proxmox's words."""
        if self.kind == "list":
            return list(values)
        if len(values) > 1:
            if self.name not in _JOINED:
                raise ValueError("type check ('string') failed - got ARRAY")
            return ",".join(values)
        value = values[0]
        if self.kind == "int":
            if not _INTEGER.match(value):
                raise ValueError(f"type check ('integer') failed - got '{value}'")
            return int(value)
        if self.kind == "num":
            try:
                number = float(value)
            except ValueError:
                raise ValueError(f"type check ('number') failed - got '{value}'") from None
            return int(number) if number.is_integer() else number
        if self.kind == "bool":
            lowered = value.lower()
            if lowered in _TRUE:
                return 1
            if lowered in _FALSE:
                return 0
            raise ValueError(f"type check ('boolean') failed - got '{value}'")
        return value


class Parameters:
    """The accepted parameters of one endpoint."""

    def __init__(self, table: str = "") -> None:
        self.exact: dict[str, Parameter] = {}
        self.numbered: dict[str, Parameter] = {}
        for word in table.split():
            name, _, kind = word.partition(":")
            required = name.endswith("!")
            name = name.removesuffix("!")
            parameter = Parameter(name.removesuffix("[n]"), kind or "str", required)
            (self.numbered if name.endswith("[n]") else self.exact)[parameter.name] = parameter
        self._required = [p.name for p in self.exact.values() if p.required]

    def find(self, name: str) -> Parameter | None:
        """The table's entry for a name as it was sent."""
        if parameter := self.exact.get(name):
            return parameter
        if match := _NUMBERED.match(name):
            return self.numbered.get(match.group(1))
        return None

    def verify(self, sent: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Typed values of everything sent.

        Raises:
            ApiError: 400 with every unknown, missing or mistyped name.
        """
        values: dict[str, Any] = {}
        errors: dict[str, str] = {}
        for name, texts in sent.items():
            parameter = self.find(name)
            if parameter is None:
                errors[name] = "property is not defined in schema and the schema does not allow additional properties"
                continue
            try:
                values[name] = parameter.convert(texts)
            except ValueError as error:
                errors[name] = str(error)
        for name in self._required:
            if name not in sent:
                errors[name] = "property is missing and it is not optional"
        if errors:
            raise bad_parameters(errors)
        return values
