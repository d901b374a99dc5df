"""Writes the lock file: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from homelab.config.image_lock import ImageLock


def write_image_lock(path: Path, lock: ImageLock) -> bool:
    """Replaces the file at ``path`` by ``lock`` in one step and says whether anything had to change.

    The file's permissions stay; a link is followed.

    Raises:
        OSError: the folder can't be written to; the old file is as it was.
    """
    target = path.resolve()
    content = lock.to_json().encode()
    if target.exists() and target.read_bytes() == content:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), target.stat().st_mode & 0o777 if target.exists() else 0o644)
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True
