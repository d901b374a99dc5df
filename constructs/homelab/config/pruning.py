"""An environment without its entries that have errors, so that the rest can be checked all the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from homelab.config.problems import Path

_ANY = "*"
_STAND_IN_NODE = {"cores": 1024, "memory": "1024TiB", "datastores": {"stand-in": {}}}
# What can't be left out. Nobody reads of these values: a problem that comes from an entry with errors is not reported.
_STAND_INS: dict[Path, Any] = {
    ("proxmox", "endpoint"): "https://endpoint.invalid:8006",
    ("proxmox", "nodes"): {"stand-in": _STAND_IN_NODE},
    ("proxmox", "nodes", _ANY): _STAND_IN_NODE,
}
_ENTRIES: tuple[Path, ...] = (
    ("proxmox", "nodes", _ANY, "datastores", _ANY),
    ("proxmox", "nodes", _ANY),
    ("proxmox", _ANY),
    ("firewall", "aliases", _ANY),
    ("firewall", "ipsets", _ANY),
    ("firewall", "groups", _ANY),
    ("sdn", "zones", _ANY),
    ("sdn", "vnets", _ANY),
    ("sdn", "controllers", _ANY),
    ("ha", "rules", _ANY),
    ("placement", _ANY),
    ("networks", _ANY),
    ("pools", _ANY),
    ("templates", _ANY),
    ("vms", _ANY),
    ("containers", _ANY),
    ("services", _ANY),
    (_ANY,),
)


def entry_of(path: Path) -> Path:
    """The entry that a problem at ``path`` spoils: the smallest one that the rest of the environment can do without."""
    for pattern in _ENTRIES:
        if len(path) >= len(pattern) and _matches(path[: len(pattern)], pattern):
            return path[: len(pattern)]
    return path


def _matches(path: Path, pattern: Path) -> bool:
    return len(path) == len(pattern) and all(wanted in (part, _ANY) for wanted, part in zip(pattern, path, strict=True))


def without(data: dict[str, Any], entries: Iterable[Path]) -> dict[str, Any]:
    """A copy of ``data`` that lacks ``entries``, or has a stand-in where an environment can't be without one."""
    for entry in entries:
        stand_in = next((value for pattern, value in _STAND_INS.items() if _matches(entry, pattern)), None)
        data = _replaced(data, entry, stand_in)
    return data


def _replaced(data: Any, path: Path, value: Any) -> Any:
    part, rest = path[0], path[1:]
    if isinstance(data, list):
        if not isinstance(part, int) or part >= len(data):
            return data
        return [*data[:part], *([_replaced(data[part], rest, value)] if rest else []), *data[part + 1 :]]
    if not isinstance(data, dict) or (part not in data and value is None):
        return data
    if rest:
        return {**data, part: _replaced(data.get(part), rest, value)}
    if value is not None:
        return {**data, part: value}
    return {key: kept for key, kept in data.items() if key != part}
