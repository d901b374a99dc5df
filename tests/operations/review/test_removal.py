"""What is destroyed, and what that means in Proxmox."""

from __future__ import annotations

from typing import Any

import pytest

from operations.review import Verdict, as_text
from tests.operations.review.plans import (
    CONTAINER,
    JOB,
    OPTIONS,
    VM,
    change,
    container,
    disk,
    judged,
    kinds,
    mount,
    only,
    vm,
)


def test_a_destroyed_guest_is_blocked_and_its_disks_are_named() -> None:
    disks = [disk("scsi0", 20), disk("scsi1", 100, datastore_id="tank")]
    found = only(judged(change(f"{VM}.web", vm(disk=disks), None)), "guest-destroyed")
    assert found.blocks
    assert found.what == "VM vm-100 (100) is destroyed"
    assert (found.guest, found.vm_id, found.node) == ("vm-100", 100, "pve")
    assert "scsi0 (20 GiB on local-lvm) and scsi1 (100 GiB on tank) with all that is on them" in found.consequence


def test_a_folder_of_the_node_is_not_said_to_be_deleted() -> None:
    points = [mount("/data"), mount("/media", "", volume="/tank/media")]
    found = only(judged(change(f"{CONTAINER}.db", container(mount_point=points), None)), "guest-destroyed")
    assert (
        "Proxmox deletes rootfs (8 GiB on local-lvm) and mp0 at /data (10 GiB on local-lvm) with" in found.consequence
    )
    assert "mp1 at /media is a folder of the node and not touched" in found.consequence


def test_protection_makes_the_apply_stop() -> None:
    protected = only(judged(change(f"{VM}.web", vm(protection=True), None)), "guest-destroyed")
    open_ = only(judged(change(f"{VM}.web", vm(), None)), "guest-destroyed")
    assert "Proxmox refuses" in protected.consequence
    assert "Proxmox refuses" not in open_.consequence


def test_a_template_with_linked_clones() -> None:
    clone = change(f"{VM}.clone", *[vm(101, clone=[{"vm_id": 9000, "full": False}])] * 2)
    found = only(judged(change(f"{VM}.t", vm(9000, template=True), None), clone), "template-destroyed")
    assert found.blocks
    assert "Linked clones need its disks, so Proxmox refuses while they are there: VM vm-101 (101)" in found.consequence
    full = change(f"{VM}.clone", *[vm(101, clone=[{"vm_id": 9000, "full": True}])] * 2)
    found = only(judged(change(f"{VM}.t", vm(9000, template=True), None), full), "template-destroyed")
    assert "Linked clones" not in found.consequence


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("replace_because_tainted", "tainted"),
        ("replace_by_request", "-replace"),
        ("replace_by_triggers", "replace_triggered_by"),
    ],
)
def test_the_reason_of_a_replacement(reason: str, words: str) -> None:
    entry = change(f"{VM}.web", vm(), vm(), actions=["delete", "create"], action_reason=reason)
    assert words in only(judged(entry), "guest-replaced").cause


def test_what_can_not_be_changed_in_place_is_named_with_its_values() -> None:
    entry = change(
        f"{VM}.web",
        vm(100),
        vm(101),
        actions=["delete", "create"],
        action_reason="replace_because_cannot_update",
        replace_paths=[["vm_id"], ["disk", 0, "file_id"]],
    )
    assert only(judged(entry), "guest-replaced").cause == "can't be changed in place: vm_id 100 → 101, disk.file_id"


def test_firewall_and_backup_job_go_with_a_replaced_guest() -> None:
    replaced = change(f"{VM}.web", vm(purge_on_destroy=True), vm(), actions=["delete", "create"])
    options = change(f"{OPTIONS}.web", *[{"vm_id": 100, "enabled": True}] * 2)
    job = change(f"{JOB}.night", *[{"id": "night", "enabled": True, "vmid": ["100"]}] * 2)
    found = only(judged(replaced, options, job), "guest-replaced")
    assert "drops its firewall options and rules and its place in backup jobs with the old guest" in found.consequence
    made_anew = change(f"{OPTIONS}.web", {"vm_id": 100}, {"vm_id": 100}, actions=["delete", "create"])
    found = only(judged(replaced, made_anew), "guest-replaced")
    assert "drops" not in found.consequence


