"""Certificates of the proxy in a real guest: another domain, killed runs, one that ends soon, and your own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.real_guests.guests import RealGuest, real_guest
from tests.services.real_services import RealServices
from tests.services.recorded import stand_in

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(600)]

HOST = {"nas": {"url": "http://192.0.2.1"}}
KEYS = "/etc/nginx/homelab"
TRUSTED = "-verify_return_error -CAfile /srv/overview/authority.crt"
LONG = ".".join(["a" * 60, "b" * 60, "c" * 60, "internal"])
CERTIFICATE = (
    f"cd {KEYS} && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=mine "
    "-addext subjectAltName=DNS:nas.home.arpa"
)


@pytest.fixture(scope="module")
def proxy() -> Iterator[RealGuest]:
    with real_guest("npm", unprivileged=True) as guest:
        services(guest).install("nginx-proxy", guest)
        yield guest


def services(guest: RealGuest, **settings: Any) -> RealServices:
    return RealServices({"nginx-proxy": {"hosts": HOST, **settings}}, {"nginx-proxy": guest})


def serial(guest: RealGuest, file: str) -> str:
    """The serial number of a certificate."""
    return guest.run(f"openssl x509 -in {KEYS}/{file} -noout -serial").stdout.strip()


def shows(guest: RealGuest, file: str = "hosts.crt", name: str = "nas.home.arpa", options: str = TRUSTED) -> bool:
    """Whether it comes to show this certificate, which is to be trusted; after a reload old processes go on."""
    asked = f"openssl s_client -connect 127.0.0.1:443 -servername {name} -verify_hostname {name} {options} </dev/null"
    shown = f"{asked} 2>/dev/null | openssl x509 -noout -serial"
    return any(guest.run(shown).stdout.strip() == serial(guest, file) for _ in range(100))


def test_another_domain_has_another_authority(proxy: RealGuest) -> None:
    services(proxy, domain="home.arpa").configure("nginx-proxy", proxy)
    assert shows(proxy)
    services(proxy, domain=LONG).configure("nginx-proxy", proxy)
    assert shows(proxy, name=f"nas.{LONG}")
    services(proxy, domain="home.arpa").configure("nginx-proxy", proxy)
    assert shows(proxy)


def test_what_a_killed_run_has_left_is_made_anew(proxy: RealGuest) -> None:
    ours = services(proxy, domain="home.arpa")
    # As if the power had failed when a file had just been put in its place.
    for file in ("authority.cnf", "hosts.cnf", "authority.key", "authority.crt", "hosts.key", "hosts.crt", "used"):
        proxy.run(f"rm -f {KEYS}/*; systemctl stop nginx")
        ends = f'/usr/bin/mv "$@"; for last; do :; done; case "/$last" in */{file}) kill -9 $PPID;; esac'
        stand_in(proxy, "mv", ends)
        assert proxy.run_script(ours.script("nginx-proxy").text, seconds=60).returncode != 0, file
        proxy.run("rm /usr/local/sbin/mv")
        ours.configure("nginx-proxy", proxy)
        assert shows(proxy), file


def test_a_certificate_that_ends_soon_is_renewed_by_itself(proxy: RealGuest) -> None:
    services(proxy, domain="home.arpa").is_at_rest("nginx-proxy", proxy)
    assert proxy.run("systemctl is-active homelab-certificates.timer").stdout == "active\n"
    assert proxy.run(f"{CERTIFICATE} -days 10 -keyout hosts.key -out hosts.crt").returncode == 0
    before = serial(proxy, "hosts.crt")
    assert proxy.run("systemctl start homelab-certificates.service").returncode == 0
    assert serial(proxy, "hosts.crt") != before
    assert shows(proxy)
    assert proxy.run("homelab-certificates").stdout == ""


def test_your_own_certificate_is_used(proxy: RealGuest) -> None:
    services(proxy, domain="home.arpa").is_at_rest("nginx-proxy", proxy)
    own = f"{CERTIFICATE} -days 90 -keyout custom.key -out custom.crt && homelab-certificates"
    for _ in ("put there", "renewed"):
        assert proxy.run(own).stdout == "custom.crt is used\n"
        assert shows(proxy, "custom.crt", options="")
    assert services(proxy, domain="home.arpa").is_at_rest("nginx-proxy", proxy)
    # A key that does not belong to it would end nginx at its next start.
    proxy.run(f"openssl ecparam -genkey -name prime256v1 -noout -out {KEYS}/custom.key")
    wrong = proxy.run("homelab-certificates")
    assert wrong.stderr == "custom.key is not the key of custom.crt: they are not used\n"
    assert shows(proxy)


def test_it_starts_by_itself_when_names_are_known_late(proxy: RealGuest) -> None:
    ours = services(proxy, hosts={"nas": {"url": "http://nas.lan:5000"}})
    failed = proxy.run_script(ours.script("nginx-proxy").text, seconds=60)
    assert failed.returncode != 0
    assert 'host not found in upstream "nas.lan"' in failed.stdout
    proxy.run("echo 192.0.2.1 nas.lan >>/etc/hosts")
    ours.is_at_rest("nginx-proxy", proxy)
    assert proxy.run("systemctl is-active nginx").stdout == "active\n"

    # As at the node's start, when the router and its DNS server come up later than this.
    proxy.run("sed -i /nas.lan/d /etc/hosts; systemctl restart nginx")
    assert proxy.run("systemctl is-active nginx").stdout != "active\n"
    proxy.run("echo 192.0.2.1 nas.lan >>/etc/hosts")
    comes_up = "for i in $(seq 60); do systemctl is-active nginx && exit; sleep 0.5; done"
    assert proxy.run(comes_up).stdout.endswith("active\n")
    assert ours.is_at_rest("nginx-proxy", proxy)
