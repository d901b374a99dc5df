"""Which arguments a change touches, with old and new value where these may be shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from operations.review.disclosure import SENSITIVE, Disclosure
from operations.review.guests import CONTAINER, VM
from operations.review.plan import Change
from operations.review.values import EMPTY, child, mapping, same

_REPORTED = frozenset({"ipv4_addresses", "ipv6_addresses", "mac_addresses", "network_interface_names", "ipv4", "ipv6"})
_SDN_ZONES = [f"proxmox_sdn_zone_{kind}" for kind in ("evpn", "qinq", "simple", "vlan", "vxlan")]
COMPUTED = {
    VM: _REPORTED,
    CONTAINER: _REPORTED,
    "proxmox_virtual_environment_pool": frozenset({"members"}),
    # What is made waits for the applier, which comes after it: the state has the zone as it was in between.
    **dict.fromkeys(_SDN_ZONES, frozenset({"pending", "state"})),
}
"""What Proxmox reports and nobody sets here, by type: addresses change with every restart."""


@dataclass(frozen=True)
class Difference:
    """One argument; ``before`` and ``after`` are None where they may not be shown."""

    path: str
    before: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        if self.before is None and self.after is None:
            return self.path
        return f"{self.path} {self.before or ''} → {self.after or ''}".replace("  ", " ").rstrip()


_Values = tuple[Any, Any]
"""Before and after."""


@dataclass(frozen=True)
class _Masks:
    unknown: Any
    before: Any
    after: Any

    def at(self, key: str | int) -> _Masks:
        return _Masks(child(self.unknown, key), child(self.before, key), child(self.after, key))


def differences(change: Change, disclosure: Disclosure) -> tuple[Difference, ...]:
    """The arguments that an update changes. What isn't set and is said so in another way is no difference."""
    masks = _Masks(change.after_unknown, change.before_sensitive, change.after_sensitive)
    found: list[Difference] = []
    computed = COMPUTED.get(change.type, frozenset())
    for name in sorted({*change.before, *change.after, *mapping(change.after_unknown)}):
        values = change.before.get(name), change.after.get(name)
        # Nearly all of the hundred arguments of a guest stay as they are.
        if name in computed or (values[0] == values[1] and not child(change.after_unknown, name)):
            continue
        found += _between(name, name, values, masks.at(name), disclosure)
    return tuple(found)


def _between(path: str, name: str, values: _Values, masks: _Masks, disclosure: Disclosure) -> Iterator[Difference]:
    before, after = values
    if masks.unknown is True:
        yield Difference(disclosure.text(path), None, "known after the apply")
    elif same(before, after) and not _holds_true(masks.unknown):
        return
    elif masks.before is True or masks.after is True:
        yield Difference(f"{disclosure.text(path)} {SENSITIVE}")
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after, *mapping(masks.unknown)}):
            yield from _between(f"{path}.{key}", key, (before.get(key), after.get(key)), masks.at(key), disclosure)
    elif _are_blocks(before) and _are_blocks(after) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            inner = path if len(before) == 1 else f"{path}[{index}]"
            yield from _between(inner, name, (old, new), masks.at(index), disclosure)
    elif _are_blocks(before or []) and _are_blocks(after or []) and (before or after):
        yield Difference(disclosure.text(path), str(len(before or [])), str(len(after or [])))
    elif _holds_true(masks.before) or _holds_true(masks.after):
        yield Difference(f"{disclosure.text(path)} {SENSITIVE}")
    else:
        old, new = disclosure.value(name, before), disclosure.value(name, after)
        shown = (
            old is not None
            and new is not None
            and (before in EMPTY or after in EMPTY or type(before) is type(after) or _numbers(before, after))
        )
        yield Difference(disclosure.text(path), old, new) if shown else Difference(disclosure.text(path))


def _are_blocks(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def _numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _holds_true(mask: Any) -> bool:
    if isinstance(mask, dict):
        return any(map(_holds_true, mask.values()))
    if isinstance(mask, list):
        return any(map(_holds_true, mask))
    return mask is True
