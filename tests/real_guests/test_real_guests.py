"""Real guests: they boot, have their address, reach packages, and leave nothing behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real_guests import site as sites
from tests.real_guests.guests import RealGuest, real_guest, real_guests
from tests.real_guests.site import own_site, remove_abandoned

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def guest() -> Iterator[RealGuest]:
    with real_guest("web") as running:
        yield running


def test_it_has_booted_with_its_name_and_address(guest: RealGuest) -> None:
    assert guest.run("hostname").stdout == "web\n"
    assert guest.address in guest.run("ip -4 -o address show dev eth0").stdout
    assert guest.run("systemctl list-units --failed --no-legend").stdout == ""
    assert guest.run("id -u; pwd").stdout.split()[0] == "0"


def test_input_and_exit_codes_come_through(guest: RealGuest) -> None:
    done = guest.run("cat; echo wrong >&2; exit 3", stdin="hello\n")

    assert (done.stdout, done.stderr, done.returncode) == ("hello\n", "wrong\n", 3)


def test_a_script_runs_as_the_runner_runs_it(guest: RealGuest) -> None:
    done = guest.run_script('echo "$ROOT"; env | grep -c ^ROOT= || true\ncat\nexit 4\n', {"ROOT": "it's"})

    assert (done.stdout, done.returncode) == ("it's\n0\n", 4)


def test_packages_are_to_be_had(guest: RealGuest) -> None:
    done = guest.run_script(
        "set -eu\napt-get update -qq\napt-get install -y -qq --no-install-recommends tree\ntree -L 1 /\n"
    )

    assert done.returncode == 0, done.stdout
    assert "etc" in done.stdout


def test_an_unprivileged_one_installs_and_starts_services_too() -> None:
    with real_guest("small", unprivileged=True) as small:
        done = small.run_script(
            "set -eu\ncat /proc/self/uid_map\napt-get update -qq\n"
            "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server\n"
            "systemctl enable --quiet --now redis-server\nredis-cli ping\nstat -c '%U %a' /usr/bin/passwd /root\n"
        )

    assert done.returncode == 0, done.stdout
    assert done.stdout.split()[:3] == ["0", "100000", "65536"]
    assert done.stdout.endswith("PONG\nroot 4755\nroot 700\n")


def test_what_it_wrote_is_there_after_a_reboot(guest: RealGuest) -> None:
    guest.run("echo kept >/srv/file")
    guest.reboot()

    assert guest.run("cat /srv/file").stdout == "kept\n"


def test_guests_of_one_network_reach_each_other_by_address() -> None:
    with real_guests("one", "two") as (one, two):
        assert one.address != two.address
        listening = one.run(f"ip neighbour flush all; echo >/dev/udp/x 2>/dev/null; ip route get {two.address}")
        assert "dev eth0" in listening.stdout


def test_nothing_is_assert_gone() -> None:
    seen: list[RealGuest] = []

    def fail() -> None:
        with real_guest() as running:
            seen.append(running)
            assert running.container.folder.is_dir()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert_gone(seen[0].interface.bridge, seen[0].container.folder)


def assert_gone(bridge: str, folder: Path) -> None:
    """Fails where anything of a site is still there."""
    assert not Path("/sys/class/net", bridge).exists()
    assert not folder.exists()
    assert str(folder) not in Path("/proc/mounts").read_text()
    rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    assert bridge not in rules


def test_what_a_killed_run_left_is_removed_by_the_next() -> None:
    program = (
        "import json, time\nfrom tests.real_guests.guests import real_guest\nwith real_guest() as guest:\n"
        "    what = [guest.interface.bridge, str(guest.container.folder)]\n"
        "    print(json.dumps(what), flush=True)\n    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        bridge, folder = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    assert Path(folder).is_dir()

    remove_abandoned()
    assert_gone(bridge, Path(folder))


def test_a_living_run_s_site_is_left_alone() -> None:
    with own_site() as site:
        remove_abandoned()
        assert Path("/sys/class/net", site.bridge.name).exists()
        assert site.folder.is_dir()
    assert not (sites.NOTES / f"{site.bridge.number}.json").exists()
