"""``homelab images lock`` against a file server and a registry on loopback: output, exit codes, the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from operations.images import locking
from operations.images.requests import RequestedContainerImage, RequestedImage
from operations.images.resolving import resolve_image
from tests.operations.images.image_servers import FileServer, TokenRegistry, digest_of, image_manifest
from tests.operations.images.lock_command import FIRST, LATER, NOON, SECOND, LockCommand, sha512


def test_everything_new_is_locked(
    homelab: LockCommand, publish: Callable[..., RequestedImage], postgres: RequestedContainerImage
) -> None:
    image = publish("debian", FIRST)
    homelab.images, homelab.container_images = [image], [postgres]
    assert homelab.lock() == 0
    assert homelab.locked.checksum_for(image.url) == f"sha512:{sha512(FIRST)}"
    assert homelab.locked.images[image.url].file_name == "debian.qcow2"
    assert homelab.locked.images[image.url].resolved_at == NOON
    assert homelab.locked.digest_for(postgres.reference) == digest_of(image_manifest(b"{}", b"first"))
    assert f"added       debian  sha512:{sha512(FIRST)}" in homelab.output
    assert f"added       {postgres.reference}  sha256:" in homelab.output
    assert f"2 added; {homelab.lock_path} written." in homelab.output


def test_locking_again_changes_not_one_byte(
    homelab: LockCommand, publish: Callable[..., RequestedImage], postgres: RequestedContainerImage
) -> None:
    homelab.images, homelab.container_images = [publish("debian", FIRST)], [postgres]
    homelab.lock()
    before = homelab.bytes
    homelab.now = LATER
    assert homelab.lock() == 0
    assert homelab.bytes == before
    assert f"2 unchanged; {homelab.lock_path} not changed." in homelab.output


def test_changed_content_is_shown_and_not_taken(homelab: LockCommand, publish: Callable[..., RequestedImage]) -> None:
    image = publish("debian", FIRST)
    homelab.images = [image]
    homelab.lock()
    before = homelab.bytes
    publish("debian", SECOND)
    assert homelab.lock() == 1
    assert homelab.bytes == before
    assert image.url in homelab.output
    assert f"locked  sha512:{sha512(FIRST)}" in homelab.output
    assert f"served  sha512:{sha512(SECOND)}" in homelab.output
    assert "homelab images lock --update" in homelab.output
    assert "1 moved;" in homelab.output


def test_changed_content_is_taken_with_update(homelab: LockCommand, publish: Callable[..., RequestedImage]) -> None:
    homelab.images = [publish("debian", FIRST)]
    homelab.lock()
    image = publish("debian", SECOND)
    homelab.now = LATER
    assert homelab.lock(update=True) == 0
    assert homelab.locked.checksum_for(image.url) == f"sha512:{sha512(SECOND)}"
    assert homelab.locked.images[image.url].resolved_at == LATER
    assert f"locked  sha512:{sha512(FIRST)}" in homelab.output
    assert f"served  sha512:{sha512(SECOND)}" in homelab.output


def test_a_tag_that_moved_is_shown_and_taken_with_update(
    homelab: LockCommand, token_registry: TokenRegistry, postgres: RequestedContainerImage
) -> None:
    homelab.container_images = [postgres]
    homelab.lock()
    first, second = image_manifest(b"{}", b"first"), image_manifest(b"{}", b"second")
    token_registry.manifests["library/postgres:15"] = second
    assert homelab.lock() == 1
    assert homelab.locked.digest_for(postgres.reference) == digest_of(first)
    assert homelab.lock(update=True) == 0
    assert homelab.locked.digest_for(postgres.reference) == digest_of(second)


def test_one_failure_does_not_cost_the_others(
    homelab: LockCommand, files: FileServer, publish: Callable[..., RequestedImage], postgres: RequestedContainerImage
) -> None:
    broken = RequestedImage("gone", files.url("gone/x.qcow2"), files.url("gone/SHA512SUMS"))
    missing = RequestedContainerImage(postgres.reference.replace("postgres:15", "postgres:99"))
    image = publish("debian", FIRST)
    homelab.images, homelab.container_images = [broken, image], [missing, postgres]
    assert homelab.lock() == 1
    assert set(homelab.locked.images) == {image.url}
    assert set(homelab.locked.container_images) == {postgres.reference}
    assert f"{broken.checksum_url}: the server answers 404" in homelab.output
    assert "there is no such image" in homelab.output
    assert "2 failed, 2 added;" in homelab.output


def test_a_failure_keeps_what_was_locked(
    homelab: LockCommand, files: FileServer, publish: Callable[..., RequestedImage]
) -> None:
    homelab.images = [publish("debian", FIRST)]
    homelab.lock()
    before = homelab.bytes
    files.fail("debian/SHA512SUMS", *[500] * 9)
    assert homelab.lock(update=True, prune=True) == 1
    assert homelab.bytes == before


def test_a_passing_fault_is_no_failure(
    homelab: LockCommand, files: FileServer, publish: Callable[..., RequestedImage]
) -> None:
    homelab.images = [publish("debian", FIRST)]
    files.fail("debian/SHA512SUMS", 500)
    assert homelab.lock() == 0


def test_entries_of_other_environments_stay_until_pruned(
    homelab: LockCommand, publish: Callable[..., RequestedImage], postgres: RequestedContainerImage
) -> None:
    debian, ubuntu = publish("debian", FIRST), publish("ubuntu", SECOND)
    homelab.images, homelab.container_images = [debian], [postgres]
    homelab.lock()
    homelab.images, homelab.container_images = [ubuntu], []
    assert homelab.lock() == 0
    assert set(homelab.locked.images) == {debian.url, ubuntu.url}
    assert homelab.lock(prune=True) == 0
    assert set(homelab.locked.images) == {ubuntu.url}
    assert not homelab.locked.container_images
    assert "removed     debian.qcow2" in homelab.output
    assert f"removed     {postgres.reference}" in homelab.output


def test_nothing_used_never_prunes_everything(homelab: LockCommand, publish: Callable[..., RequestedImage]) -> None:
    homelab.images = [publish("debian", FIRST)]
    homelab.lock()
    before = homelab.bytes
    homelab.images = []
    assert homelab.lock(prune=True) == 2
    assert homelab.bytes == before
    assert "--prune would remove every entry" in homelab.output


def test_verify_records_the_size_and_refuses_other_bytes(
    homelab: LockCommand, publish: Callable[..., RequestedImage]
) -> None:
    good, bad = publish("good", FIRST), publish("bad", SECOND, stated=sha512(FIRST))
    homelab.images = [good, bad]
    assert homelab.lock(verify=True) == 1
    assert set(homelab.locked.images) == {good.url}
    assert homelab.locked.images[good.url].size == len(FIRST)
    assert f"download    good  {good.url}" in homelab.output
    assert f"the 12 bytes downloaded have sha512 {sha512(SECOND)}" in homelab.output


def test_verify_of_what_is_locked_only_adds_its_size(
    homelab: LockCommand, publish: Callable[..., RequestedImage]
) -> None:
    image = publish("debian", FIRST)
    homelab.images = [image]
    homelab.lock()
    unverified = homelab.locked.images[image.url]
    homelab.now = LATER
    assert homelab.lock(verify=True) == 0
    assert homelab.locked.images[image.url] == unverified.model_copy(update={"size": len(FIRST)})
    verified = homelab.bytes
    assert homelab.lock() == 0
    assert homelab.bytes == verified


def test_a_broken_lock_file_is_not_overwritten(
    homelab: LockCommand, files: FileServer, publish: Callable[..., RequestedImage]
) -> None:
    homelab.images = [publish("debian", FIRST)]
    homelab.lock_path.write_text('{"version": 1, "images": {')
    assert homelab.lock(update=True) == 2
    assert homelab.lock_path.read_text() == '{"version": 1, "images": {'
    assert "line 1, column" in homelab.output
    assert not files.requested


def test_a_lock_file_in_an_impossible_place_is_refused_before_anything_is_fetched(
    homelab: LockCommand, files: FileServer, publish: Callable[..., RequestedImage], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    homelab.lock_path = tmp_path / "file" / "images.lock.json"
    homelab.images = [publish("debian", FIRST)]
    assert homelab.lock() == 2
    assert f"{homelab.lock_path} is not a usable image lock file" in homelab.output
    assert not files.requested


def test_a_lock_file_that_can_not_be_written_is_named(
    homelab: LockCommand, publish: Callable[..., RequestedImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    homelab.images = [publish("debian", FIRST)]
    monkeypatch.setattr("os.fsync", full)
    assert homelab.lock() == 1
    assert f"{homelab.lock_path} can't be written: No space left on device" in homelab.output
    assert not homelab.lock_path.exists()


def test_contradicting_requests_are_refused(
    homelab: LockCommand, files: FileServer, publish: Callable[..., RequestedImage]
) -> None:
    image = publish("debian", FIRST)
    homelab.images = [image, replace(image, name="mine", checksum_url=None)]
    assert homelab.lock() == 2
    assert "images 'debian' and 'mine' have the URL" in homelab.output
    assert "differ in checksum_url" in homelab.output
    assert not files.requested


def test_what_is_used_twice_is_locked_once(
    homelab: LockCommand, files: FileServer, publish: Callable[..., RequestedImage], postgres: RequestedContainerImage
) -> None:
    image = publish("debian", FIRST)
    homelab.images, homelab.container_images = [image, replace(image, name="again")], [postgres, postgres]
    assert homelab.lock() == 0
    assert "2 added;" in homelab.output
    assert files.count("debian/SHA512SUMS") == 1


def test_a_pinned_container_image_needs_no_registry(homelab: LockCommand, token_registry: TokenRegistry) -> None:
    digest = "sha256:" + "ab" * 32
    homelab.container_images = [RequestedContainerImage(f"{token_registry.host}/library/postgres@{digest}")]
    assert homelab.lock() == 0
    assert "pinned" in homelab.output
    assert not homelab.lock_path.exists()
    assert not token_registry.scopes


def test_an_interrupted_run_keeps_what_it_had(
    homelab: LockCommand, publish: Callable[..., RequestedImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    debian, ubuntu = publish("debian", FIRST), publish("ubuntu", SECOND)
    homelab.images = [unused := publish("unused", FIRST)]
    homelab.lock()
    homelab.images = [debian, ubuntu]

    def interrupted(request: RequestedImage, *arguments: Any, **options: Any) -> Any:
        if request == ubuntu:
            raise KeyboardInterrupt
        return resolve_image(request, *arguments, **options)

    monkeypatch.setattr(locking, "resolve_image", interrupted)
    assert homelab.lock(prune=True) == 130
    assert set(homelab.locked.images) == {debian.url, unused.url}
    assert "Interrupted: what was resolved before is kept." in homelab.output


def test_json_is_one_document_for_programs(
    homelab: LockCommand, files: FileServer, publish: Callable[..., RequestedImage], postgres: RequestedContainerImage
) -> None:
    image = publish("debian", FIRST)
    gone = RequestedImage("gone", files.url("gone.qcow2"), files.url("GONE"))
    homelab.images, homelab.container_images = [image, gone], [postgres]
    assert homelab.lock(json=True, verify=True) == 1
    data = json.loads(homelab.output)
    assert (data["lock_file"], data["written"], data["exit_code"]) == (str(homelab.lock_path), True, 1)
    debian, failed, container = data["images"]
    assert debian == {
        "kind": "disk",
        "name": "debian",
        "key": image.url,
        "status": "added",
        "locked": None,
        "served": f"sha512:{sha512(FIRST)}",
        "message": "the checksum was read over plain http, which anybody can alter",
    }
    assert (failed["status"], failed["served"]) == ("failed", None)
    assert container["key"] == postgres.reference


def test_a_refusal_is_json_for_programs_too(homelab: LockCommand) -> None:
    assert homelab.lock(json=True, check=True, prune=True) == 2
    data = json.loads(homelab.output)
    assert (data["exit_code"], data["written"]) == (2, False)
    assert "--check writes nothing" in data["error"]


def test_nothing_to_lock_is_said(homelab: LockCommand) -> None:
    assert homelab.lock() == 0
    assert "nothing to lock" in homelab.output
    assert not homelab.lock_path.exists()
