"""Digests from Debian's docker-registry, with a manifest and an index pushed through its API."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from operations.images.fetching import Fetcher
from operations.images.requests import RequestedContainerImage
from operations.images.resolving import ResolveError, resolve_container_image
from tests.operations.images.image_servers import (
    INDEX_TYPE,
    MANIFEST_TYPE,
    digest_of,
    image_index,
    image_manifest,
)

pytestmark = pytest.mark.system

CONFIGURATION = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
CONFIG = b'{"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}'
LAYER = b"\x1f\x8b a layer need not be unpacked to be stored"
MANIFEST = image_manifest(CONFIG, LAYER)
INDEX = image_index(MANIFEST)
REPOSITORY = "library/postgres"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``host:port`` of a registry that has the tags ``manifest`` and ``index``."""
    program = shutil.which("docker-registry")
    assert program, "docker-registry is missing: apt-get install docker-registry"
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configuration = folder / "config.yml"
    configuration.write_text(CONFIGURATION.format(folder=folder / "data", port=port))
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([program, "serve", configuration], stdout=output, stderr=output)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            _wait_for(client, process, log)
            for blob in (CONFIG, LAYER):
                _push_blob(client, blob)
            _push_manifest(client, "manifest", MANIFEST, MANIFEST_TYPE)
            _push_manifest(client, "index", INDEX, INDEX_TYPE)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            if client.get("/v2/").is_success:
                return
        except httpx.TransportError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)


def _push_blob(client: httpx.Client, blob: bytes) -> None:
    started = client.post(f"/v2/{REPOSITORY}/blobs/uploads/")
    assert started.status_code == 202
    location = httpx.URL(started.headers["Location"]).copy_merge_params({"digest": digest_of(blob)})
    assert client.put(location, content=blob).status_code == 201


def _push_manifest(client: httpx.Client, tag: str, manifest: bytes, media_type: str) -> None:
    pushed = client.put(f"/v2/{REPOSITORY}/manifests/{tag}", content=manifest, headers={"Content-Type": media_type})
    assert pushed.status_code == 201, pushed.text
    assert pushed.headers["Docker-Content-Digest"] == digest_of(manifest)


@pytest.mark.parametrize(("tag", "content"), [("manifest", MANIFEST), ("index", INDEX)])
def test_the_digest_is_the_one_that_the_registry_gave_at_the_push(
    registry: str, fetcher: Fetcher, tag: str, content: bytes
) -> None:
    request = RequestedContainerImage(f"{registry}/{REPOSITORY}:{tag}")
    assert resolve_container_image(request, fetcher) == digest_of(content)


def test_the_image_can_be_had_by_the_digest(registry: str, fetcher: Fetcher) -> None:
    digest = resolve_container_image(RequestedContainerImage(f"{registry}/{REPOSITORY}:index"), fetcher)
    by_digest = fetcher.get(f"http://{registry}/v2/{REPOSITORY}/manifests/{digest}", {"Accept": INDEX_TYPE})
    assert by_digest.body == INDEX


@pytest.mark.parametrize("name", [f"{REPOSITORY}:other-tag", "library/other:manifest"])
def test_what_the_registry_does_not_have_is_named(registry: str, fetcher: Fetcher, name: str) -> None:
    with pytest.raises(ResolveError, match=rf"{name}: there is no such image at {registry}"):
        resolve_container_image(RequestedContainerImage(f"{registry}/{name}"), fetcher)
