"""Virtual machines and the templates that they are cloned from."""

import re
from typing import Annotated, Literal, Self

import yaml
from pydantic import AfterValidator, Field, model_validator

from homelab.config import cloud_config
from homelab.config.adoption import AdoptedMachine, AdoptedVirtualMachine
from homelab.config.guest import DiskFormat, Dns, GuestReferences, GuestSettings, GuestSpec, SshKey, UserName
from homelab.config.image import ImageReference, ImageSpec
from homelab.config.model import Model
from homelab.config.names import DatastoreName, Key, NodeName, Tag, VmId
from homelab.config.network import NetworkInterfaces
from homelab.config.problems import Refused
from homelab.config.text import Matching
from homelab.config.units import Gibibytes, Mebibytes, format_mebibytes, gibibytes_between, mebibytes_between

Cores = Annotated[int, Field(ge=1, le=64, strict=True)]
Memory = Annotated[Mebibytes, mebibytes_between("128MiB", "128GiB")]
BootDisk = Annotated[Gibibytes, gibibytes_between("4GiB", "4TiB")]
PciAddress = Annotated[
    str, Matching(r"[0-9a-fA-F:.;]+", "a PCI address", "an address as lspci prints it", "0000:01:00.0")
]
CpuList = Annotated[
    str, Matching(r"[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*", "a list of CPUs", "numbers and ranges with commas", "0-3,8")
]
Timeout = Annotated[str, Matching(r"[1-9][0-9]*[smh]", "a duration", "a whole number with s, m or h", "15m")]
PackageName = Annotated[
    str, Matching(r"[a-z0-9][a-z0-9+.:~=_-]*", "the name of a package", "a-z, 0-9 and + . : ~ = _ -")
]
Bios = Literal["seabios", "ovmf"]
Machine = Literal["q35", "pc"]
CpuType = Annotated[str, Matching(r"[A-Za-z0-9_.-]+", "a CPU type", "a CPU type in Proxmox's words", "x86-64-v2-AES")]


def _cloud_config(value: str) -> str:
    try:
        document = yaml.safe_load(value)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in its line {mark.line + 1}" if mark else ""
        raise Refused(
            f"the cloud-init data is not YAML{where}: {getattr(error, 'problem', None) or 'it can not be read'}",
            allowed="YAML after the line #cloud-config",
            fix="correct that line; `cloud-init schema --config-file FILE` tells more",
        ) from None
    if document is not None and not isinstance(document, dict):
        raise Refused("cloud-init data is a map", allowed="keys such as packages", fix="write packages: [vim]")
    return value


CloudConfig = Annotated[
    str,
    Matching(r"#cloud-config\n[\s\S]*", "cloud-init data", "a text whose first line is #cloud-config", "#cloud-config"),
    AfterValidator(_cloud_config),
]

_LAST_INDEX = {"scsi": 30, "virtio": 15, "sata": 5}
BOOT_INTERFACE = "scsi0"


def _disk_interface(value: str) -> str:
    match = re.fullmatch(r"(scsi|virtio|sata)([0-9]{1,2})", value)
    if not match or int(match[2]) > _LAST_INDEX[match[1]]:
        raise Refused(
            "this is not a disk interface", allowed="scsi1-scsi30, virtio0-virtio15, sata0-sata5", fix="write scsi1"
        )
    if value == BOOT_INTERFACE:
        raise Refused(
            "scsi0 is the boot disk",
            allowed="scsi1-scsi30, virtio0-virtio15, sata0-sata5",
            fix="use `disk` for its size",
        )
    return value


DiskInterface = Annotated[str, AfterValidator(_disk_interface)]
"""Where a further disk is attached; its identity, so a changed one is another disk."""


class Disk(Model):
    """A further disk of a virtual machine (provider: block ``disk``)."""

    size: Annotated[Gibibytes, gibibytes_between("1GiB", "128TiB")] = Field(
        description="Its size. It can grow and never shrink."
    )
    datastore: DatastoreName | None = Field(None, description="Its datastore; the boot disk's when left out.")
    format: DiskFormat = Field("raw", description="File format; only raw on block storage such as LVM and ZFS.")
    cache: Literal["none", "writethrough", "writeback", "unsafe", "directsync"] = Field(
        "none", description="Host cache. writeback and unsafe lose data at a power cut."
    )
    discard: Literal["on", "ignore"] = Field("on", description="Give freed blocks back to thin storage.")
    ssd: bool = Field(True, description="Shown to the guest as SSD; no effect on virtio disks.")
    iothread: bool = Field(True, description="A thread of its own for the disk.")
    backup: bool = Field(True, description="Part of backups.")
    replicate: bool = Field(True, description="Part of storage replication.")


