"""Updates that look harmless: disks, networks, protection, stops and reboots, each with its harmless twin."""

from __future__ import annotations

import json
from typing import Any

import pytest

from operations.review import as_json, as_text
from tests.operations.review.plans import CONTAINER, VM, change, container, disk, judged, kinds, mount, nic, only, vm

ROOT = {"datastore_id": "local-lvm", "size": 8}


def updated(before: dict[str, Any], after: dict[str, Any], **more: Any) -> dict[str, str]:
    """The kinds that an update of a guest leads to."""
    type_ = CONTAINER if "initialization" in before and "network_interface" in before else VM
    return kinds(judged(change(f"{type_}.x", before, after, **more)))


BLOCKED: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("disk smaller", "disk-shrunk", vm(disk=[disk("scsi0", 20)]), vm(disk=[disk("scsi0", 10)])),
    ("root disk smaller", "disk-shrunk", container(disk=[ROOT]), container(disk=[{**ROOT, "size": 7}])),
    (
        "mount point smaller",
        "disk-shrunk",
        container(mount_point=[mount("/d", "1T")]),
        container(mount_point=[mount("/d", "1000G")]),
    ),
    ("disk gone", "disk-removed", vm(disk=[disk("scsi0", 20), disk("scsi1", 5)]), vm(disk=[disk("scsi0", 20)])),
    ("all disks gone", "disk-removed", vm(), vm(disk=[])),
    ("EFI disk gone", "disk-removed", vm(efi_disk=[{"datastore_id": "local-lvm"}]), vm()),
    ("TPM gone", "disk-removed", vm(tpm_state=[{"datastore_id": "local-lvm"}]), vm(tpm_state=[])),
    ("mount point gone", "disk-removed", container(mount_point=[mount("/d")]), container()),
    ("disk not saved", "disk-backup-off", vm(), vm(disk=[disk("scsi0", 20, backup=False)])),
    (
        "mount point not saved",
        "disk-backup-off",
        container(mount_point=[mount("/d")]),
        container(mount_point=[mount("/d", backup=None)]),
    ),
    (
        "smaller at another interface",
        "disk-shrunk",
        vm(disk=[disk("scsi0", 20, path_in_datastore="vm-100-disk-0")]),
        vm(disk=[disk("virtio0", 10, path_in_datastore="vm-100-disk-0")]),
    ),
    (
        "not saved at another interface",
        "disk-backup-off",
        vm(disk=[disk("scsi0", 20, path_in_datastore="vm-100-disk-0")]),
        vm(disk=[disk("virtio0", 20, path_in_datastore="vm-100-disk-0", backup=False)]),
    ),
    ("protection off", "protection-off", vm(protection=True), vm(protection=False)),
    ("protection gone", "protection-off", container(protection=True), container(protection=None)),
    ("no firewall", "nic-firewall-off", vm(), vm(network_device=[nic(firewall=False)])),
]


