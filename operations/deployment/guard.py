"""Keeps a deployment from taking over guests that are not its own.

When a VMID is taken, the provider does not fail: it tries again, takes the second refusal for the success of the first
try, and configures the guest that it finds. So the numbers are compared with the cluster before anything is applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from operations.deployment.changes import Change
from operations.diagnosis.diagnosis import Diagnosis, Subject, Surroundings, place_of
from operations.terraform.stacks import Resource

_KINDS = {"proxmox_virtual_environment_vm": "qemu", "proxmox_virtual_environment_container": "lxc"}


@dataclass(frozen=True)
class Taken:
    """Guests that a plan would create and that exist already.

    Attributes:
        unfinished: ours, left by a deployment that was killed: the provider goes on with them.
        foreign: anybody else's.
    """

    unfinished: tuple[Change, ...] = ()
    foreign: tuple[tuple[Change, str], ...] = ()


def taken(changes: Iterable[Change], guests: Mapping[int, Mapping[str, Any]], environment: str) -> Taken:
    """Which of the guests to be created exist already.

    One counts as ours when kind, node and name are as planned and it carries the environment's tag, which this app
    gives to everything it makes.

    Args:
        guests: the guests of the cluster by VMID, as ``/cluster/resources`` lists them.
    """
    unfinished: list[Change] = []
    foreign: list[tuple[Change, str]] = []
    for change in changes:
        number = change.resource.vm_id
        there = guests.get(number) if number is not None and change.action == "create" else None
        if there is None:
            continue
        if _is_ours(change.resource, there, environment):
            unfinished.append(change)
        else:
            kind = "container" if there.get("type") == "lxc" else "VM"
            foreign.append((change, f"{kind} {there.get('name', 'without a name')} on {there.get('node', 'a node')}"))
    return Taken(tuple(unfinished), tuple(foreign))


def _is_ours(resource: Resource, there: Mapping[str, Any], environment: str) -> bool:
    tags = str(there.get("tags", "")).replace(",", ";").split(";")
    return (
        there.get("type") == _KINDS[resource.type]
        and there.get("node") == resource.node
        and there.get("name") == guest_name(resource)
        and environment in tags
    )


def guest_name(resource: Resource) -> str:
    """The name a guest is listed by: a VM's name, a container's host name."""
    initialization = resource.arguments.get("initialization") or {}
    inner = initialization[0] if isinstance(initialization, list) else initialization
    return str(resource.arguments.get("name") or inner.get("hostname") or "")


def foreign_guest(change: Change, found: str, surroundings: Surroundings) -> Diagnosis:
    """The error about a VMID that somebody else's guest has."""
    resource = change.resource
    place = place_of(Subject("", change.stack, "plan", resource, surroundings))
    return Diagnosis(
        "already_exists",
        f"VMID {resource.vm_id} is taken by a guest that this environment did not make",
        found=found,
        allowed="a VMID that is free in the whole cluster",
        fix=(
            "give yours another vm_id",
            "or, if it is to become this environment's, put into the file what homelab adopt --dry-run writes for it",
        ),
        places=place,
    )
