"""High availability, replication and datastores that are switched off without being removed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.operations.review.plans import VM, change, judged, kinds, only, vm

HA = "proxmox_haresource"
REPLICATION = "proxmox_replication"
RULE = "proxmox_harule"
DATASTORE = "proxmox_storage_nfs"


def ha(state: str) -> dict[str, Any]:
    return {"resource_id": "vm:100", "state": state}


def datastore(**values: Any) -> dict[str, Any]:
    return {"id": "nas", "disable": False, "nodes": ["pve1", "pve2"], "content": ["images", "backup"], **values}


@pytest.mark.parametrize(
    ("type_", "before", "after", "kind"),
    [
        (HA, ha("started"), ha("stopped"), "guest-stopped"),
        (HA, ha("started"), ha("disabled"), "guest-stopped"),
        (HA, None, ha("stopped"), "guest-stopped"),
        (HA, ha("started"), ha("ignored"), "ha-off"),
        (REPLICATION, {"id": "100-0", "disable": False}, {"id": "100-0", "disable": True}, "replication-off"),
        (RULE, {"rule": "apart", "disable": None}, {"rule": "apart", "disable": True}, "ha-rule-off"),
        (DATASTORE, datastore(), datastore(disable=True), "datastore-off"),
        (DATASTORE, datastore(), datastore(nodes=["pve1"]), "datastore-narrowed"),
        (DATASTORE, datastore(nodes=[]), datastore(nodes=["pve1"]), "datastore-narrowed"),
        (DATASTORE, datastore(), datastore(content=["backup"]), "datastore-narrowed"),
    ],
)
def test_it_is_a_danger(type_: str, before: dict[str, Any] | None, after: dict[str, Any], kind: str) -> None:
    assert kinds(judged(change(f"{type_}.x", before, after), change(f"{VM}.g", vm(), vm()))) == {kind: "danger"}


@pytest.mark.parametrize(
    ("type_", "before", "after"),
    [
        (HA, None, ha("started")),
        (HA, ha("stopped"), ha("started")),
        (HA, ha("stopped"), ha("disabled")),
        (HA, ha("ignored"), ha("started")),
        (REPLICATION, {"id": "100-0", "disable": True}, {"id": "100-0", "disable": False}),
        (REPLICATION, {"id": "100-0", "schedule": "*/30"}, {"id": "100-0", "schedule": "*/15"}),
        (DATASTORE, datastore(), datastore(nodes=["pve3", "pve2", "pve1"], content=["backup", "iso", "images"])),
        (DATASTORE, datastore(), datastore(nodes=[])),
        (DATASTORE, datastore(disable=True), datastore(disable=None)),
    ],
)
def test_it_is_harmless(type_: str, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
    assert kinds(judged(change(f"{type_}.x", before, after), change(f"{VM}.g", vm(), vm()))) == {}


def test_a_guest_that_is_off_already_is_not_stopped_by_high_availability() -> None:
    off = vm(started=False)
    assert kinds(judged(change(f"{HA}.x", None, ha("stopped")), change(f"{VM}.g", off, off))) == {}


def test_the_guest_is_named_where_the_plans_know_it() -> None:
    changed = change(f"{HA}.x", ha("started"), ha("stopped"))
    assert only(judged(changed), "guest-stopped").what == "the guest vm:100 is stopped by high availability"
    found = only(judged(changed, change(f"{VM}.g", vm(), vm())), "guest-stopped")
    assert (found.what, found.vm_id) == ("VM vm-100 (100) is stopped by high availability", 100)


def test_what_a_datastore_loses_is_named() -> None:
    changed = change(f"{DATASTORE}.x", datastore(), datastore(nodes=["pve1"], content=["images"]))
    assert [finding.what for finding in judged(changed).findings] == [
        "datastore nas is taken from node pve2",
        "datastore nas no longer takes backup",
    ]
