"""The commands of the documentation, so that what is written there is what runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def documented(page: str, containing: str, replaced: Mapping[str, str]) -> str:
    """The one block of commands in a page of the documentation that contains a text.

    Args:
        page: the file in ``docs``.
        containing: what the block is found by.
        replaced: what stands in the page by what is meant here, such as the name of the environment.
    """
    blocks = _BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))
    [found] = [block for block in blocks if containing in block]
    for written, meant in replaced.items():
        found = found.replace(written, meant)
    return str(found)
