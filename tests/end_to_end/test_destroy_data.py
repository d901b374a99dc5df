"""`homelab destroy` and what holds data: asked for by name, and saved first."""

from __future__ import annotations

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


@pytest.fixture
def project(simulator: Simulator, tmp_path: Path) -> HomelabProject:
    """Two containers: ``db`` with a mount point that backups have, ``dns`` without data."""
    project = HomelabProject(tmp_path, simulator)
    del project.content["vms"], project.content["templates"]
    project.content["containers"]["db"] = {
        "os": "debian-12",
        "vm_id": 9201,
        "group": "data",
        "network": {"name": "lan", "address": "192.168.3.54"},
        "mount_points": {"mp0": {"path": "/data", "size": "20GiB", "backup": True}},
    }
    project.write()
    return project


def backups(simulator: Simulator) -> list[str]:
    volumes = simulator.inspect(lambda cluster: [one for there in cluster.volumes.values() for one in there.values()])
    return [volume.volid for volume in volumes if volume.content == "backup"]


def test_what_holds_data_is_destroyed_by_its_name_and_saved_before(
    project: HomelabProject, simulator: Simulator
) -> None:
    project.run("deploy", "--yes")
    asked = ("destroy", "--yes", "--confirm", "small")
    said = project.run(*asked, code=1)
    assert "container db (9201): mp0 at /data (20 GiB on local-lvm)" in said
    assert "add --confirm db; --backup saves guests before" in said
    assert set(simulator.guests()) == {9200, 9201}

    # What can't be saved is not destroyed; the rest is.
    said = project.run(*asked, "--confirm", "db", "--backup-to", "local-lvm", code=1)
    assert "container db (9201) could not be saved, and is not destroyed" in said
    assert "local-lvm takes no backups on pve (there are: local)" in said
    assert set(simulator.guests()) == {9200, 9201}
    simulator.faults.fail_task("vzdump", "job errors", times=1)
    first = project.document(*asked, "--confirm", "db", "--backup", code=1)
    assert sorted(stack["status"] for stack in first["stacks"]) == ["destroyed", "failed", "waiting"]
    (error,) = first["errors"]
    assert (error["kind"], error["found"]) == ("not_saved", "the task ended with: job errors")
    assert len(simulator.guests()) == 1

    second = project.document(*asked, "--confirm", "db", "--backup")
    assert not simulator.guests()
    saved = [volume for document in (first, second) for stack in document["stacks"] for volume in stack["backups"]]
    assert sorted(saved) == sorted(backups(simulator))
    assert {volume.split("-")[2] for volume in saved} == {"9200", "9201"}


def test_a_mount_point_that_backups_leave_out_is_no_saved_data(project: HomelabProject, simulator: Simulator) -> None:
    project.content["containers"]["db"]["mount_points"]["mp0"]["backup"] = False
    project.write()
    project.run("deploy", "data", "--yes")
    said = project.run("destroy", "data", "--yes", "--confirm", "small", "--confirm", "db", "--backup", code=1)
    assert "mp0 at /data (20 GiB on local-lvm) is not part of backups (backup: false)" in said
    assert set(simulator.guests()) == {9201}
    assert backups(simulator) == []
    project.run("destroy", "data", "--yes", "--confirm", "small", "--confirm", "db")
    assert not simulator.guests()
