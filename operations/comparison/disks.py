"""Which volume a disk of a virtual machine has when its configuration changes.

Read from the provider's source, and held against its plans by the tests: a disk keeps the ``path_in_datastore`` of the
one that was in its place in the list. Where all interfaces stay, another order is no change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from operations.review.guests import VM
from operations.review.values import items, mapping, text

_PATH = "path_in_datastore"
Values = Mapping[str, Any]


def with_volumes(type_: str, before: Values, after: Values) -> tuple[Values, Values]:
    """The values of a machine with a stand-in for the volume of each disk, as a plan of an update would have it."""
    old, new = ([mapping(disk) for disk in items(values.get("disk"))] for values in (before, after))
    if type_ != VM or not old or not new:
        return before, after
    if _interfaces(old) == _interfaces(new) and len(old) == len(new):
        places = {text(disk.get("interface")): place for place, disk in enumerate(old)}
        new.sort(key=lambda disk: places[text(disk.get("interface"))])
    known = [{_PATH: f"disk-{place}", **disk} for place, disk in enumerate(old)]
    planned = [{_PATH: known[place][_PATH], **disk} if place < len(known) else disk for place, disk in enumerate(new)]
    return {**before, "disk": known}, {**after, "disk": planned}


def _interfaces(disks: list[Values]) -> set[str | None]:
    return {text(disk.get("interface")) for disk in disks}