@pytest.mark.parametrize(("kind", "before", "after"), [case[1:] for case in BLOCKED], ids=[case[0] for case in BLOCKED])
def test_it_is_blocked(kind: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    assert updated(before, after)[kind] == "blocked"


@pytest.mark.parametrize(("before", "after"), [case[2:] for case in BLOCKED], ids=[case[0] for case in BLOCKED])
def test_the_other_way_round_it_is_not(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = updated(after, before)
    found.pop("disk-reattached", None)
    assert {"blocked", "danger"} & set(found.values()) == set()


DANGERS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("interface gone", "nic-removed", vm(network_device=[nic(), nic(bridge="vmbr1")]), vm()),
    ("another bridge", "nic-moved", vm(), vm(network_device=[nic(bridge="vmbr1")])),
    ("another VLAN", "nic-moved", vm(network_device=[nic(vlan_id=5)]), vm(network_device=[nic(vlan_id=6)])),
    ("no VLAN", "nic-moved", vm(network_device=[nic(vlan_id=5)]), vm()),
    ("link down", "nic-disconnected", vm(), vm(network_device=[nic(disconnected=True)])),
    ("interface disabled", "nic-removed", vm(), vm(network_device=[nic(enabled=False)])),
    ("stopped", "guest-stopped", vm(), vm(started=False)),
    ("container stopped", "guest-stopped", container(), container(started=False)),
    ("template", "becomes-template", vm(), vm(template=True, started=False)),
    ("migrated", "node-changed", vm(), vm(node_name="pve2", migrate=True)),
    (
        "mount point elsewhere",
        "mount-point-changed",
        container(mount_point=[mount("/a")]),
        container(mount_point=[mount("/b")]),
    ),
    ("folder of the node gone", "disk-removed", container(mount_point=[mount("/a", "", volume="/tank")]), container()),
    ("moved while it runs", "disk-moved", vm(), vm(disk=[disk("scsi0", 20, datastore_id="tank")])),
    (
        "another interface",
        "disk-reattached",
        vm(disk=[disk("scsi0", 20, path_in_datastore="vm-100-disk-0")]),
        vm(disk=[disk("virtio0", 20, path_in_datastore="vm-100-disk-0")]),
    ),
]


def test_a_disk_with_an_image_is_filled_anew_at_another_interface() -> None:
    known: dict[str, Any] = {"path_in_datastore": "vm-100-disk-0"}
    for image in ({"file_id": "local:iso/debian.img"}, {"import_from": "local:import/debian.qcow2"}):
        before, after = (vm(disk=[disk(key, 20, **known, **image)]) for key in ("scsi0", "virtio0"))
        assert updated(before, after) == {"disk-removed": "blocked"}


def test_a_new_disk_before_others_gets_the_volume_of_one_that_stays() -> None:
    first, second = (disk(f"scsi{number}", 20, path_in_datastore=f"vm-100-disk-{number}") for number in (0, 2))
    new = disk("scsi1", 5, path_in_datastore="vm-100-disk-2")
    before, after = vm(disk=[first, second]), vm(disk=[first, new, {**second, "path_in_datastore": None}])
    assert updated(before, after) == {"disk-attached-twice": "blocked"}
    assert updated(before, vm(disk=[first, second, {**new, "path_in_datastore": None}])) == {}


@pytest.mark.parametrize(("kind", "before", "after"), [case[1:] for case in DANGERS], ids=[case[0] for case in DANGERS])
def test_it_is_a_danger(kind: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    found = updated(before, after)
    assert found[kind] == "danger"
    assert "blocked" not in found.values()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (vm(), vm(disk=[disk("scsi0", 30)])),
        (vm(disk=[disk("scsi0", 20), disk("scsi1", 5)]), vm(disk=[disk("scsi1", 5), disk("scsi0", 20)])),
        (vm(), vm(disk=[disk("scsi0", 20), disk("scsi1", 5)])),
        (vm(started=False), vm(started=False, disk=[disk("scsi0", 20, datastore_id="tank")])),
        (vm(), vm(network_device=[nic(vlan_id=0, model="e1000")])),
        (vm(), vm(network_device=[nic(mac_address="BC:24:11:00:00:01")])),
        (vm(network_device=[nic(mac_address="A")]), vm(network_device=[nic(mac_address="B")])),
        (vm(), vm(network_device=[nic(), nic(firewall=False)])),
        (
            vm(network_device=[nic(mac_address="A"), nic(mac_address="B", bridge="vmbr1")]),
            vm(network_device=[nic(mac_address="B", bridge="vmbr1"), nic(mac_address="A")]),
        ),
        (vm(started=False), vm(started=False, template=False, name="x")),
        (vm(started=False), vm(started=True)),
        (vm(protection=False), vm(protection=None)),
        (vm(), vm(tags=["a"], description="b", on_boot=False, name="other")),
        (vm(disk=[disk("scsi0", 20, backup=False)]), vm(disk=[disk("scsi0", 25, backup=False)])),
        (container(mount_point=[mount("/d", "1T")]), container(mount_point=[mount("/d", "1024G")])),
        (container(), container(disk=[{**ROOT, "size": 9}], start_on_boot=False)),
    ],
)
def test_harmless_updates_raise_no_alarm(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = updated(before, after)
    assert {kind for kind, severity in found.items() if severity in ("blocked", "danger")} == set()


@pytest.mark.parametrize(
    ("before", "after", "unknown", "kind"),
    [
        (vm(protection=True), vm(protection=None), {"protection": True}, "protection-off"),
        (vm(), vm(disk=[disk("scsi0", None)]), {"disk": [{"size": True}]}, "disk-shrunk"),
        (vm(), vm(disk=[disk("scsi0", 20, backup=None)]), {"disk": [{"backup": True}]}, "disk-backup-off"),
        (vm(), vm(network_device=[nic(firewall=None)]), {"network_device": [{"firewall": True}]}, "nic-firewall-off"),
    ],
)
def test_what_is_known_only_after_the_apply_may_be_a_loss(
    before: dict[str, Any], after: dict[str, Any], unknown: Any, kind: str
) -> None:
    assert updated(before, after, unknown=unknown)[kind] == "blocked"


def test_the_disk_that_goes_is_found_by_its_interface_and_not_by_its_place() -> None:
    before = vm(disk=[disk("scsi0", 20, path_in_datastore="d0"), disk("scsi1", 5, path_in_datastore="d1")])
    # Terraform carries computed values over by position.
    after = vm(disk=[disk("scsi1", 5, path_in_datastore="d0")])
    found = only(judged(change(f"{VM}.x", before, after)), "disk-removed")
    assert found.what == "VM vm-100 (100): disk scsi0 (20 GiB on local-lvm) is removed"


def test_the_last_interface() -> None:
    found = only(judged(change(f"{VM}.x", vm(), vm(network_device=[]))), "nic-removed")
    assert "the guest has no network any more" in found.consequence


def test_a_second_interface_without_firewall_may_take_the_place_of_the_first() -> None:
    both = [nic(mac_address="A"), nic(mac_address="B", bridge="vmbr1", firewall=False)]
    # The provider keeps the MAC address of the place.
    after = vm(network_device=[nic(mac_address="A", bridge="vmbr1", firewall=False)])
    assert updated(vm(network_device=both), after) == {"nic-moved": "danger", "nic-removed": "danger"}


REBOOTS: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    (vm(), vm(memory=[{"dedicated": 4096}]), True),
    (vm(), vm(cpu=[{"cores": 4, "sockets": 1, "hotplugged": 0}]), True),
    (vm(), vm(bios="ovmf"), True),
    (vm(), vm(agent=[{"enabled": True}]), True),
    (vm(), vm(disk=[disk("scsi0", 20, aio="native")]), True),
    (vm(hotplug="memory"), vm(hotplug="memory", memory=[{"dedicated": 4096}]), False),
    (vm(hotplug="memory"), vm(hotplug="memory", memory=[{"dedicated": 1024}]), True),
    (vm(hotplug="cpu"), vm(hotplug="cpu", cpu=[{"cores": 2, "sockets": 1, "hotplugged": 2}]), False),
    (vm(), vm(cpu=[{"cores": 2, "sockets": 1, "hotplugged": 2}]), True),
    (vm(started=False), vm(started=False, memory=[{"dedicated": 4096}]), False),
    (vm(), vm(started=False, memory=[{"dedicated": 4096}]), False),
    (vm(), vm(cpu=[{"cores": 2, "sockets": 1, "hotplugged": 0, "affinity": ""}]), False),
    (vm(), vm(disk=[disk("scsi0", 30)]), False),
    (vm(), vm(network_device=[nic(bridge="vmbr1")]), False),
    (vm(), vm(name="x", tags=["a"], protection=True, on_boot=False, description="d"), False),
    (container(), container(memory=[{"dedicated": 1024}]), True),
    (container(), container(initialization=[{"hostname": "other", "ip_config": []}]), True),
    (container(), container(cpu=[{"cores": 2}]), False),
    (container(), container(disk=[{**ROOT, "size": 9}]), False),
    (container(), container(tags=["a"]), False),
]


