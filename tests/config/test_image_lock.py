"""The lock file: what it answers, what it refuses, and that equal locks are equal bytes."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from homelab.config.container_image_reference import ImageReferenceError
from homelab.config.image_lock import (
    ImageLock,
    ImageLockError,
    LockedContainerImage,
    LockedFile,
    PinnedFile,
    default_lock_path,
    read_image_lock,
)

URL = "https://images.example.org/debian-13.qcow2"
SHA512 = "sha512:" + "ab" * 64
SHA256 = "sha256:" + "cd" * 32
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def locked_file(**changes: Any) -> LockedFile:
    return LockedFile(
        checksum=SHA512,
        file_name="debian-13.qcow2",
        checksum_source="https://images.example.org/SHA512SUMS",
        resolved_at=NOON,
    ).model_copy(update=changes)


def lock(**changes: Any) -> ImageLock:
    return ImageLock(
        images={URL: locked_file(**changes)},
        container_images={
            "docker.io/library/postgres:15-alpine": LockedContainerImage(digest=SHA256, resolved_at=NOON)
        },
    )


def write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def valid(**changes: Any) -> dict[str, Any]:
    return json.loads(lock(**changes).to_json())  # type: ignore[no-any-return]


def test_an_empty_lock_locks_nothing() -> None:
    empty = ImageLock.empty()
    assert empty.checksum_for(URL) is None
    assert empty.image_for(URL) is None
    assert empty.digest_for("postgres:15-alpine") is None


def test_a_checksum_is_found_by_url() -> None:
    assert lock().checksum_for(URL) == SHA512
    assert lock().checksum_for(URL + "x") is None


def test_a_pinned_file_has_what_the_provider_takes() -> None:
    assert lock().image_for(URL) == PinnedFile(URL, "debian-13.qcow2", "sha512", "ab" * 64)


def test_a_newer_build_of_a_series_replaces_the_address() -> None:
    newer = "https://images.example.org/debian-13b.qcow2"
    pinned = lock(url=newer, file_name="debian-13b.qcow2").image_for(URL)
    assert pinned == PinnedFile(newer, "debian-13b.qcow2", "sha512", "ab" * 64)


@pytest.mark.parametrize("reference", ["postgres:15-alpine", "docker.io/library/postgres:15-alpine"])
def test_a_digest_is_found_however_the_reference_is_written(reference: str) -> None:
    assert lock().digest_for(reference) == SHA256


def test_another_tag_is_not_locked() -> None:
    assert lock().digest_for("postgres:15") is None


def test_a_reference_with_a_digest_keeps_it() -> None:
    own = "sha256:" + "ef" * 32
    assert lock().digest_for(f"postgres:15-alpine@{own}") == own


def test_what_is_no_reference_is_refused() -> None:
    with pytest.raises(ImageReferenceError):
        lock().digest_for("Not A Reference")


def test_the_moment_of_locking_does_not_reach_what_synthesis_asks_for() -> None:
    later = lock(resolved_at=NOON + timedelta(days=400))
    assert later.image_for(URL) == lock().image_for(URL)
    assert later.checksum_for(URL) == lock().checksum_for(URL)
    assert not {"resolved_at", "size"} & set(PinnedFile.__slots__)


def test_reading_gives_back_what_was_written(tmp_path: Path) -> None:
    original = lock(size=1234, url="https://images.example.org/b.qcow2")
    assert read_image_lock(write(tmp_path / "images.lock.json", original.to_json())) == original


def test_equal_locks_are_equal_bytes_whatever_the_order_and_the_time_zone() -> None:
    other = URL + ".other"
    vienna = datetime(2026, 1, 2, 13, 0, tzinfo=timezone(timedelta(hours=1)))
    first = ImageLock(images={URL: locked_file(), other: locked_file()})
    second = ImageLock(images={other: locked_file(resolved_at=vienna), URL: locked_file()})
    assert first.to_json() == second.to_json()
    assert '"resolved_at": "2026-01-02T12:00:00Z"' in first.to_json()
    assert first.to_json().endswith("}\n")


def test_the_file_has_a_version_and_no_empty_fields() -> None:
    data = valid()
    assert data["version"] == 1
    assert set(data["images"][URL]) == {"checksum", "checksum_source", "file_name", "resolved_at"}


def test_the_lock_lies_beside_the_environments() -> None:
    assert default_lock_path(Path("/project")) == Path("/project/images.lock.json")


def test_a_missing_file_is_an_empty_lock(tmp_path: Path) -> None:
    assert read_image_lock(tmp_path / "images.lock.json") == ImageLock.empty()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "it is empty"),
        ("  \n", "it is empty"),
        ("[]", "it must be a JSON object, not list"),
        ('{"version": 1,', "line 1, column 15"),
        (lock().to_json()[:-20], "line 15, column 3"),
        ("{}", "the version is missing; it must be 1"),
        ('{"version": 2}', "version 2 is not known; this homelab reads 1. Update homelab."),
        ('{"version": true}', "version True is not known"),
        ('{"version": "1"}', "version '1' is not known"),
        ('{"version": 1, "images": {}, "images": {}}', "the key 'images' is there twice"),
        ({"version": 1, "iamges": {}}, "iamges: Extra inputs are not permitted"),
        ({"version": 1, "images": []}, "images: Input should be a valid dictionary"),
        (valid() | {"images": {"ftp://x/y": valid()["images"][URL]}}, "images > ftp://x/y: String should match"),
        (valid() | {"images": {URL: {}}}, f"images > {URL} > checksum: Field required"),
        (
            valid() | {"container_images": {"postgres:15": {"digest": SHA256, "resolved_at": "2026-01-01T00:00:00Z"}}},
            "'postgres:15' is not written out; it must be 'docker.io/library/postgres:15'",
        ),
    ],
)
def test_a_broken_file_names_the_place_and_the_next_step(tmp_path: Path, content: Any, problem: str) -> None:
    path = write(tmp_path / "images.lock.json", content)
    with pytest.raises(ImageLockError) as caught:
        read_image_lock(path)
    message = str(caught.value)
    assert problem in message
    assert str(path) in message
    assert "Restore it from version control" in message


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("checksum", "ab" * 64),
        ("checksum", "md5:" + "ab" * 16),
        ("checksum", "sha512:" + "ab" * 32),
        ("checksum", "sha512:" + "AB" * 64),
        ("file_name", "../etc/passwd"),
        ("file_name", ".hidden"),
        ("file_name", ""),
        ("url", "file:///etc/passwd"),
        ("checksum_source", "SHA512SUMS"),
        ("size", 0),
        ("resolved_at", "2026-01-02T12:00:00"),
        ("resolved_at", "yesterday"),
    ],
)
def test_an_entry_that_is_not_allowed_names_its_field(tmp_path: Path, field: str, value: Any) -> None:
    data = valid()
    data["images"][URL][field] = value
    with pytest.raises(ImageLockError, match=f"{field}: "):
        read_image_lock(write(tmp_path / "images.lock.json", data))


def test_every_broken_entry_is_named_at_once(tmp_path: Path) -> None:
    data = valid()
    data["images"][URL]["checksum"] = "sha512:short"
    data["images"][URL]["size"] = -1
    data["container_images"]["docker.io/library/postgres:15-alpine"]["digest"] = "sha256:short"
    with pytest.raises(ImageLockError) as caught:
        read_image_lock(write(tmp_path / "images.lock.json", data))
    assert len(caught.value.problems) == 3


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "images.lock.json"
    path.write_bytes(b'{"version": "\xff"}')
    with pytest.raises(ImageLockError, match="not UTF-8 text"):
        read_image_lock(path)


def test_a_folder_is_no_lock_file(tmp_path: Path) -> None:
    with pytest.raises(ImageLockError, match="can't be read: Is a directory"):
        read_image_lock(tmp_path)
