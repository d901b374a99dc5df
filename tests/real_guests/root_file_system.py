"""The root file system of real guests: this machine's Debian, minimal, with systemd; made once, kept in the cache.

``python -m tests.real_guests.root_file_system`` makes it before any test has to wait for it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from operations.provider_mirror import cache_folder

PACKAGES = (
    "ca-certificates",
    "dbus",
    "iproute2",
    "netbase",
    "procps",
    "systemd",
    "systemd-sysv",
)
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")
APT = Path("/etc/apt")
# Lists that no script needs; without them apt-get update takes a third of the time.
_SPARING = """Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons-small::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons::DefaultEnabled "false";
"""


FIRST_ID = 100000
"""This machine's user and group that root of an unprivileged guest is, as with Proxmox."""


def root_file_system(*, unprivileged: bool = False) -> Path:
    """The folder with the root file system; nobody may write into it.

    Args:
        unprivileged: the one whose files belong to the users that those of an unprivileged guest are here.

    Raises:
        RuntimeError: it could not be made; the message is that of mmdebstrap.
    """
    if unprivileged:
        return _shifted(root_file_system())
    folder = cache_folder() / "guest-roots" / _recipe()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.parent / "lock"):
        if not folder.is_dir():
            print("==> Root file system of the tests' guests: making (two minutes the first time)", flush=True)
            _make(folder)
    return folder


def _shifted(original: Path) -> Path:
    folder = original.with_name(f"{original.name}-unprivileged")
    with _locked(folder.parent / "lock"):
        if not folder.is_dir():
            work = Path(tempfile.mkdtemp(prefix="new-", dir=folder.parent))
            try:
                subprocess.run(["cp", "-a", str(original), str(work / "root")], check=True)
                for path in [work / "root", *(work / "root").rglob("*")]:
                    shift(path)
                (work / "root").rename(folder)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return folder


def shift(path: Path) -> None:
    """Gives a file to the user that its owner is in an unprivileged guest."""
    found = path.lstat()
    os.lchown(path, found.st_uid + FIRST_ID, found.st_gid + FIRST_ID)
    if not path.is_symlink():
        # A change of the owner takes the set-user-id bit away.
        path.chmod(found.st_mode & 0o7777)


def _recipe() -> str:
    parts = [PACKAGES, LEFT_OUT, _SPARING, _suite(), platform.machine()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _suite() -> str:
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


def _make(folder: Path) -> None:
    work = Path(tempfile.mkdtemp(prefix="new-", dir=folder.parent))
    try:
        done = subprocess.run(
            [
                "mmdebstrap",
                "--quiet",
                "--mode=root",
                "--variant=minbase",
                f"--include={','.join(PACKAGES)}",
                # What a power cut would break is made again.
                "--dpkgopt=force-unsafe-io",
                *(f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT),
                # As this machine has it: a mirror of the past has release files that are no longer valid.
                *(f"--aptopt={line}" for line in _apt_options()),
                _suite(),
                str(work / "root"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"mmdebstrap made no root file system:\n{done.stdout}")
        configure_apt(work / "root")
        (work / "root").rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _apt_options() -> list[str]:
    done = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True)
    wanted = (
        "Acquire::Check-Valid-Until",
        "Acquire::Check-Date",
        "Acquire::http",
        "Acquire::https",
        "Acquire::Retries",
    )
    return [line for line in done.stdout.splitlines() if line.startswith(wanted) and '""' not in line]


def configure_apt(root: Path) -> None:
    """Gives a root file system this machine's package sources, keys and certificate authorities."""
    target = root / "etc" / "apt"
    shutil.rmtree(target)
    shutil.copytree(APT, target, symlinks=True)
    (target / "apt.conf.d" / "90homelab-guest").write_text(_SPARING)
    for folder in ("usr/share/keyrings", "usr/local/share/ca-certificates"):
        if Path("/", folder).is_dir():
            shutil.copytree(Path("/", folder), root / folder, symlinks=True, dirs_exist_ok=True)
    authorities = Path("/etc/ssl/certs/ca-certificates.crt")
    if authorities.exists():
        shutil.copyfile(authorities, root / "etc/ssl/certs/ca-certificates.crt")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    root_file_system()
