"""Nextcloud's scripts in a real guest, with a stand-in for the vendor's archive that installs itself as Nextcloud does.

nginx, PHP, PostgreSQL, the certificate, units and requests are real; PHP modules that the stand-in does not use are not
installed.
"""

from __future__ import annotations

import json

import pytest

from homelab.services.nextcloud import SERVICE
from tests.real_guests.guests import RealGuest, real_guest
from tests.services.real_services import RealServices
from tests.services.recorded import DOWNLOADED, asked, assert_kept, failure, lock_archive, recorded, stand_in

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(900)]

STATE = r"""<?php
function configuration() {
    $all = [];
    foreach ([__DIR__ . '/config/config.php', ...glob(__DIR__ . '/config/*.config.php')] as $file) {
        if (is_file($file)) {
            $CONFIG = [];
            include $file;
            $all = array_merge($all, $CONFIG);
        }
    }
    return $all + ['installed' => false];
}
"""
INDEX = r"""<?php
require __DIR__ . '/state.php';
$auto = __DIR__ . '/config/autoconfig.php';
if (is_file($auto)) {
    include $auto;
    [$host, $port] = explode(':', $AUTOCONFIG['dbhost']);
    $database = pg_connect("host=$host port=$port dbname={$AUTOCONFIG['dbname']} user={$AUTOCONFIG['dbuser']} "
        . "password={$AUTOCONFIG['dbpass']}") or exit('no database');
    pg_query($database, 'create table oc_users (uid text, password text)');
    $user = [$AUTOCONFIG['adminlogin'], password_hash($AUTOCONFIG['adminpass'], PASSWORD_BCRYPT)];
    pg_query_params($database, 'insert into oc_users values ($1, $2)', $user);
    $kept = ['installed' => true, 'dbpassword' => $AUTOCONFIG['dbpass'], 'datadirectory' => $AUTOCONFIG['directory'],
        'trusted_domains' => [$_SERVER['SERVER_ADDR']]];
    umask(0027);
    file_put_contents(__DIR__ . '/config/config.php', "<?php\n\$CONFIG = " . var_export($kept, true) . ';');
    unlink($auto);
    exit;
}
if (!in_array(explode(':', $_SERVER['HTTP_HOST'])[0], configuration()['trusted_domains'])) {
    http_response_code(400);
    exit('Access through untrusted domain');
}
echo $_SERVER['REQUEST_URI'], ' ', ini_get('upload_max_filesize');
"""
OCC = r"""<?php
require __DIR__ . '/state.php';
if (posix_getuid() !== fileowner(__DIR__ . '/config')) {
    exit('Console has to be executed with the user that owns the file config/config.php');
}
$mode = '/srv/nextcloud-data/background-jobs';
switch (implode(' ', array_slice($argv, 1))) {
    case '--no-interaction status --output=json': echo json_encode(configuration()); break;
    case '--no-interaction background:cron': file_put_contents($mode, 'cron'); break;
    case '--no-interaction config:app:get core backgroundjobs_mode': exit(is_file($mode) ? readfile($mode) * 0 : 1);
    default: exit(2);
}
"""
FILES = {
    "nextcloud/version.php": "<?php $OC_Version = [33];",
    "nextcloud/state.php": STATE,
    "nextcloud/index.php": INDEX,
    "nextcloud/occ": OCC,
    "nextcloud/status.php": "<?php require 'state.php'; echo json_encode(configuration());",
    "nextcloud/cron.php": "<?php touch('/srv/nextcloud-data/cron-ran');",
}
UNUSED = "gd curl mbstring xml zip intl bcmath gmp imagick apcu"
APT = f"""if [ "$1" = install ]; then
  wanted=
  for word; do
    case " {UNUSED} " in *" ${{word#php-}} "*) case $word in php-*) echo "$word" >>/run/left-out; continue;; esac;; esac
    wanted="$wanted $word"
  done
  set -- $wanted -o Dpkg::Options::=--force-unsafe-io
fi
exec /usr/bin/apt-get "$@"
"""
DPKG_QUERY = """for word; do :; done
if grep -qsx "$word" /run/left-out; then printf installed; else exec /usr/bin/dpkg-query "$@"; fi
"""
CURL = f"""case "$*" in *index.php) ss -Hltn 'sport = :443' | awk '{{ print $4 }}' >/run/listened;; esac
{DOWNLOADED}
"""


