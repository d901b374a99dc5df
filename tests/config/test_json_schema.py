"""The JSON Schema: current, the same every time, and of one mind with the models."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from homelab.config.json_schema import FILE_NAME, environment_schema, schema_at, write_schema
from tests.strategies import valid_environments

ROOT = Path(__file__).parents[2]
VALIDATOR = Draft202012Validator(environment_schema())
FILES = sorted([*(ROOT / "environments").glob("*.yaml"), *(ROOT / "examples").glob("*.yaml")])


def complaints(data: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(data)]


def test_the_committed_schema_is_current() -> None:
    assert (ROOT / "docs" / FILE_NAME).read_text() == write_schema(), "run: homelab schema"


def test_the_schema_is_a_schema_of_its_dialect() -> None:
    assert environment_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(environment_schema())


def test_the_schema_knows_no_name() -> None:
    assert "name" not in environment_schema()["properties"]
    assert environment_schema()["required"] == ["proxmox"]


def test_every_key_is_described() -> None:
    definitions = {"Environment": environment_schema(), **environment_schema()["$defs"]}
    missing = [
        f"{name}.{key}"
        for name, definition in definitions.items()
        for key, value in definition.get("properties", {}).items()
        # Where a field and its model are described in the same words, they stand with the model.
        if "description" not in value and "$ref" not in value and "const" not in value
    ]
    assert missing == []


def test_no_map_takes_unknown_keys() -> None:
    for name, definition in environment_schema()["$defs"].items():
        if "properties" in definition:
            assert definition["additionalProperties"] is False, name
    assert "patternProperties" not in json.dumps(environment_schema())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_shipped_files_are_valid(path: Path) -> None:
    assert complaints(yaml.safe_load(path.read_text())) == []


def test_files_are_shipped() -> None:
    assert {"dev.yaml", "staging.yaml", "prod.yaml"} <= {path.name for path in FILES}


@given(valid_environments())
@settings(max_examples=30, deadline=None)
def test_what_the_models_take_is_valid(data: dict[str, Any]) -> None:
    assert complaints(data) == []


BASE = {
    "proxmox": {
        "endpoint": "https://pve:8006",
        "nodes": {"pve": {"cores": 1, "memory": "2GiB", "datastores": {"local": {}}}},
    }
}


def vm(**more: Any) -> dict[str, Any]:
    return {**BASE, "vms": {"web": {"template": "debian-12", "vm_id": 9100, **more}}}


@pytest.mark.parametrize(
    "data",
    [
        vm(network="lan"),
        vm(network=["lan", {"name": "dmz", "address": "dhcp"}]),
        vm(network={"name": "lan", "address": "10.0.0.9"}),
        vm(memory="512MiB", disk="20GiB"),
        vm(firewall={"allow": [{"port": 22, "from": "lan"}, {"port": "1514:1518"}]}),
        {**BASE, "templates": {"a": {"vm_id": 9000, "image": "debian-12"}}},
        {**BASE, "templates": {"a": {"vm_id": 9000, "image": {"url": "https://example.org/a.qcow2"}}}},
        {**BASE, "state": {"backend": "local"}},
        {**BASE, "state": {"backend": "s3", "bucket": "homelab"}},
    ],
)
def test_short_and_long_forms_are_valid(data: dict[str, Any]) -> None:
    assert complaints(data) == []


@pytest.mark.parametrize(
    "data",
    [
        {},
        {**BASE, "name": "dev"},
        {**BASE, "vmss": {}},
        vm(cores=65),
        vm(memory=2048),
        vm(memory="2GB"),
        vm(bios="uefi"),
        vm(tags=["Web"]),
        vm(network={"address": "dhcp"}),
        vm(firewall={"allow": [{"port": 70000}]}),
        {**BASE, "vms": {"Web": {"template": "debian-12", "vm_id": 9100}}},
        {**BASE, "state": {"backend": "http"}},
        {**BASE, "templates": {"a": {"vm_id": 9000, "image": ["debian-12"]}}},
    ],
)
def test_what_the_models_refuse_is_not_valid(data: dict[str, Any]) -> None:
    assert complaints(data)


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("vms", "web", "cores"), "maximum", 64),
        (("vms", "web", "network", 0, "name"), "type", "string"),
        (("state", "bucket"), "type", "string"),
        (("proxmox", "nodes", "pve", "memory"), "type", "string"),
        (("firewall", "groups", "ssh", "rules", 0, "action"), "enum", ["ACCEPT", "DROP", "REJECT"]),
    ],
)
def test_the_part_for_a_path(path: tuple[str | int, ...], key: str, value: Any) -> None:
    data = {**vm(network=[{"name": "lan"}]), "state": {"backend": "s3"}}
    assert schema_at(path, data)[key] == value


def test_the_part_for_a_path_that_does_not_exist() -> None:
    assert schema_at(("nothing", "at", 5, "all"), {}) == {}
