"""Grafana's scripts in a real guest, with a stand-in for the vendor's package: its unit, its API and its command line.

The key is a real one of the test's own, the package is installed by dpkg, and unit, files and requests are real.
"""

from __future__ import annotations

import configparser
import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
import yaml

from homelab.services import grafana
from tests.real_guests.guests import RealGuest, real_guest
from tests.services.real_services import RealServices
from tests.services.recorded import asked, assert_kept, commanded, failure, recorded, stand_in

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(900)]

PROGRAM = r"""#!/usr/bin/python3
import base64, configparser, json, os, re, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import yaml
with open("/run/asked", "a") as file:
    print("bin/grafana", *sys.argv[1:], file=file)
database = "/var/lib/grafana/grafana.db"

def keep(**changes):
    kept = {**(json.load(open(database)) if os.path.exists(database) else {}), **changes}
    with open(database, "w", opener=lambda path, flags: os.open(path, flags, 0o640)) as file:
        json.dump(kept, file)
    return kept

def resolved(value):
    found = re.fullmatch(r"\$__file\{(.*)\}", value)
    return open(found[1]).read().strip() if found else value

if sys.argv[1] == "cli":
    assert sys.argv[-3:] == ["admin", "reset-admin-password", "--password-from-stdin"], sys.argv
    keep(password=sys.stdin.readline().strip())
    print("Admin password changed successfully")
    sys.exit()
settings = configparser.RawConfigParser()
settings.read("/etc/grafana/grafana.ini")
security = {name: resolved(value) for name, value in settings["security"].items()}
(sources,) = os.listdir("/etc/grafana/provisioning/datasources")
sources = yaml.safe_load(open(f"/etc/grafana/provisioning/datasources/{sources}"))["datasources"]
if not os.path.exists(database):
    keep(user=security["admin_user"], password=security["admin_password"])
keep(secret_key=security["secret_key"], given=[
    resolved(value) for source in sources for value in source.get("secureJsonData", {}).values()
])

class Api(BaseHTTPRequestHandler):
    def administrator(self):
        given = base64.b64decode(self.headers.get("Authorization", "Basic Og==").split()[1]).decode()
        return given == "{user}:{password}".format(**keep())
    def do_GET(self):
        if self.path == "/api/health":
            status = 503 if os.path.exists("/run/silent") else 200
        else:
            status = 200 if self.path == "/api/user" and self.administrator() else 401
        self.send_response(status)
        self.end_headers()
    def do_PUT(self):
        status = 404 if self.path != "/api/users/1" else 200 if self.administrator() else 401
        if status == 200:
            wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["login"]
            status = 409 if wanted == "taken" else 200
        if status == 200:
            keep(user=wanted)
        self.send_response(status)
        self.end_headers()

ThreadingHTTPServer(("0.0.0.0", settings["server"].getint("http_port")), Api).serve_forever()
"""
OVERRIDES = "cfg:default.paths.data=/var/lib/grafana cfg:default.paths.logs=/var/log/grafana"
PACKAGE = {
    "usr/share/grafana/bin/grafana": PROGRAM,
    # As the vendor's: it gives the program the folders of the package.
    "usr/sbin/grafana": '#!/bin/sh\ncommand=$1\nshift\nexec /usr/share/grafana/bin/grafana "$command" '
    f'--homepath=/usr/share/grafana --config=/etc/grafana/grafana.ini "--configOverrides={OVERRIDES}" "$@"\n',
    "lib/systemd/system/grafana-server.service": "[Service]\nUser=grafana\nGroup=grafana\n"
    "ExecStart=/usr/share/grafana/bin/grafana server\n[Install]\nWantedBy=multi-user.target\n",
    "etc/grafana/provisioning/README": "data sources and dashboards\n",
    "DEBIAN/control": f"Package: grafana\nVersion: {grafana.VERSION}\nArchitecture: all\n"
    "Maintainer: none\nDescription: stand-in\n",
    "DEBIAN/postinst": "#!/bin/sh\nset -e\ngetent passwd grafana >/dev/null || useradd --system --user-group grafana\n"
    "mkdir -p /var/lib/grafana /var/log/grafana\nchown grafana:grafana /var/lib/grafana /var/log/grafana\n"
    "chown -R root:grafana /etc/grafana\nsystemctl daemon-reload\n",
}
APT = f"""case "$*" in *grafana={grafana.VERSION}) exec dpkg --force-unsafe-io --install /run/grafana.deb;; esac"""
CURL = """case "$*" in *gpg.key)
  for word; do [ "$last" != --output ] || cp /run/key "$word"; last=$word; done
  exit;;
esac
exec /usr/bin/curl "$@"
"""


def prepare(guest: RealGuest, package: Mapping[str, str]) -> str:
    """Puts the package and a key where the stand-ins find them. The key's fingerprint."""
    packages = "curl gnupg python3-yaml"
    quick = "--quiet --yes --no-install-recommends -o Dpkg::Options::=--force-unsafe-io"
    done = guest.run(f"apt-get update --quiet && apt-get install {quick} {packages}")
    assert done.returncode == 0, done.stderr
    for path, text in package.items():
        mode = "755" if text.startswith("#!") else "644"
        guest.run(f"cd /run; mkdir -p deb/$(dirname {path}); cat >deb/{path}; chmod {mode} deb/{path}", stdin=text)
    done = guest.run("dpkg-deb --root-owner-group --build /run/deb /run/grafana.deb")
    assert done.returncode == 0, done.stderr
    key = "gpg --batch --quiet --passphrase '' --quick-gen-key packages@example.org future-default default never"
    assert guest.run(f"umask 077; {key} && gpg --armor --export >/run/key").returncode == 0
    listed = guest.run("gpg --with-colons --list-keys").stdout.splitlines()
    fingerprints = [line.split(":")[9] for line in listed if line.startswith("fpr")]
    assert len(fingerprints) == 2, "a key with a subkey"
    stand_in(guest, "apt-get", APT)
    stand_in(guest, "curl", CURL)
    recorded(guest, "/usr/bin/apt-mark", "/usr/bin/systemctl", "/usr/sbin/grafana")
    return fingerprints[0]


