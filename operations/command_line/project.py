"""Where the project is, and which of its environments the user means."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from operations.command_line.errors import UsageError

_MARKER = "cdktf.json"
ENVIRONMENTS_VARIABLE = "HOMELAB_ENVIRONMENTS"


def project_root(start: Path | None = None) -> Path:
    """The nearest folder with a ``cdktf.json``, from ``start`` (the current folder) upwards; else ``start`` itself."""
    folder = (start or Path.cwd()).resolve()
    return next((parent for parent in (folder, *folder.parents) if (parent / _MARKER).is_file()), folder)


def chosen_files(names_or_paths: Sequence[str], root: Path) -> list[Path]:
    """The environment files that are named; without names those of ``HOMELAB_ENVIRONMENTS``, and without that all.

    Paths are relative to the current folder where the files are inside of it.

    Raises:
        UsageError: a name or path stands for no file.
    """
    from homelab.config.selection import SelectionError, names_in, seen_from_here, select_files

    variable = os.environ.get(ENVIRONMENTS_VARIABLE, "")
    wanted = list(names_or_paths) or names_in(variable)
    try:
        return [seen_from_here(path) for path in select_files(wanted, root)]
    except SelectionError as error:
        source = "" if names_or_paths or not wanted else f"\n    note:     {ENVIRONMENTS_VARIABLE} is set to {variable}"
        raise UsageError(f"{error}{source}") from None