def test_a_snippet_that_replaces_a_machine_is_named_as_the_cause() -> None:
    volume = "local:snippets/user.yaml"
    before = vm(initialization=[{"user_data_file_id": volume}])
    after = vm(initialization=[{"user_data_file_id": None}])
    path: list[str | int] = ["initialization", 0, "user_data_file_id"]
    machine = change(f"{VM}.web", before, after, actions=["delete", "create"], replace_paths=[path])
    file = "proxmox_virtual_environment_file.user"
    snippet = {"id": volume, "content_type": "snippets"}
    made_anew = change(file, snippet, snippet, actions=["delete", "create"])
    found = only(judged(machine, made_anew), "snippet-cascade")
    assert found.cause.endswith(f"the snippet {file} is made anew")
    kept = change(file, snippet, snippet)
    assert "snippet-cascade" not in kinds(judged(machine, kept))


def test_what_an_interrupted_replacement_left_behind() -> None:
    entry = change(f"{VM}.web", vm(), None, deposed="a1b2c3d4")
    found = only(judged(change(f"{VM}.web", vm(), vm()), entry), "guest-destroyed")
    assert found.blocks
    assert "deposed" in found.cause


@pytest.mark.parametrize(
    ("type_", "before", "severity"),
    [
        ("proxmox_download_file", {"file_name": "debian.qcow2"}, "danger"),
        ("proxmox_virtual_environment_file", {"content_type": "backup"}, "blocked"),
        ("proxmox_virtual_environment_file", {"content_type": "snippets"}, "change"),
        ("proxmox_virtual_environment_file", {"content_type": "iso"}, "danger"),
        ("proxmox_node_disk_zfs", {"name": "tank"}, "blocked"),
        ("proxmox_ceph_pool", {}, "blocked"),
        ("proxmox_storage_nfs", {"id": "nas"}, "danger"),
        ("proxmox_network_linux_bridge", {"name": "vmbr1"}, "danger"),
        ("proxmox_haresource", {}, "danger"),
        ("docker_volume", {"name": "data"}, "blocked"),
        ("aws_s3_bucket", {}, "blocked"),
        ("proxmox_virtual_environment_firewall_alias", {"name": "lan"}, "change"),
        ("proxmox_virtual_environment_cluster_firewall_security_group", {"name": "web"}, "danger"),
        ("proxmox_virtual_environment_firewall_ipset", {"name": "trusted"}, "change"),
        ("proxmox_hardware_mapping_pci", {"name": "gpu"}, "danger"),
        ("docker_container", {"name": "db"}, "change"),
        ("random_bytes", {}, "blocked"),
        ("random_password", {}, "danger"),
        ("proxmox_harule", {"rule": "apart"}, "danger"),
        ("proxmox_sdn_subnet", {}, "danger"),
        ("aws_s3_bucket_public_access_block", {}, "danger"),
        ("proxmox_virtual_environment_dns", {}, "change"),
    ],
)
def test_other_things_that_are_destroyed(type_: str, before: dict[str, Any], severity: str) -> None:
    result = judged(change(f"{type_}.x", before, None))
    assert kinds(result) == {"object-destroyed": severity}
    assert result.verdict is (Verdict.BLOCKED if severity == "blocked" else Verdict.CHANGES)


@pytest.mark.parametrize(
    ("type_", "before", "words"),
    [
        ("proxmox_storage_nfs", {"id": "nas"}, "datastore nas is destroyed"),
        ("proxmox_haresource", {"resource_id": "vm:100", "id": "vm:100"}, "HA resource vm:100 is destroyed"),
        ("proxmox_replication", {"id": "100-0"}, "replication job 100-0 is destroyed"),
        # What an id is in other providers nobody knows: it can be the secret itself.
        ("random_password", {"id": "abcdefgh"}, "generated password is destroyed"),
        ("proxmox_storage_nfs", {"id": 5}, "datastore is destroyed"),
        ("docker_network", {"name": "web"}, "Docker network web is destroyed"),
        ("docker_registry_image", {"name": "web"}, "Docker registry image web is destroyed"),
        ("proxmox_virtual_environment_acme_dns_plugin", {}, "ACME DNS plugin is destroyed"),
        ("aws_s3_object", {}, "AWS S3 object is destroyed"),
    ],
)
def test_what_is_destroyed_is_named(type_: str, before: dict[str, Any], words: str) -> None:
    assert only(judged(change(f"{type_}.x", before, None)), "object-destroyed").what == words


def test_a_short_name_that_is_sensitive_is_not_shown() -> None:
    found = judged(change("docker_volume.x", {"name": "abc"}, None, before_sensitive={"name": True}))
    assert only(found, "object-destroyed").what == "Docker volume is destroyed"


def test_an_image_that_is_downloaded_again_is_no_danger() -> None:
    entry = change("proxmox_download_file.x", {"url": "a"}, {"url": "b"}, actions=["delete", "create"])
    assert kinds(judged(entry)) == {"object-replaced": "change"}