@pytest.mark.parametrize(("before", "after", "reboots"), REBOOTS)
def test_what_makes_a_guest_reboot(before: dict[str, Any], after: dict[str, Any], reboots: bool) -> None:
    assert ("guest-reboots" in updated(before, after)) == reboots


def test_a_reboot_that_the_provider_does_not_do_by_itself() -> None:
    found = updated(vm(reboot_after_update=False), vm(reboot_after_update=False, memory=[{"dedicated": 4096}]))
    assert found == {"reboot-needed": "change"}


def test_metadata_only() -> None:
    values = vm(description="d")
    marked = change(f"{VM}.x", values, values, actions=["update"], after_sensitive={"description": True})
    assert kinds(judged(marked)) == {"metadata-only": "info"}
    spelled = change(f"{VM}.x", vm(machine=None, tags=None), vm(machine="", tags=[]))
    assert kinds(judged(spelled)) == {"metadata-only": "info"}
    real = change(f"{VM}.x", vm(description="d"), vm(description="e"))
    assert kinds(judged(real)) == {}


def test_a_switch_that_is_not_set_and_one_that_is_off_are_not_the_same() -> None:
    result = judged(change(f"{VM}.x", vm(on_boot=None), vm(on_boot=False)))
    assert kinds(result) == {}
    assert result.changes[0].details == ("on_boot none → false",)


