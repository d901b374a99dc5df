"""Where guests are, according to the state and in truth.

The provider looks for a container only on the node that the state names. One that HA or a person has moved is gone for
it: it drops out of the state, and the next plan would make it anew under a VMID that is taken. What belongs to a guest,
such as its firewall, is looked for on that node too. So the state is corrected before a plan: the node's name and
nothing else. Source: ``containerRead`` of the provider, which asks ``/nodes/<node of the state>/lxc/<VMID>/config``.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations.terraform.stacks import Stack
from operations.terraform.terraform import Terraform

_KINDS = {
    "proxmox_virtual_environment_vm": "qemu",
    "proxmox_virtual_environment_container": "lxc",
}
_PARTS = frozenset(
    {
        "proxmox_virtual_environment_firewall_ipset",
        "proxmox_virtual_environment_firewall_options",
        "proxmox_virtual_environment_firewall_rules",
    }
)


@dataclass(frozen=True)
class Moved:
    """A guest that is on another node than the state says."""

    vm_id: int
    name: str
    before: str
    now: str

    def __str__(self) -> str:
        return f"{self.name} ({self.vm_id}) is on {self.now} now, not on {self.before}"


def corrected(
    state: Mapping[str, Any], guests: Mapping[int, Mapping[str, Any]]
) -> tuple[dict[str, Any], tuple[Moved, ...]]:
    """``state`` with the node that each of its guests is on, and the guests for which that is another one.

    Args:
        state: as ``terraform state pull`` gives it.
        guests: the guests of the cluster by VMID, as ``/cluster/resources`` lists them.
    """
    result = copy.deepcopy(dict(state))
    moved: dict[int, Moved] = {}
    changed = False
    for kind, attributes in _on_nodes(result):
        number = attributes.get("vm_id") or attributes.get("container_id")
        there = guests.get(number) if isinstance(number, int) else None
        node = str(there.get("node", "")) if there else ""
        if there is None or not node or attributes["node_name"] == node or kind not in ("", there.get("type")):
            continue
        if kind:
            moved[int(there["vmid"])] = Moved(
                int(there["vmid"]), str(there.get("name", "")), attributes["node_name"], node
            )
        attributes["node_name"] = node
        changed = True
    if changed:
        result["serial"] = int(result.get("serial", 0)) + 1
    return result, tuple(moved.values())


def follow(
    terraform: Terraform, stack: Stack, guests: Mapping[int, Mapping[str, Any]], workspace: Path
) -> tuple[Moved, ...]:
    """Correct the state of ``stack`` for guests that have been moved; the stack has to be initialized.

    Args:
        guests: the guests of the cluster by VMID.
        workspace: a private folder, because a state may hold secrets.

    Raises:
        TerraformError: the state can't be read or written.
    """
    if not any(resource.is_guest for resource in stack.resources.values()):
        return ()
    state = _local(stack) if stack.state_file is not None else terraform.pull(stack)
    new, moved = corrected(state, guests)
    if new.get("serial") == state.get("serial"):
        return ()
    file = workspace / f"{stack.name}.moved.tfstate"
    file.touch(mode=0o600)
    file.write_text(json.dumps(new, indent=2), encoding="utf-8")
    try:
        terraform.push(stack, file)
    finally:
        file.unlink()
    return moved


def _local(stack: Stack) -> dict[str, Any]:
    # Without a process of Terraform's own, which would take a second for every stack of every plan.
    path = stack.state_file
    text = path.read_text(encoding="utf-8") if path is not None and path.exists() else ""
    loaded: dict[str, Any] = json.loads(text) if text.strip() else {}
    return loaded


def _on_nodes(state: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The attributes of guests and of what belongs to one, each with the kind of guest, empty for a part."""
    for resource in state.get("resources", ()):
        kind = _KINDS.get(resource.get("type", ""), "")
        if resource.get("mode") != "managed" or not (kind or resource.get("type") in _PARTS):
            continue
        for instance in resource.get("instances", ()):
            attributes = instance.get("attributes") or {}
            if attributes.get("node_name"):
                yield kind, attributes
