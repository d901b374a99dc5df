"""Virtual machines."""

from cdktf import TerraformResourceLifecycle
from constructs import Construct

from homelab.config.virtual_machine import BOOT_INTERFACE, VirtualMachineSpec
from homelab.proxmox.address import address_of
from homelab.proxmox.guest_parts import define_parts
from homelab.proxmox.literal import literal
from homelab.proxmox.network_device import network_devices
from homelab.proxmox.snippet import Snippet
from homelab.proxmox.template import efi_disk
from imports.proxmox.virtual_environment_vm import (
    VirtualEnvironmentVm,
    VirtualEnvironmentVmAgent,
    VirtualEnvironmentVmAgentWaitForIp,
    VirtualEnvironmentVmClone,
    VirtualEnvironmentVmCpu,
    VirtualEnvironmentVmDisk,
    VirtualEnvironmentVmHostpci,
    VirtualEnvironmentVmInitialization,
    VirtualEnvironmentVmInitializationDns,
    VirtualEnvironmentVmInitializationIpConfig,
    VirtualEnvironmentVmInitializationIpConfigIpv4,
    VirtualEnvironmentVmInitializationUserAccount,
    VirtualEnvironmentVmMemory,
    VirtualEnvironmentVmOperatingSystem,
    VirtualEnvironmentVmSerialDevice,
    VirtualEnvironmentVmStartup,
    VirtualEnvironmentVmVga,
)

SHUTDOWN_SECONDS = 300
"""How long a machine may take to shut down before Proxmox stops it; the provider's own default is half an hour."""


class VirtualMachine(VirtualEnvironmentVm):
    """Defines a virtual machine, cloned from a template.

    Decided for you: what cloud-init says and which template it came from is ignored after creation, as a change to
    either would replace the machine and its data; the pool is a membership of its own; with ``protection`` Terraform
    refuses to destroy it (``prevent_destroy``), and so does Proxmox; a change that needs a reboot reboots it; another
    node migrates it live, unless it is under HA, which decides where it runs; destroying it shuts it down for five
    minutes at most, or stops it at once without the agent, which alone answers such a request for certain; it also
    leaves backup jobs, but disks that it no longer refers to stay.

    Source: ``proxmox_virtual_environment_vm``, and those of ``GuestFirewall`` and ``Snippet``.
    """

    def __init__(self, scope: Construct, id_: str, *, spec: VirtualMachineSpec) -> None:
        if spec.template_vm_id is None:
            raise ValueError(f"{spec.hostname} was adopted: AdoptedVirtualMachine defines it")
        super().__init__(
            scope,
            id_,
            node_name=spec.node,
            vm_id=spec.vm_id,
            name=spec.hostname,
            description=literal(spec.description),
            tags=list(spec.tags),
            on_boot=spec.start_on_boot,
            started=spec.started,
            startup=startup_of(spec),
            protection=spec.protection,
            migrate=True,
            stop_on_destroy=not spec.agent,
            timeout_shutdown_vm=SHUTDOWN_SECONDS,
            delete_unreferenced_disks_on_destroy=False,
            bios=spec.bios,
            machine=spec.machine,
            scsi_hardware="virtio-scsi-single",
            clone=VirtualEnvironmentVmClone(
                vm_id=spec.template_vm_id,
                node_name=spec.template_node,
                full=spec.full_clone,
                datastore_id=spec.datastore if spec.full_clone else None,
                retries=3,
            ),
            cpu=VirtualEnvironmentVmCpu(
                cores=spec.cores,
                sockets=spec.sockets,
                type=spec.cpu_type,
                affinity=spec.cpu_affinity,
                flags=[],  # as the provider reads it back; left out, every plan would report it as changed
            ),
            memory=VirtualEnvironmentVmMemory(dedicated=spec.memory, floating=balloon(spec)),
            operating_system=VirtualEnvironmentVmOperatingSystem(type=spec.os_type),
            agent=VirtualEnvironmentVmAgent(
                enabled=spec.agent,
                timeout=spec.agent_timeout,
                trim=True if spec.agent else None,
                wait_for_ip=VirtualEnvironmentVmAgentWaitForIp(ipv4=True) if spec.agent and spec.interfaces else None,
            ),
            disk=_disks(spec),
            network_device=network_devices(spec.interfaces),
            efi_disk=efi_disk(spec.datastore) if spec.bios == "ovmf" else None,
            serial_device=[VirtualEnvironmentVmSerialDevice()] if spec.serial_device else None,
            vga=VirtualEnvironmentVmVga(type=spec.vga) if spec.vga else None,
            hostpci=pci_devices(spec) or None,
            initialization=_initialization(spec),
            lifecycle=_lifecycle(spec),
        )
        self.spec = spec
        if spec.user_data is not None:
            # Only now, because the snippet is part of the machine.
            self.depends_on = [address_of(self._user_data(spec, spec.user_data).file)]
        define_parts(self, spec)

    def _user_data(self, spec: VirtualMachineSpec, text: str) -> Snippet:
        return Snippet(
            self,
            "user-data",
            node=spec.node,
            datastore=spec.snippet_datastore,
            file_name=spec.user_data_file_name,
            text=text,
        )


