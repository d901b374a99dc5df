"""LXC containers."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from homelab.config.adoption import Adopted, AdoptedGuest
from homelab.config.guest import Dns, GuestReferences, GuestSettings, GuestSpec, SshKey
from homelab.config.image import Image
from homelab.config.image_catalogue import ContainerOsType
from homelab.config.model import Model
from homelab.config.names import DatastoreName, Key, NodeName, VmId
from homelab.config.network import NetworkInterfaces
from homelab.config.problems import Refused
from homelab.config.text import Matching
from homelab.config.units import Gibibytes, Mebibytes, gibibytes_between, mebibytes_between

OsType = ContainerOsType
"""What Proxmox knows of the system inside; AlmaLinux and Rocky Linux are centos.

Source: provider argument ``operating_system.type``.
"""

AbsolutePath = Annotated[
    str, Matching(r"/[^:,\s]+", "an absolute path", "a path that begins with / and has no : , or space", "/srv/data")
]
DevicePath = Annotated[str, Matching(r"/dev/[^:,\s]+", "a device", "a path below /dev", "/dev/net/tun")]
TemplateVolume = Annotated[
    str,
    Matching(
        r"[A-Za-z][A-Za-z0-9_.-]*:vztmpl/[^\s/]+",
        "a container template",
        "DATASTORE:vztmpl/FILE",
        "local:vztmpl/my.tar.zst",
    ),
]


def _mount_point_key(value: str) -> str:
    if not re.fullmatch(r"mp[0-9]{1,3}", value):
        raise Refused("this is not a mount point", allowed="mp0, mp1, ... without a gap", fix="write mp0")
    return value


class MountPoint(Model):
    """A further file system of a container (provider: block ``mount_point``).

    Changing its size, volume or number replaces the container, so a container with mount points should have
    ``protection``.
    """

    path: AbsolutePath = Field(description="Where it appears inside.")
    size: Annotated[Gibibytes, gibibytes_between("1GiB", "128TiB")] | None = Field(
        None, description="Size of a new volume."
    )
    datastore: DatastoreName | None = Field(
        None, description="Datastore of the new volume; the container's when left out."
    )
    host_path: AbsolutePath | None = Field(
        None, description="A folder of the node instead of a volume; only root@pam with a password may set it."
    )
    backup: bool = Field(
        True, description="Part of backups (the provider leaves it out); without effect for host_path."
    )
    read_only: bool = Field(False, description="Mounted read-only.")
    shared: bool = Field(False, description="The folder is the same on every node.")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.size is None) == (self.host_path is None):
            raise Refused(
                "a mount point is either a new volume or a folder of the node",
                allowed="size or host_path",
                fix="set one of the two",
            )
        return self


class Features(Model):
    """What a container may do beyond the usual. All but nesting need root@pam with a password.

    Source: provider block ``features``.
    """

    nesting: bool = Field(True, description="Let systemd and container engines inside use namespaces.")
    keyctl: bool = Field(False, description="Allow keyctl(), which Docker inside an unprivileged container wants.")
    fuse: bool = Field(False, description="Allow FUSE file systems.")
    mknod: bool = Field(False, description="Allow device nodes.")
    mount: tuple[Literal["nfs", "cifs", "ext4", "xfs"], ...] = Field(
        (), description="File systems that may be mounted inside."
    )


class ContainerSettings(GuestSettings):
    """A container but for its name, place and system."""

    cores: Annotated[int, Field(ge=1, le=64, strict=True)] = Field(1, description="CPU cores.")
    cpu_units: Annotated[int, Field(ge=8, le=500_000, strict=True)] | None = Field(
        None, description="CPU weight; Proxmox's default when left out."
    )
    memory: Annotated[Mebibytes, mebibytes_between("64MiB", "128GiB")] = Field(512, description="Memory.")
    swap: Annotated[Mebibytes, mebibytes_between("0MiB", "128GiB")] = Field(512, description="Swap.")
    disk: Annotated[Gibibytes, gibibytes_between("1GiB", "4TiB")] = Field(
        8, description="Size of the root file system. It can grow and never shrink."
    )
    unprivileged: bool = Field(True, description="root inside is nobody outside.")
    features: Features = Field(Features(), description="What it may do beyond the usual.")
    mount_points: dict[Annotated[str, AfterValidator(_mount_point_key)], MountPoint] = Field(
        {}, description="Further file systems: mp0, mp1, ..."
    )
    devices: tuple[DevicePath, ...] = Field(
        (), description="Devices of the node inside, such as /dev/net/tun; only root@pam with a password may set them."
    )
    template: bool = Field(
        False, description="Make it a template container that others are cloned from; it never runs."
    )

    @model_validator(mode="after")
    def _mount_points_without_gap(self) -> Self:
        expected = {f"mp{index}" for index in range(len(self.mount_points))}
        if missing := sorted(expected - set(self.mount_points)):
            raise Refused(
                "mount points are numbered without a gap",
                allowed=", ".join(sorted(expected)),
                fix=f"call one of them {missing[0]}",
            )
        return self


class Container(ContainerSettings, GuestReferences):
    """A container as an environment file writes it."""

    os: str | None = Field(
        None, description="A container template from the catalogue, such as debian-12 or alpine-3.22."
    )
    image: Image | None = Field(None, description="A container template of your own, with `os_type`.")
    template_file: TemplateVolume | None = Field(
        None,
        description="A container template already on the node, such as local:vztmpl/my.tar.zst, with `os_type`.",
    )
    clone_from: Key | None = Field(None, description="A template container of this environment to clone.")
    adopted: AdoptedGuest | None = Field(
        None, description="The container was there before and is taken over as it is, in place of a source."
    )
    os_type: OsType | None = Field(None, description="The system inside, for image and template_file.")
    network: NetworkInterfaces = Field((), description="Its network, or its interfaces in order.")
    datastore: DatastoreName | None = Field(
        None, description="Datastore of its root file system; `defaults.datastore` when left out."
    )
    ssh_keys: tuple[SshKey, ...] = Field((), description="Public keys of root, besides those of `defaults`.")
    dns: Dns | None = Field(None, description="Its DNS settings; those of its network and of `defaults` when left out.")

    @field_validator("image", "template", mode="wrap")
    @classmethod
    def _not_as_of_a_virtual_machine(
        cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> Any:
        try:
            return handler(value)
        except ValidationError as error:
            if not isinstance(value, str):
                raise
            if info.field_name == "image":
                raise Refused(
                    "the name of a container's system is its os; image is a file of your own",
                    allowed="os: NAME, or image with url and checksum",
                    fix=f"write os: {value}",
                ) from error
            raise Refused(
                "template says whether the container is one; what it is made from is its os, or clone_from",
                allowed="true, false",
                fix=f"write clone_from: {value}, or os: debian-12",
            ) from error

    @model_validator(mode="after")
    def _one_system(self) -> Self:
        given = [name for name in _SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise Refused(
                f"a container has one source, here: {found}",
                allowed="os, image, template_file or clone_from; adopted for one that was there before",
                fix="write os: debian-12",
            )
        if (given[0] in ("image", "template_file")) != (self.os_type is not None):
            wanted = "needs" if self.os_type is None else "decides its own"
            raise Refused(
                f"{given[0]} {wanted} os_type",
                allowed="os_type with image or template_file only",
                fix="add or remove os_type",
            )
        if self.adopted is not None and self.replicas is not None:
            raise Refused("an adopted container is one", allowed="no replicas", fix="remove replicas")
        if self.clone_from is not None and self.ssh_keys:
            raise Refused(
                "a clone has the keys of the container that it is cloned from",
                allowed="ssh_keys with os, image or template_file",
                fix=f"move ssh_keys to containers.{self.clone_from}",
            )
        return self


_SOURCES = ("os", "image", "template_file", "clone_from", "adopted")


class ContainerSpec(ContainerSettings, GuestSpec):
    """A container, everything decided: what the construct takes.

    One of ``template_file_id``, ``clone_vm_id`` and ``adopted`` is set.
    """

    template_file_id: str | None = Field(None, description="The container template's volume.")
    adopted: Adopted | None = None
    os_type: OsType = "debian"
    clone_vm_id: VmId | None = Field(None, description="VMID of the template container to clone.")
    clone_node: NodeName | None = Field(None, description="The template container's node where it is another one.")
    full_clone: bool = Field(
        True,
        description="Copy the template container's disk (true), or share it (false), for which Proxmox has to have "
        "made it a template: the provider calls a container a template without giving it a disk to share.",
    )
    datastore: DatastoreName = "local-lvm"

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = (self.template_file_id, self.clone_vm_id, self.adopted)
        if sum(source is not None for source in sources) != 1:
            raise Refused(
                "a container is made from a template file, cloned or adopted",
                allowed="template_file_id, clone_vm_id or adopted",
                fix="set one of the three",
            )
        return self
