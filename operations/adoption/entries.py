"""Entries of an environment file for what was found, and what can't be one."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from homelab.config.names import Hostname, Tag
from operations.adoption.properties import flag, plain, properties
from operations.adoption.reading import FoundGuest

Section = Literal["templates", "vms", "containers"]
_HOSTNAME: TypeAdapter[str] = TypeAdapter(Hostname)
_TAG: TypeAdapter[str] = TypeAdapter(Tag)


class NotAdoptable(Exception):
    """A guest that can't be taken over; the message is the reason."""


@dataclass
class Entry:
    """A guest or template as the environment file will have it.

    Attributes:
        section: the section of the file.
        key: its key there.
        values: what the file says.
        ignored: arguments of the provider that stay as they are on the node, with the reason.
        notes: what else somebody should know.
    """

    section: Section
    key: str
    guest: FoundGuest
    values: dict[str, Any] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def ignore(self, argument: str, reason: str) -> None:
        """Leaves an argument of the provider to the node."""
        self.ignored.setdefault(argument, reason)


def accepts(adapter: TypeAdapter[Any], value: Any) -> bool:
    """Whether a model of the environment takes ``value``."""
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


def key_for(name: str, vm_id: int, taken: Collection[str]) -> str:
    """A key for a guest: its name in the letters of a key, with the VMID where that is taken."""
    text = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")[:50]
    if not text or not text[0].isalpha():
        text = f"guest-{text}".strip("-")
    return text if text not in taken else f"{text}-{vm_id}"


def common(entry: Entry, *, name_argument: str, hostnames: Collection[str]) -> None:
    """What virtual machines and containers have in common: number, node, name, tags, power, start, pool.

    Raises:
        NotAdoptable: the guest is locked.
    """
    guest, config, values = entry.guest, entry.guest.config, entry.values
    if lock := config.get("lock"):
        raise NotAdoptable(f"it is locked ({lock}): run `homelab adopt` again when that is over")
    values["vm_id"] = guest.vm_id
    values["node"] = guest.node
    if guest.name != entry.key:
        if guest.name in hostnames:
            entry.ignore(name_argument, f"another guest is called {guest.name} too")
        elif accepts(_HOSTNAME, guest.name):
            values["hostname"] = guest.name
        else:
            entry.ignore(name_argument, f"{guest.name} is no host name")
    if description := plain(config.get("description", "")):
        if len(description) <= 8192:
            values["description"] = description
        else:
            entry.ignore("description", "it is longer than 8192 characters")
    tags = [tag for tag in re.split(r"[;, ]+", str(config.get("tags", ""))) if tag]
    if all(accepts(_TAG, tag) for tag in tags):
        if tags:
            values["tags"] = sorted(tags)
    else:
        entry.ignore("tags", f"{', '.join(tag for tag in tags if not accepts(_TAG, tag))} has capitals or is no tag")
    values["start_on_boot"] = flag(config.get("onboot", 0))
    values["started"] = guest.running
    if flag(config.get("protection", 0)):
        values["protection"] = True
    _startup(entry)


def _startup(entry: Entry) -> None:
    text = entry.guest.config.get("startup")
    if text is None:
        return
    # The first number may stand alone: "3,up=10".
    found = properties(text, "order")
    if "order" not in found or not all(value.isdigit() for value in found.values()):
        entry.ignore("startup", f"{text} has no order")
        return
    entry.values["startup"] = {
        "order": int(found["order"]),
        "up_delay": int(found["up"]) if "up" in found else None,
        "down_delay": int(found["down"]) if "down" in found else None,
    }
