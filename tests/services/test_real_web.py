"""Prometheus and the proxy in two real guests: one watches both, the other gives both names and HTTPS."""

from __future__ import annotations

import json

import pytest

from tests.real_guests.guests import RealGuest, real_guests
from tests.services.real_services import RealServices

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(900)]


def metric(guest: RealGuest, query: str) -> dict[str, str]:
    """The value of each series, by its instance."""
    done = guest.run(f"curl -sf -m 10 --data-urlencode 'query={query}' http://{guest.address}:9090/api/v1/query")
    found = json.loads(done.stdout)["data"]["result"]
    return {one["metric"]["instance"]: one["value"][1] for one in found}


def test_it_is_watched_and_has_a_name() -> None:
    with real_guests("prometheus", "npm", unprivileged=True) as (prometheus, proxy):
        services = RealServices(
            {
                "prometheus": {"scrape_interval": "1s", "targets": {"own": {"targets": ["127.0.0.1:9090"]}}},
                "nginx-proxy": {"domain": "home.arpa", "hosts": {"elsewhere": {"url": "http://192.0.2.1"}}},
            },
            {"prometheus": prometheus, "nginx-proxy": proxy},
        )
        for name, guest in (("prometheus", prometheus), ("nginx-proxy", proxy)):
            services.install(name, guest)
        for name, guest in (("nginx-proxy", proxy), ("prometheus", prometheus)):
            services.configure(name, guest)

        expected = {
            prometheus.address,
            proxy.address,
            f"{proxy.address}:80",
            f"{proxy.address}:443",
            f"http://{proxy.address}:81",
            f"http://{prometheus.address}:9090",
        }
        own = {"127.0.0.1:9090": "1"}
        for _ in range(200):
            found, up = metric(prometheus, "probe_success"), metric(prometheus, 'up{job="own"}')
            if found.keys() == expected and set(found.values()) == {"1"} and up == own:
                break
        assert found == dict.fromkeys(expected, "1")
        assert up == own

        at = f"--resolve prometheus.home.arpa:443:{proxy.address} --resolve other.home.arpa:443:{proxy.address}"
        ask = f"curl -s -m 20 --cacert /srv/overview/authority.crt {at}"
        assert "Ready" in proxy.run(f"{ask} https://prometheus.home.arpa/-/ready").stdout
        assert proxy.run(f"{ask} https://other.home.arpa/").returncode == 35
        moved = proxy.run(
            f"curl -s -m 20 -o /dev/null -w '%{{redirect_url}}' -H 'Host: prometheus.home.arpa' http://{proxy.address}/x"
        )
        assert moved.stdout == "https://prometheus.home.arpa/x"
        assert "https://elsewhere.home.arpa/" in proxy.run(f"curl -s http://{proxy.address}:81/").stdout
        readable = proxy.run(
            "find /etc/nginx/homelab -name '*.key' -type f -perm /077; stat -c %a /etc/nginx/homelab"
        ).stdout
        assert readable == "700\n"

        for name, guest in (("prometheus", prometheus), ("nginx-proxy", proxy)):
            guest.reboot()
            assert services.is_at_rest(name, guest)
