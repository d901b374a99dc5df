"""Dangers to virtual machines, each with its harmless twin."""

from __future__ import annotations

from typing import Any

from tests.end_to_end.review_resources import FILE, IMAGE, IMAGE_URL, REBOOT, VM, Scenario, disk, nic, one, snippet, vm


def machines() -> dict[str, Scenario]:
    """Virtual machines, what they are made from, and why they are replaced."""
    two = [disk("scsi0", 4), disk("scsi1", 6)]
    nics = [nic("vmbr0", firewall=True), nic("vmbr2")]
    image = {"content_type": "import", "datastore_id": "local", "node_name": "pve", "url": IMAGE_URL}
    image["file_name"] = "disk.qcow2"
    filled = disk("scsi1", 6, import_from="local:import/disk.qcow2")
    after_image = {"depends_on": [f"{IMAGE}.disk"]}
    return {
        "machine destroyed": one(f"{VM}.gone", vm(1000), None, {"name": "renamed"}, "guest-destroyed"),
        "machine with another VMID": one(
            f"{VM}.number", vm(1001), {"vm_id": 1099}, {"tags": ["web"]}, "guest-replaced"
        ),
        "machine on another node": one(
            f"{VM}.node", vm(1002), {"node_name": "pve2"}, {"description": "moved?"}, "guest-replaced"
        ),
        "machine migrated": one(
            f"{VM}.migrated",
            vm(1003, migrate=True),
            {"node_name": "pve2"},
            {"migrate": False},
            "node-changed",
            blocked=False,
        ),
        "disk shrunk": one(
            f"{VM}.shrunk",
            vm(1004, disk=[disk("scsi0", 8)]),
            {"disk": [disk("scsi0", 4)]},
            {"disk": [disk("scsi0", 12)]},
            "disk-shrunk",
        ),
        "disk removed": one(
            f"{VM}.removed", vm(1005, disk=two), {"disk": two[:1]}, {"disk": two[::-1]}, "disk-removed"
        ),
        "first disk removed": one(
            f"{VM}.first", vm(1006, disk=two), {"disk": two[1:]}, {"disk": [*two, disk("scsi2", 1)]}, "disk-removed"
        ),
        "disk at another interface": one(
            f"{VM}.interface",
            vm(1023, disk=two),
            {"disk": [two[0], disk("scsi5", 6)]},
            {"disk": [two[0], disk("scsi1", 7)]},
            "disk-reattached",
            blocked=False,
        ),
        "disk from an image at another interface": Scenario(
            {f"{IMAGE}.disk": image, f"{VM}.imported_disk": vm(1033, disk=[two[0], filled], **after_image)},
            {f"{VM}.imported_disk": vm(1033, disk=[two[0], {**filled, "interface": "scsi5"}], **after_image)},
            {f"{VM}.imported_disk": vm(1033, disk=[two[0], {**filled, "size": 7}], **after_image)},
            {f"{VM}.imported_disk": {"disk-removed": True}},
        ),
        "disk before another": one(
            f"{VM}.inserted",
            vm(1034, disk=[two[0], disk("scsi2", 6)]),
            {"disk": [two[0], disk("scsi1", 5), disk("scsi2", 6)]},
            {"disk": [two[0], disk("scsi2", 6), disk("scsi1", 5)]},
            "disk-attached-twice",
        ),
        "disk on another datastore": one(
            f"{VM}.moved",
            vm(1007),
            {"disk": [disk("scsi0", 4, datastore_id="tank")]},
            {"disk": [disk("scsi0", 4, discard="on")]},
            "disk-moved",
            blocked=False,
        ),
        "disk out of backups": one(
            f"{VM}.disk_backup",
            vm(1008),
            {"disk": [disk("scsi0", 4, backup=False)]},
            {"disk": [disk("scsi0", 4, backup=True, cache="writeback")]},
            "disk-backup-off",
        ),
        "interface removed": one(
            f"{VM}.nic",
            vm(1009, network_device=nics),
            {"network_device": nics[:1]},
            {"network_device": [*nics, nic("vmbr0")]},
            "nic-removed",
            blocked=False,
        ),
        "first interface removed": Scenario(
            {f"{VM}.first_nic": vm(1024, network_device=nics)},
            {f"{VM}.first_nic": vm(1024, network_device=nics[1:])},
            {f"{VM}.first_nic": vm(1024, network_device=[nic("vmbr0", firewall=True, mtu=1400), nics[1]])},
            {f"{VM}.first_nic": {"nic-removed": False, "nic-moved": False}},
        ),
        "interface on another bridge": one(
            f"{VM}.bridge",
            vm(1031),
            {"network_device": [nic("vmbr2", firewall=True)]},
            {"network_device": [nic("vmbr0", firewall=True, queues=2)]},
            "nic-moved",
            blocked=False,
        ),
        "replaced with less protection": Scenario(
            {f"{VM}.weaker": vm(1032, protection=True)},
            {f"{VM}.weaker": vm(1098, network_device=[nic("vmbr0")], disk=[disk("scsi0", 4, backup=False)])},
            {f"{VM}.weaker": vm(1032, protection=True, tags=["kept"])},
            {
                f"{VM}.weaker": {
                    "guest-replaced": True,
                    "protection-off": True,
                    "nic-firewall-off": True,
                    "disk-backup-off": True,
                }
            },
        ),
        "interface without firewall": one(
            f"{VM}.nic_firewall",
            vm(1010),
            {"network_device": [nic("vmbr0")]},
            {"network_device": [nic("vmbr0", firewall=True, mtu=1400)]},
            "nic-firewall-off",
        ),
        "interface disconnected": one(
            f"{VM}.link",
            vm(1011),
            {"network_device": [nic("vmbr0", firewall=True, disconnected=True)]},
            {"network_device": [nic("vmbr0", firewall=True, rate_limit=10)]},
            "nic-disconnected",
            blocked=False,
        ),
        "protection off": one(
            f"{VM}.protected", vm(1012, protection=True), {"protection": False}, {"tags": ["kept"]}, "protection-off"
        ),
        "protection left out": one(
            f"{VM}.unprotected", vm(1013, protection=True), {"protection": None}, {"on_boot": False}, "protection-off"
        ),
        "machine stopped": one(
            f"{VM}.stopped", vm(1014), {"started": False}, {"on_boot": False}, "guest-stopped", blocked=False
        ),
        "machine becomes a template": one(
            f"{VM}.template",
            vm(1015, started=False),
            {"template": True},
            {"protection": True},
            "becomes-template",
            blocked=False,
        ),
        "tainted": one(
            f"{VM}.tainted", vm(1016), {}, {"memory": [{"dedicated": 1024}]}, "guest-replaced", notes=REBOOT
        ),
        "replaced by triggers": Scenario(
            {
                "terraform_data.trigger": {"input": "1"},
                f"{VM}.triggered": {**vm(1017), "lifecycle": [{"replace_triggered_by": ["terraform_data.trigger"]}]},
            },
            {"terraform_data.trigger": {"input": "2"}},
            {
                f"{VM}.triggered": {
                    **vm(1017, description="a word"),
                    "lifecycle": [{"replace_triggered_by": ["terraform_data.trigger"]}],
                }
            },
            {f"{VM}.triggered": {"guest-replaced": True}},
        ),
        "snippet that a machine was made from": Scenario(
            {f"{FILE}.user": snippet("user.yaml", "#cloud-config\n"), f"{VM}.snippet": _with_snippet(1018)},
            {f"{FILE}.user": snippet("user.yaml", "#cloud-config\npackages: [curl]\n")},
            {f"{VM}.snippet": {**_with_snippet(1018), "tags": ["same"]}},
            {f"{VM}.snippet": {"snippet-cascade": True}},
        ),
        "snippet by name": Scenario(
            {
                f"{FILE}.fixed": snippet("fixed.yaml", "#cloud-config\n"),
                f"{VM}.fixed": _with_snippet(1019, "local:snippets/fixed.yaml"),
            },
            {f"{VM}.fixed": _with_snippet(1019, "local:snippets/other.yaml")},
            {f"{FILE}.fixed": snippet("fixed.yaml", "#cloud-config\npackages: [curl]\n")},
            {f"{VM}.fixed": {"guest-replaced": True}},
            frozenset({"object-replaced"}),
        ),
        "key of for_each": Scenario(
            {
                f"{VM}.each": {
                    **vm(1020),
                    "for_each": {"a": 1020, "b": 1021},
                    "vm_id": "${each.value}",
                    "name": "each-${each.key}",
                }
            },
            {f"{VM}.each": {**vm(1020), "for_each": {"a": 1020}, "vm_id": "${each.value}", "name": "each-${each.key}"}},
            {
                f"{VM}.each": {
                    **vm(1020),
                    "for_each": {"b": 1021, "a": 1020},
                    "vm_id": "${each.value}",
                    "name": "each-${each.key}",
                }
            },
            {f'{VM}.each["b"]': {"guest-destroyed": True}},
        ),
        "image": one(
            f"{IMAGE}.image",
            {
                "content_type": "import",
                "datastore_id": "local",
                "node_name": "pve",
                "url": IMAGE_URL,
                "file_name": "debian.qcow2",
            },
            None,
            {"upload_timeout": 900},
            "object-destroyed",
            blocked=False,
        ),
    }


def _with_snippet(vm_id: int, file: str = "${proxmox_virtual_environment_file.user.id}") -> dict[str, Any]:
    return vm(
        vm_id,
        depends_on=[f"{FILE}.fixed"],
        initialization=[
            {"datastore_id": "local-lvm", "user_data_file_id": file, "ip_config": [{"ipv4": [{"address": "dhcp"}]}]}
        ],
    )
