"""Disk images and container templates that a node downloads."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Discriminator, Field, Tag, model_validator

from homelab.config.model import Model
from homelab.config.names import DatastoreName, NodeName
from homelab.config.problems import Refused
from homelab.config.text import Matching

Checksum = Annotated[
    str,
    Matching(
        r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}",
        "a checksum",
        "sha256:, sha384: or sha512: and 64, 96 or 128 hexadecimal digits in small letters",
        fix="copy it from the vendor's checksum file and write its algorithm before it",
    ),
]
"""A checksum with its algorithm, ``sha512:<hexadecimal>``; from the vendor's own checksum file, never made up."""

Url = Annotated[
    str,
    Matching(
        r"https?://[^\s/]+/\S*", "an address for a download", "http:// or https://", "https://example.org/image.qcow2"
    ),
]
FileName = Annotated[
    str,
    Matching(
        r"[A-Za-z0-9][A-Za-z0-9._-]*", "a file name", "letters, digits, . _ -, first a letter or digit", "image.qcow2"
    ),
]

IMPORT_ENDINGS = (".qcow2", ".raw", ".vmdk", ".img")
TEMPLATE_ENDINGS = (".tar.gz", ".tar.xz", ".tar.zst")


class Image(Model):
    """A file that is not in the catalogue: where it is and what its checksum is."""

    url: Url = Field(description="Where the node downloads it.")
    checksum: Checksum | None = Field(None, description="Its checksum; from the lock file when left out.")
    checksum_url: Url | None = Field(None, description="The vendor's checksum file, for `homelab images lock`.")
    file_name: FileName | None = Field(
        None, description="Name in the datastore; the last part of the URL when left out."
    )

    @property
    def stored_name(self) -> str:
        """The name of the file in the datastore."""
        return self.file_name or urlsplit(self.url).path.rpartition("/")[2]


ImageReference = Annotated[
    Annotated[str, Tag("name")] | Annotated[Image, Tag("file")],
    Discriminator(lambda value: {str: "name", dict: "file", Image: "file"}.get(type(value))),
]
"""An image by its name in the catalogue, or one of your own."""


class ImageSpec(Model):
    """A file to download to one datastore of one node, everything decided.

    Source: resource ``proxmox_download_file``; API ``POST /nodes/{node}/storage/{storage}/download-url``.
    """

    node: NodeName
    datastore: DatastoreName
    content: Literal["import", "vztmpl", "iso"]
    url: str
    file_name: str
    checksum: Checksum | None = None

    @model_validator(mode="after")
    def _ending(self) -> Self:
        endings = {"import": IMPORT_ENDINGS[:3], "vztmpl": TEMPLATE_ENDINGS, "iso": (".iso", ".img")}[self.content]
        if not self.file_name.endswith(endings):
            raise Refused(
                f"Proxmox takes no {self.content} file of this name",
                allowed=f"a name that ends with {', '.join(endings)}",
                fix="set file_name",
            )
        return self

    @property
    def volume_id(self) -> str:
        """The volume that the file becomes, such as ``local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst``."""
        return f"{self.datastore}:{self.content}/{self.file_name}"