class CloudInit(Model):
    """First-boot settings of a virtual machine. Changes after creation have no effect.

    Source: provider block ``initialization``.
    """

    user: UserName | None = Field(None, description="The user to make; the image's own, such as debian, when left out.")
    ssh_keys: tuple[SshKey, ...] = Field((), description="Public keys of that user, besides those of `defaults`.")
    dns: Dns | None = Field(None, description="Its DNS settings; those of its network and of `defaults` when left out.")
    user_data: CloudConfig | None = Field(
        None,
        description="User data in place of user and keys, uploaded as a snippet by SSH. No secret belongs in it.",
    )


class PciDevice(Model):
    """A device of the node given to the guest: by `mapping`, or by `id`.

    Only root@pam with a password may set one by `id`.
    """

    mapping: str | None = Field(None, description="Name of a hardware mapping.")
    id: PciAddress | None = Field(None, description="PCI address.")
    pcie: bool = Field(True, description="As PCI Express; needs machine q35.")

    @model_validator(mode="after")
    def _one_device(self) -> Self:
        if (self.mapping is None) == (self.id is None):
            raise Refused(
                "a device is given by its mapping or by its id", allowed="mapping or id", fix="set one of the two"
            )
        return self


class VirtualMachineSettings(GuestSettings):
    """A virtual machine but for its name, place and template."""

    cores: Cores = Field(2, description="CPU cores.")
    sockets: Annotated[int, Field(ge=1, le=4, strict=True)] = Field(1, description="CPU sockets.")
    cpu_type: CpuType = Field(
        "x86-64-v2-AES", description="CPU model: x86-64-v2-AES migrates between nodes, host is the fastest."
    )
    cpu_affinity: CpuList | None = Field(None, description="Host CPUs to run on; only root@pam may set it.")
    memory: Memory = Field(2048, description="Memory.")
    ballooning: bool = Field(True, description="Give memory back under pressure, down to `memory_minimum`.")
    memory_minimum: Memory | None = Field(
        None, description="Least memory with ballooning; half of `memory` when left out."
    )
    bios: Bios | None = Field(None, description="Firmware; the template's when left out.")
    machine: Machine | None = Field(None, description="Machine type; the template's when left out.")
    os_type: Literal["l26", "l24", "win11", "win10", "win8", "win7", "other"] = Field(
        "l26", description="Operating system type."
    )
    vga: Literal["std", "cirrus", "vmware", "qxl", "virtio", "serial0", "none"] | None = Field(
        None, description="Display."
    )
    disk: BootDisk = Field(20, description="Size of the boot disk, at least the template's.")
    disk_cache: Literal["none", "writethrough", "writeback", "unsafe", "directsync"] = Field(
        "none", description="Cache of the boot disk."
    )
    disks: dict[DiskInterface, Disk] = Field(
        {}, description="Further disks by interface, such as scsi1. New ones go to the end."
    )
    pci_devices: tuple[PciDevice, ...] = Field((), max_length=16, description="Devices of the node given to the guest.")
    full_clone: bool = Field(
        True, description="Copy the template's disk (true), or share it as a linked clone (false)."
    )
    agent_timeout: Timeout = Field("15m", description="How long to wait for the guest agent at creation.")

    @model_validator(mode="after")
    def _memory_in_order(self) -> Self:
        if self.memory_minimum is not None and self.memory_minimum > self.memory:
            allowed = f"128MiB to {format_mebibytes(self.memory)}, the guest's memory"
            raise Refused(
                "memory_minimum is more than memory", allowed=allowed, fix="lower memory_minimum, or raise memory"
            )
        return self


class VirtualMachine(VirtualMachineSettings, GuestReferences):
    """A virtual machine as an environment file writes it."""

    template: Key | None = Field(None, description="The template that it is cloned from, one of `templates`.")
    adopted: AdoptedVirtualMachine | None = Field(
        None, description="The machine was there before and is taken over as it is, in place of `template`."
    )
    network: NetworkInterfaces = Field((), description="Its network, or its interfaces in order.")
    datastore: DatastoreName | None = Field(
        None, description="Datastore of its disks; `defaults.datastore` when left out."
    )
    agent: bool | None = Field(
        None, description="Talk to the guest agent and wait for an address; as the template when left out."
    )
    cloud_init: CloudInit = Field(CloudInit(), description="First-boot settings.")

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.template is None) == (self.adopted is None):
            found = "both template and adopted" if self.template else "neither"
            raise Refused(
                f"a virtual machine is cloned from a template, or it was adopted; here: {found}",
                allowed="template or adopted",
                fix="write template: with one of `templates`",
            )
        if self.adopted is not None and (unfit := _UNFIT_FOR_ADOPTED & self.model_fields_set):
            raise Refused(
                f"an adopted machine has no {', '.join(sorted(unfit))}",
                allowed="adopted.disks for its disks; one machine; no first boot",
                fix=f"remove {', '.join(sorted(unfit))}",
            )
        return self


