"""Stand-ins on the PATH of a real guest, which note what they are asked for before they do something else."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
from collections.abc import Mapping

from homelab.config.image_lock import ImageLock
from homelab.services.registry import services as catalogue
from tests.real_guests.guests import RealGuest
from tests.services.real_services import RealServices

DOWNLOADED = (
    'for word; do case "$last $word" in "--output "*.part) cp /run/archive "$word"; exit;; esac; last=$word; done\n'
    'exec /usr/bin/curl "$@"'
)
"""A curl whose downloads are the archive of `lock_archive`, and whose requests are real."""

HASTY_DATE = "n=$(cat /run/now 2>/dev/null || echo 1000000); n=$((n + 50)); echo $n | tee /run/now"
"""A clock that runs fifty seconds further whenever it is asked, so that no test has to wait for a deadline."""


def stand_in(guest: RealGuest, name: str, body: str, path: str = "/usr/local/sbin") -> None:
    """Puts a shell script before the program of this name."""
    guest.run(": >>/run/asked; chmod 666 /run/asked")
    text = f'#!/bin/sh\necho "{name} $*" >>/run/asked\n{body}\n'
    assert guest.run(f"mkdir -p {path}; cat >{path}/{name}; chmod 755 {path}/{name}", stdin=text).returncode == 0


def recorded(guest: RealGuest, *programs: str) -> None:
    """Notes what these programs, by path, are asked for, and runs them."""
    for program in programs:
        stand_in(guest, program.rpartition("/")[2], f'exec {program} "$@"')


def asked(guest: RealGuest, *beginnings: str) -> list[str]:
    """The commands that began so, in their order."""
    return [line for line in guest.run("cat /run/asked").stdout.splitlines() if line.startswith(beginnings)]


def commanded(guest: RealGuest, *beginnings: str) -> list[str]:
    """The commands that began so and were no questions, in their order."""
    questions = ("systemctl is-", "systemctl show ")
    return [line for line in asked(guest, *beginnings) if not line.startswith(questions)]


def locked(service: str, sha256: str) -> ImageLock:
    """A lock in which the service's download has this checksum, in hexadecimal."""
    download = catalogue()[service].downloads[0]
    entry = {
        "checksum": f"sha256:{sha256}",
        "file_name": "any",
        "checksum_source": download.checksum_url,
        "resolved_at": "2026-01-01T00:00:00Z",
    }
    return ImageLock.model_validate({"images": {download.url: entry}})


def lock_archive(guest: RealGuest, service: str, files: Mapping[str, str], mode: str) -> ImageLock:
    """Packs ``files`` as the service's download, which `DOWNLOADED` then gives; the lock has its real checksum."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=f"w:{mode}") as archive:  # type: ignore[call-overload]
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text.encode()), 0o755
            archive.addfile(member, io.BytesIO(text.encode()))
    guest.run("base64 -d >/run/archive", stdin=base64.b64encode(packed.getvalue()).decode())
    return locked(service, hashlib.sha256(packed.getvalue()).hexdigest())


def assert_kept(services: RealServices, guest: RealGuest) -> None:
    """No secret is in an argument of a recorded command, a file for everybody, the journal or a process list."""
    assert services.secrets
    arguments = guest.run("cat /run/asked").stdout
    assert arguments
    for name, value in services.secrets.items():
        assert value not in arguments, name
    assert services.leaks(guest) == ""


def failure(services: RealServices, name: str, guest: RealGuest) -> str:
    """What the configuration says when the service does not answer, with a clock that hurries."""
    stand_in(guest, "date", HASTY_DATE)
    script = services.script(name)
    done = guest.run_script(script.text, services.values(script), seconds=120)
    guest.run("rm /usr/local/sbin/date")
    assert done.returncode != 0
    assert "homelab-changed" not in done.stdout
    assert not [value for value in services.secrets.values() if value in done.stdout]
    return done.stdout
