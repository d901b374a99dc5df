"""Text of a certain form, refused in words instead of with a regular expression."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from homelab.config.problems import Refused


@dataclass(frozen=True)
class Matching:
    """Annotation of a ``str`` that must match ``pattern`` as a whole.

    A refusal reads "this is not <what>", lists what is ``allowed``, and offers ``fix``, or else ``example``, or else
    the value itself brought into form.
    """

    pattern: str
    what: str
    allowed: str
    example: str = ""
    fix: str = ""
    longest: int = 0
    """Characters at most; 0 for as many as the pattern takes."""
    compiled: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compiled", re.compile(self.pattern))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        described = {**handler(schema), "pattern": f"^(?:{self.pattern})$"}
        if self.longest:
            described["maxLength"] = self.longest
        if self.example:
            described["examples"] = [self.example]
        return described

    def check(self, value: str) -> str:
        """``value``, when it has the form.

        Raises:
            Refused: it has not.
        """
        if (self.longest and len(value) > self.longest) or not self.compiled.fullmatch(value):
            raise Refused(f"this is not {self.what}", allowed=self.allowed, fix=self._fix(value))
        return value

    def _fix(self, value: str) -> str:
        if self.fix or self.example:
            return self.fix or f"write it like {self.example}"
        near = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")[: self.longest or None].strip("-")
        return f"write {near}" if near != value and self.compiled.fullmatch(near) else "choose another name"
