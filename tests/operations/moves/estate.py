"""Small states and stacks for tests of moves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from operations.moves.matching import State, managed
from operations.terraform.stacks import Stack

VM = "proxmox_virtual_environment_vm"
CONTAINER = "proxmox_virtual_environment_container"
OPTIONS = "proxmox_virtual_environment_firewall_options"
PROVIDER = 'provider["registry.terraform.io/bpg/proxmox"]'


def stack(
    folder: Path, name: str, resources: dict[str, dict[str, Any]], backend: dict[str, Any] | None = None
) -> Stack:
    """A synthesized stack with ``resources`` by address."""
    where = folder / "cdktf.out" / "stacks" / name
    where.mkdir(parents=True, exist_ok=True)
    content: dict[str, Any] = {}
    for address, arguments in resources.items():
        type_, _, key = address.partition(".")
        content.setdefault(type_, {})[key] = arguments
    document = {
        "terraform": {
            "backend": backend or {"local": {"path": f"../../../state/{name}.tfstate"}},
            "required_providers": {"proxmox": {"source": "bpg/proxmox", "version": "0.111.1"}},
        },
        "provider": {"proxmox": [{"endpoint": "https://127.0.0.1:1"}]},
        "resource": content,
    }
    (where / "cdk.tf.json").write_text(json.dumps(document))
    return Stack(name, where)


def state(resources: dict[str, dict[str, Any]], *, lineage: str = "one", serial: int = 3) -> State:
    """A state with ``resources`` by address; ``dependencies`` among the arguments are those of the entry."""
    entries = []
    for address, arguments in resources.items():
        type_, _, name = address.partition(".")
        attributes = {key: value for key, value in arguments.items() if key != "dependencies"}
        instance = {"schema_version": 0, "attributes": attributes, "sensitive_attributes": []}
        if "dependencies" in arguments:
            instance["dependencies"] = arguments["dependencies"]
        entries.append({"mode": "managed", "type": type_, "name": name, "provider": PROVIDER, "instances": [instance]})
    return {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": serial,
        "lineage": lineage,
        "outputs": {},
        "resources": entries,
        "check_results": None,
    }


def guests_in(found: State) -> dict[str, int]:
    """The VMIDs in a state by address."""
    return {
        address: entry["instances"][0]["attributes"]["vm_id"]
        for address, entry in managed(found)
        if entry["type"] in (VM, CONTAINER)
    }
