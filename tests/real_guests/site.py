"""Where the real guests of one test are: a bridge, a folder, and a note of both for whoever has to clean up."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.real_guests.container import Container
from tests.real_guests.network import Bridge

NOTES = Path("/run/homelab-guests")


@dataclass(frozen=True)
class Site:
    """A bridge and the containers on it."""

    bridge: Bridge
    folder: Path

    @property
    def _note(self) -> Path:
        return NOTES / f"{self.bridge.number}.json"

    def container(self, name: str, *, unprivileged: bool = False) -> Container:
        """The container of this name, whether it exists or not; no other test's has its name."""
        return Container(self.folder / f"{self.bridge.name}-{name}", unprivileged)

    def remove(self) -> None:
        """Removes everything, whatever state it is in."""
        for folder in sorted(path for path in self.folder.glob("*") if path.is_dir()):
            Container(folder).stop(clean=False)
        self.bridge.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._note.unlink(missing_ok=True)

    def note(self) -> None:
        """Writes down whose it is, so that it can be removed when its owner was killed."""
        self._note.write_text(json.dumps({"folder": str(self.folder), "owner": _identity(os.getpid())}))


def _identity(pid: int) -> str:
    """A process: its number and when it started, because numbers are given again. Empty for one that has ended."""
    try:
        return f"{pid} {Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[19]}"
    except (FileNotFoundError, ProcessLookupError):
        return ""


def remove_abandoned() -> None:
    """Removes what killed test runs have left behind."""
    with _locked():
        for note in NOTES.glob("*.json"):
            with contextlib.suppress(FileNotFoundError):
                data = json.loads(note.read_text())
                if _identity(int(data["owner"].split()[0])) != data["owner"]:
                    Site(Bridge(int(note.stem)), Path(data["folder"])).remove()


@contextmanager
def own_site() -> Iterator[Site]:
    """A site of this process's own; gone in the end with everything on it."""
    remove_abandoned()
    with _locked():
        site = Site(Bridge.add(), Path(tempfile.mkdtemp(prefix="homelab-guests-", dir="/var/tmp")))
        # Unprivileged guests are users of this machine who have to get through.
        site.folder.chmod(0o711)
        site.note()
    try:
        site.bridge.open()
        yield site
    finally:
        with _locked():
            site.remove()


@contextmanager
def _locked() -> Iterator[None]:
    NOTES.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(NOTES / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
