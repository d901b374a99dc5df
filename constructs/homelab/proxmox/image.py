"""Disk images and container templates on a node."""

from constructs import Construct

from homelab.config.image import ImageSpec
from imports.proxmox.download_file import DownloadFile


class Image(Construct):
    """Defines a file that a node downloads to one of its datastores.

    Decided for you: the checksum is verified where the spec has one; a file that changed upstream is not downloaded
    again (``overwrite`` is off, the provider's default is on). Another URL, checksum or name is another file: the old
    one is removed, and guests made from it stay as they are.

    Source: ``proxmox_download_file``. The token needs Datastore.AllocateTemplate, Datastore.Allocate (to remove the
    file) and Sys.AccessNetwork; the datastore must allow ``spec.content``.
    """

    def __init__(self, scope: Construct, id_: str, *, spec: ImageSpec) -> None:
        super().__init__(scope, id_)
        algorithm, _, checksum = (spec.checksum or "").partition(":")
        self._file = DownloadFile(
            self,
            "Default",
            node_name=spec.node,
            datastore_id=spec.datastore,
            content_type=spec.content,
            url=spec.url,
            file_name=spec.file_name,
            checksum=checksum or None,
            checksum_algorithm=algorithm or None,
            overwrite=False,
            upload_timeout=1800,
        )

    @property
    def volume_id(self) -> str:
        """The volume, known after the download: ``<datastore>:<content>/<file name>``."""
        return self._file.id