def test_moves_and_imports() -> None:
    moved = change(f"{VM}.new", vm(), vm(), previous_address=f"{VM}.old")
    result = judged(moved)
    assert kinds(result) == {"moved": "info"}
    assert result.counts == {"move": 1}
    imported = judged(change(f"{VM}.new", vm(), vm(), importing={"id": "pve/100"}))
    assert only(imported, "imported").what == "VM vm-100 (100) is imported as pve/100"
    secret = judged(change("random_password.p", {}, {}, importing={"id": "hunter2-hunter2"}))
    assert only(secret, "imported").what == "random_password.p is imported"


def test_the_network_of_an_interface_is_its_bridge_and_its_vlan() -> None:
    both = [nic(mac_address="A"), nic(mac_address="B", vlan_id=20, firewall=False)]
    same = vm(network_device=[nic(mac_address="A", vlan_id=20, firewall=False)])
    assert "nic-firewall-off" not in updated(vm(network_device=both), same)
    other = vm(network_device=[nic(mac_address="A", vlan_id=30, firewall=False)])
    assert updated(vm(network_device=both), other)["nic-firewall-off"] == "blocked"


def test_the_size_of_a_folder_of_the_node_means_nothing() -> None:
    before = container(mount_point=[mount("/a", "10G", volume="/tank")])
    after = container(mount_point=[mount("/a", "5G", volume="/tank", backup=False)])
    assert updated(before, after) == {"guest-reboots": "change"}


def test_the_network_that_an_interface_moves_to_is_named() -> None:
    two = [nic(), nic(bridge="vmbr1", mac_address="B")]
    found = judged(change(f"{VM}.x", vm(network_device=two), vm(network_device=[nic(), {**two[1], "vlan_id": 7}])))
    assert only(found, "nic-moved").what == "VM vm-100 (100): network interface net1 moves from vmbr1 to vmbr1 VLAN 7"
    assert "only one" not in only(found, "nic-moved").consequence
    alone = judged(change(f"{VM}.x", vm(), vm(network_device=[nic(bridge="vmbr1")])))
    assert only(alone, "nic-moved").consequence.endswith("It is its only one")


def test_what_protected_a_guest_is_asked_of_the_one_in_its_place_too() -> None:
    less = vm(disk=[disk("scsi0", 20, backup=False)], network_device=[nic(firewall=False)])
    replaced = {"actions": ["delete", "create"], "replace_paths": [["vm_id"]]}
    assert updated(vm(protection=True), less, **replaced) == dict.fromkeys(
        ("guest-replaced", "disk-backup-off", "nic-firewall-off", "protection-off"), "blocked"
    )
    assert updated(vm(protection=True), vm(protection=True), **replaced) == {"guest-replaced": "blocked"}
    # Nothing of a guest that only goes is switched off.
    assert kinds(judged(change(f"{VM}.x", vm(protection=True), None))) == {"guest-destroyed": "blocked"}


@pytest.mark.parametrize("amount", [10**400, -(10**400), float("inf"), float("nan"), 1e308])
def test_amounts_that_nothing_has_are_only_unknown(amount: float) -> None:
    found = judged(change(f"{VM}.x", vm(), vm(memory=[{"dedicated": amount}], disk=[disk("scsi0", 20, iops=amount)])))
    (node,) = found.capacity.nodes
    assert (node.memory, node.at_least) == ((2048, 0), True)
    json.loads(as_json(found), parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))
    assert as_text(found)


@pytest.mark.parametrize(
    ("argument", "kind", "words"),
    [
        ("disk", "disk-removed", "VM vm-100 (100): disk scsi0 (20 GiB on local-lvm) may be removed"),
        ("network_device", "nic-removed", "VM vm-100 (100): network interfaces are known only after the apply"),
        ("started", "guest-stopped", "VM vm-100 (100) may be stopped"),
    ],
)
def test_what_is_known_only_later_may_be_lost(argument: str, kind: str, words: str) -> None:
    after = {name: value for name, value in vm().items() if name != argument}
    found = judged(change(f"{VM}.x", vm(), after, unknown={argument: True}))
    assert only(found, kind).what == words
