"""Templates that virtual machines are cloned from."""

from cdktf import TerraformResourceLifecycle
from constructs import Construct

from homelab.config.virtual_machine import BOOT_INTERFACE, TemplateSpec
from homelab.proxmox.image import Image
from homelab.proxmox.literal import literal
from homelab.proxmox.snippet import Snippet
from imports.proxmox.virtual_environment_vm import (
    VirtualEnvironmentVm,
    VirtualEnvironmentVmCpu,
    VirtualEnvironmentVmDisk,
    VirtualEnvironmentVmEfiDisk,
    VirtualEnvironmentVmInitialization,
    VirtualEnvironmentVmInitializationIpConfig,
    VirtualEnvironmentVmInitializationIpConfigIpv4,
    VirtualEnvironmentVmMemory,
    VirtualEnvironmentVmOperatingSystem,
    VirtualEnvironmentVmSerialDevice,
)


class VmTemplate(Construct):
    """Defines a template: the downloaded image, the vendor data of its clones, and the machine marked as template.

    Decided for you: ``prevent_destroy`` and Proxmox's own protection, as clones may be linked to it; never started;
    the boot disk on scsi0 with discard; cloud-init on ide2; an EFI disk with enrolled keys for ovmf; no network
    interface, so that a clone has exactly those of its own spec. A new build of the image does not change a template
    that exists, nor do other vendor data: a newer one is another entry with another VMID.

    Source: ``proxmox_virtual_environment_vm`` with ``template = true``, ``proxmox_download_file``,
    ``proxmox_virtual_environment_file``.
    """

    def __init__(self, scope: Construct, id_: str, *, spec: TemplateSpec) -> None:
        super().__init__(scope, id_)
        self.spec = spec
        if spec.image is None:
            raise ValueError(f"template {spec.name} was adopted: AdoptedTemplate defines it")
        image = Image(self, "image", spec=spec.image)
        snippets = self._snippets(spec)
        VirtualEnvironmentVm(
            self,
            "Default",
            node_name=spec.node,
            vm_id=spec.vm_id,
            name=spec.name,
            description=literal(spec.description),
            tags=list(spec.tags),
            template=True,
            started=False,
            on_boot=False,
            protection=True,
            bios=spec.bios,
            machine=spec.machine,
            scsi_hardware="virtio-scsi-single",
            # The provider reads no flags back as an empty list; left out, every plan would report it as changed.
            cpu=VirtualEnvironmentVmCpu(cores=spec.cores, type=spec.cpu_type, flags=[]),
            memory=VirtualEnvironmentVmMemory(dedicated=spec.memory),
            operating_system=VirtualEnvironmentVmOperatingSystem(type="l26"),
            disk=[
                VirtualEnvironmentVmDisk(
                    interface=BOOT_INTERFACE,
                    datastore_id=spec.datastore,
                    import_from_attribute=image.volume_id,
                    size=spec.disk,
                    discard="on",
                    ssd=True,
                    iothread=True,
                )
            ],
            efi_disk=efi_disk(spec.datastore) if spec.bios == "ovmf" else None,
            serial_device=[VirtualEnvironmentVmSerialDevice()] if spec.serial_device else None,
            initialization=VirtualEnvironmentVmInitialization(
                datastore_id=spec.datastore,
                interface="ide2",
                vendor_data_file_id=spec.vendor_data_file_id,
                ip_config=[
                    VirtualEnvironmentVmInitializationIpConfig(
                        ipv4=VirtualEnvironmentVmInitializationIpConfigIpv4(address="dhcp")
                    )
                ],
            ),
            lifecycle=TerraformResourceLifecycle(
                prevent_destroy=True, ignore_changes=["disk[0].import_from", "initialization"]
            ),
            depends_on=[snippets[spec.node].file] if spec.node in snippets else None,
        )

    def _snippets(self, spec: TemplateSpec) -> dict[str, Snippet]:
        text = spec.vendor_data_text
        if text is None:
            return {}
        return {
            node: Snippet(
                self,
                f"vendor-data-{node}",
                node=node,
                datastore=spec.snippet_datastore,
                file_name=spec.vendor_data_file_name,
                text=text,
            )
            for node in spec.snippet_nodes or (spec.node,)
        }


def efi_disk(datastore: str) -> VirtualEnvironmentVmEfiDisk:
    """The EFI disk of ovmf: 4m with Microsoft's keys enrolled, so that Secure Boot works with vendors' images."""
    return VirtualEnvironmentVmEfiDisk(datastore_id=datastore, type="4m", pre_enrolled_keys=True)
