"""The built-in catalogue of cloud images for VMs and container templates, by short names such as ``debian-13``.

Names and addresses only: no checksum is kept here. ``homelab images lock`` reads the vendor's own checksum file and
writes what it finds to the lock file, which also pins addresses that always serve the newest build (``latest``,
``current``).

Where the facts come from:

* Container templates: file names as ``pveam available --section system`` prints them on Proxmox VE 9, from the signed
  appliance index that ``pveam`` itself reads (``PVE::APLInfo``, package pve-manager), which is served over plain HTTP.
* ``os_type``: the values that ``operating_system.type`` of ``proxmox_virtual_environment_container`` accepts.
  AlmaLinux and Rocky Linux have none of their own; Proxmox sets them up as ``centos``.
* Debian and Ubuntu cloud images: the provider's documentation of ``proxmox_download_file`` and the vendors'
  directories. Debian's ``generic`` image and not ``genericcloud``, whose kernel lacks the driver of the drive that
  carries the cloud-init data.
* AlmaLinux, Rocky Linux, Fedora, Arch Linux, openSUSE and Alpine cloud images: the vendors' download directories, as
  the checksum files kept as test data by KubeVirt's containerdisks and by other public users of these images name them.
* ``default_user``: cloud-init's own defaults for the distribution; ``sles`` for openSUSE Leap 16.0 is what KubeVirt's
  containerdisks logs in with.
* ``serial_device``: Debian's and Ubuntu's images panic while their disk is resized on a VM without one (bpg/proxmox
  issues 1639 and 1770).

AlmaLinux 10 and Rocky Linux 10 are offered as container templates only: their VMs need the CPU type ``x86-64-v3``,
above the ``x86-64-v2-AES`` that suits every node. Alpine's images are those for BIOS, the provider's default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Literal

ChecksumAlgorithm = Literal["sha256", "sha512"]
OsFamily = Literal["alma", "alpine", "arch", "debian", "fedora", "opensuse", "rocky", "ubuntu"]
ContainerOsType = Literal[
    "alpine",
    "archlinux",
    "centos",
    "debian",
    "devuan",
    "fedora",
    "gentoo",
    "nixos",
    "opensuse",
    "ubuntu",
    "unmanaged",
]

APPLIANCE_BASE_URL = "http://download.proxmox.com/images"
APPLIANCE_INDEX_URL = f"{APPLIANCE_BASE_URL}/aplinfo-pve-9.dat.gz"


class UnknownImageError(LookupError):
    """A name that is not in the catalogue; the message lists what is, nearest first."""

    def __init__(self, kind: str, name: str, known: Mapping[str, object]) -> None:
        near = get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        super().__init__(f"there is no {kind} {name!r} in the catalogue; {hint}Known: {', '.join(known)}")
        self.name = name


@dataclass(frozen=True, slots=True)
class DiskImage:
    """A vendor's cloud image for amd64 in qcow2 format, for a datastore with the content type ``import``."""

    name: str
    url: str
    """What ``proxmox_download_file.url`` is given."""
    checksum_url: str
    """The vendor's own checksum file, which names the image."""
    algorithm: ChecksumAlgorithm
    """The algorithm of that checksum file; ``proxmox_download_file.checksum_algorithm``."""
    os_family: OsFamily
    default_user: str
    """The user that cloud-init creates when none is named."""
    file_name: str
    """``proxmox_download_file.file_name``; ends in ``.qcow2``, because ``import`` refuses Ubuntu's ``.img``."""
    serial_device: bool
    """Whether the VM needs a serial device to boot."""


