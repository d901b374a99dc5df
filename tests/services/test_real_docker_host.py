"""The Docker host in a real guest, and what services that are container images do on it."""

from __future__ import annotations

import pytest

from tests.real_guests.guests import real_guest
from tests.services.real_services import RealServices

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(900)]


def test_it_runs_a_container_after_a_reboot_too() -> None:
    with real_guest("docker-host") as guest:
        services = RealServices({"docker-host": {}}, {"docker-host": guest})
        services.install("docker-host", guest)
        assert services.is_at_rest("docker-host", guest)
        guest.run("apt-get update -qq; apt-get install -y -qq --no-install-recommends busybox-static")
        made = guest.run(
            'cd / && tar c bin/busybox 2>/dev/null | docker import -c \'CMD ["/bin/busybox","sleep","infinity"]\' - box'
        )
        assert made.returncode == 0, made.stderr
        assert guest.run("docker run -d --restart unless-stopped --name box box").returncode == 0
        guest.reboot()
        assert services.is_at_rest("docker-host", guest)
        assert guest.run("docker inspect -f '{{.State.Running}}' box").stdout == "true\n"
