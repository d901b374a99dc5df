"""The stacks that were synthesized: what is in them, where Terraform runs for them, and in which order.

Read from ``cdktf.out/manifest.json`` and each stack's ``cdk.tf.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

_NOUNS = {
    "proxmox_virtual_environment_vm": "VM",
    "proxmox_virtual_environment_container": "container",
    "proxmox_download_file": "image",
    "proxmox_virtual_environment_file": "snippet",
    "proxmox_virtual_environment_pool": "pool",
    "proxmox_pool_membership": "pool membership",
    "proxmox_virtual_environment_firewall_options": "firewall options",
    "proxmox_virtual_environment_firewall_rules": "firewall rules",
    "proxmox_virtual_environment_firewall_ipset": "IP set",
    "proxmox_virtual_environment_firewall_alias": "alias",
    "proxmox_virtual_environment_cluster_firewall": "cluster firewall",
    "proxmox_virtual_environment_cluster_firewall_security_group": "security group",
    "proxmox_virtual_environment_role": "role",
    "proxmox_virtual_environment_user": "user",
    "proxmox_user_token": "API token",
    "proxmox_acl": "permission",
    "null_resource": "script",
    "docker_container": "Docker container",
    "docker_image": "Docker image",
    "docker_network": "Docker network",
    "docker_volume": "Docker volume",
    "random_bytes": "random key",
    "random_id": "random name",
    "random_password": "random password",
    "proxmox_hagroup": "HA group",
    "proxmox_haresource": "HA",
    "proxmox_harule": "HA rule",
    "proxmox_replication": "replication",
    "proxmox_sdn_controller_evpn": "EVPN controller",
    "proxmox_sdn_subnet": "subnet",
    "proxmox_sdn_vnet": "vnet",
    "proxmox_sdn_zone_evpn": "SDN zone",
    "proxmox_sdn_zone_qinq": "SDN zone",
    "proxmox_sdn_zone_simple": "SDN zone",
    "proxmox_sdn_zone_vlan": "SDN zone",
    "proxmox_sdn_zone_vxlan": "SDN zone",
}
ON_REQUEST = ("access", "state-backend")
"""Stacks that are applied once, by somebody who may do more: root@pam, and the owner of the bucket."""
GUEST_TYPES = ("proxmox_virtual_environment_vm", "proxmox_virtual_environment_container")


class StackError(Exception):
    """The synthesized stacks can't be read, or none is called as asked; the message says what to do."""


@dataclass(frozen=True)
class Resource:
    """A resource as the stack defines it, before any apply."""

    address: str
    type: str
    path: str
    """Its construct below the stack, such as ``web-1/firewall/rules``; the name in the address where that is gone."""
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def construct(self) -> str:
        """The first part of its path: the key of the guest, template or pool that it belongs to."""
        return self.path.partition("/")[0]

    @property
    def is_guest(self) -> bool:
        """Whether it is a virtual machine or container, templates included."""
        return self.type in GUEST_TYPES

    @property
    def vm_id(self) -> int | None:
        """The VMID of a guest."""
        value = self.arguments.get("vm_id") if self.is_guest else None
        return value if isinstance(value, int) else None

    @property
    def node(self) -> str | None:
        """The node it is on."""
        value = self.arguments.get("node_name")
        return value if isinstance(value, str) else None

    @property
    def prevents_destroy(self) -> bool:
        """Whether Terraform refuses to destroy it."""
        return bool(self.arguments.get("lifecycle", {}).get("prevent_destroy"))

    @property
    def label(self) -> str:
        """What people call it: ``VM web-1 (9100)``, ``firewall rules of dns``."""
        noun = _NOUNS.get(self.type) or self.type.removeprefix("proxmox_").removeprefix("virtual_environment_").replace(
            "_", " "
        )
        if self.is_guest:
            noun = "template" if self.arguments.get("template") else noun
            number = f" ({self.vm_id})" if self.vm_id is not None else ""
            return f"{noun} {self.path}{number}"
        if self.type == "proxmox_sdn_applier":
            return "SDN, put into force"
        if self.type.startswith("proxmox_sdn_"):
            return f"{noun} {self.path.rpartition('/')[2].partition('-')[2]}"
        if self.type.startswith("docker_"):
            # A locked image is called by its tag; its digest says nothing to people.
            name = str(self.arguments.get("name") or self.path.rpartition("/")[2])
            return f"{noun} {name.partition('@')[0]}"
        if self.type.startswith("random_"):
            return f"{noun} {self.path.rpartition('/')[2]}"
        if self.construct == "firewall":
            own = self.path.rpartition("/")[2].partition("-")[2]
            return (
                f"{noun} {own}"
                if own
                else "firewall of the cluster"
                if noun == "cluster firewall"
                else f"{noun} of the cluster"
            )
        if "/" in self.path:
            return f"{noun} of {self.construct}"
        return (
            f"{noun} "
            f"{self.path.removeprefix('pool-') if noun == 'pool' else self.path.removeprefix('container-template-')}"
        )


