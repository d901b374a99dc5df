"""Settings of services that could never work, and what is said about them."""

# ruff: noqa: E501 (what is said is compared as it is printed)

from __future__ import annotations

from pathlib import Path

import pytest

from homelab.config.service_containers import enabled_services
from homelab.services.scripts import service_context
from tests.config.test_services import file_problems, with_services

REFUSED = {
    "{postgresql: {databases: {template1: {owner: app}}}}": "services.postgresql.databases.template1\n    the database template1 belongs to PostgreSQL itself",
    "{postgresql: {databases: {app: {owner: all}}}}": "services.postgresql.databases.app.owner\n    the user all belongs to PostgreSQL itself",
    "{postgresql: {databases: {public: {}}}}": "the user public belongs to PostgreSQL itself",
    "{postgresql: {users: {pg_mine: {}}}}": "services.postgresql.users.pg_mine\n    the user pg_mine belongs to PostgreSQL itself",
    "{postgresql: {access: [{from: 10.0.30.5/24}]}}": "fix:      write 10.0.30.0/24",
    "{postgresql: {parameters: {port: '5433'}}}": "services.postgresql.parameters.port\n    the parameter port is the catalogue's",
    "{redis: {memory: 512MiB, maxmemory: 512MiB}}": "maxmemory 512MiB leaves Redis none of the container's 512MiB",
    "{redis: {maxmemory: 1GiB}}": "maxmemory 1024MiB leaves Redis none of the container's 1024MiB",
    "{nginx-proxy: {hosts: {nas: {url: 'https://nas:65536'}}}}": "services.nginx-proxy.hosts.nas.url\n    this is not an address of a web server",
    "{nginx-proxy: {hosts: {nas: {url: 'https://[fd00::1]'}}}}": "fix:      write it like https://192.168.1.5:5001",
    "{prometheus: {targets: {web: {targets: ['10.0.0.1:9100']}}}}": "services.prometheus.targets.web\n    the job web is one of the catalogue's own",
    "{prometheus: {targets: {a: {targets: ['10.0.0.1:65536']}}}}": "services.prometheus.targets.a.targets[0]\n    this is not a target",
    "{prometheus: {scrape_interval: 0s}}": "services.prometheus.scrape_interval\n    this is not a duration",
    "{adguard-home: {upstreams: ['https://dns:name/']}}": "services.adguard-home.upstreams[0]\n    this is not a DNS server",
    "{adguard-home: {upstreams: ['9.9.9.999']}}": "services.adguard-home.upstreams[0]\n    this is not a DNS server",
    "{adguard-home: {bootstrap: [9.9.9]}}": "services.adguard-home.bootstrap[0]\n    this is not an IPv4 address",
    "{homeassistant: {components: [http]}}": "services.homeassistant.components[0]\n    this is not a component",
    "{redis: {template: {script: {url: 'https://a/b.sh', checksum: 'sha256:0', variables: {var_ctid: '5'}}}}}": "but var_ctid and var_hostname, which are the template's vm_id and the hostname",
    "{gitea: {email: me}}": "fix:      write it like me@home.arpa",
    "{redis: {template: {script: {url: 'https://a/b.sh', checksum: 'sha256:0', variables: {CTID: '5'}}}}}": "this is not a variable of a community script",
}


@pytest.mark.parametrize(("settings", "text"), REFUSED.items())
def test_what_could_never_work_is_refused(tmp_path: Path, settings: str, text: str) -> None:
    assert text in file_problems(tmp_path, f"services: {settings}")


ALLOWED = (
    "{postgresql: {access: [{from: 10.0.30.5}], databases: {one: {owner: app}, two: {owner: app}}}}",
    "{nginx-proxy: {hosts: {nas: {url: 'https://nas.lan:65535'}}}}",
    "{prometheus: {targets: {a: {targets: ['nas.lan:65535', '10.0.0.1:1']}}}}",
    "{adguard-home: {upstreams: ['https://dns.quad9.net:8443/dns-query', 'tls://dns.quad9.net', '9.9.9.9:53', 255.1.20.3]}}",
    "{redis: {memory: 2GiB, maxmemory: 1GiB}}",
)


@pytest.mark.parametrize("settings", ALLOWED)
def test_what_works_is_not(settings: str) -> None:
    assert with_services(settings).services


def access(settings: str) -> list[str]:
    """Lines of pg_hba.conf for users."""
    environment = with_services(settings)
    enabled = enabled_services(environment)["postgresql"]
    variables = enabled.service.configure_variables(service_context(environment, "postgresql", enabled.instances[0]))
    return [f"{database} {user} {source}" for database, user, source in variables["access"]]


def test_services_reach_their_data_whatever_access_says() -> None:
    services = "gitea: {database: postgresql}, grafana: {}, nextcloud: {}"
    assert access(f"{{postgresql: {{}}, {services}}}") == ["all all 10.0.30.0/24"]
    assert access(f"{{postgresql: {{access: [{{from: 10.0.30.5, database: app, user: app}}]}}, {services}}}") == [
        "app app 10.0.30.5/32",
        "gitea gitea 10.0.30.40/32",
        "postgres grafana 10.0.30.60/32",
    ]
    assert access(f"{{postgresql: {{access: []}}, {services}}}") == [
        "gitea gitea 10.0.30.40/32",
        "postgres grafana 10.0.30.60/32",
    ]
