"""`homelab schema` as a process."""

import json
from pathlib import Path

from homelab.config.json_schema import write_schema
from tests.operations.command_line.conftest import Run


def test_it_is_written_into_the_project(homelab: Run, project: Path) -> None:
    result = homelab("schema")
    path = project / "docs" / "environment.schema.json"
    assert (result.returncode, result.stdout) == (0, f"wrote {path}\n")
    assert path.read_text() == write_schema()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_it_is_written_where_one_wants_it(homelab: Run, project: Path) -> None:
    assert homelab("schema", "--output", "schema.json").returncode == 0
    assert json.loads((project / "schema.json").read_text())["title"] == "Homelab environment"


def test_it_is_printed(homelab: Run, project: Path) -> None:
    result = homelab("schema", "--print")
    assert result.stdout == write_schema()
    assert not (project / "docs").exists()


def test_where_it_cannot_be_written(homelab: Run, project: Path) -> None:
    (project / "file").write_text("")
    result = homelab("schema", "--output", "file/schema.json")
    assert result.returncode == 1
    assert result.stderr.startswith("error: file/schema.json can't be written: ")
