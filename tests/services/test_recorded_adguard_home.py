"""AdGuard Home's scripts in a real guest, with a stand-in for the vendor's program: its API, its user, its DNS port.

Packages, the unit, the hash and the requests are real.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from homelab.services.adguard_home import SERVICE
from tests.real_guests.guests import RealGuest, real_guest
from tests.services.real_services import RealServices
from tests.services.recorded import DOWNLOADED, asked, assert_kept, commanded, failure, lock_archive, recorded, stand_in

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(900)]

PROGRAM = r"""#!/usr/bin/python3
import base64, crypt, json, os, shutil, socket, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import yaml
path = sys.argv[sys.argv.index("--config") + 1]
if not os.path.exists("first.yaml"):
    shutil.copy(path, "first.yaml")
    os.mkdir("data")
    open("data/sessions.db", "w").close()
kept = yaml.safe_load(open(path))
(user,) = kept["users"]

def keep():
    with open(path, "w") as file:
        yaml.safe_dump({**kept, "filtering": {"filters_update_interval": 24}}, file)

class Api(BaseHTTPRequestHandler):
    def allowed(self):
        given = base64.b64decode(self.headers.get("Authorization", "Basic Og==").split()[1]).decode()
        name, _, password = given.partition(":")
        return name == user["name"] and crypt.crypt(password, user["password"]) == user["password"]
    def say(self, status, body):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())
    def do_GET(self):
        if not self.allowed():
            self.say(401, "Unauthorized")
        elif os.path.exists("silent"):
            self.say(503, "")
        elif self.path == "/control/status":
            self.say(200, '{"running": true}')
        elif self.path == "/control/dns_info":
            self.say(200, json.dumps({name: kept["dns"][name] for name in ("upstream_dns", "bootstrap_dns")}))
        else:
            self.say(404, "")
    def do_POST(self):
        if not self.allowed() or self.path != "/control/dns_config":
            return self.say(403, "")
        if self.headers["Content-Type"] != "application/json":
            return self.say(415, "only content-type application/json is allowed")
        kept["dns"] |= json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        keep()
        self.say(200, "")

def answer():
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind((kept["dns"]["bind_hosts"][0], kept["dns"]["port"]))
    while True:
        question, sender = names.recvfrom(4096)
        if not os.path.exists("deaf"):
            asked = question[12:question.index(0, 12) + 5]
            names.sendto(question[:2] + b"\x81\x82" + question[4:6] + bytes(6) + asked, sender)

keep()
threading.Thread(target=answer, daemon=True).start()
host, port = kept["http"]["address"].split(":")
ThreadingHTTPServer((host, int(port)), Api).serve_forever()
"""

HOME = "/var/lib/adguard-home"


def with_settings(services: RealServices, guest: RealGuest, **settings: Any) -> RealServices:
    other = RealServices({"adguard-home": settings}, {"adguard-home": guest}, services.lock)
    other.secrets = services.secrets
    return other


def with_another_administrator(services: RealServices, guest: RealGuest, first: Mapping[str, Any]) -> RealServices:
    """Another password, then another name, in the file as the vendor's program indents it; nothing else is changed."""
    before, wanted = services.secrets["adguard-home/admin"], "anotherPassword7"
    guest.run(f"sed -i 's/^- name/  - name/; s/^  password/    password/' {HOME}/AdGuardHome.yaml")
    services.secrets["adguard-home/admin"] = wanted
    services.configure("adguard-home", guest)
    renamed = with_settings(services, guest, bootstrap=["192.0.2.53"], admin="keeper")
    renamed.configure("adguard-home", guest)
    api = f"http://{guest.address}:3000/control/status"
    for user, code in ((f"admin:{before}", 22), (f"admin:{wanted}", 22), (f"keeper:{wanted}", 0)):
        assert guest.run(f"/usr/bin/curl -sf -u {user} {api}").returncode == code
    last = yaml.safe_load(guest.run(f"cat {HOME}/AdGuardHome.yaml").stdout)
    assert last["dns"] == {**first["dns"], "bootstrap_dns": ["192.0.2.53"]}
    assert last["filtering"] == {"filters_update_interval": 24}
    listed = guest.run(f"stat -c '%a %U' {HOME}/AdGuardHome.yaml; ls {HOME}/data/sessions.db").stdout.split()
    assert listed == ["600", "adguard-home"]
    assert_kept(renamed, guest)
    return renamed


