"""What to lock: the images that environments use, as plain data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from homelab.config.container_image_reference import parse_container_image_reference
from homelab.config.image_catalogue import ChecksumAlgorithm, ContainerTemplate, DiskImage
from homelab.services.service import Download

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")

ImageKind = Literal["disk", "container_template", "download"]


class ImageRequestError(ValueError):
    """A request that can't be carried out whatever the network says; the message says what is allowed."""


@dataclass(frozen=True, slots=True)
class RequestedImage:
    """A file that nodes or guests download: a cloud image, a container template, or a program of a vendor.

    Raises:
        ImageRequestError: an address is not http(s), or the file has no name that Proxmox takes.
    """

    name: str
    """What the user calls it, for messages."""
    url: str
    """Where nodes download it, and its key in the lock file."""
    checksum_url: str | None = None
    """The vendor's checksum file or appliance index (``.dat`` or ``.dat.gz``). None where the vendor has none."""
    algorithm: ChecksumAlgorithm | None = None
    """Takes only checksums of this algorithm; None takes the strongest that the checksum file has."""
    kind: ImageKind = "disk"
    file_name: str | None = None
    """The name in the datastore; None for the last part of the URL."""
    follow_series: bool = False
    """For templates of an appliance index: takes the newest build of the same series instead of exactly this one."""

    def __post_init__(self) -> None:
        for label, address in (("URL", self.url), ("checksum URL", self.checksum_url)):
            if address is not None and not is_http_url(address):
                raise ImageRequestError(
                    f"image {self.name!r}: the {label} {address!r} is not an http:// or https:// address of a file"
                )
        if not _FILE_NAME.fullmatch(self.datastore_file_name):
            raise ImageRequestError(
                f"image {self.name!r}: the file name {self.datastore_file_name!r} must be letters, digits, '.', '_' "
                "and '-'; give it a file_name"
            )

    @property
    def vendor_file_name(self) -> str:
        """The name that the vendor's checksum file lists: the last part of the URL."""
        return file_name_of(self.url)

    @property
    def datastore_file_name(self) -> str:
        """The name that the file gets in the datastore."""
        return self.file_name or self.vendor_file_name


@dataclass(frozen=True, slots=True)
class RequestedContainerImage:
    """A container image by reference, such as ``postgres:15-alpine``.

    Raises:
        ImageReferenceError: the reference is not one.
    """

    reference: str

    def __post_init__(self) -> None:
        parse_container_image_reference(self.reference)


def request_for_disk_image(image: DiskImage) -> RequestedImage:
    """The request for a cloud image of the catalogue."""
    return RequestedImage(image.name, image.url, image.checksum_url, image.algorithm, "disk", image.file_name)


def request_for_container_template(template: ContainerTemplate) -> RequestedImage:
    """The request for a container template of the catalogue, which follows its series."""
    return RequestedImage(
        template.name,
        template.url,
        template.checksum_url,
        template.algorithm,
        "container_template",
        follow_series=True,
    )


def request_for_download(service: str, download: Download) -> RequestedImage:
    """The request for a vendor's file that the template of a service is built from."""
    return RequestedImage(f"{service}: {download.name}", download.url, download.checksum_url, kind="download")


def file_name_of(url: str) -> str:
    """The last part of the path of ``url``; empty when the path ends in a slash."""
    return unquote(urlsplit(url).path.rpartition("/")[2])


def is_http_url(url: str) -> bool:
    """Whether ``url`` is an absolute http(s) address without user name or password."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
        return usable and not re.search(r"\s", url)
    except ValueError:
        return False