def test_an_action_that_nobody_knows_is_blocked() -> None:
    assert kinds(judged(change(f"{VM}.web", vm(), vm(), actions=["vanish"]))) == {"unknown-action": "blocked"}


def test_forgetting_is_no_loss_and_leaving_behind_is_told() -> None:
    result = judged(change(f"{VM}.web", vm(protection=True), None, actions=["forget"]))
    assert kinds(result) == {"forgotten": "change"}
    result = judged(change(f"{VM}.web", vm(), vm(), actions=["create", "forget"]))
    assert kinds(result) == {"left-behind": "danger"}


@pytest.mark.parametrize("type_", ["proxmox_cloned_vm", "proxmox_vm", "proxmox_virtual_environment_vm2"])
def test_experimental_guests_are_guests_too(type_: str) -> None:
    values = {"id": 300, "name": "new", "node_name": "pve", "disk": {"scsi0": {"size_gb": 5}}}
    found = only(judged(change(f"{type_}.x", values, None)), "guest-destroyed")
    assert (found.blocks, found.what) == (True, "VM new (300) is destroyed")


def test_a_machine_that_is_made_anew_on_another_node() -> None:
    machine = change(f"{VM}.x", vm(), vm(node_name="pve2"), actions=["delete", "create"])
    same = change(f"{VM}.y", vm(101), vm(101), actions=["delete", "create"])
    lines = as_text(judged(machine, same)).splitlines()
    assert lines[3] == f"  [blocked] VM vm-100 (100) is destroyed on pve and made anew on pve2  {VM}.x"
    assert f"  [blocked] VM vm-101 (101) is destroyed and made anew on pve  {VM}.y" in lines


def test_consequences_are_sentences() -> None:
    for type_ in ("docker_volume", "aws_s3_bucket", "proxmox_virtual_environment_pool"):
        assert only(judged(change(f"{type_}.x", {"id": "x"}, None)), "object-destroyed").consequence[0].isupper()


def test_a_machine_that_could_be_migrated_instead() -> None:
    moved = change(f"{VM}.x", vm(), vm(node_name="pve2"), actions=["delete", "create"], replace_paths=[["node_name"]])
    assert (
        "would move to pve2 with its disks if it had migrate = true"
        in only(judged(moved), "guest-replaced").consequence
    )
    stays = change(f"{VM}.x", vm(), vm(), actions=["delete", "create"])
    assert "migrate" not in only(judged(stays), "guest-replaced").consequence
    ct = change(f"{CONTAINER}.x", container(), container(node_name="pve2"), actions=["delete", "create"])
    assert "migrate" not in only(judged(ct), "guest-replaced").consequence


def test_a_script_that_runs_again_destroys_nothing() -> None:
    again = change("null_resource.configure", {"id": "1"}, {"triggers": {}}, actions=["delete", "create"])
    assert kinds(judged(again)) == {"script-runs-again": "change"}


@pytest.mark.parametrize("type_", ["null_resource", "terraform_data"])
def test_a_script_that_goes_undoes_nothing(type_: str) -> None:
    found = only(judged(change(f"{type_}.configure", {"id": "1"}, None)), "script-gone")
    assert (found.what, found.severity) == (f"{type_}.configure is gone", "change")
    assert found.consequence == "Nothing runs on a node or in a guest; what it did there stays"


@pytest.mark.parametrize(
    ("before", "reason", "kind", "severity"),
    [
        ({"template": True}, "replace_by_triggers", "template-rebuilt", "danger"),
        # What can't be changed in place, and what is no template yet, may be anybody's.
        ({"template": True}, "replace_because_cannot_update", "template-replaced", "blocked"),
        ({"template": False}, "replace_by_triggers", "guest-replaced", "blocked"),
    ],
)
def test_a_container_template_that_its_scripts_rebuild_is_no_loss(
    before: dict[str, Any], reason: str, kind: str, severity: str
) -> None:
    template = container(**before)
    rebuilt = change(f"{CONTAINER}.t", template, template, actions=["delete", "create"], action_reason=reason)
    assert kinds(judged(rebuilt)) == {kind: severity}


def test_a_guest_with_another_key_could_be_moved() -> None:
    gone, new = change(f"{VM}.web", vm(), None), change(f"{VM}.www", None, vm())
    found = only(judged(gone, new), "guest-destroyed")
    assert f"The plan makes one with its VMID as prod-web: {VM}.www: if only its key" in found.consequence
    for other in (change(f"{VM}.www", None, vm(101)), change(f"{VM}.www", vm(), vm())):
        assert "homelab moves" not in only(judged(gone, other), "guest-destroyed").consequence