@dataclass(frozen=True)
class Stack:
    """One stack: a folder in which Terraform runs, with a state of its own."""

    name: str
    folder: Path
    dependencies: tuple[str, ...] = ()

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """The synthesized ``cdk.tf.json``."""
        loaded: dict[str, Any] = json.loads((self.folder / "cdk.tf.json").read_text(encoding="utf-8"))
        return loaded

    @cached_property
    def resources(self) -> Mapping[str, Resource]:
        """The resources of the stack by address."""
        found = {}
        for type_, instances in self.configuration.get("resource", {}).items():
            for name, arguments in instances.items():
                path = arguments.get("//", {}).get("metadata", {}).get("path", f"{self.name}/{name}")
                below = path.removeprefix(f"{self.name}/").removesuffix("/Default")
                address = f"{type_}.{name}"
                found[address] = Resource(address, type_, below, arguments)
        return found

    def resource(self, address: str, arguments: Mapping[str, Any] | None = None) -> Resource:
        """The resource at ``address``; ``arguments``, from the state, describe one that left the stack."""
        plain = address.partition("[")[0]
        if plain in self.resources:
            return self.resources[plain]
        type_, _, name = plain.removeprefix("data.").partition(".")
        return Resource(plain, type_, name, arguments or {})

    @property
    def is_planned_late(self) -> bool:
        """Whether it can be planned only after the stacks before it are applied.

        It reads another one's state, or its provider talks to what another one makes: a Docker Engine.
        """
        return "terraform_remote_state" in self.configuration.get("data", {}) or "docker" in self.providers

    @property
    def runs_scripts(self) -> bool:
        """Whether it runs scripts on nodes or in guests, which goes over SSH."""
        hooks = self.configuration.get("resource", {}).get("null_resource", {})
        return any("operations.provisioning" in json.dumps(hook.get("provisioner", "")) for hook in hooks.values())

    @property
    def providers(self) -> frozenset[str]:
        """The local names of the providers that it requires: ``proxmox``, ``docker``, ``null``."""
        return frozenset(self.configuration.get("terraform", {}).get("required_providers", {}))

    @property
    def state_file(self) -> Path | None:
        """The state on this machine; None where it is elsewhere."""
        local = self.configuration.get("terraform", {}).get("backend", {}).get("local")
        return (self.folder / local["path"]).resolve() if local else None


def read_stacks(output: Path) -> list[Stack]:
    """The stacks synthesized into ``output`` (``cdktf.out``), each after those that it depends on.

    Raises:
        StackError: nothing was synthesized there.
    """
    try:
        manifest = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
        entries = manifest["stacks"]
        found = {
            name: Stack(name, output / entry["workingDirectory"], tuple(entry.get("dependencies", ())))
            for name, entry in entries.items()
        }
    except (OSError, ValueError, KeyError) as error:
        raise StackError(f"{output}/manifest.json can't be read: {error}. Run `cdktf synth`.") from error
    order = TopologicalSorter({name: stack.dependencies for name, stack in found.items()})
    return [found[name] for name in order.static_order() if name in found]


def dependants(stacks: Iterable[Stack], name: str) -> set[str]:
    """The names of the stacks that depend on ``name``, directly or not."""
    everything = list(stacks)
    found = {name}
    while grown := {stack.name for stack in everything if found.intersection(stack.dependencies)} - found:
        found |= grown
    return found - {name}
