"""Files that hold secrets: readable by their owner alone, written whole or not at all."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from bootstrap.errors import BusyError, CredentialsError

PRIVATE_MODE = 0o600
RESERVED_BYTES = 16 * 1024
"""More than any file this package writes."""


class Reservation:
    """Room for a private file, taken before the secret exists that goes into it.

    Some secrets are shown once; a full disk or a missing permission has to be found before they are asked for.
    `write` puts the content into place in one step. Without it, the end of the `with` block removes every trace.

    Raises:
        CredentialsError: the directory can't be written, the disk is full, or a device or a folder is in the place.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._new = path.with_name(f".{path.name}.new")
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            if not (self.path.is_symlink() or self.path.is_file()) and self.path.exists():
                raise CredentialsError(f"{self.path}: is not a regular file", "name another file")
            self._new.unlink(missing_ok=True)
            self._descriptor = os.open(self._new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_MODE)
            os.posix_fallocate(self._descriptor, 0, RESERVED_BYTES)
        except OSError as error:
            self._discard()
            raise _cannot_write(self.path, error) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._discard()

    def write(self, text: str) -> None:
        """Replaces the file by one with this content.

        Raises:
            CredentialsError: the content could not be written; the file is as it was.
        """
        try:
            content = text.encode()
            written = 0
            while written < len(content):
                written += os.pwrite(self._descriptor, content[written:], written)
            os.ftruncate(self._descriptor, len(content))
            os.fsync(self._descriptor)
            self._new.replace(self.path)
            _sync_directory(self.path.parent)
        except OSError as error:
            raise _cannot_write(self.path, error) from None

    def _discard(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._new.unlink(missing_ok=True)


def write_private(path: Path, text: str) -> None:
    """Writes a private file in one step.

    Raises:
        CredentialsError: it could not be written; the file is as it was.
    """
    with Reservation(path) as reservation:
        reservation.write(text)


def read_private(path: Path) -> str | None:
    """The content of a private file, None where there is none.

    Raises:
        CredentialsError: other users may read it, it is not a file, or it can't be read.
    """
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise CredentialsError(f"{path}: is not a regular file", "move it away, then run again")
        mode = stat.S_IMODE(found.st_mode)
        if mode & ~PRIVATE_MODE:
            raise CredentialsError(
                f"{path}: its mode is {mode:04o}, allowed is {PRIVATE_MODE:04o}",
                f"run: chmod 600 {path} ; and replace the credentials in it if somebody else could read them",
            )
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise CredentialsError(f"{path}: can't be read: {reason}", "make it readable, or move it away") from None


def remove_private(path: Path) -> None:
    """Removes a file, which need not be there.

    Raises:
        CredentialsError: it could not be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise CredentialsError(
            f"{path}: can't be removed: {error.strerror or error}", "see to the permissions, then run again"
        ) from None


def set_aside(path: Path) -> Path | None:
    """Renames a file to `NAME.previous`, which Terraform does not read; its new path, None where there was no file.

    Raises:
        CredentialsError: it could not be renamed.
    """
    previous = path.with_name(f"{path.name}.previous")
    try:
        return path.replace(previous)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _cannot_write(previous, error) from None


@contextmanager
def exclusive(path: Path, what: str) -> Iterator[None]:
    """Holds a lock on the file `path` while the block runs; the system frees it when the process ends, however it ends.

    Raises:
        BusyError: another process holds it; the message calls it `what`.
        CredentialsError: the lock file can't be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_MODE)
    except OSError as error:
        raise _cannot_write(path, error) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise BusyError(
                f"another bootstrap of {what} is running (process {holder})", "wait until it ends, then run again"
            ) from None
        except OSError as error:
            raise CredentialsError(
                f"{path}: can't be locked: {error.strerror or error}", "use a directory on a disk of this machine"
            ) from None
        # Who holds it is told to others, and no more: the lock holds on a full disk too.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _cannot_write(path: Path, error: OSError) -> CredentialsError:
    step = "make room and see to the permissions, then run again"
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        step = f"make the folder {path.parent}, or name another one"
    return CredentialsError(f"{path}: can't be written: {error.strerror or error}", step)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
