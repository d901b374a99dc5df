"""Guests that drop out of their backups, and those that only change jobs."""

from __future__ import annotations

from typing import Any

import pytest

from operations.review import Review, review
from tests.operations.review.plans import JOB, VM, change, judged, kinds, only, plan, vm

MEMBERSHIP = "proxmox_pool_membership"


def job(*vm_ids: int, **values: Any) -> dict[str, Any]:
    return {
        "id": "night",
        "enabled": True,
        "all": False,
        "pool": None,
        "node": None,
        "vmid": [str(n) for n in vm_ids],
        **values,
    }


def guest(vm_id: int, **values: Any) -> dict[str, Any]:
    """A guest that stays as it is."""
    return change(f"{VM}.g{vm_id}", vm(vm_id, **values), vm(vm_id, **values))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (job(100, 101), job(100)),
        (job(101), job(101, enabled=False)),
        (job(101), None),
        (job(all=True), job(100)),
        (job(all=True), None),
        (job(101), job(101, node="pve2")),
        (job(pool="lab"), job(pool="other")),
        (job(100, 101), job()),
    ],
)
def test_a_guest_that_no_job_takes_any_more(before: dict[str, Any], after: dict[str, Any] | None) -> None:
    found = only(judged(change(f"{JOB}.n", before, after), guest(100), guest(101, pool_id="lab")), "backup-dropped")
    assert found.blocks
    assert "VM vm-101 (101)" in found.what


@pytest.mark.parametrize(
    "other",
    [
        job(101, id="b"),
        job(all=True, id="b"),
        job(pool="lab", id="b"),
        job(101, node="pve", id="b"),
    ],
)
def test_another_job_takes_it(other: dict[str, Any]) -> None:
    changes = [change(f"{JOB}.n", job(101), None), guest(101, pool_id="lab")]
    result = judged(*changes, change(f"{JOB}.b", other, other))
    assert kinds(result) == {"backup-job-ended": "change"}
    taken_over = judged(*changes, change(f"{JOB}.b", None, other))
    assert kinds(taken_over) == {"backup-job-ended": "change"}


@pytest.mark.parametrize(
    "other", [job(101, id="b", enabled=False), job(102, id="b"), job(101, id="b", node="pve2"), job(pool="x", id="b")]
)
def test_another_job_does_not_take_it(other: dict[str, Any]) -> None:
    result = judged(change(f"{JOB}.n", job(101), None), guest(101), change(f"{JOB}.b", other, other))
    assert kinds(result)["backup-dropped"] == "blocked"


def test_a_job_of_another_plan_takes_it() -> None:
    here = plan(change(f"{JOB}.n", job(101), None), stack="a")
    there = plan(change(f"{JOB}.m", None, job(101)), stack="b")
    assert kinds(review([here, there])) == {"backup-job-ended": "change"}
    assert kinds(review([here])) == {"backup-dropped": "blocked"}


def test_a_guest_that_is_in_none_of_the_plans_is_named_by_its_number() -> None:
    found = only(judged(change(f"{JOB}.n", job(500), job())), "backup-dropped")
    assert "the guest with VMID 500" in found.what
    everything = job(all=True, id="b")
    result = judged(change(f"{JOB}.n", job(500), job()), change(f"{JOB}.b", everything, everything))
    assert "backup-dropped" not in kinds(result)


def test_a_guest_that_is_destroyed_needs_no_backup() -> None:
    gone = change(f"{VM}.g", vm(101), None)
    assert "backup-dropped" not in kinds(judged(gone, change(f"{JOB}.n", job(101, 100), job(100)), guest(100)))


def test_a_replaced_guest_still_needs_its_backup() -> None:
    replaced = change(f"{VM}.g", vm(101), vm(101), actions=["delete", "create"])
    assert kinds(judged(replaced, change(f"{JOB}.n", job(101), job())))["backup-dropped"] == "blocked"


def test_a_job_for_everything_without_any_known_guest() -> None:
    found = only(judged(change(f"{JOB}.n", job(all=True), None)), "backup-dropped")
    assert "every guest in no backup any more" in found.what


def test_a_job_for_everything_that_names_every_known_guest_instead() -> None:
    result = judged(change(f"{JOB}.n", job(all=True), job(100)), guest(100))
    assert kinds(result) == {"backup-narrowed": "danger"}


