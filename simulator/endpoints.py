"""The table of implemented endpoints and the search in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from .parameters import Parameters

if TYPE_CHECKING:
    from .call import Call

Handler = Callable[["Call"], Any]
_H = TypeVar("_H", bound=Handler)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path.

    Attributes:
        check: ``PATH PRIVILEGE`` that the caller needs; ``A|B`` is either, ``A&B`` both; names in braces are replaced.
        locks: the handler waits while another task works on the same guest, as Proxmox's configuration lock does.
        raw: the handler takes the request's body itself (uploads).
        check_needs: the names in ``check``.
    """

    method: str
    path: str
    parameters: Parameters
    check: str
    locks: bool
    raw: bool
    handler: Handler
    check_needs: frozenset[str]


ENDPOINTS: list[Endpoint] = []


def endpoint(
    method: str, path: str, parameters: str = "", *, check: str = "", locks: bool = False, raw: bool = False
) -> Callable[[_H], _H]:
    """Adds the function to the table; see `Endpoint` for the arguments."""

    def add(handler: _H) -> _H:
        needs = frozenset(re.findall(r"\{(\w+)\}", check))
        ENDPOINTS.append(Endpoint(method, path, Parameters(parameters), check, locks, raw, handler, needs))
        return handler

    return add


class Routes:
    """Finds an endpoint by walking the path's segments, whatever the number of endpoints."""

    def __init__(self, endpoints: list[Endpoint]) -> None:
        self._root: dict[str, Any] = {}
        for item in endpoints:
            level = self._root
            for segment in item.path.strip("/").split("/"):
                level = level.setdefault("{}" if segment.startswith("{") else segment, {})
            methods = level.setdefault("", {})
            if item.method in methods:
                raise ValueError(f"{item.method} {item.path} is defined twice")
            methods[item.method] = item

    def find(self, method: str, segments: list[str]) -> tuple[Endpoint, dict[str, str]] | None:
        """The endpoint and the values of the names in its path."""
        found = self._walk(self._root, segments, 0)
        item = found.get(method) if found else None
        if item is None:
            return None
        names = item.path.strip("/").split("/")
        return item, {n[1:-1]: v for n, v in zip(names, segments, strict=True) if n.startswith("{")}

    def _walk(self, level: dict[str, Any], segments: list[str], at: int) -> dict[str, Endpoint] | None:
        if at == len(segments):
            return level.get("")
        segment = segments[at]
        if segment and segment in level and (found := self._walk(level[segment], segments, at + 1)) is not None:
            return found
        return self._walk(level["{}"], segments, at + 1) if "{}" in level else None
