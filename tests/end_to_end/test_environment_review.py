"""`homelab review --environment`: plans made, judged, kept, and applied later exactly as they were."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator import Simulator
from tests.end_to_end.homelab_project import HomelabProject

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(task_seconds=0, address_seconds=0) as running:
        yield running


def test_drift_and_plans_that_are_applied_as_they_were_reviewed(simulator: Simulator, tmp_path: Path) -> None:
    project = HomelabProject(tmp_path, simulator)
    del project.content["vms"], project.content["templates"]
    project.write()
    said = project.run("review", code=2)
    assert "CHANGES: 2 to create" in said
    assert not simulator.guests()
    project.run("deploy", "--yes")

    # Somebody changes something by hand, and somebody else the file.
    simulator.inspect(lambda cluster: cluster.guests[9200].config.update(memory=1024))
    project.content["containers"]["dns"]["cores"] = 2
    project.write()
    file = tmp_path / "drift.json"
    project.run("review", "--drift-only", "--format", "json", "--output", str(file), code=2)
    drift = json.loads(file.read_text(encoding="utf-8"))
    assert drift["changes"] == []
    assert drift["drift"][0]["details"] == ["memory.dedicated 512 → 1024"]

    plans = tmp_path / "plans"
    project.run("review", "--save", str(plans), code=2)
    assert "is not empty" in project.run("review", "--save", str(plans), code=1)
    project.run("deploy", "--plans", str(plans), "--yes")
    assert (simulator.guests()[9200].config["memory"], simulator.guests()[9200].config["cores"]) == (512, 2)
    assert "the state of small-services has changed since it was planned" in project.run(
        "deploy", "--plans", str(plans), "--yes", code=1
    )
    assert "NOTHING TO DO" in project.run("review", code=0)
