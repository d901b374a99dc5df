"""The lock file is replaced whole or not at all."""

import os
from pathlib import Path

import pytest

from homelab.config.image_lock import ImageLock, LockedContainerImage, read_image_lock
from operations.images.lock_file import write_image_lock

LOCK = ImageLock(
    container_images={
        "docker.io/library/postgres:15": LockedContainerImage.model_validate(
            {"digest": "sha256:" + "ab" * 32, "resolved_at": "2026-01-01T00:00:00Z"}
        )
    }
)


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "images.lock.json"
    assert write_image_lock(path, LOCK)
    assert read_image_lock(path) == LOCK


def test_a_file_that_says_the_same_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "images.lock.json"
    write_image_lock(path, LOCK)
    before = path.stat()
    assert not write_image_lock(path, LOCK)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "images.lock.json"
    path.write_text(ImageLock.empty().to_json())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_image_lock(path, LOCK)
    assert read_image_lock(path) == ImageLock.empty()
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_stay_and_new_files_can_be_read_by_all(tmp_path: Path) -> None:
    new, kept = tmp_path / "new.json", tmp_path / "kept.json"
    kept.write_text("{}")
    kept.chmod(0o640)
    write_image_lock(new, LOCK)
    write_image_lock(kept, LOCK)
    assert new.stat().st_mode & 0o777 == 0o644
    assert kept.stat().st_mode & 0o777 == 0o640


def test_a_link_is_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target.json", tmp_path / "images.lock.json"
    target.write_text("{}")
    link.symlink_to(target)
    write_image_lock(link, LOCK)
    assert link.is_symlink()
    assert read_image_lock(target) == LOCK
