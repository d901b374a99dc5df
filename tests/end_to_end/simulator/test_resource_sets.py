"""Every resource the constructs can make: applied, planned again, changed in place, destroyed by the real provider."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from simulator import Simulator, SimulatorOptions, StorageOptions
from tests.end_to_end.simulator.terraform_runs import Workspace, schema_problems

pytestmark = pytest.mark.end_to_end

MODULES = Path(__file__).parent / "modules"
OPTIONS = SimulatorOptions(
    nodes=("pve", "pve2"),
    bridges=("vmbr0", "vmbr2"),
    storages=(
        StorageOptions("local"),
        StorageOptions("local-lvm", "lvmthin", ("images", "rootdir")),
        StorageOptions("tank", "zfspool", ("images", "rootdir")),
    ),
    task_seconds=0,
    address_seconds=0,
)
REPLACED_BY_DESIGN = {"proxmox_sdn_applier.apply"}
"""An applier is replaced whenever what it applies changes."""


@dataclass
class Journey:
    """What happened to one module, from nothing to nothing."""

    name: str
    resources: int = 0
    second_plan: dict[str, list[str]] = field(default_factory=dict)
    change_plan: dict[str, list[str]] = field(default_factory=dict)
    plan_after_change: dict[str, list[str]] = field(default_factory=dict)
    left_over: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    unimplemented: list[str] = field(default_factory=list)
    outputs: dict[str, object] = field(default_factory=dict)


@pytest.fixture(scope="module", params=["guests", "cluster", "firewall_and_availability", "root_only"])
def journey(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """One module's way; API token, except for what only root with a password may do."""
    name = str(request.param)
    folder = tmp_path_factory.mktemp(name)
    (folder / "tiny.iso").write_bytes(b"\0" * 3_000_000)
    (folder / "alpine-3.20.tar.xz").write_bytes(b"an archive")
    shutil.copy(MODULES / f"{name}.tf", folder)
    found = Journey(name)
    with Simulator(OPTIONS, request_hook=schema_problems) as simulator:
        before = everything(simulator)
        workspace = Workspace(folder, simulator, root_password=name == "root_only")
        workspace.apply("")
        found.resources = len(workspace.run("state", "list").splitlines())
        found.second_plan = workspace.changes()
        found.outputs = workspace.outputs()
        workspace.environment["TF_VAR_changed"] = "true"
        found.change_plan = workspace.changes()
        workspace.apply()
        found.plan_after_change = workspace.changes()
        workspace.destroy()
        found.left_over = [key for key, value in everything(simulator).items() if value != before[key]]
        found.violations = simulator.violations
        found.unimplemented = simulator.unimplemented
        yield found


def everything(simulator: Simulator) -> dict[str, str]:
    """What the cluster holds, without what settings keep after their resource is gone."""
    kept = ("options", "leases", "acl_checked", "next_vmid", "pool_of", "volumes_of", "nodes", "firewall", "sizes_gib")
    return simulator.inspect(
        lambda cluster: {
            key: str({k: v for k, v in value.items() if v} if key == "volumes" else value)
            for key, value in vars(cluster).items()
            if key not in kept
        }
    )


def test_it_makes_resources(journey: Journey) -> None:
    assert journey.resources >= 7


def test_the_second_plan_is_empty(journey: Journey) -> None:
    assert journey.second_plan == {}


def test_changes_are_made_in_place(journey: Journey) -> None:
    assert len(journey.change_plan) >= 3
    others = {k: v for k, v in journey.change_plan.items() if k not in REPLACED_BY_DESIGN and v != ["update"]}
    assert others == {}


def test_the_plan_after_the_change_is_empty(journey: Journey) -> None:
    assert journey.plan_after_change == {}


def test_nothing_is_left_when_all_is_destroyed(journey: Journey) -> None:
    assert journey.left_over == []


def test_every_request_is_what_the_published_schema_allows(journey: Journey) -> None:
    assert journey.violations == []


def test_nothing_it_asks_for_is_unimplemented(journey: Journey) -> None:
    assert journey.unimplemented == []
