"""Datastores, volumes, downloads and uploads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator import Simulator
from tests.simulator.api_client import IMAGE_URL, Api

IMAGE = b"the image"
LOCAL = "/nodes/pve/storage/local"


@pytest.fixture
def with_image(tmp_path: Path) -> Iterator[Api]:
    """A simulator that knows what three URLs yield."""
    (tmp_path / "file.qcow2").write_bytes(IMAGE)
    downloads = {
        IMAGE_URL: IMAGE,
        "https://x/file.qcow2": str(tmp_path / "file.qcow2"),
        "https://x/none.qcow2": str(tmp_path / "none.qcow2"),
    }
    with Simulator(task_seconds=0, downloads=downloads) as simulator:
        client = Api(simulator, simulator.api_token)
        yield client
        client.http.close()


def fetch(api: Api, url: str, **values: str) -> str:
    path, name = f"{LOCAL}/download-url", url.rpartition("/")[2]
    return api.finished(api.post(path, url=url, content="import", filename=name, **values))


@pytest.mark.parametrize("url", [IMAGE_URL, "https://x/file.qcow2"])
@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_right_checksum_passes(with_image: Api, url: str, algorithm: str) -> None:
    values = {"checksum": hashlib.new(algorithm, IMAGE).hexdigest(), "checksum-algorithm": algorithm}
    assert fetch(with_image, url, **values) == "OK"
    volume = with_image.get(f"{LOCAL}/content", content="import")[0]
    assert (volume["size"], volume["format"]) == (len(IMAGE), "qcow2")


def test_a_wrong_checksum_fails_and_stores_nothing(with_image: Api) -> None:
    wanted = "0" * 64
    found = hashlib.sha256(IMAGE).hexdigest()
    exit_status = fetch(with_image, IMAGE_URL, checksum=wanted, **{"checksum-algorithm": "sha256"})
    assert exit_status == f"checksum mismatch: got '{found}' != expect '{wanted}'"
    assert with_image.get(f"{LOCAL}/content", content="import") == []


def test_a_download_that_can_not_be_read_fails(with_image: Api) -> None:
    assert fetch(with_image, "https://x/none.qcow2").startswith("download failed: ")
    refusal = with_image.refused("GET", "/nodes/pve/query-url-metadata", url="https://x/none.qcow2")
    assert refusal.message.startswith("invalid server response: ")


def test_a_url_nobody_described_is_recorded_with_a_plausible_size(api: Api) -> None:
    found = api.get("/nodes/pve/query-url-metadata", url="https://x/a%20b.iso?x=1")
    assert found["filename"] == "a b.iso"
    api.download("https://x/c.iso", "iso")
    assert api.get(f"{LOCAL}/content", content="iso")[0]["size"] == found["size"]


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"content": "import", "filename": "x.txt"}, {"filename": "invalid filename or wrong extension"}),
        ({"content": "iso", "filename": "x.qcow2"}, {"filename": "wrong file extension"}),
        (
            {"content": "snippets", "filename": "x.yaml"},
            {"content": "value 'snippets' does not have a value in the enumeration"},
        ),
        ({"content": "iso", "filename": "x.iso", "url": "ftp://x"}, {"url": "value does not match the regex pattern"}),
        (
            {"content": "iso", "filename": "x.iso", "checksum": "0"},
            {"checksum-algorithm": "property is missing and it is not optional"},
        ),
    ],
)
def test_downloads_of_what_can_not_be(api: Api, values: dict[str, str], errors: dict[str, str]) -> None:
    assert api.refused("POST", f"{LOCAL}/download-url", **{"url": "https://x", **values}).errors == errors


def test_a_storage_without_the_content_type_refuses(api: Api) -> None:
    refusal = api.refused(
        "POST", "/nodes/pve/storage/tank/download-url", url="https://x/a.iso", content="iso", filename="a.iso"
    )
    assert refusal.message == "storage 'tank' is not configured for content-type 'iso'"


def test_an_upload_is_stored(api: Api) -> None:
    answer = api.http.post(f"{LOCAL}/upload", data={"content": "iso"}, files={"filename": ("a.iso", b"x" * 3_000_000)})
    api.done(answer.json()["data"])
    assert api.get(f"{LOCAL}/content/local:iso%2Fa.iso")["size"] == 3_000_000
    api.done(api.delete(f"{LOCAL}/content/local:iso%2Fa.iso"))
    assert api.refused("GET", f"{LOCAL}/content/local:iso%2Fa.iso").message == "volume 'local:iso/a.iso' does not exist"


def test_a_disk_of_a_guest_is_not_deleted_under_it(api: Api) -> None:
    api.add_machine()
    path = "/nodes/pve/storage/local-lvm/content/local-lvm:vm-100-disk-0"
    assert api.refused("DELETE", path).message == "Cannot remove image, a guest with VMID '100' exists!"


def test_local_storages_differ_by_node_and_shared_ones_do_not(api: Api) -> None:
    api.post("/storage", storage="nas", type="nfs", server="10.0.0.2", export="/x", content="iso")
    api.download("https://x/a.iso", "iso")
    path = "/nodes/pve/storage/nas/download-url"
    api.done(api.post(path, url="https://x/b.iso", content="iso", filename="b.iso"))
    assert api.get("/nodes/pve2/storage/local/content") == []
    assert [v["volid"] for v in api.get("/nodes/pve2/storage/nas/content")] == ["nas:iso/b.iso"]


def test_a_storage_of_other_nodes_is_not_available(api: Api) -> None:
    api.post("/storage", storage="only2", type="dir", path="/x", content="images", nodes="pve2")
    refusal = api.refused("POST", "/nodes/pve/qemu", vmid=100, scsi0="only2:1")
    assert refusal.message == "unable to create VM 100 - storage 'only2' is not available on node 'pve'"
    assert "only2" not in [s["storage"] for s in api.get("/nodes/pve/storage")]


@pytest.mark.parametrize(
    ("values", "status", "message"),
    [
        (
            {"storage": "local", "type": "dir", "path": "/x"},
            500,
            "create storage failed: storage ID 'local' already defined",
        ),
        ({"storage": "s1", "type": "dir"}, 400, "Parameter verification failed."),
        ({"storage": "s1", "type": "floppy"}, 400, "Parameter verification failed."),
        (
            {"storage": "s1", "type": "lvm", "vgname": "v", "content": "iso"},
            500,
            "storage does not support content type 'iso'",
        ),
    ],
)
def test_definitions_that_can_not_be(api: Api, values: dict[str, str], status: int, message: str) -> None:
    refusal = api.refused("POST", "/storage", **values)
    assert (refusal.status, refusal.message) == (status, message)


def test_passwords_of_storages_are_not_read_back(api: Api) -> None:
    api.post("/storage", storage="pbs", type="pbs", server="x", datastore="d", username="u@pbs", password="very-secret")
    assert "very-secret" not in api.answer("GET", "/storage/pbs").text


def test_a_definition_is_changed_and_removed(api: Api) -> None:
    api.post("/storage", storage="dir1", type="dir", path="/x", content="iso")
    api.put("/storage/dir1", content="iso,backup", disable=1)
    assert api.get("/storage/dir1")["content"] == "iso,backup"
    assert api.refused("GET", "/nodes/pve/storage/dir1/content").message == "storage 'dir1' is disabled"
    api.put("/storage/dir1", delete="disable")
    assert api.get("/nodes/pve/storage/dir1/content") == []
    api.delete("/storage/dir1")
    assert api.refused("GET", "/storage/dir1").message == "storage 'dir1' does not exist"


def test_use_is_counted(api: Api) -> None:
    before = api.get("/nodes/pve/storage/local-lvm/status")["used"]
    api.add_machine()
    assert api.get("/nodes/pve/storage/local-lvm/status")["used"] - before == 8 * 1024**3
    assert "not enough space" in api.refused("POST", "/nodes/pve/qemu", vmid=101, scsi0="local-lvm:5000").message