def code(guest: RealGuest, host: str, path: str = "/index.php") -> tuple[str, str]:
    """The status that ``path`` has for who calls it by this name, and the page."""
    ask = f"/usr/bin/curl -sk -m 20 -w '\\n%{{http_code}}' -H 'Host: {host}' https://{guest.address}{path}"
    page, _, status = guest.run(ask).stdout.rpartition("\n")
    return status, page


def test_it_installs_itself_before_anybody_else_reaches_it() -> None:
    with real_guest("nextcloud", unprivileged=True) as guest:
        lock = lock_archive(guest, "nextcloud", FILES, "bz2")
        stand_in(guest, "apt-get", APT)
        stand_in(guest, "dpkg-query", DPKG_QUERY)
        stand_in(guest, "curl", CURL)
        recorded(guest, "/usr/bin/systemctl", "/usr/bin/php", "/usr/bin/psql", "/usr/bin/pg_createcluster")
        settings = {"trusted_domains": ["cloud.example.org"], "upload_limit": "3G"}
        services = RealServices({"nextcloud": settings}, {"nextcloud": guest}, lock)
        services.install("nextcloud", guest)
        assert guest.run("cat /run/left-out").stdout.split() == [f"php-{name}" for name in UNUSED.split()]
        (download,) = asked(guest, "curl")
        assert download.endswith(SERVICE.downloads[0].url)
        assert "--proto =https --tlsv1.2" in download
        assert guest.run("pg_lsclusters -h; ls /etc/ssl/private; ls /opt").stdout == ""
        guest.run(": >/run/asked")
        services.configure("nextcloud", guest)

        # One visit to the page installs it, while nobody else could have made that visit.
        assert guest.run("cat /run/listened").stdout == "127.0.0.1:443\n"
        visits = [line.split()[-1] for line in asked(guest, "curl") if "index.php" in line]
        assert visits == ["https://127.0.0.1/index.php"]
        assert [line.removeprefix("php occ --no-interaction ") for line in asked(guest, "php")] == [
            "status --output=json",
            "status --output=json",
            "config:app:get core backgroundjobs_mode",
            "background:cron",
            "status --output=json",
            "config:app:get core backgroundjobs_mode",
        ]
        status = "cd /srv/nextcloud; runuser -u www-data -- /usr/bin/php occ --no-interaction status --output=json"
        kept = json.loads(guest.run(status).stdout)
        assert kept["trusted_domains"] == [guest.address, "nextcloud", "cloud.example.org", "127.0.0.1"]
        assert kept["dbpassword"] == services.secrets["nextcloud/database"]
        assert kept["datadirectory"] == "/srv/nextcloud-data"
        assert kept["memcache.local"] == r"\OC\Memcache\APCu"
        assert kept["overwrite.cli.url"] == f"https://{guest.address}:443"
        assert guest.run("ls /srv/nextcloud/config").stdout.split() == ["config.php", "homelab.config.php"]
        listed = guest.run("stat -c '%a %U' /srv/nextcloud-data /srv/nextcloud/config /srv/nextcloud/config/*").stdout
        assert listed.splitlines() == ["770 www-data", "750 www-data", "640 www-data", "640 www-data"]
        owner = "select u.rolname, u.rolsuper, u.rolcreaterole from pg_database d join pg_roles u on u.oid = d.datdba"
        sql = f"cd /; runuser -u postgres -- psql -XAtc \"{owner} where datname = 'nextcloud'\""
        assert guest.run(sql).stdout == "nextcloud|f|f\n"

        # By which names, and what nginx keeps to itself.
        assert code(guest, "cloud.example.org") == ("200", "/index.php 3G")
        assert code(guest, "cloud.example.org", "/apps/files/") == ("200", "/apps/files/ 3G")
        assert code(guest, "other.example.org")[0] == "400"
        for path in ("/config/config.php", "/occ", "/data/x", "/.ocdata"):
            assert code(guest, "cloud.example.org", path)[0] == "404"
        assert code(guest, "cloud.example.org", "/.well-known/carddav")[0] == "301"
        assert (
            guest.run("systemctl start nextcloud-cron; systemctl is-active nextcloud-cron.timer").stdout == "active\n"
        )
        assert guest.run("stat -c %U /srv/nextcloud-data/cron-ran").stdout == "www-data\n"
        assert_kept(services, guest)

        guest.reboot()
        assert services.is_at_rest("nextcloud", guest)
        guest.run("echo '<?php http_response_code(503);' >/srv/nextcloud/status.php; systemctl restart php*-fpm")
        assert f"Nextcloud at {guest.address}: no answer within 120 s" in failure(services, "nextcloud", guest)
