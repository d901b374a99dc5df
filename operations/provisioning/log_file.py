"""The output of a script: shown line by line and kept in a file, both without secrets."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from operations.provisioning.failure import ProvisioningError
from operations.provisioning.private_text import PRIVATE
from operations.redaction import SHORTEST, redact

LARGEST_BYTES = 1024 * 1024
"""A log above this is begun anew; the one before is kept as ``.previous``."""


def spellings(secrets: Iterable[str]) -> tuple[str, ...]:
    """``secrets`` and what programs make of them: quoted for a shell, JSON or a URL, or one line of several."""
    found: set[str] = set()
    for secret in secrets:
        forms = {secret, shlex.quote(secret), json.dumps(secret)[1:-1], quote(secret, safe=""), *secret.splitlines()}
        found |= {form for form in forms if len(form) >= SHORTEST}
    return tuple(sorted(found, key=len, reverse=True))


class LogFile:
    """Takes the lines of one run.

    The file is there after a crash too: every line is written as it comes.

    Raises:
        ProvisioningError: the file can't be opened.
    """

    def __init__(self, path: Path, secrets: Iterable[str]) -> None:
        self.path = path
        self._secrets = spellings(secrets)
        self.last: list[str] = []

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists() and self.path.stat().st_size > LARGEST_BYTES:
                self.path.replace(self.path.with_name(f"{self.path.name}.previous"))
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, PRIVATE)
        except OSError as error:
            raise ProvisioningError(
                f"the log {self.path} can't be written: {error.strerror}; nothing was run",
                "make room or mend the permissions of its folder, then run the same command again",
            ) from None
        self._file = os.fdopen(descriptor, "a", encoding="utf-8", buffering=1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def begin(self, what: str) -> None:
        """Writes the heading of a run, into the file alone."""
        self._file.write(f"=== {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC: {what}\n")

    def line(self, text: str) -> None:
        """Shows and keeps a line of the script."""
        clean = redact(text, self._secrets)
        self.last = [*self.last[-19:], clean]
        self._file.write(clean + "\n")
        print(clean, flush=True)

    def failure(self, text: str) -> str:
        """Keeps what ended the run and returns it without secrets; showing it is the caller's."""
        clean = redact(text, self._secrets)
        self._file.write("".join(f"=== {line}\n" for line in clean.splitlines()))
        return clean

    def note(self, text: str) -> None:
        """Shows and keeps a line of our own."""
        self._file.write(f"=== {text}\n")
        print(text, file=sys.stdout, flush=True)
