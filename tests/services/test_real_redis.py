"""Redis in a real guest: what it holds stays when settings change, and a run that was killed is ended by the next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.real_guests.guests import RealGuest, real_guest
from tests.services.real_services import RealServices
from tests.services.recorded import stand_in

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(600)]
PASSWORDS: dict[str, str] = {}


@pytest.fixture(scope="module")
def guest() -> Iterator[RealGuest]:
    with real_guest("redis-cache", unprivileged=True) as running:
        services(running).install("redis", running)
        yield running


def services(guest: RealGuest, **settings: Any) -> RealServices:
    found = RealServices({"redis": settings}, {"redis": guest})
    found.secrets = PASSWORDS
    return found


def redis(guest: RealGuest, *words: str) -> str:
    password = PASSWORDS["redis/default"]
    return guest.run(f"REDISCLI_AUTH={password} redis-cli --raw {' '.join(words)}").stdout.strip()


def test_data_stay_whichever_way_they_are_kept(guest: RealGuest) -> None:
    services(guest, append_only=False).configure("redis", guest)
    assert redis(guest, "set", "bread", "rye") == "OK"
    services(guest, append_only=True).configure("redis", guest)
    assert redis(guest, "get", "bread") == "rye"
    assert redis(guest, "config", "get", "appendonly").split() == ["appendonly", "yes"]
    assert redis(guest, "set", "tea", "black") == "OK"
    guest.reboot()
    assert services(guest).is_at_rest("redis", guest)
    assert redis(guest, "mget", "bread", "tea").split() == ["rye", "black"]
    services(guest, append_only=False).configure("redis", guest)
    assert redis(guest, "mget", "bread", "tea").split() == ["rye", "black"]
    # It does not run when its settings change, as after a backup was restored.
    guest.run("systemctl stop redis-server")
    services(guest, append_only=True).configure("redis", guest)
    assert redis(guest, "mget", "bread", "tea").split() == ["rye", "black"]


def test_what_a_killed_run_has_written_takes_effect_in_the_next(guest: RealGuest) -> None:
    services(guest).is_at_rest("redis", guest)
    changed = services(guest, maxmemory="64MiB")
    stand_in(guest, "systemctl", 'case "$1" in restart) kill -9 $PPID; exit 1;; esac; exec /usr/bin/systemctl "$@"')
    script = changed.script("redis")
    assert guest.run_script(script.text, changed.values(script), seconds=60).returncode != 0
    guest.run("rm /usr/local/sbin/systemctl")
    assert redis(guest, "config", "get", "maxmemory") != f"maxmemory\n{64 * 2**20}"
    changed.configure("redis", guest)
    assert redis(guest, "config", "get", "maxmemory") == f"maxmemory\n{64 * 2**20}"