def test_numbers_that_are_known_only_after_the_apply_are_no_backup() -> None:
    entry = change(f"{JOB}.n", job(100), {**job(), "vmid": None}, unknown={"vmid": True})
    assert kinds(judged(entry, guest(100))) == {"backup-dropped": "blocked"}
    entry = change(f"{JOB}.n", job(100), {**job(100), "enabled": None}, unknown={"enabled": True})
    assert kinds(judged(entry, guest(100))) == {"backup-dropped": "blocked"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (job(100), job(100, schedule="03:00")),
        (job(100), job(100, 101)),
        (job(100), job(all=True)),
        (job(100, enabled=False), job(100, 101, enabled=False)),
        (job(100), job(100, enabled=None)),
        (job(pool="lab"), job(100, 101)),
        (None, job(100)),
    ],
)
def test_other_changes_of_a_job_drop_nobody(before: dict[str, Any] | None, after: dict[str, Any]) -> None:
    result = judged(change(f"{JOB}.n", before, after), guest(100, pool_id="lab"))
    assert "blocked" not in kinds(result).values()


def test_a_job_that_was_switched_off_already_protects_nobody() -> None:
    assert kinds(judged(change(f"{JOB}.n", job(100, enabled=False), None), guest(100))) == {
        "backup-job-ended": "change"
    }


def test_a_guest_that_leaves_the_pool_of_a_job() -> None:
    pool = change(f"{JOB}.n", job(pool="lab"), job(pool="lab"))
    moved = change(f"{VM}.g", vm(101, pool_id="lab"), vm(101, pool_id="web"))
    assert only(judged(moved, pool), "backup-dropped").address == f"{VM}.g"
    membership = change(f"{MEMBERSHIP}.m", {"vm_id": 101, "pool_id": "lab"}, None)
    assert only(judged(guest(101), membership, pool), "backup-dropped").address == f"{MEMBERSHIP}.m"
    other = change(f"{JOB}.b", job(101, id="b"), job(101, id="b"))
    assert "backup-dropped" not in kinds(judged(moved, pool, other))


def test_a_guest_that_leaves_the_node_of_a_job() -> None:
    here = change(f"{JOB}.n", job(all=True, node="pve"), job(all=True, node="pve"))
    moved = change(f"{VM}.g", vm(101, migrate=True), vm(101, migrate=True, node_name="pve2"))
    assert kinds(judged(moved, here))["backup-dropped"] == "blocked"


def retention(before: dict[str, str] | None, after: dict[str, str] | None) -> Review:
    return judged(change(f"{JOB}.n", job(100, prune_backups=before), job(100, prune_backups=after)), guest(100))


FEWER, OTHERS = {"retention-reduced": "blocked"}, {"retention-changed": "danger"}


def test_fewer_backups_are_kept() -> None:
    assert kinds(retention({"keep-last": "7"}, {"keep-last": "3"})) == FEWER
    assert kinds(retention({"keep-last": "7", "keep-weekly": "4"}, {"keep-last": "7"})) == FEWER
    assert kinds(retention(None, {"keep-last": "7"})) == FEWER
    assert kinds(retention({"keep-all": "1"}, {"keep-last": "7"})) == FEWER
    assert kinds(retention({"keep-last": "7"}, {"keep-last": "9", "keep-weekly": "1"})) == {}
    assert kinds(retention({"keep-last": "7"}, {"keep-all": "1"})) == {}
    assert kinds(retention({"keep-last": "7", "keep-daily": "1"}, {"keep-last": "7", "keep-daily": "2"})) == {}


def test_other_backups_are_kept() -> None:
    assert kinds(retention({"keep-last": "7"}, {"keep-daily": "14", "keep-weekly": "4"})) == OTHERS
    assert kinds(retention({"keep-last": "7"}, None)) == OTHERS
    assert kinds(retention({"keep-all": "1"}, {})) == OTHERS


def test_a_job_that_is_made_anew_keeps_fewer() -> None:
    before, after = (job(100, id=name, prune_backups={"keep-last": last}) for name, last in (("a", "7"), ("b", "2")))
    replaced = change(f"{JOB}.n", before, after, actions=["delete", "create"])
    assert kinds(judged(replaced, guest(100)))["retention-reduced"] == "blocked"


def test_what_a_job_keeps_is_told() -> None:
    found = only(retention({"keep-last": "7", "keep-weekly": "4"}, {"keep-last": "2"}), "retention-reduced")
    assert found.what == "backup job night keeps fewer backups: keep-last 7, keep-weekly 4 → keep-last 2"
    assert found.consequence.startswith("At the next run Proxmox deletes the backups that the new rule doesn't keep")
    assert only(retention(None, {"keep-last": "7"}), "retention-reduced").what.endswith(": all → keep-last 7")


def test_what_a_job_keeps_is_known_only_later() -> None:
    before, after = job(100, prune_backups={"keep-last": "7"}), job(100, prune_backups=None)
    assert kinds(judged(change(f"{JOB}.n", before, after, unknown={"prune_backups": True}), guest(100))) == OTHERS


@pytest.mark.parametrize(("kept", "expected"), [(3, FEWER), (7, {}), (9, {})])
def test_a_job_that_leaves_it_to_its_datastore(kept: int, expected: dict[str, str]) -> None:
    nas = {"id": "nas", "backups": [{"keep_last": kept}]}
    store = change("proxmox_storage_nfs.nas", nas, nas)
    before, after = job(100, storage="nas", prune_backups={"keep-last": "7"}), job(100, storage="nas")
    assert kinds(judged(change(f"{JOB}.n", before, after), store, guest(100))) == expected


