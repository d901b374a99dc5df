"""What was there before its environment file: made by hand or by another tool, and taken over as it is.

The stacks import it (Terraform ``import`` blocks, whose ids follow from the entry), so that the first plan creates
nothing. An import block of something that is in the state already does nothing, so the entry stays as it is.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from homelab.config.guest import DiskFormat
from homelab.config.model import Model
from homelab.config.names import DatastoreName
from homelab.config.problems import Refused
from homelab.config.text import Matching
from homelab.config.units import Gibibytes, gibibytes_between

Ignorable = Literal[
    "agent",
    "cpu",
    "description",
    "device_passthrough",
    "disk",
    "features",
    "hostpci",
    "initialization",
    "machine",
    "memory",
    "mount_point",
    "name",
    "network_device",
    "network_interface",
    "node_name",
    "operating_system",
    "started",
    "startup",
    "tags",
    "vga",
]
"""Arguments of the provider's guests that an adopted guest can leave to the node."""

ALWAYS_IGNORED_OF_MACHINES = (
    "acpi",
    "amd_sev",
    "audio_device",
    "boot_order",
    "cdrom",
    "clone",
    "efi_disk",
    "hook_script_file_id",
    "hotplug",
    "initialization",
    "keyboard_layout",
    "kvm_arguments",
    "numa",
    "pool_id",
    "rng",
    "scsi_hardware",
    "serial_device",
    "smbios",
    "tablet_device",
    "tpm_state",
    "usb",
    "virtiofs",
    "watchdog",
)
"""Arguments of ``proxmox_virtual_environment_vm`` that no setting stands for: they stay as they are on the node."""

ALWAYS_IGNORED_OF_CONTAINERS = (
    "clone",
    "console",
    "environment_variables",
    "hook_script_file_id",
    "idmap",
    "operating_system",
    "pool_id",
)
"""The same for ``proxmox_virtual_environment_container``."""

_LAST_INDEX = {"ide": 3, "sata": 5, "scsi": 30, "virtio": 15}


def _any_interface(value: str) -> str:
    match = re.fullmatch(r"(ide|sata|scsi|virtio)(0|[1-9][0-9]?)", value)
    if not match or int(match[2]) > _LAST_INDEX[match[1]]:
        raise Refused(
            "this is not a disk interface",
            allowed="ide0-ide3, sata0-sata5, scsi0-scsi30, virtio0-virtio15",
            fix="write it as `qm config` shows it, such as scsi0",
        )
    return value


AnyDiskInterface = Annotated[str, AfterValidator(_any_interface)]
"""Where a disk of a machine made by hand is attached."""

SerialNumber = Annotated[str, Matching(r"[A-Za-z0-9_.+-]{1,20}", "a serial number", "1 to 20 letters, digits, _ . + -")]


class AdoptedDisk(Model):
    """A disk of an adopted machine. What is left out is as Proxmox has it by default, not as this app would make it."""

    size: Annotated[Gibibytes, gibibytes_between("1GiB", "128TiB")] = Field(
        description="Its size. It can grow and never shrink."
    )
    datastore: DatastoreName = Field(description="Its datastore.")
    format: DiskFormat = Field("raw", description="Its file format.")
    cache: Literal["none", "writethrough", "writeback", "unsafe", "directsync"] = Field(
        "none", description="Host cache."
    )
    aio: Literal["io_uring", "native", "threads"] = Field("io_uring", description="Asynchronous input and output.")
    discard: Literal["on", "ignore"] = Field("ignore", description="Give freed blocks back to thin storage.")
    ssd: bool = Field(False, description="Shown to the guest as SSD.")
    iothread: bool = Field(False, description="A thread of its own for the disk.")
    backup: bool = Field(True, description="Part of backups.")
    replicate: bool = Field(True, description="Part of storage replication.")
    serial: SerialNumber | None = Field(None, description="The serial number that the guest sees.")


class Adopted(Model):
    """A guest that was there before: what it was made from is not known and never asked for.

    `tags` of the guest are all of its tags: those of the environment are not added. What no setting can express
    stays as it is on the node.
    """

    in_pool: bool = Field(False, description="It was in its `pool` before.")
    ignore: tuple[Ignorable, ...] = Field(
        (),
        description="Further arguments of the provider that are left to the node, because the guest has something "
        "there that no setting can express. The settings they stand for have no effect.",
    )


class AdoptedMachine(Adopted):
    """An adopted virtual machine, which is cloned from nothing."""

    disks: dict[AnyDiskInterface, AdoptedDisk] = Field(
        {}, description="All of its disks by interface, in place of `disk` and `disks`."
    )


def _adopted(value: Any) -> Any:
    return {} if value is True else value


AdoptedGuest = Annotated[Adopted, BeforeValidator(_adopted, json_schema_input_type=Literal[True] | Adopted)]
"""``true``, or what is to be ignored."""

AdoptedVirtualMachine = Annotated[
    AdoptedMachine, BeforeValidator(_adopted, json_schema_input_type=Literal[True] | AdoptedMachine)
]
"""``true`` for a machine without disks, or its disks and what is to be ignored."""
