"""Property strings (``virtio=BC:24:11:..,bridge=vmbr0``), sizes (``8G``), lists and tags, as Proxmox writes them."""

from __future__ import annotations

import re

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB

_SIZE = re.compile(r"^(\d+(?:\.\d+)?)([KMGT])?$")
_FACTOR = {"K": KIB, "M": MIB, "G": GIB, "T": TIB}


def parse_properties(text: str, default_key: str) -> dict[str, str]:
    """The keys of a property string; a word without ``=`` is the value of ``default_key``."""
    properties: dict[str, str] = {}
    for word in filter(None, (part.strip() for part in text.split(","))):
        key, separator, value = word.partition("=")
        if separator:
            properties[key] = value
        else:
            properties[default_key] = word
    return properties


def format_properties(properties: dict[str, str], default_key: str) -> str:
    """The property string with the default key first and bare, the others in alphabetical order."""
    words = [properties[default_key]] if default_key in properties else []
    words += [f"{key}={properties[key]}" for key in sorted(properties) if key != default_key]
    return ",".join(words)


def parse_size(text: str) -> int:
    """Bytes of ``8G``, ``512M``, ``4194304``.

    Raises:
        ValueError: not a size.
    """
    match = _SIZE.match(text)
    if not match:
        raise ValueError(f"unable to parse size '{text}'")
    return round(float(match.group(1)) * _FACTOR.get(match.group(2) or "", 1))


def format_size(size: int) -> str:
    """The shortest exact form: ``8G``, ``528K``, ``1234`` (bytes)."""
    for unit, factor in (("T", TIB), ("G", GIB), ("M", MIB), ("K", KIB)):
        if size >= factor and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


def split_list(text: str) -> list[str]:
    """Items of a list that is separated by commas, semicolons or blanks."""
    return [item for item in re.split(r"[,;\s\0]+", text) if item]


def normalise_tags(text: str) -> str:
    """Tags as the configuration keeps them: lower case, unique, sorted, joined by ``;``."""
    return ";".join(sorted({tag.lower() for tag in split_list(text)}))