def test_a_job_that_says_what_its_datastore_said() -> None:
    nas = {"id": "nas", "backups": [{"keep_last": 7}]}
    store = change("proxmox_storage_nfs.nas", nas, nas)
    before, after = job(100, storage="nas"), job(100, storage="nas", prune_backups={"keep-last": "7"})
    assert kinds(judged(change(f"{JOB}.n", before, after), store, guest(100))) == {}


def test_a_job_that_begins_to_delete_keeps_fewer() -> None:
    def removes(before: bool, after: bool) -> Review:
        keeps = {"keep-last": "7"}
        earlier, later = job(100, prune_backups=keeps, remove=before), job(100, prune_backups=keeps, remove=after)
        return judged(change(f"{JOB}.n", earlier, later), guest(100))

    assert kinds(removes(before=False, after=True)) == FEWER
    assert kinds(removes(before=True, after=False)) == {}


def test_a_datastore_that_keeps_fewer_backups() -> None:
    def keeps(before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, str]:
        blocks = [{"id": "nas", "backups": [rule] if rule else []} for rule in (before, after)]
        return kinds(judged(change("proxmox_storage_pbs.x", *blocks)))

    assert keeps({"keep_last": 7, "keep_all": None}, {"keep_last": 3}) == FEWER
    assert keeps({"keep_all": True}, {"keep_last": 3}) == FEWER
    assert keeps(None, {"keep_daily": 30}) == FEWER
    assert keeps({"keep_last": 7}, {"keep_daily": 30}) == OTHERS
    assert keeps({"keep_last": 7}, {"keep_last": 8, "keep_daily": 2}) == {}
    assert keeps({"keep_last": 7}, {"keep_all": True}) == {}
    assert keeps({"keep_last": 7}, None) == {}


def test_folders_that_a_job_leaves_out() -> None:
    def leaves(before: list[str] | None, after: list[str] | None, **values: Any) -> dict[str, str]:
        earlier, later = job(100, exclude_path=before), job(100, exclude_path=after, **values)
        return kinds(judged(change(f"{JOB}.n", earlier, later), guest(100)))

    assert leaves(None, ["/var/lib/postgresql"]) == {"backup-excludes": "danger"}
    assert leaves(["/var/cache"], ["/var/cache", "/srv"]) == {"backup-excludes": "danger"}
    assert leaves(["/var/cache", "/srv"], ["/var/cache"]) == {}
    assert leaves(["/var/cache", "/srv"], ["/srv", "/var/cache"]) == {}


def test_what_happens_to_the_job_is_told() -> None:
    for after, words in (
        (None, "is removed"),
        (job(101, enabled=False), "is switched off"),
        (job(), "takes fewer guests"),
    ):
        found = only(judged(change(f"{JOB}.n", job(101), after), guest(101)), "backup-dropped")
        assert found.what == f"backup job night {words}: VM vm-101 (101) in no backup any more"


def test_a_guest_that_is_destroyed_with_its_membership_needs_no_backup() -> None:
    pool = change(f"{JOB}.n", job(pool="lab"), job(pool="lab"))
    membership = change(f"{MEMBERSHIP}.m", {"vm_id": 101, "pool_id": "lab"}, None)
    assert "backup-dropped" not in kinds(judged(change(f"{VM}.g", vm(101), None), membership, pool))


def test_a_guest_that_no_job_took_loses_nothing() -> None:
    moved = change(f"{VM}.g", vm(101, pool_id="lab"), vm(101, pool_id="web"))
    assert kinds(judged(moved)) == {}


@pytest.mark.parametrize("other", [job(all=True, id="b", enabled=False), job(all=True, id="b", node="pve2")])
def test_a_job_for_everything_that_does_not_reach_everything(other: dict[str, Any]) -> None:
    result = judged(change(f"{JOB}.n", job(all=True), None), change(f"{JOB}.b", other, other))
    assert "every guest in no backup any more" in only(result, "backup-dropped").what


def test_a_membership_that_the_plan_does_not_mention_counts() -> None:
    entry = {
        "address": f"{MEMBERSHIP}.m",
        "mode": "managed",
        "type": MEMBERSHIP,
        "values": {"vm_id": 101, "pool_id": "lab"},
    }
    state = {"values": {"root_module": {"resources": [entry]}}}
    pool = job(pool="lab", id="b")
    changes = [change(f"{JOB}.n", job(101), None), guest(101), change(f"{JOB}.b", pool, pool)]
    assert kinds(judged(*changes, prior_state=state)) == {"backup-job-ended": "change"}
    assert kinds(judged(*changes)) == {"backup-dropped": "blocked"}
