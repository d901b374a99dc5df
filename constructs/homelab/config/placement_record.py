"""The record of places: ``environments/prod.placement.json`` beside ``environments/prod.yaml``.

It says on which node each guest is that a policy places. It belongs into version control with the environment file:
without it nobody knows any more where guests with local disks were meant to be.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from homelab.config.names import NodeName

VERSION: Literal[1] = 1
Guest = Annotated[str, StringConstraints(pattern=r"^(vms|containers)\.[a-z0-9]([a-z0-9-]*[a-z0-9])?$")]


class PlacementRecordError(Exception):
    """A record that can't be used: what is wrong, what is allowed, and the next step."""

    def __init__(self, path: Path, message: str, allowed: str = "") -> None:
        super().__init__(f"{path.name} can't be used: {message}")
        self.message = str(self)
        self.allowed = allowed
        self.fix = f"restore {path.name} from version control; without it guests may get other nodes"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = VERSION
    guests: dict[Guest, NodeName] = {}


def record_path(environment_file: Path) -> Path:
    """Where the record of the environment in ``environment_file`` is."""
    return environment_file.with_name(f"{environment_file.stem}.placement.json")


def read_placement_record(environment_file: Path) -> dict[str, str]:
    """The node of every guest on record, by ``vms.<key>`` or ``containers.<key>``; empty where there is no record.

    Raises:
        PlacementRecordError: it can't be read, or is not a record.
    """
    path = record_path(environment_file)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise PlacementRecordError(path, f"it can't be read ({type(error).__name__})") from None
    try:
        return _Record.model_validate_json(text, strict=True).guests
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = " > ".join(str(part) for part in first["loc"])
        allowed = '{"version": 1, "guests": {"vms.web-1": "pve1"}}'
        raise PlacementRecordError(path, ": ".join(filter(None, (place, first["msg"]))), allowed) from None


def write_placement_record(environment_file: Path, guests: Mapping[str, str]) -> bool:
    """Write the record, sorted; whether that changed anything. A record of nothing is removed."""
    path = record_path(environment_file)
    text = json.dumps(_Record(guests=dict(sorted(guests.items()))).model_dump(), indent=2) + "\n" if guests else ""
    known = path.read_text(encoding="utf-8") if path.exists() else ""
    if known == text:
        return False
    if not text:
        path.unlink()
        return True
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(name).chmod(0o644)
    Path(name).replace(path)
    return True
