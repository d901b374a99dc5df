"""Files with secrets: the right mode from the first moment, whole or not at all, one writer at a time."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.errors import BusyError, CredentialsError
from bootstrap.private_file import Reservation, exclusive, read_private, set_aside, write_private


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.usefixtures("open_umask")
def test_nobody_else_can_read_the_file_at_any_moment(tmp_path: Path) -> None:
    path = tmp_path / "secret.auto.tfvars"
    with Reservation(path) as room:
        assert [mode(one) for one in tmp_path.iterdir()] == [0o600]
        room.write("content")
    assert (mode(path), path.read_text()) == (0o600, "content")
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_with_a_wider_mode_is_replaced_by_a_private_one(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert (mode(path), path.read_text()) == (0o600, "new")


def test_unused_room_leaves_no_trace_and_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    with Reservation(path):
        pass
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {"secret": "old"}


def test_room_left_by_a_killed_run_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / ".secret.new").write_text("half a secr")
    write_private(tmp_path / "secret", "whole")
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {"secret": "whole"}


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("untouched")
    (tmp_path / ".secret.new").symlink_to(target)
    write_private(tmp_path / "secret", "whole")
    assert target.read_text() == "untouched"


def test_a_file_that_is_set_aside_is_kept_under_a_name_that_terraform_does_not_read(tmp_path: Path) -> None:
    path = tmp_path / "secret.auto.tfvars"
    write_private(path, "old")
    kept = set_aside(path)
    assert kept == tmp_path / "secret.auto.tfvars.previous"
    assert (kept.read_text(), mode(kept), path.exists()) == ("old", 0o600, False)
    assert set_aside(path) is None


def test_a_full_disk_is_found_when_room_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(CredentialsError, match="No space left on device"), Reservation(tmp_path / "secret"):
        pytest.fail("there is no room")
    assert list(tmp_path.iterdir()) == []


def test_a_size_limit_of_the_system_is_found_when_room_is_taken(tmp_path: Path) -> None:
    program = (
        "import resource, sys; from pathlib import Path; from bootstrap.private_file import Reservation\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "with Reservation(Path(sys.argv[1])): print('took it')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "secret")], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "CredentialsError" in ended.stderr
    assert "File too large" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    write_private(path, "old")

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(CredentialsError, match="Input/output error"):
        write_private(path, "new")
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {"secret": "old"}


def test_a_missing_directory_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="missing/secret: can't be written: No such file"):
        write_private(tmp_path / "missing" / "secret", "x")


def test_no_file_is_no_content(tmp_path: Path) -> None:
    assert read_private(tmp_path / "secret") is None


@pytest.mark.parametrize("wide", [0o640, 0o604, 0o660, 0o700])
def test_a_file_that_others_may_use_is_refused_with_the_remedy(tmp_path: Path, wide: int) -> None:
    path = tmp_path / "secret"
    path.write_text("x")
    path.chmod(wide)
    with pytest.raises(CredentialsError, match=f"its mode is {wide:04o}, allowed is 0600") as refused:
        read_private(path)
    assert f"chmod 600 {path}" in refused.value.next_step


def test_a_read_only_private_file_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("x")
    path.chmod(0o400)
    assert read_private(path) == "x"


def test_a_link_or_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()
    for name in ("link", "folder"):
        with pytest.raises(CredentialsError, match=f"{name}: is not a regular file"):
            read_private(tmp_path / name)


def test_binary_content_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(mode=0o600)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(CredentialsError, match="not a text file"):
        read_private(path)


HOLDER = (
    "import sys, time; from pathlib import Path; from bootstrap.private_file import exclusive\n"
    "with exclusive(Path(sys.argv[1]), 'it'): print('held', flush=True); time.sleep(60)"
)


def test_a_second_process_is_told_who_holds_the_lock_until_that_one_dies(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "a.lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(lock)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        busy = pytest.raises(BusyError, match=rf"another bootstrap of it is running \(process {holder.pid}\)")
        with busy, exclusive(lock, "it"):
            pytest.fail("two processes hold the lock")
        holder.kill()
    with exclusive(lock, "it"):
        assert lock.read_text() == f"{os.getpid()}\n"
