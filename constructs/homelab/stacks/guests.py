"""The guests of one group."""

from collections.abc import Sequence

from constructs import Construct

from homelab.config.resolution import ResolvedEnvironment
from homelab.proxmox.address import address_of
from homelab.proxmox.adopted_container import AdoptedContainer
from homelab.proxmox.adopted_virtual_machine import AdoptedVirtualMachine
from homelab.proxmox.container import Container
from homelab.proxmox.virtual_machine import VirtualMachine
from homelab.stacks import outputs
from homelab.stacks.environment_stack import EnvironmentStack


class GuestsStack(EnvironmentStack):
    """Defines ``<environment>-<group>``: the virtual machines and containers of a group.

    A container that is cloned from another of the same group waits for it.

    Outputs: ``vms_created``, ``vms_summary``, ``vm_ids``, ``lxc_containers_created``, ``lxc_summary``, ``lxc_ids``,
    ``infrastructure_summary``, ``proxmox_configuration``.
    """

    def __init__(self, scope: Construct, *, group: str, keys: Sequence[str], resolved: ResolvedEnvironment) -> None:
        super().__init__(scope, group, environment=resolved.environment)
        machines = {key: resolved.virtual_machines[key] for key in keys if key in resolved.virtual_machines}
        containers = {key: resolved.containers[key] for key in keys if key in resolved.containers}
        for key, machine in machines.items():
            (VirtualMachine if machine.adopted is None else AdoptedVirtualMachine)(self, key, spec=machine)
        made = {
            spec.vm_id: (Container if spec.adopted is None else AdoptedContainer)(self, key, spec=spec)
            for key, spec in containers.items()
        }
        for container in made.values():
            origin = made.get(container.spec.clone_vm_id or 0)
            if origin is not None:
                container.depends_on = [address_of(origin)]
        outputs.declare_virtual_machines(
            self, {key: (spec, f"proxmox_virtual_environment_vm.{key}") for key, spec in machines.items()}
        )
        outputs.declare_containers(
            self, {key: (spec, f"proxmox_virtual_environment_container.{key}") for key, spec in containers.items()}
        )
        outputs.declare_summary(self, resolved.environment, virtual_machines=len(machines), containers=len(containers))
