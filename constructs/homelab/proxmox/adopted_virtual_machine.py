"""Virtual machines that were there before, made by hand or by another tool."""

from typing import Any

from cdktf import TerraformResourceLifecycle
from constructs import Construct

from homelab.config.adoption import ALWAYS_IGNORED_OF_MACHINES, AdoptedMachine
from homelab.config.virtual_machine import VirtualMachineSpec
from homelab.proxmox.guest_parts import define_parts
from homelab.proxmox.literal import literal
from homelab.proxmox.network_device import network_devices
from homelab.proxmox.virtual_machine import SHUTDOWN_SECONDS, balloon, pci_devices, startup_of
from imports.proxmox.virtual_environment_vm import (
    VirtualEnvironmentVm,
    VirtualEnvironmentVmAgent,
    VirtualEnvironmentVmCpu,
    VirtualEnvironmentVmDisk,
    VirtualEnvironmentVmMemory,
    VirtualEnvironmentVmOperatingSystem,
    VirtualEnvironmentVmVga,
)

PROVIDERS_CPU_TYPE = "qemu64"
"""What the provider calls the CPU of a machine that names none. Proxmox gives it another, kvm64."""
_PROVIDERS_CORES = 1
_PROVIDERS_MEMORY = (512, 0)
_PROVIDERS_OS = "other"


class AdoptedVirtualMachine(VirtualEnvironmentVm):
    """Defines a virtual machine that exists, and imports it (``import`` block with ``<node>/<VMID>``).

    Decided for you: what no setting stands for stays as it is on the node and is ignored
    (``ALWAYS_IGNORED_OF_MACHINES``), as is what ``spec.adopted.ignore`` names; where the machine is as the provider
    would make it by default, nothing is said, because the provider imports nothing there; from then on it is treated as
    the app's own machines are: another node migrates it, destroying it keeps disks that it does not refer to, and
    ``protection`` is also Terraform's.

    Source: ``proxmox_virtual_environment_vm``, and those of ``GuestFirewall``.
    """

    def __init__(self, scope: Construct, id_: str, *, spec: VirtualMachineSpec) -> None:
        adopted = spec.adopted or AdoptedMachine()
        super().__init__(
            scope,
            id_,
            node_name=spec.node,
            vm_id=spec.vm_id,
            on_boot=spec.start_on_boot,
            protection=spec.protection,
            migrate=True,
            stop_on_destroy=not spec.agent,
            timeout_shutdown_vm=SHUTDOWN_SECONDS,
            delete_unreferenced_disks_on_destroy=False,
            bios=spec.bios,
            lifecycle=TerraformResourceLifecycle(
                ignore_changes=sorted(
                    {*ALWAYS_IGNORED_OF_MACHINES, *adopted.ignore, *_TEMPLATE, *(["node_name"] if spec.ha else [])}
                ),
                prevent_destroy=spec.protection or None,
            ),
            **{name: value for name, value in _settings(spec, adopted).items() if name not in adopted.ignore},
        )
        self.import_from(f"{spec.node}/{spec.vm_id}")
        define_parts(self, spec)


_TEMPLATE = ("template",)


def _settings(spec: VirtualMachineSpec, adopted: AdoptedMachine) -> dict[str, Any]:
    """The arguments that ``ignore`` can take away."""
    return {
        "name": spec.hostname,
        "description": literal(spec.description),
        "tags": list(spec.tags) or None,
        "started": spec.started,
        "startup": startup_of(spec),
        "machine": spec.machine,
        "cpu": _cpu(spec),
        "memory": _memory(spec),
        "operating_system": None
        if spec.os_type == _PROVIDERS_OS
        else VirtualEnvironmentVmOperatingSystem(type=spec.os_type),
        "agent": VirtualEnvironmentVmAgent(enabled=True, timeout=spec.agent_timeout) if spec.agent else None,
        "disk": _disks(adopted) or None,
        "network_device": network_devices(spec.interfaces) or None,
        "vga": VirtualEnvironmentVmVga(type=spec.vga) if spec.vga else None,
        "hostpci": pci_devices(spec) or None,
    }


def _cpu(spec: VirtualMachineSpec) -> VirtualEnvironmentVmCpu | None:
    by_default = (_PROVIDERS_CORES, 1, PROVIDERS_CPU_TYPE, None)
    if (spec.cores, spec.sockets, spec.cpu_type, spec.cpu_affinity) == by_default:
        return None
    return VirtualEnvironmentVmCpu(
        cores=spec.cores, sockets=spec.sockets, type=spec.cpu_type, affinity=spec.cpu_affinity
    )


def _memory(spec: VirtualMachineSpec) -> VirtualEnvironmentVmMemory | None:
    floating = balloon(spec)
    if (spec.memory, floating) == _PROVIDERS_MEMORY:
        return None
    return VirtualEnvironmentVmMemory(dedicated=spec.memory, floating=floating)


def _disks(adopted: AdoptedMachine) -> list[VirtualEnvironmentVmDisk]:
    # In the order of the file: the provider finds a disk's volume by its place, so a new one has to come last.
    return [
        VirtualEnvironmentVmDisk(
            interface=interface,
            datastore_id=disk.datastore,
            size=disk.size,
            file_format=disk.format,
            cache=disk.cache,
            aio=disk.aio,
            discard=disk.discard,
            ssd=disk.ssd,
            iothread=disk.iothread,
            backup=disk.backup,
            replicate=disk.replicate,
            serial=disk.serial,
        )
        for interface, disk in adopted.disks.items()
    ]
