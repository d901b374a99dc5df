"""The allow-list: which blocked findings a person has decided to let pass, why, and until when.

A YAML list of entries::

    - address: proxmox_virtual_environment_container.db
      stack: prod-infrastructure        # optional; needed where several plans have the address
      finding: guest-replaced           # optional; lets pass only this kind
      reason: its data is restored from the backup of Friday
      expires: 2026-12-01               # the last day on which it counts

An entry without a reason, without a date, or past its date lets nothing pass and is reported.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import yaml

from operations.review.plan import ReviewError

FILE_NAME = "allowed-changes.yaml"
_KEYS = ("address", "stack", "finding", "reason", "expires")
_INDEX = re.compile(r'\["(?:[^"\\]|\\.)*"\]')
"""A key of ``for_each``, which can have any sign in it."""
_FORM = f"a list of entries with the keys {', '.join(_KEYS)}"


@dataclass(frozen=True)
class Allowance:
    """One entry that counts."""

    address: str
    reason: str
    expires: date
    stack: str = ""
    finding: str = ""

    def covers(self, stack: str, address: str, kind: str) -> bool:
        """Whether it lets a finding pass. Addresses are compared as they are: there are no patterns."""
        return self.address == address and self.stack in ("", stack) and self.finding in ("", kind)


@dataclass(frozen=True)
class Rejected:
    """An entry that doesn't count, and why."""

    address: str
    why: str


@dataclass(frozen=True)
class AllowList:
    """The entries of a file."""

    allowances: tuple[Allowance, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    requested: tuple[Allowance, ...] = ()
    """What the command itself was asked for; no entry of a file."""


class _UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a key that is there twice, of which YAML's usual reader silently takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} is there twice", key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)

    def timestamp(self, node: yaml.ScalarNode) -> Any:
        """A date; the text where it is one that no calendar has."""
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            return node.value


_UniqueKeyLoader.add_constructor("tag:yaml.org,2002:timestamp", _UniqueKeyLoader.timestamp)


def read_allow_list(content: str, place: str, today: date) -> AllowList:
    """Read an allow-list.

    Args:
        content: the YAML text; an empty one allows nothing.
        place: the file, for messages.
        today: an entry counts up to and with the day that it names.

    Raises:
        ReviewError: it is no YAML, not a list of objects, or an entry has keys that are not known.
    """
    try:
        # A safe loader: it makes texts, numbers, dates, lists and mappings only.
        loaded = yaml.load(content, _UniqueKeyLoader)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        what = getattr(error, "problem", None) or "can't be read"
        raise ReviewError(f"{place}{where}: {what}\n    allowed:  {_FORM}") from None
    if loaded is None:
        return AllowList()
    if not isinstance(loaded, list):
        raise ReviewError(f"{place}: not a list\n    allowed:  {_FORM}")
    allowances: list[Allowance] = []
    rejected: list[Rejected] = []
    for index, entry in enumerate(loaded):
        found = _entry(entry, f"{place}: entry {index + 1}", today)
        if isinstance(found, Allowance):
            allowances.append(found)
        else:
            rejected.append(found)
    return AllowList(tuple(allowances), tuple(rejected))


def _entry(entry: Any, place: str, today: date) -> Allowance | Rejected:
    if not isinstance(entry, dict):
        raise ReviewError(f"{place}: not an entry\n    allowed:  {_FORM}")
    if unknown := [str(key) for key in entry if key not in _KEYS]:
        raise ReviewError(f"{place}: unknown key {unknown[0]}\n    allowed:  {', '.join(_KEYS)}")
    address, reason = _text(entry, "address", place), _text(entry, "reason", place)
    stack, finding = _text(entry, "stack", place), _text(entry, "finding", place)
    if not address:
        raise ReviewError(f"{place}: no address\n    allowed:  the address that the review shows, as it is")
    if "*" in _INDEX.sub("", address):
        return Rejected(address, "addresses are compared as they are: there are no patterns")
    expires = _date(entry.get("expires"))
    if not reason:
        return Rejected(address, "it has no reason")
    if entry.get("expires") is None:
        return Rejected(address, "it has no expires")
    if expires is None:
        return Rejected(address, "expires is no date such as 2026-12-31")
    if expires < today:
        return Rejected(address, f"it expired on {expires}")
    return Allowance(address, reason, expires, stack, finding)


def _text(entry: Mapping[str, Any], key: str, place: str) -> str:
    value = entry.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ReviewError(f"{place}: {key} is not a text\n    fix:      put it in quotes")
    return value.strip()


def _date(value: Any) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def allowance_for(
    allow_list: AllowList, stack: str, address: str, kind: str, stacks_with_address: Iterable[str]
) -> Allowance | None:
    """The entry that lets a finding pass, or None.

    One without a stack counts only where a single plan has the address, as every stack may use the same addresses.
    """
    several = len(set(stacks_with_address)) > 1
    for allowance in (*allow_list.requested, *allow_list.allowances):
        if allowance.covers(stack, address, kind) and (allowance.stack or not several):
            return allowance
    return None


def idle_entries(
    allow_list: AllowList, blocked: Sequence[Blocked], addresses: Mapping[str, Collection[str]]
) -> Iterator[Rejected]:
    """The entries about objects of these plans that let nothing pass: written for something else, or left over.

    Args:
        blocked: stack, address and kind of everything that is blocked, and the entry that lets it pass.
        addresses: every address of the plans, with the stacks that have it.
    """
    used = {allowance for *_, allowance in blocked if allowance is not None}
    for entry in allow_list.allowances:
        stacks = addresses.get(entry.address, ())
        if entry in used or not stacks or (entry.stack and entry.stack not in stacks):
            continue
        kinds = sorted({kind for stack, address, kind, _ in blocked if (stack, address) in _meant(entry, stacks)})
        if entry.finding and kinds and entry.finding not in kinds:
            yield Rejected(entry.address, f"it is for {entry.finding}; what is blocked there is {', '.join(kinds)}")
        elif not entry.stack and len(stacks) > 1:
            yield Rejected(entry.address, f"several plans have that address: it needs a stack, of {_listed(stacks)}")
        elif not kinds:
            yield Rejected(entry.address, "nothing is blocked there: an entry that is left lets the next loss pass")


Blocked = tuple[str, str, str, Allowance | None]


def _meant(entry: Allowance, stacks: Collection[str]) -> set[tuple[str, str]]:
    return {(stack, entry.address) for stack in stacks if entry.stack in ("", stack)}


def _listed(stacks: Collection[str]) -> str:
    return ", ".join(sorted(stacks)[:5])
