"""Entries of configuration files: shown with a digest, changed by values and ``delete``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import failed
from .properties import split_list
from .state import Config, digest


def view(config: Config) -> Config:
    """The entry with its digest."""
    return config | {"digest": digest(config)}


def change(config: Config, values: Mapping[str, Any]) -> None:
    """Sets the values and removes what ``delete`` names.

    Raises:
        ApiError: the digest isn't the current one.
    """
    given = dict(values)
    check_digest(config, given.pop("digest", None))
    for key in split_list(str(given.pop("delete", ""))):
        config.pop(key, None)
    config |= given


def check_digest(config: object, wanted: str | None) -> None:
    """Refuses a change that was made for another version of the entry."""
    if wanted and wanted != digest(config):
        raise failed("detected modified configuration - file changed by other user? Try again.")
