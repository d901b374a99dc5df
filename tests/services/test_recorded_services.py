"""Services whose programs come from where tests can't reach: their scripts in a real guest that only records commands.

Packages, downloads, units and containers are stand-ins that note what they are asked for; everything else is real.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from homelab.config.container_image_reference import normalise_container_image_reference
from homelab.config.image_lock import ImageLock
from homelab.config.service_containers import enabled_services
from homelab.services import scripts
from homelab.services.registry import services as catalogue
from homelab.services.service import pinned
from tests.real_guests.guests import RealGuest, real_guest
from tests.services.real_services import RealServices
from tests.services.recorded import locked

pytestmark = [pytest.mark.system]

DIGEST = "sha256:" + "ab" * 32
STAND_INS = {
    "apt-get": 'case "$1" in install) shift; for word; do echo "$word"; done >>/run/installed;; esac',
    "dpkg": "exit 0",
    "dpkg-query": 'for word; do :; done; if grep -qx "$word" /run/installed; then printf installed; else exit 1; fi',
    "systemctl": (
        'case "$1" in is-active|is-enabled) for word; do :; done; grep -qx "$word" /run/started;; '
        'start) echo "$2" >>/run/started;; esac'
    ),
    "curl": (
        'case "$*" in *--output\\ *.part*) while [ "$1" != --output ]; do shift; done; echo other >"$2";; esac; '
        "case \"$*\" in *'--config -'*) cat >>/run/secrets-given;; esac"
    ),
    "docker": (
        'case "$1 $2" in "image inspect") grep -qxF "$3" /run/pulled;; "pull --quiet") echo "$3" >>/run/pulled;; '
        '"run --detach") echo "$6" | cut -d= -f2 >/run/label; for word; do '
        'case $word in /etc/*.env) cp -p "$word" /run/given.env;; esac; done;; '
        '"inspect --format") case $3 in *Labels*) cat /run/label 2>/dev/null;; *) echo true;; esac;; '
        '"exec --interactive") cat >/run/secrets-given;; esac'
    ),
}


@pytest.fixture
def guest() -> Iterator[RealGuest]:
    with real_guest("recorded", unprivileged=True) as running:
        running.run(": >/run/installed; : >/run/started; : >/run/pulled; : >/run/asked; : >/run/secrets-given")
        for name, body in STAND_INS.items():
            text = f'#!/bin/sh\necho "{name} $*" >>/run/asked\n{body}\n'
            running.run(f"cat >/usr/local/sbin/{name}; chmod +x /usr/local/sbin/{name}", stdin=text)
        yield running


def asked(guest: RealGuest, beginning: str) -> list[str]:
    """The commands that began so."""
    lines = guest.run("cat /run/asked").stdout.splitlines()
    return [line for line in lines if line.startswith(beginning)]


@pytest.mark.parametrize("name", ["vaultwarden", "uptime-kuma"])
def test_container_images_run_by_digest_and_keep_secrets_to_themselves(guest: RealGuest, name: str) -> None:
    reference = normalise_container_image_reference(catalogue()[name].images[0].reference)
    entry = {"digest": DIGEST, "resolved_at": "2026-01-01T00:00:00Z"}
    lock = ImageLock.model_validate({"container_images": {reference: entry}})
    services = RealServices({name: {}}, {name: guest}, lock)
    services.install(name, guest)
    services.configure(name, guest)

    (pulled,) = asked(guest, "docker pull")
    assert pulled.endswith(f"@{DIGEST}")
    last = asked(guest, "docker run")[-1]
    assert f"--publish {guest.address}:" in last
    assert last.endswith(f"@{DIGEST}")
    if name == "uptime-kuma":
        # Until there is an administrator nobody else reaches the page.
        assert "--publish 127.0.0.1:" in asked(guest, "docker run")[0]
    for value in services.secrets.values():
        assert value in guest.run("cat /run/given.env /run/secrets-given").stdout
        assert value not in guest.run("cat /run/asked").stdout
    assert guest.run("stat -c %a /run/given.env").stdout == "600\n"


@pytest.mark.parametrize("name", ["adguard-home", "gitea", "nextcloud"])
def test_a_download_that_is_another_is_refused(guest: RealGuest, name: str) -> None:
    download = catalogue()[name].downloads[0]
    services = RealServices({name: {}}, {name: guest})
    enabled = enabled_services(services.environment)[name]

    def installed(lock: ImageLock) -> str:
        done = guest.run_script(scripts.install_script(enabled, pinned(enabled.service, lock)).text)
        assert done.returncode != 0
        return done.stdout

    assert f"no checksum is locked for {download.url}: run `homelab images lock`" in installed(ImageLock.empty())
    wrong = installed(locked(name, "cd" * 32))
    assert f"{download.url} is not what images.lock.json says" in wrong
    assert any(line.endswith(download.url) for line in asked(guest, "curl"))


def test_grafana_takes_no_other_key(guest: RealGuest) -> None:
    guest.run(
        "rm /usr/local/sbin/curl; printf '#!/bin/sh\\nfor w; do n=$l; l=$w; done; : >\"$n\"\\n' >/usr/local/sbin/curl"
    )
    guest.run("chmod +x /usr/local/sbin/curl; printf '#!/bin/sh\\n' >/usr/local/sbin/gpg; chmod +x /usr/local/sbin/gpg")
    services = RealServices({"grafana": {}}, {"grafana": guest})
    enabled = enabled_services(services.environment)["grafana"]
    done = guest.run_script(scripts.install_script(enabled, pinned(enabled.service, ImageLock.empty())).text)
    assert done.returncode != 0
    assert "https://apt.grafana.com/gpg.key is not the key B53AE77BADB630A683046005963FA27710458545" in done.stdout
    assert guest.run("ls /etc/apt/keyrings").stdout == ""