def elsewhere(guest: RealGuest, last: int) -> RealGuest:
    """Another address of the guest's network, at which nothing is."""
    network = guest.address.rpartition(".")[0]
    return replace(guest, interface=replace(guest.interface, address=f"{network}.{last}/24"))


def test_it_has_its_sources_and_its_administrator(monkeypatch: pytest.MonkeyPatch) -> None:
    with real_guest("grafana", unprivileged=True) as guest:
        monkeypatch.setattr(grafana, "KEY_FINGERPRINT", prepare(guest, PACKAGE))
        guests = {"grafana": guest, "prometheus": elsewhere(guest, 30), "postgresql": elsewhere(guest, 31)}
        services = RealServices({name: {} for name in guests}, guests)
        services.install("grafana", guest)
        assert [line.split(" -o ")[0] for line in asked(guest, "apt-get", "apt-mark")] == [
            "apt-get update --quiet --quiet",
            "apt-get install --yes --quiet --no-install-recommends",
            "apt-mark hold grafana",
            *["apt-get clean"] * 2,
        ]
        assert guest.run("apt-mark showhold").stdout == "grafana\n"
        source = "deb [signed-by=/etc/apt/keyrings/grafana.asc] https://apt.grafana.com stable main\n"
        assert guest.run("cat /etc/apt/sources.list.d/grafana.list").stdout == source
        guest.run(": >/run/asked")
        services.configure("grafana", guest)

        written = guest.run("stat -c '%a %U:%G %n' /etc/grafana/*password /etc/grafana/secret-key").stdout
        assert [line.split()[:2] for line in written.splitlines()] == [["640", "root:grafana"]] * 3
        ini = configparser.RawConfigParser()
        ini.read_string(guest.run("cat /etc/grafana/grafana.ini").stdout)
        assert ini["server"]["root_url"] == f"http://{guest.address}:3000/"
        assert ini["security"]["admin_password"] == "$__file{/etc/grafana/admin-password}"
        assert (ini["users"]["allow_sign_up"], ini["auth.anonymous"]["enabled"]) == ("false", "false")
        provisioned = guest.run("cat /etc/grafana/provisioning/datasources/homelab.yaml").stdout
        found = {source["type"]: source for source in yaml.safe_load(provisioned)["datasources"]}
        assert found["prometheus"]["url"] == f"http://{guests['prometheus'].address}:9090"
        database = found["grafana-postgresql-datasource"]
        assert (database["url"], database["user"]) == (f"{guests['postgresql'].address}:5432", "grafana")
        kept = json.loads(guest.run("cat /var/lib/grafana/grafana.db").stdout)
        assert kept == {
            "user": "admin",
            "password": services.secrets["grafana/admin"],
            "secret_key": services.secrets["grafana/secret-key"],
            "given": [services.secrets["postgresql/grafana"]],
        }
        # Its first start makes the administrator, with the file's password: nothing is left for its command line.
        assert commanded(guest, "systemctl", "grafana") == [
            "systemctl enable --quiet grafana-server",
            "systemctl start grafana-server",
        ]

        before = services.secrets["grafana/admin"]
        services.secrets["grafana/admin"] = "anotherPassword7"
        guest.run(": >/run/asked")
        services.configure("grafana", guest)
        assert commanded(guest, "systemctl", "grafana") == [
            "grafana cli admin reset-admin-password --password-from-stdin",
        ]
        (told,) = asked(guest, "bin/grafana cli")
        assert OVERRIDES in told
        assert told.count("--configOverrides") == 1
        api = f"http://{guest.address}:3000/api/user"
        for password, code in ((before, 22), ("admin", 22), ("anotherPassword7", 0)):
            assert guest.run(f"/usr/bin/curl -sf -u admin:{password} {api}").returncode == code

        # Another name, with another password in the same run.
        def called(name: str) -> RealServices:
            others = {key: {"admin": name} if key == "grafana" else {} for key in guests}
            other = RealServices(others, guests)
            other.secrets = services.secrets
            return other

        services.secrets["grafana/admin"] = "thirdPassword9"
        called("keeper").configure("grafana", guest)
        for user, code in (("admin:anotherPassword7", 22), ("admin:thirdPassword9", 22), ("keeper:thirdPassword9", 0)):
            assert guest.run(f"/usr/bin/curl -sf -u {user} {api}").returncode == code
        said = failure(called("taken"), "grafana", guest)
        assert "Grafana does not call its administrator taken instead of keeper: another user may have that" in said
        services = called("keeper")
        services.configure("grafana", guest)
        assert_kept(services, guest)

        guest.run("touch /run/silent")
        assert f"Grafana at {guest.address}:3000: no answer within 180 s" in failure(services, "grafana", guest)