_UNFIT_FOR_ADOPTED = frozenset({"disk", "disks", "disk_cache", "cloud_init", "full_clone", "replicas"})


class VirtualMachineSpec(VirtualMachineSettings, GuestSpec):
    """A virtual machine, everything decided: what the construct takes."""

    template_vm_id: VmId | None = Field(None, description="The template's VMID; None for an adopted machine.")
    adopted: AdoptedMachine | None = None
    template_node: NodeName | None = Field(None, description="The template's node where it is another one.")
    datastore: DatastoreName = "local-lvm"
    snippet_datastore: DatastoreName = "local"
    agent: bool = Field(False, description="The guest runs the agent; without it no wait and no DHCP address.")
    serial_device: bool = Field(
        True, description="Debian's and Ubuntu's cloud images don't start after a resize without one."
    )
    user: str = "debian"
    user_data: str | None = Field(
        None, description="The whole user data in place of user and keys; uploaded as a snippet."
    )
    user_data_file_name: str = "homelab-user-data.yaml"
    vendor_data_file_id: str | None = None
    ignore_cloud_init_changes: bool = True


class TemplateSettings(Model):
    """A template but for its image and place."""

    vm_id: VmId = Field(description="Its VMID.")
    cores: Cores = Field(2, description="CPU cores of the template; a clone has its own.")
    memory: Memory = Field(2048, description="Memory of the template; a clone has its own.")
    disk: BootDisk = Field(20, description="Size of the boot disk; a clone can only be larger.")
    bios: Bios = Field("seabios", description="Firmware. ovmf adds an EFI disk with Microsoft's keys.")
    machine: Machine = Field("q35", description="Machine type: q35, or pc (i440fx).")
    cpu_type: CpuType = Field("x86-64-v2-AES", description="CPU model.")
    guest_agent: bool = Field(True, description="Install qemu-guest-agent at the first boot of a clone.")
    packages: tuple[PackageName, ...] = Field((), description="Packages to install at the first boot of a clone.")
    run_commands: tuple[str, ...] = Field((), description="Commands to run once at the first boot of a clone.")
    vendor_data: CloudConfig | None = Field(
        None, description="Your own vendor data in place of guest_agent, packages and run_commands."
    )
    tags: tuple[Tag, ...] = Field((), description="Further tags.")
    description: str | None = Field(None, max_length=8192, description="Notes in Proxmox.")


class Template(TemplateSettings):
    """A template as an environment file writes it."""

    image: ImageReference | None = Field(
        None, description="A name from the catalogue, such as debian-12, or url and checksum of your own."
    )
    adopted: Literal[True] | None = Field(
        None,
        description="The template was there before and stays exactly as it is, in place of `image`. Its other settings "
        "say what clones of it can rely on.",
    )
    node: NodeName | None = Field(None, description="The node; `proxmox.default_node` when left out.")
    datastore: DatastoreName | None = Field(
        None, description="Datastore of its disk; `defaults.datastore` when left out."
    )
    user: str | None = Field(None, description="The image's cloud-init user; from the catalogue when left out.")
    serial_device: bool | None = Field(
        None, description="Whether clones need a serial device; from the catalogue, else true."
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.image is None) == (self.adopted is None):
            found = "both image and adopted" if self.image else "neither"
            raise Refused(
                f"a template is made from an image, or it was adopted; here: {found}",
                allowed="image or adopted",
                fix="write image: debian-12",
            )
        return self


class TemplateSpec(TemplateSettings):
    """A template, everything decided: what the construct takes."""

    name: Key
    node: NodeName
    datastore: DatastoreName = "local-lvm"
    snippet_datastore: DatastoreName = "local"
    snippet_prefix: str = Field("homelab", description="First part of the snippet's file name.")
    snippet_nodes: tuple[NodeName, ...] = Field(
        (), description="Nodes that need the snippet: the template's and those of its clones."
    )
    image: ImageSpec | None = Field(None, description="What it is made from; None for an adopted template.")
    serial_device: bool = True

    @property
    def vendor_data_text(self) -> str | None:
        """The cloud-init vendor data of its clones; None where there is none, as with an adopted template."""
        return cloud_config.vendor_data(self) if self.image is not None else None

    @property
    def vendor_data_file_name(self) -> str:
        """The name of the snippet that holds the vendor data."""
        return f"{self.snippet_prefix}-{self.name}-vendor-data.yaml"

    @property
    def vendor_data_file_id(self) -> str | None:
        """The volume of the snippet; None where there is none."""
        if self.vendor_data_text is None:
            return None
        return f"{self.snippet_datastore}:snippets/{self.vendor_data_file_name}"
