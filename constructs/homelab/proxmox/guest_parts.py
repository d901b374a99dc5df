"""What Proxmox keeps beside a guest, and every kind of guest has: pool, replication, HA, firewall."""

from homelab.config.container import ContainerSpec
from homelab.config.virtual_machine import VirtualMachineSpec
from homelab.proxmox.firewall import GuestFirewall
from homelab.proxmox.ha import put_under_ha
from homelab.proxmox.pool import join_pool
from homelab.proxmox.replication import replicate
from imports.proxmox.virtual_environment_container import VirtualEnvironmentContainer
from imports.proxmox.virtual_environment_vm import VirtualEnvironmentVm


def define_parts(
    guest: VirtualEnvironmentVm | VirtualEnvironmentContainer, spec: VirtualMachineSpec | ContainerSpec
) -> None:
    """Defines the parts of ``guest`` that ``spec`` asks for, each a resource of its own below it."""
    is_container = isinstance(spec, ContainerSpec)
    if spec.pool is not None:
        adopted = spec.adopted is not None and spec.adopted.in_pool
        join_pool(guest, pool_id=spec.pool, vm_id=spec.vm_id, adopted=adopted)
    replicate(guest, spec)
    put_under_ha(guest, spec)
    if spec.firewall.enabled:
        GuestFirewall(
            guest,
            "firewall",
            node=spec.node,
            vm_id=spec.vm_id,
            container=is_container,
            settings=spec.firewall,
            names=spec.firewall_names,
            guest=guest,
            moved_by_ha=spec.ha is not None,
            # A container's own settings say which address it sends from.
            addresses=() if is_container else [interface.static_address for interface in spec.interfaces],
        )
