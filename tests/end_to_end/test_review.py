"""The review against plans of the real provider: every danger is found, and its harmless twin raises no alarm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from operations.review import PlanDocument, Review, Severity, Verdict, as_json, as_markdown, as_text, read_plan, review
from simulator import Simulator, SimulatorOptions, StorageOptions
from tests.end_to_end import review_scenarios as scenarios
from tests.end_to_end.review_resources import CONTAINER, VM, document
from tests.end_to_end.review_scenarios import SCENARIOS
from tests.end_to_end.simulator.terraform_runs import Workspace

pytestmark = pytest.mark.end_to_end

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


@dataclass(frozen=True)
class Plans:
    """What Terraform planned, as it shows it."""

    danger: PlanDocument
    harmless: PlanDocument
    records: PlanDocument
    texts: tuple[str, ...]


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plans]:
    with Simulator(OPTIONS) as simulator:
        workspace = Workspace(tmp_path_factory.mktemp("scenarios"), simulator)
        _apply(workspace, document(scenarios.everything("before")))
        harmless = _plan(workspace, document(scenarios.everything("harmless")), "-refresh=false")
        workspace.run("taint", f"{VM}.tainted")
        danger = _plan(workspace, document(scenarios.everything("danger")), "-refresh=false")

        workspace = Workspace(tmp_path_factory.mktemp("records"), simulator)
        _apply(workspace, document(scenarios.RECORDS))
        workspace.run("state", "rm", f"{VM}.imported")
        simulator.inspect(lambda cluster: cluster.guests[5000].config.update(tags="theirs"))
        simulator.inspect(lambda cluster: cluster.guests.pop(5004))
        records = _plan(workspace, scenarios.records_changed())
        yield Plans(
            read_plan(danger, "danger"),
            read_plan(harmless, "harmless"),
            read_plan(records, "records"),
            (danger, harmless, records),
        )


def _apply(workspace: Workspace, content: dict[str, Any]) -> None:
    (workspace.folder / "main.tf.json").write_text(json.dumps(content), encoding="utf-8")
    workspace.run("init", "-input=false")
    workspace.run("apply", "-auto-approve", "-input=false")


def _plan(workspace: Workspace, content: dict[str, Any], *arguments: str) -> str:
    (workspace.folder / "main.tf.json").write_text(json.dumps(content), encoding="utf-8")
    workspace.run("plan", "-input=false", "-out=plan.bin", *arguments)
    return workspace.run("show", "-json", "plan.bin")


@pytest.fixture(scope="module")
def danger(plans: Plans) -> Review:
    return review([plans.danger])


@pytest.fixture(scope="module")
def harmless(plans: Plans) -> Review:
    return review([plans.harmless])


@pytest.fixture(scope="module")
def records(plans: Plans) -> Review:
    return review([plans.records])


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_danger_is_found(danger: Review, name: str) -> None:
    for address, expected in SCENARIOS[name].finds.items():
        found = {finding.kind: finding.blocks for finding in danger.findings if finding.address == address}
        assert {kind: found.get(kind) for kind in expected} == expected, address


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_danger_is_called_by_its_guest(danger: Review, name: str) -> None:
    for address in SCENARIOS[name].finds:
        if address.startswith((VM, CONTAINER)):
            found = [finding for finding in danger.findings if finding.address == address]
            assert all(finding.vm_id and finding.guest and finding.node == "pve" for finding in found)


@pytest.mark.parametrize("name", SCENARIOS)
def test_its_harmless_twin_raises_no_alarm(harmless: Review, name: str) -> None:
    scenario = SCENARIOS[name]
    own = {*scenario.before, *scenario.harmless}
    found = [finding for finding in harmless.findings if finding.address.partition("[")[0] in own]
    assert [finding.what for finding in found if finding.severity in (Severity.BLOCKED, Severity.DANGER)] == []
    assert {finding.kind for finding in found if finding.severity is Severity.CHANGE} == scenario.notes


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_harmless_twin_really_changes_something(harmless: Review, name: str) -> None:
    scenario = SCENARIOS[name]
    same_in_proxmox = {"disk removed", "key of for_each"}
    own = {*scenario.before, *scenario.harmless}
    changed = [change for change in harmless.changes if change.address.partition("[")[0] in own]
    assert bool(changed) != (name in same_in_proxmox)


def test_the_verdicts(danger: Review, harmless: Review) -> None:
    assert danger.verdict is Verdict.BLOCKED
    assert harmless.verdict is Verdict.CHANGES


def test_a_dangerous_plan_finds_no_more_than_there_is(danger: Review) -> None:
    expected = {
        (address, kind)
        for scenario in SCENARIOS.values()
        for address, kinds in scenario.finds.items()
        for kind in kinds
    }
    serious = {
        (finding.address, finding.kind)
        for finding in danger.findings
        if finding.severity in (Severity.BLOCKED, Severity.DANGER)
    }
    assert serious - expected == set()


def test_the_cause_of_a_replacement_is_told(danger: Review) -> None:
    causes = {finding.address: finding.cause for finding in danger.findings if finding.kind.endswith("-replaced")}
    assert causes[f"{VM}.number"] == "can't be changed in place: vm_id 1001 → 1099"
    assert causes[f"{VM}.node"] == "can't be changed in place: node_name pve → pve2"
    assert "tainted" in causes[f"{VM}.tainted"]
    assert "replace_triggered_by" in causes[f"{VM}.triggered"]
    assert "mount_point.size 4G → 8G" in causes[f"{CONTAINER}.grows"]


def test_what_moves_is_forgotten_imported_or_only_marked_is_no_danger(records: Review) -> None:
    kinds = {finding.address: finding.kind for finding in records.findings if finding.kind != "guest-gone"}
    assert kinds == {
        f"{VM}.new_name": "moved",
        f"{VM}.forgotten": "forgotten",
        f"{VM}.imported": "imported",
        f"{VM}.marked": "metadata-only",
    }
    assert records.verdict is Verdict.CHANGES


def test_what_was_changed_outside_terraform_is_told(records: Review) -> None:
    drift = {change.address: change for change in records.drift}
    assert drift[f"{VM}.drifting"].details == ("tags ours → theirs",)
    assert str(drift[f"{VM}.lost"].action) == "delete"
    assert set(drift) == {f"{VM}.drifting", f"{VM}.lost"}


def test_a_guest_that_is_gone_already_is_told(records: Review) -> None:
    gone = [finding for finding in records.findings if finding.kind == "guest-gone"]
    assert [(finding.address, finding.severity) for finding in gone] == [(f"{VM}.lost", Severity.DANGER)]


def test_capacity_before_and_after(danger: Review) -> None:
    nodes = {row.node: row for row in danger.capacity.nodes}
    assert nodes["pve2"].guests[0] == 0
    assert nodes["pve2"].guests[1] == 3
    datastores = {(row.node, row.datastore): row.disk for row in danger.capacity.datastores}
    assert datastores["pve", "tank"] == (8, 12)


def test_the_plans_hold_secrets(plans: Plans) -> None:
    for text in plans.texts[:2]:
        assert all(f"{scenarios.CANARY}-{place}" in text for place in ("password", "snippet", "input", "description"))


@pytest.mark.parametrize("which", ["danger", "harmless", "records"])
def test_no_secret_is_shown(plans: Plans, which: str) -> None:
    result = review([getattr(plans, which)])
    shown = "".join([as_text(result), as_json(result), *as_markdown(result)])
    assert len(shown) > 1000
    assert scenarios.CANARY not in shown
