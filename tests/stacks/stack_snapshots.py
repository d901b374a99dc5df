"""Snapshots of stacks: one file for the JSON of each, one for the addresses of its resources."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from syrupy.extensions.json import JSONSnapshotExtension
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation
from syrupy.types import SnapshotIndex

from tests.synthesis import addresses

FOLDER = Path(__file__).parent / "snapshots"


class _InOneFolder(SingleFileSnapshotExtension):
    """A file for each snapshot, named by it, whichever test has it."""

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:  # noqa: ARG003 - syrupy's signature
        return str(FOLDER)

    @classmethod
    def get_snapshot_name(cls, *, test_location: PyTestLocation, index: SnapshotIndex = 0) -> str:  # noqa: ARG003
        return str(index)

    @classmethod
    def matches_test_location(cls, *, test_location: PyTestLocation, snapshot_location: str) -> bool:  # noqa: ARG003
        return Path(snapshot_location).parent == FOLDER


class StackJson(_InOneFolder, JSONSnapshotExtension):
    """``snapshots/<stack>.tf.json``."""

    file_extension = "tf.json"


class StackAddresses(_InOneFolder):
    """``snapshots/<stack>.addresses``: one address a line, so that a move is a line of its own in a review."""

    _write_mode = WriteMode.TEXT
    file_extension = "addresses"


def without_metadata(value: Any) -> Any:
    """A stack's JSON without what cdktf notes for itself, and without the texts of scripts, which have own tests."""
    if isinstance(value, dict):
        return {key: _shown(key, without_metadata(item)) for key, item in value.items() if key != "//"}
    return [without_metadata(item) for item in value] if isinstance(value, list) else value


def _shown(key: str, value: Any) -> Any:
    if key in ("script", "scripts") and isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value):
        return "(digest)"
    if key == "HOMELAB_PROVISIONING":
        return {**json.loads(unquote(value)), "text": "(text)"}
    return value


def address_lines(document: dict[str, Any]) -> str:
    """The addresses of a stack's resources, sorted."""
    return "\n".join(sorted(addresses(document))) + "\n"
