"""Sizes with their unit written out: ``512MiB``, ``20GiB``, ``1TiB``.

Proxmox counts memory in MiB and disks in GiB and calls both "M" and "G". A bare number says neither, so a unit is
required.
"""

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from homelab.config.problems import Refused

MIB_PER_UNIT = {"MiB": 1, "GiB": 1024, "TiB": 1024 * 1024}
_SIZE = re.compile(r"(?P<number>[0-9]+)\s*(?P<unit>[A-Za-z]*)")
_ALLOWED = "a whole number with a unit: MiB, GiB or TiB"


class Size(int):
    """A size as a Python program writes it, in MiB: ``Size.gib(4)`` where a YAML file has ``4GiB``."""

    @classmethod
    def mib(cls, number: int) -> Self:
        """``number`` MiB."""
        return cls(number)

    @classmethod
    def gib(cls, number: int) -> Self:
        """``number`` GiB."""
        return cls(number * MIB_PER_UNIT["GiB"])

    @classmethod
    def tib(cls, number: int) -> Self:
        """``number`` TiB."""
        return cls(number * MIB_PER_UNIT["TiB"])


def parse_mebibytes(value: Any) -> int:
    """The size in MiB that ``value`` writes out, such as 2048 for ``2GiB``.

    Raises:
        Refused: the value is not a whole number followed by MiB, GiB or TiB.
    """
    if isinstance(value, Size):
        return int(value)
    if isinstance(value, str) and (match := _SIZE.fullmatch(value.strip())):
        number, unit = int(match["number"]), match["unit"]
        if unit in MIB_PER_UNIT:
            return number * MIB_PER_UNIT[unit]
        guess = next((known for known in MIB_PER_UNIT if unit and known[0] == unit[0].upper()), "GiB")
        message = f"the unit {unit!r} is not known" if unit else "the unit is missing"
        raise Refused(message, allowed=_ALLOWED, fix=f"write {number}{guess}")
    if isinstance(value, int) and not isinstance(value, bool):
        raise Refused("the unit is missing", allowed=_ALLOWED, fix=f"write {value}MiB or {value}GiB")
    raise Refused("this is not a size", allowed=_ALLOWED, fix="write it as 512MiB or 20GiB")


def parse_gibibytes(value: Any) -> int:
    """The size in GiB that ``value`` writes out; Proxmox sizes disks in whole GiB.

    Raises:
        Refused: as ``parse_mebibytes``, or the size is not a whole number of GiB.
    """
    mebibytes = parse_mebibytes(value)
    if mebibytes % 1024:
        raise Refused(
            "Proxmox sizes disks in whole GiB", allowed="a whole number of GiB", fix=f"write {mebibytes // 1024 + 1}GiB"
        )
    return mebibytes // 1024


def format_mebibytes(mebibytes: int) -> str:
    """``mebibytes`` with the largest unit that keeps it a whole number: 2048 is ``2GiB``."""
    for unit in ("TiB", "GiB"):
        if mebibytes and mebibytes % MIB_PER_UNIT[unit] == 0:
            return f"{mebibytes // MIB_PER_UNIT[unit]}{unit}"
    return f"{mebibytes}MiB"


def format_gibibytes(gibibytes: int) -> str:
    """``gibibytes`` with its unit: 20 is ``20GiB``."""
    return format_mebibytes(gibibytes * 1024)


def mebibytes_between(smallest: str, largest: str) -> AfterValidator:
    """A validator that refuses an amount of memory outside ``smallest`` to ``largest``, both included."""
    low, high = parse_mebibytes(smallest), parse_mebibytes(largest)
    return AfterValidator(lambda value: _within(value, low, high, f"{smallest} to {largest}"))


def gibibytes_between(smallest: str, largest: str) -> AfterValidator:
    """A validator that refuses a disk size outside ``smallest`` to ``largest``, both included."""
    low, high = parse_gibibytes(smallest), parse_gibibytes(largest)
    return AfterValidator(lambda value: _within(value, low, high, f"{smallest} to {largest}"))


def _within(value: int, low: int, high: int, allowed: str) -> int:
    if not low <= value <= high:
        raise Refused("the size is out of range", allowed=allowed, fix=f"choose a size from {allowed}")
    return value


_SCHEMA = {"type": "string", "pattern": r"^[0-9]+\s*(MiB|GiB|TiB)$", "examples": ["512MiB", "20GiB", "1TiB"]}

Mebibytes = Annotated[
    int,
    BeforeValidator(parse_mebibytes),
    PlainSerializer(format_mebibytes, return_type=str),
    WithJsonSchema(_SCHEMA),
]
"""An amount of memory: written ``2GiB``, held as 2048 (MiB)."""

Gibibytes = Annotated[
    int,
    BeforeValidator(parse_gibibytes),
    PlainSerializer(format_gibibytes, return_type=str),
    WithJsonSchema(_SCHEMA),
]
"""The size of a disk or datastore: written ``20GiB``, held as 20 (GiB)."""