@dataclass(frozen=True, slots=True)
class ContainerTemplate:
    """A container template for amd64 of the Proxmox appliance index, for a datastore with the content type ``vztmpl``.

    ``file_name`` is a build that is known to exist. Locking may move to the newest build of the same series, such as
    ``debian-13-standard``, that the index lists.
    """

    name: str
    file_name: str
    """``proxmox_download_file.file_name``."""
    os_type: ContainerOsType
    """``operating_system.type`` of the container, which decides how Proxmox sets up network, users and console."""

    @property
    def url(self) -> str:
        """What ``proxmox_download_file.url`` is given."""
        return f"{APPLIANCE_BASE_URL}/system/{self.file_name}"

    @property
    def checksum_url(self) -> str:
        """The appliance index, which holds the checksum of every template."""
        return APPLIANCE_INDEX_URL

    @property
    def algorithm(self) -> ChecksumAlgorithm:
        """The algorithm of the index' checksums."""
        return "sha512"


def disk_image(name: str) -> DiskImage:
    """The cloud image called ``name``.

    Raises:
        UnknownImageError: the catalogue has no such image.
    """
    try:
        return DISK_IMAGES[name]
    except KeyError:
        raise UnknownImageError("cloud image", name, DISK_IMAGES) from None


def container_template(name: str) -> ContainerTemplate:
    """The container template called ``name``.

    Raises:
        UnknownImageError: the catalogue has no such template.
    """
    try:
        return CONTAINER_TEMPLATES[name]
    except KeyError:
        raise UnknownImageError("container template", name, CONTAINER_TEMPLATES) from None


def _debian(version: int, codename: str) -> DiskImage:
    directory = f"https://cloud.debian.org/images/cloud/{codename}/latest"
    file_name = f"debian-{version}-generic-amd64.qcow2"
    return DiskImage(
        name=f"debian-{version}",
        url=f"{directory}/{file_name}",
        checksum_url=f"{directory}/SHA512SUMS",
        algorithm="sha512",
        os_family="debian",
        default_user="debian",
        file_name=file_name,
        serial_device=True,
    )


def _ubuntu(version: str, codename: str) -> DiskImage:
    directory = f"https://cloud-images.ubuntu.com/{codename}/current"
    return DiskImage(
        name=f"ubuntu-{version}",
        url=f"{directory}/{codename}-server-cloudimg-amd64.img",
        checksum_url=f"{directory}/SHA256SUMS",
        algorithm="sha256",
        os_family="ubuntu",
        default_user="ubuntu",
        file_name=f"{codename}-server-cloudimg-amd64.qcow2",
        serial_device=True,
    )


def _plain(
    name: str, directory: str, file_name: str, *, checksum_file: str, os_family: OsFamily, default_user: str
) -> DiskImage:
    return DiskImage(
        name=name,
        url=f"{directory}/{file_name}",
        checksum_url=f"{directory}/{checksum_file}",
        algorithm="sha512" if checksum_file.endswith(".sha512") else "sha256",
        os_family=os_family,
        default_user=default_user,
        file_name=file_name,
        serial_device=False,
    )


def _fedora(version: int, compose: str) -> DiskImage:
    return _plain(
        f"fedora-{version}",
        f"https://download.fedoraproject.org/pub/fedora/linux/releases/{version}/Cloud/x86_64/images",
        f"Fedora-Cloud-Base-Generic-{version}-{compose}.x86_64.qcow2",
        checksum_file=f"Fedora-Cloud-{version}-{compose}-x86_64-CHECKSUM",
        os_family="fedora",
        default_user="fedora",
    )


def _leap(version: str, file_name: str, default_user: str) -> DiskImage:
    directory = f"https://download.opensuse.org/distribution/leap/{version}/appliances"
    return _plain(
        f"opensuse-leap-{version}",
        directory,
        file_name,
        checksum_file=f"{file_name}.sha256",
        os_family="opensuse",
        default_user=default_user,
    )


def _alpine(branch: str, release: str) -> DiskImage:
    directory = f"https://dl-cdn.alpinelinux.org/alpine/v{branch}/releases/cloud"
    file_name = f"nocloud_alpine-{release}-x86_64-bios-cloudinit-r0.qcow2"
    return _plain(
        f"alpine-{branch}",
        directory,
        file_name,
        checksum_file=f"{file_name}.sha512",
        os_family="alpine",
        default_user="alpine",
    )


