"""`Image`: a download with its checksum, which an upstream change does not repeat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from homelab.config.image import ImageSpec
from homelab.proxmox.image import Image
from tests.synthesis import synthesize, the_resource

FILE = "proxmox_download_file"


def image_of(folder: Path, **changes: Any) -> dict[str, Any]:
    settings = {
        "node": "pve",
        "datastore": "local",
        "content": "import",
        "url": "https://example.org/debian.qcow2",
        "file_name": "prod-debian.qcow2",
    }
    spec = ImageSpec.model_validate(settings | changes)
    return the_resource(synthesize(lambda stack: Image(stack, "image", spec=spec), folder), FILE)


def test_the_whole_resource(tmp_path: Path) -> None:
    assert image_of(tmp_path) == {
        "node_name": "pve",
        "datastore_id": "local",
        "content_type": "import",
        "url": "https://example.org/debian.qcow2",
        "file_name": "prod-debian.qcow2",
        "overwrite": False,
        "upload_timeout": 1800,
    }


@pytest.mark.parametrize(("algorithm", "digits"), [("sha256", 64), ("sha384", 96), ("sha512", 128)])
def test_a_checksum_is_split_into_algorithm_and_value(algorithm: str, digits: int, tmp_path: Path) -> None:
    image = image_of(tmp_path, checksum=f"{algorithm}:{'a' * digits}")

    assert (image["checksum_algorithm"], image["checksum"]) == (algorithm, "a" * digits)


@pytest.mark.parametrize(
    ("content", "file_name"), [("import", "a.qcow2"), ("vztmpl", "a.tar.zst"), ("iso", "a.iso")], ids=str
)
def test_the_content_type_is_the_specs(content: str, file_name: str, tmp_path: Path) -> None:
    image = image_of(tmp_path, content=content, file_name=file_name)

    assert (image["content_type"], image["file_name"]) == (content, file_name)


def test_node_and_datastore_are_the_specs(tmp_path: Path) -> None:
    image = image_of(tmp_path, node="pve2", datastore="tank")

    assert (image["node_name"], image["datastore_id"]) == ("pve2", "tank")


def test_the_volume_is_known_by_reference(tmp_path: Path) -> None:
    seen: list[str] = []
    spec = ImageSpec(node="pve", datastore="local", content="iso", url="https://example.org/a.iso", file_name="a.iso")

    document = synthesize(lambda stack: seen.append(Image(stack, "image", spec=spec).volume_id), tmp_path)

    assert seen[0].startswith("${TfToken[")
    assert "image" in document["resource"][FILE]
