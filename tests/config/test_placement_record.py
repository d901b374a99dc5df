"""The record of places beside an environment file."""

from __future__ import annotations

from pathlib import Path

import pytest

from homelab.config.loading import check_files, load_environment
from homelab.config.placement_record import (
    PlacementRecordError,
    read_placement_record,
    record_path,
    write_placement_record,
)
from homelab.config.problems import InvalidEnvironment
from tests.config.cases import BASE


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "prod.yaml"

    assert write_placement_record(file, {"vms.web-2": "pve2", "containers.dns": "pve1"})
    assert read_placement_record(file) == {"containers.dns": "pve1", "vms.web-2": "pve2"}
    assert list(read_placement_record(file)) == ["containers.dns", "vms.web-2"]
    assert not write_placement_record(file, {"containers.dns": "pve1", "vms.web-2": "pve2"})
    assert [path.name for path in tmp_path.iterdir()] == ["prod.placement.json"]


def test_a_record_of_nothing_is_none(tmp_path: Path) -> None:
    file = tmp_path / "prod.yaml"
    write_placement_record(file, {"vms.web": "pve1"})

    assert write_placement_record(file, {})
    assert not record_path(file).exists()
    assert read_placement_record(file) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Invalid JSON"),
        ('{"version": 2, "guests": {}}', "version: Input should be 1"),
        ('{"version": 1, "guests": {"web": "pve1"}}', "guests > web > [key]: String should match pattern"),
        ('{"version": 1, "guests": {"vms.web": "no node"}}', "guests > vms.web: Value error, this is not a node name"),
        ('{"version": 1, "places": {}}', "places: Extra inputs are not permitted"),
    ],
)
def test_a_record_that_is_none_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "prod.placement.json").write_text(text)

    with pytest.raises(PlacementRecordError) as refused:
        read_placement_record(tmp_path / "prod.yaml")

    assert str(refused.value).startswith(f"prod.placement.json can't be used: {message}")


def test_an_environment_is_loaded_with_its_record(tmp_path: Path) -> None:
    file = tmp_path / "prod.yaml"
    file.write_text(
        f"{BASE}placement: {{all: {{}}}}\ncontainers: {{dns: {{os: debian-12, vm_id: 9200, placement: all}}}}\n"
    )

    with pytest.raises(InvalidEnvironment) as refused:
        load_environment(file)
    write_placement_record(file, {"containers.dns": "pve"})

    assert "dns on pve" in refused.value.problems[0].message
    assert load_environment(file).placed == {"containers.dns": "pve"}


def test_a_broken_record_and_places_in_the_file_are_said(tmp_path: Path) -> None:
    file = tmp_path / "prod.yaml"
    file.write_text(f"{BASE}placed: {{}}\ncontainers: {{dns: {{os: debian-12, vm_id: 9200}}}}\n")
    record_path(file).write_text("[]")

    messages = [problem.message for problem in check_files([file]) if problem.severity == "error"]

    assert messages == [
        "prod.placement.json can't be used: Input should be an object",
        "where guests are is not written here",
    ]
