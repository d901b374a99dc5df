"""The outputs of a stack: what it made, under which numbers and addresses."""

from collections.abc import Mapping
from typing import Any

from cdktf import TerraformOutput, TerraformStack

from homelab.config.container import ContainerSpec
from homelab.config.environment import Environment
from homelab.config.virtual_machine import TemplateSpec, VirtualMachineSpec

NULL = "${null}"
"""Where there is no value: cdktf leaves out a None, and the key with it."""


def declare_summary(
    stack: TerraformStack,
    environment: Environment,
    *,
    templates: int = 0,
    virtual_machines: int = 0,
    containers: int = 0,
) -> None:
    """``infrastructure_summary`` and ``proxmox_configuration`` of one stack.

    They count the stack and not the environment: otherwise one more guest would change the outputs of every other
    stack.
    """
    _output(
        stack,
        "infrastructure_summary",
        {
            "environment": environment.name,
            "stack": stack.node.id,
            "nodes": sorted(environment.proxmox.nodes),
            "templates_count": templates,
            "vms_count": virtual_machines,
            "lxc_count": containers,
            "total_resources": templates + virtual_machines + containers,
        },
    )
    _output(
        stack,
        "proxmox_configuration",
        {
            "endpoint": environment.proxmox.endpoint,
            "nodes": sorted(environment.proxmox.nodes),
            "insecure": environment.proxmox.insecure,
        },
    )


def declare_templates(stack: TerraformStack, templates: Mapping[str, TemplateSpec]) -> None:
    """``templates_created`` and ``template_ids``."""
    _output(
        stack,
        "templates_created",
        {
            key: {
                "vm_id": spec.vm_id,
                "name": spec.name,
                "node": spec.node,
                "image": spec.image.file_name if spec.image is not None else NULL,
            }
            for key, spec in templates.items()
        },
    )
    _output(stack, "template_ids", {key: spec.vm_id for key, spec in templates.items()})


def declare_virtual_machines(stack: TerraformStack, machines: Mapping[str, tuple[VirtualMachineSpec, str]]) -> None:
    """``vms_created``, ``vms_summary`` and ``vm_ids``; each machine comes with its address in Terraform."""
    _output(
        stack,
        "vms_created",
        {
            key: {
                "vm_id": spec.vm_id,
                "name": spec.hostname,
                "node": _node(spec, resource),
                "address": _machine_address(spec, resource),
                # Not mac_addresses, which has what the agent reports: the loopback interface, and those of containers
                # inside.
                "mac_addresses": f"${{{resource}.network_device[*].mac_address}}",
                "template": spec.template_vm_id if spec.template_vm_id is not None else NULL,
                "user": spec.user,
            }
            for key, (spec, resource) in machines.items()
        },
    )
    _output(stack, "vms_summary", {key: _size(spec) for key, (spec, _) in machines.items()})
    _output(stack, "vm_ids", {key: spec.vm_id for key, (spec, _) in machines.items()})


def declare_containers(stack: TerraformStack, containers: Mapping[str, tuple[ContainerSpec, str]]) -> None:
    """``lxc_containers_created``, ``lxc_summary`` and ``lxc_ids``; each container with its address in Terraform."""
    _output(
        stack,
        "lxc_containers_created",
        {
            key: {
                "vm_id": spec.vm_id,
                "hostname": spec.hostname,
                "node": _node(spec, resource),
                "address": _container_address(spec, resource),
                "os_type": spec.os_type,
                "unprivileged": spec.unprivileged,
            }
            for key, (spec, resource) in containers.items()
        },
    )
    _output(stack, "lxc_summary", {key: _size(spec) for key, (spec, _) in containers.items()})
    _output(stack, "lxc_ids", {key: spec.vm_id for key, (spec, _) in containers.items()})


def _node(spec: VirtualMachineSpec | ContainerSpec, resource: str) -> str:
    """Where the guest is: as the environment says, or where HA has it."""
    return spec.node if spec.ha is None else f"${{{resource}.node_name}}"


def _machine_address(spec: VirtualMachineSpec, resource: str) -> str:
    static = _first_static(spec)
    if static or not spec.interfaces or not spec.agent:
        return static or NULL
    # The agent lists the loopback interface too, and names a list of addresses for each interface.
    reported = f"flatten({resource}.ipv4_addresses)"
    return f'${{try([for address in {reported} : address if !startswith(address, "127.")][0], null)}}'


def _container_address(spec: ContainerSpec, resource: str) -> str:
    static = _first_static(spec)
    if static or not spec.interfaces:
        return static or NULL
    return f'${{try(split("/", {resource}.ipv4["eth0"])[0], null)}}'


def _first_static(spec: VirtualMachineSpec | ContainerSpec) -> str | None:
    return next((address for interface in spec.interfaces if (address := interface.static_address)), None)


def _size(spec: VirtualMachineSpec | ContainerSpec) -> dict[str, Any]:
    return {
        "cores": spec.cores,
        "memory_mib": spec.memory,
        "disk_gib": spec.disk,
        "node": spec.node,
        "tags": list(spec.tags),
    }


def _output(stack: TerraformStack, name: str, value: Any) -> None:
    TerraformOutput(stack, name, value=value, static_id=True)
