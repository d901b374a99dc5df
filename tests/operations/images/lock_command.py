"""Runs ``homelab images lock`` in a test and keeps what came of it."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from homelab.config.image_lock import ImageLock, read_image_lock
from operations.images.command import LockOptions, lock_images
from operations.images.fetching import RetryPolicy
from operations.images.requests import RequestedContainerImage, RequestedImage

FIRST, SECOND = b"first build", b"second build"
OLD = "debian-13-standard_13.1-2_amd64.tar.zst"
NEW = "debian-13-standard_13.6-1_amd64.tar.zst"
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def sha512(content: bytes) -> str:
    """The hexadecimal digits alone."""
    return hashlib.sha512(content).hexdigest()


@dataclass
class LockCommand:
    """What the command is given, and what came of its last run."""

    lock_path: Path
    images: list[RequestedImage] = field(default_factory=list)
    container_images: list[RequestedContainerImage] = field(default_factory=list)
    now: datetime = NOON
    output: str = ""

    def lock(self, **options: bool) -> int:
        stream = io.StringIO()
        exit_code = lock_images(
            self.images,
            self.container_images,
            self.lock_path,
            LockOptions(**options),
            Console(file=stream, width=80),
            retry=RetryPolicy(attempts=2, first_wait_seconds=0),
            now=lambda: self.now,
        )
        self.output = stream.getvalue()
        return exit_code

    @property
    def locked(self) -> ImageLock:
        return read_image_lock(self.lock_path)

    @property
    def bytes(self) -> bytes:
        return self.lock_path.read_bytes()
