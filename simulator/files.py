"""Files of the nodes that SSH and the storage API share: snippets and what else is uploaded over SSH."""

from __future__ import annotations

import time
from pathlib import Path

from .state import Cluster, Config, Volume

FOLDERS = {
    "iso": "template/iso",
    "vztmpl": "template/cache",
    "backup": "dump",
    "snippets": "snippets",
    "import": "import",
    "images": "images",
    "rootdir": "private",
}


class NodeFiles:
    """A folder per node that stands for its file system."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.folder = folder
        self.cluster = cluster
        for name in cluster.storages:
            self.prepare(name)

    def prepare(self, storage: str) -> None:
        """Makes the folders of a storage on every node."""
        for node in self.cluster.nodes:
            for content in FOLDERS:
                if path := self.content_folder(storage, node, content):
                    path.mkdir(parents=True, exist_ok=True)

    def root(self, node: str) -> Path:
        """What ``/`` of a node is."""
        return self.folder / node

    def content_folder(self, storage: str, node: str, content: str) -> Path | None:
        """Where files of this type are, if the storage is made of files."""
        base = storage_path(self.cluster.storages[storage])
        return self.root(node) / base.lstrip("/") / FOLDERS[content] if base else None

    def refresh(self, storage: str, node: str) -> None:
        """Takes over what was written to the storage's folders since the last look."""
        volumes = self.cluster.volumes_on(storage, node)
        for content in ("snippets", "backup", "iso", "vztmpl", "import"):
            folder = self.content_folder(storage, node, content)
            if not folder or not folder.is_dir():
                continue
            for path in folder.iterdir():
                volid = f"{storage}:{content}/{path.name}"
                size = path.stat().st_size
                known = volumes.get(volid)
                if known is None:
                    volume = Volume(volid, content, file_format(path.name, content), size, ctime=int(time.time()))
                    self.cluster.add_volume(storage, node, volume)
                else:
                    known.size = size

    def remove(self, storage: str, node: str, content: str, name: str) -> None:
        """Deletes the file behind a volume, if there is one."""
        if folder := self.content_folder(storage, node, content):
            (folder / name).unlink(missing_ok=True)


def storage_path(config: Config) -> str:
    """The folder a storage is mounted at on its nodes; empty for one that has none."""
    if path := config.get("path"):
        return str(path)
    return f"/mnt/pve/{config['storage']}" if config.get("type") in ("nfs", "cifs", "cephfs") else ""


def file_format(name: str, content: str) -> str:
    """The format that ``content`` listings give for a file."""
    if content == "snippets":
        return "snippet"
    if content == "iso":
        return "iso"
    for suffix, known in (
        (".tar.gz", "tgz"),
        (".tar.xz", "txz"),
        (".tar.zst", "tzst"),
        (".vma.zst", "vma.zst"),
        (".vma.gz", "vma.gz"),
        (".vma.lzo", "vma.lzo"),
        (".vma", "vma"),
        (".qcow2", "qcow2"),
        (".raw", "raw"),
        (".img", "raw"),
        (".vmdk", "vmdk"),
        (".ova", "ova"),
        (".tar", "tar"),
    ):
        if name.endswith(suffix):
            return "tar.zst" if content == "backup" and known == "tzst" else known
    return "raw"
