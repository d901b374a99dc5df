"""Everything that is synthesized is in its provider's schema, and nothing of it is deprecated.

The schemas are those that bindings are generated from. What comes from bindings that others publish is named here, and
judged by the providers themselves in the end-to-end tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from homelab.config.environment import Environment
from tests.end_to_end.whole_environment import EVERYTHING, ROOT_ONLY
from tests.stacks.examples import PROJECT, example_environments, synthesize_examples
from tests.synthesis import stack_json, stack_names

META_ARGUMENTS = {"//", "depends_on", "lifecycle", "provider", "provisioner"}
OF_OTHER_PROVIDERS = {
    "docker_container",
    "docker_image",
    "docker_network",
    "docker_volume",
    "random_bytes",
    "random_id",
    "random_password",
    "terraform_data",
}


@cache
def schemas() -> Mapping[str, Any]:
    """The schema of each provider, by its name."""
    files = sorted((PROJECT / "schemas").glob("*.json"))
    found = {file.name.partition("@")[0]: json.loads(file.read_text())["provider_schemas"] for file in files}
    return {name: content for name, by_source in found.items() for content in by_source.values()}


@cache
def blocks() -> Mapping[str, Any]:
    """The block of each type of resource."""
    return {
        type_: resource["block"]
        for schema in schemas().values()
        for type_, resource in schema["resource_schemas"].items()
    }


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Every stack of the shipped environments, and of one with everything."""
    whole = [Environment.model_validate(with_endpoint(content)) for content in (EVERYTHING, ROOT_ONLY)]
    output: Path = synthesize_examples(tmp_path_factory.mktemp("all"), [*example_environments(), *whole])
    return {name: stack_json(output, name) for name in stack_names(output)}


def with_endpoint(content: Mapping[str, Any]) -> dict[str, Any]:
    return {**content, "proxmox": {**content["proxmox"], "endpoint": "https://pve.home.arpa:8006"}}


def problems(arguments: Mapping[str, Any], block: Mapping[str, Any], place: str) -> Iterator[str]:
    """What is wrong with the arguments of a block."""
    attributes, blocks = block.get("attributes", {}), block.get("block_types", {})
    for name, value in arguments.items():
        here = f"{place}.{name}"
        if name in META_ARGUMENTS:
            continue
        if name in blocks:
            if blocks[name]["block"].get("deprecated"):
                yield f"{here} is deprecated"
            for item in value if isinstance(value, list) else [value]:
                yield from problems(item, blocks[name]["block"], here)
        elif name not in attributes:
            yield f"{here} is not in the schema"
        elif attributes[name].get("deprecated"):
            yield f"{here} is deprecated"
        elif not (attributes[name].get("optional") or attributes[name].get("required")):
            yield f"{here} can only be read"
    yield from missing(arguments, block, place)


def missing(arguments: Mapping[str, Any], block: Mapping[str, Any], place: str) -> Iterator[str]:
    """The arguments that a block needs and does not have."""
    for name, attribute in block.get("attributes", {}).items():
        if attribute.get("required") and arguments.get(name) is None:
            yield f"{place}.{name} is missing"
    for name, nested in block.get("block_types", {}).items():
        if nested.get("min_items") and name not in arguments:
            yield f"{place}.{name} is missing"


def all_problems(document: Mapping[str, Any]) -> list[str]:
    found = []
    for type_, instances in document.get("resource", {}).items():
        if type_ in OF_OTHER_PROVIDERS:
            continue
        block = blocks()[type_]
        if block.get("deprecated"):
            found.append(f"{type_} is deprecated")
        for name, arguments in instances.items():
            found += problems(arguments, block, f"{type_}.{name}")
    for provider in document["provider"].get("proxmox", []):
        found += problems(provider, schemas()["proxmox"]["provider"]["block"], "provider")
    return found


def test_every_stack_keeps_to_the_schema(stacks: dict[str, dict[str, Any]]) -> None:
    assert {name: found for name, document in stacks.items() if (found := all_problems(document))} == {}


def test_every_kind_of_resource_is_among_them(stacks: dict[str, dict[str, Any]]) -> None:
    types = {type_ for document in stacks.values() for type_ in document.get("resource", {})}

    assert types - OF_OTHER_PROVIDERS == {
        "null_resource",
        "proxmox_acl",
        "proxmox_download_file",
        "proxmox_haresource",
        "proxmox_harule",
        "proxmox_pool_membership",
        "proxmox_replication",
        "proxmox_sdn_applier",
        "proxmox_sdn_subnet",
        "proxmox_sdn_vnet",
        "proxmox_sdn_zone_simple",
        "proxmox_sdn_zone_vlan",
        "proxmox_user_token",
        "proxmox_virtual_environment_cluster_firewall",
        "proxmox_virtual_environment_cluster_firewall_security_group",
        "proxmox_virtual_environment_container",
        "proxmox_virtual_environment_file",
        "proxmox_virtual_environment_firewall_alias",
        "proxmox_virtual_environment_firewall_ipset",
        "proxmox_virtual_environment_firewall_options",
        "proxmox_virtual_environment_firewall_rules",
        "proxmox_virtual_environment_pool",
        "proxmox_virtual_environment_role",
        "proxmox_virtual_environment_user",
        "proxmox_virtual_environment_vm",
    }
    assert types >= OF_OTHER_PROVIDERS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"node_name": "pve", "colour": "red"}, "vm.colour is not in the schema"),
        ({"node_name": "pve", "timeout_move_disk": 1}, "vm.timeout_move_disk is deprecated"),
        ({"node_name": "pve", "ipv4_addresses": []}, "vm.ipv4_addresses can only be read"),
        ({"node_name": "pve", "cdrom": {"enabled": True}}, "vm.cdrom.enabled is deprecated"),
        ({"node_name": "pve", "clone": {}}, "vm.clone.vm_id is missing"),
        ({}, "vm.node_name is missing"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_mistake_would_be_found(arguments: dict[str, Any], message: str) -> None:
    block = blocks()["proxmox_virtual_environment_vm"]

    assert list(problems(arguments, block, "vm")) == [message]
