"""`VmTemplate`: image, vendor data and a protected template that clones are made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from homelab.config.virtual_machine import TemplateSpec
from homelab.proxmox.template import VmTemplate
from tests.synthesis import ABSENT, difference, reference, resources, synthesize, the_resource

VM = "proxmox_virtual_environment_vm"
FILE = "proxmox_virtual_environment_file"
IMAGE = "proxmox_download_file"


def stack_of(folder: Path, **changes: Any) -> dict[str, Any]:
    settings = {
        "vm_id": 9000,
        "name": "debian-12",
        "node": "pve",
        "image": {
            "node": "pve",
            "datastore": "local",
            "content": "import",
            "url": "https://example.org/debian.qcow2",
            "file_name": "debian.qcow2",
        },
        "guest_agent": False,
    }
    spec = TemplateSpec.model_validate(settings | changes)
    return synthesize(lambda stack: VmTemplate(stack, "debian-12", spec=spec), folder)


def template_of(folder: Path, **changes: Any) -> dict[str, Any]:
    return the_resource(stack_of(folder, **changes), VM)


def test_the_whole_resource_of_the_shortest_spec(tmp_path: Path) -> None:
    document = stack_of(tmp_path)

    assert the_resource(document, VM) == {
        "node_name": "pve",
        "vm_id": 9000,
        "name": "debian-12",
        "tags": [],
        "template": True,
        "started": False,
        "on_boot": False,
        "protection": True,
        "bios": "seabios",
        "machine": "q35",
        "scsi_hardware": "virtio-scsi-single",
        "cpu": {"cores": 2, "type": "x86-64-v2-AES", "flags": []},
        "memory": {"dedicated": 2048},
        "operating_system": {"type": "l26"},
        "disk": [
            {
                "interface": "scsi0",
                "datastore_id": "local-lvm",
                "import_from": reference(document, IMAGE, "id"),
                "size": 20,
                "discard": "on",
                "ssd": True,
                "iothread": True,
            }
        ],
        "serial_device": [{}],
        "initialization": {
            "datastore_id": "local-lvm",
            "interface": "ide2",
            "ip_config": [{"ipv4": {"address": "dhcp"}}],
        },
        "lifecycle": {"prevent_destroy": True, "ignore_changes": ["disk[0].import_from", "initialization"]},
    }


MAPPINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "vm_id": ({"vm_id": 9001}, {"vm_id": 9001}),
    "name": ({"name": "other"}, {"name": "other"}),
    "description": ({"description": "Notes"}, {"description": "Notes"}),
    "tags": ({"tags": ["a"]}, {"tags": ["a"]}),
    "cores": ({"cores": 4}, {"cpu.cores": 4}),
    "cpu_type": ({"cpu_type": "host"}, {"cpu.type": "host"}),
    "memory": ({"memory": "4GiB"}, {"memory.dedicated": 4096}),
    "disk": ({"disk": "10GiB"}, {"disk.0.size": 10}),
    "datastore": ({"datastore": "tank"}, {"disk.0.datastore_id": "tank", "initialization.datastore_id": "tank"}),
    "machine": ({"machine": "pc"}, {"machine": "pc"}),
    "serial_device": ({"serial_device": False}, {"serial_device.0": ABSENT}),
    "node": ({"node": "pve2"}, {"node_name": "pve2"}),
    "bios": (
        {"bios": "ovmf"},
        {
            "bios": "ovmf",
            "efi_disk.datastore_id": "local-lvm",
            "efi_disk.type": "4m",
            "efi_disk.pre_enrolled_keys": True,
        },
    ),
}


@pytest.mark.parametrize(("changes", "expected"), MAPPINGS.values(), ids=MAPPINGS.keys())
def test_a_setting_is_one_argument(changes: dict[str, Any], expected: dict[str, Any], tmp_path: Path) -> None:
    before, after = template_of(tmp_path / "before"), template_of(tmp_path / "after", **changes)

    assert difference(before, after) == expected


def test_every_field_of_the_spec_is_covered() -> None:
    covered = {key for changes, _ in MAPPINGS.values() for key in changes}
    vendor_data = {"guest_agent", "packages", "run_commands", "vendor_data"}
    elsewhere = {"image", "snippet_datastore", "snippet_prefix", "snippet_nodes"}

    assert set(TemplateSpec.model_fields) == covered | vendor_data | elsewhere


def test_it_has_no_interface_that_a_clone_would_inherit(tmp_path: Path) -> None:
    assert "network_device" not in template_of(tmp_path)


def test_the_image_is_the_specs(tmp_path: Path) -> None:
    image = the_resource(stack_of(tmp_path), IMAGE)

    assert (image["url"], image["file_name"], image["content_type"]) == (
        "https://example.org/debian.qcow2",
        "debian.qcow2",
        "import",
    )


def test_without_vendor_data_nothing_is_uploaded(tmp_path: Path) -> None:
    document = stack_of(tmp_path)

    assert set(document["resource"]) == {VM, IMAGE}
    assert "depends_on" not in the_resource(document, VM)


def test_vendor_data_is_a_snippet_that_comes_first(tmp_path: Path) -> None:
    document = stack_of(tmp_path, packages=["vim"], snippet_prefix="prod", snippet_datastore="tank")

    [(name, snippet)] = resources(document, FILE).items()
    assert (snippet["node_name"], snippet["datastore_id"]) == ("pve", "tank")
    assert snippet["source_raw"]["file_name"] == "prod-debian-12-vendor-data.yaml"
    assert yaml.safe_load(snippet["source_raw"]["data"])["packages"] == ["vim"]
    template = the_resource(document, VM)
    assert template["initialization"]["vendor_data_file_id"] == "tank:snippets/prod-debian-12-vendor-data.yaml"
    assert template["depends_on"] == [f"{FILE}.{name}"]


def test_every_node_with_clones_gets_the_snippet_and_the_template_waits_for_its_own(tmp_path: Path) -> None:
    document = stack_of(tmp_path, packages=["vim"], snippet_nodes=["pve", "pve2"])

    names = {snippet["node_name"]: name for name, snippet in resources(document, FILE).items()}
    assert set(names) == {"pve", "pve2"}
    assert the_resource(document, VM)["depends_on"] == [f"{FILE}.{names['pve']}"]


def test_a_clone_on_another_node_changes_nothing_of_the_template(tmp_path: Path) -> None:
    before = template_of(tmp_path / "before", packages=["vim"], snippet_nodes=["pve"])
    after = template_of(tmp_path / "after", packages=["vim"], snippet_nodes=["pve", "pve2"])

    assert difference(before, after) == {}


@pytest.mark.parametrize("given", [{"guest_agent": True}, {"packages": ["vim"]}, {"run_commands": ["true"]}], ids=str)
def test_everything_that_says_something_is_uploaded(given: dict[str, Any], tmp_path: Path) -> None:
    assert FILE in stack_of(tmp_path, **given)["resource"]


def test_the_template_is_called_like_the_construct(tmp_path: Path) -> None:
    assert set(resources(stack_of(tmp_path), VM)) == {"debian-12"}
