"""What counts as locked, moved and the same: ``--check``, series of templates, renamed files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from operations.images.requests import RequestedContainerImage, RequestedImage
from tests.operations.images.image_servers import FileServer, TokenRegistry, image_manifest
from tests.operations.images.lock_command import FIRST, NEW, OLD, SECOND, LockCommand, sha512


def test_check_writes_nothing_and_knows_what_is_not_locked(
    homelab: LockCommand, publish: Callable[..., RequestedImage]
) -> None:
    homelab.images = [publish("debian", FIRST)]
    assert homelab.lock(check=True) == 3
    assert not homelab.lock_path.exists()
    assert "not locked  debian  sha512:" in homelab.output
    homelab.lock()
    assert homelab.lock(check=True) == 0


def test_check_knows_what_has_moved(
    homelab: LockCommand,
    publish: Callable[..., RequestedImage],
    token_registry: TokenRegistry,
    postgres: RequestedContainerImage,
) -> None:
    homelab.images, homelab.container_images = [publish("debian", FIRST)], [postgres]
    homelab.lock()
    before = homelab.bytes
    publish("debian", SECOND)
    assert homelab.lock(check=True) == 3
    publish("debian", FIRST)
    assert homelab.lock(check=True) == 0
    token_registry.manifests["library/postgres:15"] = image_manifest(b"{}", b"second")
    assert homelab.lock(check=True) == 3
    assert homelab.bytes == before


def test_check_tells_a_server_that_fails_from_an_image_that_is_not_locked(
    homelab: LockCommand, files: FileServer, publish: Callable[..., RequestedImage]
) -> None:
    homelab.images = [publish("debian", FIRST)]
    files.fail("debian/SHA512SUMS", *[500] * 2)
    assert homelab.lock(check=True) == 3
    homelab.lock()
    files.fail("debian/SHA512SUMS", *[500] * 2)
    assert homelab.lock(check=True) == 1


@pytest.mark.parametrize("option", ["update", "prune"])
def test_check_with_an_option_that_writes_is_refused(
    homelab: LockCommand, files: FileServer, publish: Callable[..., RequestedImage], option: str
) -> None:
    homelab.images = [publish("debian", FIRST)]
    assert homelab.lock(check=True, **{option: True}) == 2
    assert "--check writes nothing" in homelab.output
    assert not files.requested


def test_a_template_is_locked_at_the_newest_and_then_stays(
    homelab: LockCommand, files: FileServer, publish_templates: Callable[..., RequestedImage]
) -> None:
    image = publish_templates(old=FIRST)
    homelab.images = [image]
    homelab.lock()
    assert homelab.locked.images[image.url].url is None
    publish_templates(old=FIRST, new=SECOND)
    assert homelab.lock(check=True) == 0
    assert homelab.lock(update=True) == 0
    pinned = homelab.locked.image_for(image.url)
    assert pinned is not None
    assert (pinned.url, pinned.file_name, pinned.checksum) == (files.url(f"system/{NEW}"), NEW, sha512(SECOND))
    assert f"{OLD} is now {NEW}" in homelab.output


def test_a_template_that_left_the_index_has_moved(
    homelab: LockCommand, publish_templates: Callable[..., RequestedImage]
) -> None:
    homelab.images = [publish_templates(old=FIRST)]
    homelab.lock()
    before = homelab.bytes
    publish_templates(new=SECOND)
    assert homelab.lock(check=True) == 3
    assert homelab.lock() == 1
    assert homelab.bytes == before
    assert homelab.lock(update=True) == 0


def test_a_template_with_another_checksum_has_moved(
    homelab: LockCommand, publish_templates: Callable[..., RequestedImage]
) -> None:
    homelab.images = [publish_templates(old=FIRST)]
    homelab.lock()
    publish_templates(old=SECOND, new=SECOND)
    assert homelab.lock() == 1
    assert f"served  sha512:{sha512(SECOND)}" in homelab.output


def test_another_file_name_for_the_same_bytes_needs_no_update(
    homelab: LockCommand, publish: Callable[..., RequestedImage]
) -> None:
    image = publish("debian", FIRST)
    homelab.images = [image]
    homelab.lock()
    homelab.images = [replace(image, file_name="renamed.qcow2")]
    assert homelab.lock() == 0
    assert homelab.locked.images[image.url].file_name == "renamed.qcow2"
