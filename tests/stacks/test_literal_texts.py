"""What people write is never an expression of Terraform: shell variables in commands, dollar signs in notes."""

from __future__ import annotations

import copy
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest

from homelab.config.environment import Environment
from homelab.config.resolution import resolve
from homelab.proxmox.literal import literal
from homelab.stacks.application import build_app
from tests.end_to_end.whole_environment import EVERYTHING
from tests.synthesis import stack_json, stack_names

WORDS = '${file("secret")} %{ if true }'
_FREE = ("comment", "description", "alias")
_LISTS = ("run_commands", "ssh_keys")


def _with_words(value: Any) -> Any:
    """The content with `WORDS` in every text that is free."""
    if isinstance(value, dict):
        changed = {key: _with_words(inner) for key, inner in value.items()}
        changed |= {key: f"{inner} {WORDS}" for key, inner in value.items() if key in _FREE}
        return changed | {key: [f"{entry} {WORDS}" for entry in value[key]] for key in _LISTS if key in value}
    return [_with_words(inner) for inner in value] if isinstance(value, list) else value


def _environment() -> Environment:
    data = copy.deepcopy(EVERYTHING)
    data["proxmox"]["endpoint"] = "https://pve.home.arpa:8006"
    data["templates"]["debian-12"] |= {"run_commands": ["echo"], "description": "Debian"}
    data["sdn"] = {
        "zones": {"lab": {"type": "simple"}},
        "vnets": {"lab1": {"zone": "lab", "alias": "Laboratory"}},
    }
    apart = {"type": "resource-affinity", "affinity": "negative", "guests": ["full", "elsewhere"], "comment": "Apart"}
    data["ha"] = {"rules": {"apart": apart}}
    data["vms"]["full"]["ha"] = data["vms"]["elsewhere"]["ha"] = {"comment": "Watched"}
    data["vms"]["full"]["replication"] = {"target": "pve2", "comment": "Copied"}
    data["vms"]["old"] = {"vm_id": 300, "node": "pve", "adopted": True, "started": False, "description": "By hand"}
    return Environment.model_validate(_with_words(data))


def test_no_text_of_an_environment_is_read_as_an_expression() -> None:
    with tempfile.TemporaryDirectory() as folder:
        build_app([resolve(_environment())], outdir=folder).synth()
        stacks = {name: stack_json(Path(folder), name) for name in stack_names(Path(folder))}
    text = json.dumps(stacks)
    assert not re.search(r"(?<!\$)\$\{file\(|(?<!%)%\{ if", text)
    found = {
        type_
        for stack in stacks.values()
        for type_, instances in stack.get("resource", {}).items()
        if "$${file(" in json.dumps(instances)
    }
    assert found >= {
        "proxmox_harule",
        "proxmox_haresource",
        "proxmox_replication",
        "proxmox_sdn_vnet",
        "proxmox_virtual_environment_cluster_firewall_security_group",
        "proxmox_virtual_environment_container",
        "proxmox_virtual_environment_file",
        "proxmox_virtual_environment_firewall_alias",
        "proxmox_virtual_environment_firewall_ipset",
        "proxmox_virtual_environment_firewall_rules",
        "proxmox_virtual_environment_pool",
        "proxmox_virtual_environment_vm",
    }


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("echo ${HOME}", "echo $${HOME}"),
        ("%{if}", "%%{if}"),
        # What is doubled already stays two signs for Terraform, too.
        ("$${HOME}", "$$${HOME}"),
        ("100% of $HOME {}", "100% of $HOME {}"),
        ("", ""),
        (None, None),
    ],
)
def test_what_terraform_is_given(words: str | None, written: str | None) -> None:
    assert literal(words) == written