def test_it_is_configured_by_its_file_and_then_by_its_api() -> None:
    with real_guest("adguard", unprivileged=True) as guest:
        lock = lock_archive(guest, "adguard-home", {"AdGuardHome/AdGuardHome": PROGRAM}, "gz")
        stand_in(guest, "curl", DOWNLOADED)
        stand_in(
            guest,
            "apt-get",
            '[ "$1" != install ] || set -- "$@" python3-yaml -o Dpkg::Options::=--force-unsafe-io\n'
            'exec /usr/bin/apt-get "$@"',
        )
        recorded(guest, "/usr/bin/htpasswd", "/usr/bin/systemctl", "/usr/bin/dig")
        services = RealServices({"adguard-home": {}}, {"adguard-home": guest}, lock)
        services.install("adguard-home", guest)
        (download,) = asked(guest, "curl")
        assert download.endswith(f"{SERVICE.downloads[0].version}.tar.gz.part {SERVICE.downloads[0].url}")
        assert "--proto =https --tlsv1.2" in download
        services.configure("adguard-home", guest)

        first = yaml.safe_load(guest.run(f"cat {HOME}/first.yaml").stdout)
        (user,) = first.pop("users")
        assert user.keys() == {"name", "password"}
        assert user["name"] == "admin"
        assert re.fullmatch(r"\$2y\$10\$[./A-Za-z0-9]{53}", user["password"])
        assert first["http"] == {"address": "0.0.0.0:3000"}
        assert first["dns"] == {
            "bind_hosts": ["0.0.0.0"],  # noqa: S104 - the whole network asks it
            "port": 53,
            "upstream_dns": ["https://dns10.quad9.net/dns-query"],
            "bootstrap_dns": ["9.9.9.10", "149.112.112.10"],
        }
        listed = guest.run(f"stat -c '%a %U' {HOME} {HOME}/first.yaml; ps -o user= -C AdGuardHome").stdout.split()
        assert listed == ["700", "adguard-home", "600", "adguard-home", "adguard-home"]
        # The first run starts it, before it asks; the second one only asks.
        assert commanded(guest, "systemctl") == [
            "systemctl enable --quiet adguard-home",
            "systemctl start adguard-home",
        ]
        assert [line for line in asked(guest, "htpasswd") if " -n" in line] == ["htpasswd -niB -C 10 x"]
        assert not [line for line in asked(guest, "curl") if "dns_config" in line]
        api = f"http://{guest.address}:3000/control/status"
        for password in ("", "admin", "password"):
            assert guest.run(f"curl -sf -u admin:{password} {api}").returncode == 22

        # What the file says wins over what is set, and that comes to rest too.
        changed = with_settings(services, guest, bootstrap=["192.0.2.53"])
        changed.configure("adguard-home", guest)
        (told,) = [line for line in asked(guest, "curl") if "dns_config" in line]
        assert '"bootstrap_dns": ["192.0.2.53"]' in told
        assert with_settings(services, guest, bootstrap=[]).is_at_rest("adguard-home", guest)
        assert guest.run(f"grep -c password {HOME}/AdGuardHome.yaml").stdout == "1\n"

        changed = with_another_administrator(changed, guest, first)

        guest.run(f"touch {HOME}/deaf")
        stand_in(guest, "dig", 'exec /usr/bin/dig "$@" +time=1')
        assert f"DNS at {guest.address}: no answer within 60 s" in failure(changed, "adguard-home", guest)
        guest.run(f"touch {HOME}/silent")
        said = failure(changed, "adguard-home", guest)
        assert f"AdGuard Home at {guest.address}:3000: no answer within 120 s" in said
