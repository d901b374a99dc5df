"""The generated page of each environment is as the environment is now; `make docs` writes them anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from homelab.config.loading import load_environment
from homelab.config.selection import environment_files
from operations.topology.markdown import as_markdown
from operations.topology.model import topology_of

PROJECT = Path(__file__).resolve().parents[3]
FILES = environment_files(PROJECT)
DOCUMENTS = PROJECT / "docs/environments"


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_it_is_current(file: Path) -> None:
    written = (DOCUMENTS / f"{file.stem}.md").read_text(encoding="utf-8")
    assert written == f"{as_markdown(topology_of(load_environment(file)))}\n", "run `make docs`"


def test_there_is_none_of_an_environment_that_is_gone() -> None:
    assert {path.stem for path in DOCUMENTS.glob("*.md")} == {file.stem for file in FILES}
