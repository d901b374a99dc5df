"""How often something runs by a schedule of Proxmox.

Source: Proxmox's documentation, "Calendar Events": ``[WEEKDAY] [[YEARS-]MONTHS-DAYS] [HOURS:MINUTES[:SECONDS]]``.
"""

from __future__ import annotations

import re

_NAMED = {
    "minutely": "*:*",
    "hourly": "*:00",
    "daily": "00:00",
    "weekly": "mon 00:00",
    "monthly": "*-01 00:00",
    "yearly": "01-01 00:00",
    "annually": "01-01 00:00",
    "quarterly": "01,04,07,10-01 00:00",
    "semiannually": "01,07-01 00:00",
    "semi-annually": "01,07-01 00:00",
}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAYS = re.compile(rf"({'|'.join(_DAYS)})[a-z]*(\.\.({'|'.join(_DAYS)})[a-z]*)?")
_VALUES = re.compile(r"(\*|(\d{1,2})(?:\.\.(\d{1,2}))?)(?:/(\d{1,2}))?")
_MONTHS, _MONTH, _YEAR = 12, 365.25 / 12, 365.25


def runs_a_year(schedule: str) -> float | None:
    """How often ``schedule`` comes around in a year, about; None where it is not understood."""
    words = schedule.strip().lower()
    parts = _NAMED.get(words, words).split()
    days, times = _YEAR, 1.0
    if parts and (weekdays := _weekdays(parts[0])) is not None:
        days, parts = days * weekdays / len(_DAYS), parts[1:]
    elif not parts:
        return None
    if parts and "-" in parts[0]:
        dates = _dates(parts[0])
        if dates is None:
            return None
        days, parts = days * dates / _YEAR, parts[1:]
    if parts:
        found = _times(parts[0])
        if found is None or len(parts) > 1:
            return None
        times = found
    return days * times


def interval(runs: float) -> str:
    """``day``, ``7 days``, ``15 minutes``: the time between two of so many runs a year, about."""
    minutes = _YEAR * 24 * 60 / runs
    for size, unit in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
        number = round(minutes / size)
        if minutes >= size * 0.99:
            return unit if number == 1 else f"{number} {unit}s"
    return "minute"


def _weekdays(part: str) -> int | None:
    found: set[int] = set()
    for entry in part.split(","):
        match = _WEEKDAYS.fullmatch(entry)
        if not match:
            return None
        first = _DAYS.index(match[1])
        last = _DAYS.index(match[3]) if match[3] else first
        found |= {day % len(_DAYS) for day in range(first, last + 1 if last >= first else last + len(_DAYS) + 1)}
    return len(found)


def _dates(part: str) -> float | None:
    """The days of a year that a date fits; one with a year is not for always."""
    fields = part.split("-")
    if len(fields) == 3 and fields[0] == "*":
        fields = fields[1:]
    if len(fields) != 2:
        return None
    months, days = _number(fields[0], 1, _MONTHS), _number(fields[1], 1, 31)
    if months is None or days is None:
        return None
    return months * (_MONTH if days >= 31 else min(days, _MONTH))


def _times(part: str) -> float | None:
    fields = part.split(":")
    if len(fields) == 1 and "/" in part:
        fields = ["*", part]
    if len(fields) == 3 and fields[2] in ("0", "00"):
        fields = fields[:2]
    if len(fields) != 2:
        return None
    hours, minutes = _number(fields[0], 0, 23), _number(fields[1], 0, 59)
    return None if hours is None or minutes is None else float(hours * minutes)


def _number(field: str, least: int, most: int) -> int | None:
    """How many of the values from ``least`` to ``most`` a field fits."""
    found: set[int] = set()
    for entry in field.split(","):
        match = _VALUES.fullmatch(entry)
        if not match or match[4] in ("0", "00"):
            return None
        step = int(match[4]) if match[4] else 0
        first = least if match[1] == "*" else int(match[2])
        last = int(match[3]) if match[3] else most if step or match[1] == "*" else first
        found |= set(range(first, last + 1, step or 1))
    return len(found) if found and found <= set(range(least, most + 1)) else None