DISK_IMAGES: Mapping[str, DiskImage] = MappingProxyType(
    {
        image.name: image
        for image in (
            _debian(12, "bookworm"),
            _debian(13, "trixie"),
            _ubuntu("22.04", "jammy"),
            _ubuntu("24.04", "noble"),
            _ubuntu("26.04", "resolute"),
            _plain(
                "alma-9",
                "https://repo.almalinux.org/almalinux/9/cloud/x86_64/images",
                "AlmaLinux-9-GenericCloud-latest.x86_64.qcow2",
                checksum_file="CHECKSUM",
                os_family="alma",
                default_user="almalinux",
            ),
            _plain(
                "rocky-9",
                "https://dl.rockylinux.org/pub/rocky/9/images/x86_64",
                "Rocky-9-GenericCloud-Base.latest.x86_64.qcow2",
                checksum_file="Rocky-9-GenericCloud-Base.latest.x86_64.qcow2.CHECKSUM",
                os_family="rocky",
                default_user="rocky",
            ),
            _fedora(43, "1.6"),
            _fedora(44, "1.7"),
            _plain(
                "arch",
                "https://geo.mirror.pkgbuild.com/images/latest",
                "Arch-Linux-x86_64-cloudimg.qcow2",
                checksum_file="Arch-Linux-x86_64-cloudimg.qcow2.SHA256",
                os_family="arch",
                default_user="arch",
            ),
            _leap("15.6", "openSUSE-Leap-15.6-Minimal-VM.x86_64-Cloud.qcow2", "opensuse"),
            _leap("16.0", "Leap-16.0-Minimal-VM.x86_64-Cloud.qcow2", "sles"),
            _alpine("3.22", "3.22.4"),
            _alpine("3.23", "3.23.4"),
        )
    }
)
"""Every cloud image by name."""

CONTAINER_TEMPLATES: Mapping[str, ContainerTemplate] = MappingProxyType(
    {
        template.name: template
        for template in (
            ContainerTemplate("debian-12", "debian-12-standard_12.12-1_amd64.tar.zst", "debian"),
            ContainerTemplate("debian-13", "debian-13-standard_13.6-1_amd64.tar.zst", "debian"),
            ContainerTemplate("ubuntu-22.04", "ubuntu-22.04-standard_22.04-1_amd64.tar.zst", "ubuntu"),
            ContainerTemplate("ubuntu-24.04", "ubuntu-24.04-standard_24.04-2_amd64.tar.zst", "ubuntu"),
            ContainerTemplate("ubuntu-26.04", "ubuntu-26.04-standard_26.04-1_amd64.tar.zst", "ubuntu"),
            ContainerTemplate("alpine-3.22", "alpine-3.22-default_20250617_amd64.tar.xz", "alpine"),
            ContainerTemplate("alpine-3.23", "alpine-3.23-default_20260116_amd64.tar.xz", "alpine"),
            ContainerTemplate("alpine-3.24", "alpine-3.24-default_20260714_amd64.tar.xz", "alpine"),
            ContainerTemplate("alma-9", "almalinux-9-default_20240911_amd64.tar.xz", "centos"),
            ContainerTemplate("alma-10", "almalinux-10-default_20250930_amd64.tar.xz", "centos"),
            ContainerTemplate("rocky-9", "rockylinux-9-default_20240912_amd64.tar.xz", "centos"),
            ContainerTemplate("rocky-10", "rockylinux-10-default_20251001_amd64.tar.xz", "centos"),
            ContainerTemplate("fedora-43", "fedora-43-default_20260115_amd64.tar.xz", "fedora"),
            ContainerTemplate("arch", "archlinux-base_20260420-1_amd64.tar.zst", "archlinux"),
            ContainerTemplate("opensuse-leap-15.6", "opensuse-15.6-default_20240910_amd64.tar.xz", "opensuse"),
            ContainerTemplate("opensuse-leap-16.0", "opensuse-16.0-default_20260116_amd64.tar.xz", "opensuse"),
        )
    }
)
"""Every container template by name."""
