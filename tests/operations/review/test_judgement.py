"""Verdicts, counts, capacity, drift, and several plans at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from homelab.config.service_containers import TEMPLATE_TAG
from operations.review import ReviewError, Verdict, review
from operations.review.estate import Estate
from operations.review.judgement import SERVICE_TEMPLATE
from operations.review.plan import Change
from tests.operations.review.plans import (
    CONTAINER,
    VM,
    change,
    container,
    disk,
    document,
    judged,
    kinds,
    mount,
    plan,
    vm,
)

NO_OP = change(f"{VM}.web", vm(), vm())


@pytest.mark.parametrize(
    ("changes", "more", "verdict", "code"),
    [
        ([], {"applyable": False}, Verdict.NOTHING, 0),
        ([NO_OP], {"applyable": False}, Verdict.NOTHING, 0),
        ([NO_OP], {"applyable": None}, Verdict.NOTHING, 0),
        ([NO_OP], {"applyable": True}, Verdict.CHANGES, 2),
        ([change(f"{VM}.web", None, vm())], {}, Verdict.CHANGES, 2),
        ([change(f"{VM}.web", vm(), vm(), previous_address="a.b")], {"applyable": None}, Verdict.CHANGES, 2),
        ([change(f"{VM}.web", vm(), vm(), importing={"id": "x"})], {"applyable": None}, Verdict.CHANGES, 2),
        ([change(f"{VM}.web", vm(), None)], {}, Verdict.BLOCKED, 3),
        ([NO_OP], {"applyable": False, "errored": True}, Verdict.BLOCKED, 3),
        (
            [NO_OP],
            {"applyable": None, "output_changes": {"o": {"actions": ["create"], "after": 1}}},
            Verdict.CHANGES,
            2,
        ),
        (
            [NO_OP],
            {"applyable": None, "output_changes": {"o": {"actions": ["no-op"], "after": 1}}},
            Verdict.NOTHING,
            0,
        ),
        (
            [NO_OP],
            {"applyable": False, "resource_drift": [change(f"{VM}.web", vm(), vm(name="x"))]},
            Verdict.NOTHING,
            0,
        ),
    ],
)
def test_the_verdict(changes: list[dict[str, Any]], more: dict[str, Any], verdict: Verdict, code: int) -> None:
    result = judged(*changes, **more)
    assert result.verdict is verdict
    assert result.verdict.exit_code == code


def test_the_counts() -> None:
    result = judged(
        change(f"{VM}.a", None, vm()),
        change(f"{VM}.b", None, vm(101)),
        change(f"{VM}.c", vm(102), vm(102, name="x")),
        change(f"{VM}.d", vm(103), vm(103), actions=["create", "delete"]),
        change(f"{VM}.e", vm(104), None),
        change(f"{VM}.f", vm(105), None, actions=["forget"]),
        change(f"{VM}.g", vm(106), vm(106), importing={"id": "pve/106"}),
        change(f"{VM}.h", vm(107), vm(107), previous_address=f"{VM}.old"),
        NO_OP,
    )
    assert result.counts == {"create": 2, "update": 1, "replace": 1, "delete": 1, "forget": 1, "import": 1, "move": 1}


def test_the_worst_comes_first_and_what_is_allowed_last() -> None:
    result = judged(
        change(f"{VM}.a", vm(), vm(memory=[{"dedicated": 1}])),
        change(f"{VM}.b", vm(101), vm(101, started=False)),
        change(f"{VM}.c", vm(102), None),
    )
    assert [str(finding.severity) for finding in result.findings] == ["blocked", "danger", "change"]


def test_plans_of_one_name_are_refused() -> None:
    with pytest.raises(ReviewError, match="2 plans are called prod"):
        review([plan(NO_OP, stack="prod"), plan(NO_OP, stack="prod")])


def test_parts_of_a_plan_and_failing_checks_are_told() -> None:
    assert kinds(judged(NO_OP, complete=False)) == {"partial": "change"}
    deferred = [{"reason": "provider_config_unknown", "resource_change": NO_OP}]
    assert kinds(judged(complete=False, deferred_changes=deferred)) == {"deferred": "change"}
    check = {"address": {"to_display": "check.health"}, "status": "fail"}
    assert kinds(judged(NO_OP, checks=[check, {**check, "status": "pass"}])) == {"check-failed": "danger"}


def test_capacity_of_nodes_and_datastores() -> None:
    result = judged(
        change(f"{VM}.stays", vm(), vm()),
        change(f"{VM}.grows", vm(101), vm(101, cpu=[{"cores": 4, "sockets": 2}], disk=[disk("scsi0", 50)])),
        change(f"{VM}.goes", vm(102, node_name="pve2"), None),
        change(f"{VM}.template", vm(9000, template=True), vm(9000, template=True)),
        change(f"{CONTAINER}.new", None, container(mount_point=[mount("/d", "1T"), mount("/m", "", volume="/tank")])),
    )
    nodes = {row.node: (row.guests, row.cores, row.memory) for row in result.capacity.nodes}
    assert nodes == {"pve": ((2, 3), (4, 11), (4096, 4608)), "pve2": ((1, 0), (2, 0), (2048, 0))}
    disks = {(row.node, row.datastore): row.disk for row in result.capacity.datastores}
    assert disks == {("pve", "local-lvm"): (60, 1122), ("pve2", "local-lvm"): (20, 0)}


def test_amounts_that_are_known_only_after_the_apply_are_a_least() -> None:
    unknown = change(f"{VM}.new", None, vm(disk=[disk("scsi0", None)]), unknown={"disk": [{"size": True}]})
    (row,) = judged(unknown).capacity.datastores
    assert row.at_least
    (row,) = judged(change(f"{VM}.new", None, vm())).capacity.datastores
    assert not row.at_least


def test_guests_beside_a_target_count_too() -> None:
    other = {"address": f"{VM}.other", "mode": "managed", "type": VM, "values": vm(101)}
    result = judged(NO_OP, prior_state={"values": {"root_module": {"resources": [other]}}})
    assert result.capacity.nodes[0].guests == (2, 2)


def test_drift() -> None:
    drift = [
        change(f"{VM}.a", vm(), vm(name="other")),
        change(f"{VM}.b", vm(101), None),
        change(f"{VM}.c", vm(102, ipv4_addresses=[]), vm(102, ipv4_addresses=[["10.0.0.1"]])),
        change(f"{VM}.d", vm(103), vm(103)),
    ]
    result = judged(resource_drift=drift)
    assert [(change.address, change.details) for change in result.drift] == [
        (f"{VM}.a", ("name vm-100 → other",)),
        (f"{VM}.b", ()),
    ]
    assert kinds(result) == {"guest-gone": "danger"}


def test_a_disk_that_somebody_removed_is_told() -> None:
    before = vm(disk=[disk("scsi0", 20), disk("scsi1", 5)])
    result = judged(resource_drift=[change(f"{VM}.web", before, vm())])
    (found,) = result.findings
    assert (found.kind, str(found.severity), found.vm_id) == ("disk-gone", "danger", 100)
    assert found.what == "VM vm-100 (100): disk scsi1 (5 GiB on local-lvm) was removed without Terraform"
    assert judged(resource_drift=[change(f"{VM}.web", vm(), before)]).findings == ()


def test_a_zone_that_was_put_into_force_is_no_drift() -> None:
    waiting, in_force = {"id": "lab", "pending": True, "state": "new"}, {"id": "lab", "pending": False, "state": None}
    zone = "proxmox_sdn_zone_simple.lab"
    same = change(zone, in_force, in_force)
    assert judged(same, resource_drift=[change(zone, waiting, in_force)]).drift == ()
    by_hand = change(zone, waiting, {**in_force, "mtu": 1400})
    (found,) = judged(same, resource_drift=[by_hand]).drift
    assert found.details == ("mtu none → 1400",)


def test_the_document_that_the_other_tests_use_is_read_whole() -> None:
    assert len(plan(NO_OP, change("a.b", None, {})).changes) == len(document(NO_OP, NO_OP)["resource_changes"])


@pytest.mark.parametrize(
    ("asked", "clone", "size", "details"),
    [
        (20, [{"vm_id": 901}], 20, []),
        (20, [{"vm_id": 901}], 30, ["disk.size 8 → 30"]),
        (8, [{"vm_id": 901}], 20, ["disk.size 8 → 20"]),
        (20, [], 20, ["disk.size 8 → 20"]),
        (None, [{"vm_id": 901}], 20, ["disk.size 8 → 20"]),
    ],
    ids=["as asked", "larger than asked", "not asked", "no clone", "not said"],
)
def test_a_clone_that_was_given_its_own_size_is_no_drift(
    asked: int | None, clone: list[Any], size: int, details: list[str]
) -> None:
    address = f"{CONTAINER}.service-redis"
    disks = [[{"datastore_id": "local-lvm", "size": gib}] for gib in (8, size)]
    before, after = (container(clone=clone, disk=disk) for disk in disks)
    said = {"size": {"constant_value": asked}} if asked else {"size": {"references": ["local.size"]}}
    entry = {"address": address, "type": CONTAINER, "expressions": {"disk": [said]}}
    configuration = {"root_module": {"resources": [entry]}}
    result = judged(resource_drift=[change(address, before, after)], configuration=configuration)
    assert [detail for one in result.drift for detail in one.details] == details


def test_a_template_that_its_own_script_made_is_no_drift() -> None:
    def drifted(*tags: str, **more: object) -> list[str]:
        before = container(tags=list(tags), started=True, template=False)
        after = {**before, "started": False, "template": True, **more}
        result = judged(resource_drift=[change(f"{CONTAINER}.service-redis-template", before, after)])
        return [detail for one in result.drift for detail in one.details]

    assert drifted("lab", SERVICE_TEMPLATE) == []
    assert drifted("lab", SERVICE_TEMPLATE, description="Somebody was here") != []
    assert drifted("lab") == ["started true → false", "template false → true"]
    assert SERVICE_TEMPLATE == TEMPLATE_TAG


def test_a_rule_looks_at_one_object_and_not_at_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = 0
    own = vars(Estate)["changes"].fget

    def counted(estate: Estate) -> Iterator[Change]:
        nonlocal seen
        for one in own(estate):
            seen += 1
            yield one

    monkeypatch.setattr(Estate, "changes", property(counted))

    def looked_at(number: int) -> int:
        nonlocal seen
        seen = 0
        judged(*(change(f"{VM}.g{vm_id}", vm(vm_id), vm(vm_id, tags=["x"])) for vm_id in range(100, 100 + number)))
        return seen

    assert looked_at(40) <= 2 * looked_at(20)