def startup_of(spec: VirtualMachineSpec) -> VirtualEnvironmentVmStartup | None:
    """The ``startup`` block; None leaves order and delays to Proxmox."""
    startup = spec.startup
    if startup is None:
        return None
    return VirtualEnvironmentVmStartup(order=startup.order, up_delay=startup.up_delay, down_delay=startup.down_delay)


def pci_devices(spec: VirtualMachineSpec) -> list[VirtualEnvironmentVmHostpci]:
    """The ``hostpci`` blocks."""
    return [
        VirtualEnvironmentVmHostpci(
            device=f"hostpci{index}",
            mapping=device.mapping,
            id=device.id,
            pcie=device.pcie,
            # Proxmox shows a device's ROM to the guest; the provider hides it where nothing is said.
            rombar=True,
        )
        for index, device in enumerate(spec.pci_devices)
    ]


def balloon(spec: VirtualMachineSpec) -> int:
    """The least memory with ballooning, in MiB; 0 without."""
    if not spec.ballooning:
        return 0
    return spec.memory_minimum or spec.memory // 2


def _disks(spec: VirtualMachineSpec) -> list[VirtualEnvironmentVmDisk]:
    boot = VirtualEnvironmentVmDisk(
        interface=BOOT_INTERFACE,
        datastore_id=spec.datastore,
        size=spec.disk,
        cache=spec.disk_cache,
        discard="on",
        ssd=True,
        iothread=True,
    )
    # In the order of the file: the provider finds a disk's volume by its place, so a new one has to come last.
    further = [
        VirtualEnvironmentVmDisk(
            interface=interface,
            datastore_id=disk.datastore or spec.datastore,
            size=disk.size,
            file_format=disk.format,
            cache=disk.cache,
            discard=disk.discard,
            ssd=disk.ssd if not interface.startswith("virtio") else None,
            iothread=disk.iothread if not interface.startswith("sata") else None,
            backup=disk.backup,
            replicate=disk.replicate,
        )
        for interface, disk in spec.disks.items()
    ]
    return [boot, *further]


def _initialization(spec: VirtualMachineSpec) -> VirtualEnvironmentVmInitialization:
    dns = spec.dns
    account = VirtualEnvironmentVmInitializationUserAccount(
        username=spec.user, keys=[literal(key) for key in spec.ssh_keys] or None
    )
    return VirtualEnvironmentVmInitialization(
        datastore_id=spec.datastore,
        interface="ide2",
        dns=VirtualEnvironmentVmInitializationDns(
            servers=[str(server) for server in dns.servers] or None, domain=dns.domain
        )
        if dns.servers or dns.domain
        else None,
        ip_config=[
            VirtualEnvironmentVmInitializationIpConfig(
                ipv4=VirtualEnvironmentVmInitializationIpConfigIpv4(
                    address=interface.address, gateway=str(interface.gateway) if interface.gateway else None
                )
            )
            for interface in spec.interfaces
        ]
        or None,
        # The provider refuses a user account beside own user data.
        user_account=account if spec.user_data is None else None,
        user_data_file_id=f"{spec.snippet_datastore}:snippets/{spec.user_data_file_name}"
        if spec.user_data is not None
        else None,
        vendor_data_file_id=spec.vendor_data_file_id,
    )


def _lifecycle(spec: VirtualMachineSpec) -> TerraformResourceLifecycle:
    ignored = ["clone", "pool_id", *(["initialization"] if spec.ignore_cloud_init_changes else [])]
    if spec.ha is not None:
        ignored.append("node_name")
    return TerraformResourceLifecycle(ignore_changes=ignored, prevent_destroy=spec.protection or None)
