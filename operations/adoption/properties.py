"""Property strings, as Proxmox writes the settings of disks and interfaces: ``local-lvm:vm-100-disk-0,size=32G``."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

GIB = 1024
_UNITS = {"K": 1 / 1024, "M": 1.0, "G": 1024.0, "T": 1024.0 * 1024}


def properties(text: Any, default: str = "") -> dict[str, str]:
    """The properties of ``text``; one without a name is called ``default``."""
    found: dict[str, str] = {}
    for part in str(text).split(","):
        name, sign, value = part.partition("=")
        if sign:
            found[name.strip()] = value
        elif part and default:
            found.setdefault(default, part)
    return found


def flag(value: Any) -> bool:
    """Whether ``value`` is one of the words that Proxmox reads as yes."""
    return str(value).lower() in {"1", "on", "yes", "true"}


def mebibytes(text: str) -> float:
    """A size such as ``32G`` or ``528K`` in MiB; a bare number is in bytes. 0 where it is no size."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([KMGT])?", text)
    if not match:
        return 0.0
    return float(match[1]) * _UNITS[match[2]] if match[2] else float(match[1]) / 1024 / 1024


def numbered(config: dict[str, Any], prefix: str) -> dict[int, str]:
    """The settings ``<prefix>0``, ``<prefix>1``, ... of a guest by number, in order."""
    found = {
        int(match[1]): str(value) for key, value in config.items() if (match := re.fullmatch(rf"{prefix}([0-9]+)", key))
    }
    return dict(sorted(found.items()))


def plain(text: Any) -> str:
    """A description as it was written: Proxmox ends it with a line break and may have it percent-encoded."""
    written = str(text)
    return (unquote(written) if re.search(r"%0A", written) else written).rstrip("\n")
