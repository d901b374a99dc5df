"""Services in an environment file: which there are, what they become, and what is said about mistakes."""

# ruff: noqa: E501 (what is said is compared as it is printed)

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from homelab.config.environment import Environment
from homelab.config.expansion import expand
from homelab.config.image_lock import ImageLock
from homelab.config.loading import check_files
from homelab.config.problems import render
from homelab.config.resolution import resolve
from homelab.config.service_containers import enabled_services
from homelab.services.registry import services
from tests.config.cases import environment, said

PLACES = """
proxmox:
  nodes:
    pve:
      bridges: [vmbr0, vmbr2]
      datastores: {local-hdd: {content: [rootdir]}}
networks:
  internal: {bridge: vmbr2, cidr: 10.0.30.0/24, gateway: 10.0.30.1, dns: [192.168.10.2]}
"""


def with_services(text: str, more: str = "") -> Environment:
    return environment(f"{PLACES}{more}\nservices: {text}")


def problems(text: str, more: str = "") -> str:
    return said(f"{PLACES}{more}\nservices: {text}")


def file_problems(folder: Path, text: str) -> str:
    path = folder / "lab.yaml"
    base = dedent("""\
        proxmox:
          endpoint: https://pve:8006
          nodes: {pve: {cores: 16, memory: 64GiB, bridges: [vmbr2], datastores: {local: {content: [vztmpl]}, local-lvm: {}, local-hdd: {}}}}
        networks: {internal: {bridge: vmbr2, cidr: 10.0.30.0/24}}
        """)
    path.write_text(f"{base}{text}\n", encoding="utf-8")
    return "\n".join(render(problem).replace(f"{path}:", "") for problem in check_files([path]))


def test_the_documents_numbers_and_addresses() -> None:
    resolved = resolve(with_services("{postgresql: {replicas: 3}, redis: {}}"))
    spec = resolved.containers["service-postgresql"]
    assert (spec.vm_id, spec.hostname, spec.clone_vm_id, spec.datastore) == (200, "postgresql-db", 900, "local-lvm")
    assert spec.interfaces[0].address == "10.0.30.10/24"
    assert str(spec.interfaces[0].gateway) == "10.0.30.1"
    assert [str(server) for server in spec.dns.servers] == ["192.168.10.2"]
    replicas = [resolved.containers[f"service-postgresql-{index}"] for index in (1, 2, 3)]
    assert [(one.vm_id, one.interfaces[0].static_address) for one in replicas] == [
        (210, "10.0.30.11"),
        (211, "10.0.30.12"),
        (212, "10.0.30.13"),
    ]
    template = resolved.containers["service-postgresql-template"]
    assert (template.vm_id, template.datastore, template.interfaces[0].address) == (900, "local-hdd", "dhcp")
    redis = resolved.containers["service-redis"]
    assert (redis.vm_id, redis.hostname, redis.interfaces[0].address) == (201, "redis-cache", "10.0.30.20/24")


def test_a_list_is_a_map_without_settings() -> None:
    assert with_services("[redis, postgresql]").services == with_services("{postgresql: {}, redis: {}}").services


def test_the_order_is_that_of_the_catalogue() -> None:
    assert list(with_services("{redis: {}, postgresql: {}}").services) == ["postgresql", "redis"]


def test_what_holds_data_is_protected_and_replicas_are_not() -> None:
    resolved = resolve(with_services("{postgresql: {replicas: 1}, redis: {protection: false}}"))
    assert resolved.containers["service-postgresql"].protection
    assert not resolved.containers["service-postgresql-1"].protection
    assert not resolved.containers["service-postgresql-template"].protection
    assert not resolved.containers["service-redis"].protection


def test_every_service_has_containers_that_no_check_objects_to() -> None:
    names = ", ".join(services())
    more = "policy: {over_commit: {memory: ignore, cores: ignore, disk: ignore}}"
    assert problems(f"[{names}]", more) == ""


def test_settings_win_over_the_catalogue() -> None:
    resolved = resolve(
        with_services(
            "{redis: {vm_id: 250, address: 10.0.30.77, hostname: cache, cores: 3, memory: 3GiB, disk: 20GiB, template: {vm_id: 950}}}"
        )
    )
    spec = resolved.containers["service-redis"]
    assert (spec.vm_id, spec.hostname, spec.cores, spec.memory, spec.disk) == (250, "cache", 3, 3072, 20)
    assert (spec.clone_vm_id, spec.interfaces[0].static_address) == (950, "10.0.30.77")


def test_templates_have_addresses_of_their_own_where_there_is_no_dhcp() -> None:
    found = expand(with_services("[postgresql, redis]", "service_defaults: {build_address: 10.0.30.200}"))
    built = {guest.key: str(guest.interfaces[0].address) for guest in found if guest.key.endswith("-template")}
    assert built == {"service-postgresql-template": "10.0.30.200", "service-redis-template": "10.0.30.201"}


def test_only_root_with_a_password_gets_more_than_nesting() -> None:
    name = next((name for name, service in services().items() if service.features.keyctl), None)
    if name is None:
        pytest.fail("no service of the catalogue asks for keyctl: remove the rule, or this test")
    key = f"service-{name}"
    assert not resolve(with_services(f"[{name}]")).containers[key].features.keyctl
    root = with_services(f"[{name}]", "").model_copy(
        update={
            "proxmox": with_services("[]").proxmox.model_copy(update={"authentication": "root_password"}),
        }
    )
    assert resolve(root).containers[key].features.keyctl


def test_a_service_that_is_not_there(tmp_path: Path) -> None:
    text = file_problems(tmp_path, "services: {postgres: {}}")
    assert "services.postgres\n    the key postgres is not known here" in text
    assert f"allowed:  {', '.join(services())}" in text
    assert "fix:      did you mean postgresql?" in text


def test_nothing_below_a_service(tmp_path: Path) -> None:
    text = file_problems(tmp_path, "services:\n  redis:")
    assert "services.redis\n    there is nothing here" in text


def test_a_setting_that_a_service_has_not(tmp_path: Path) -> None:
    text = file_problems(tmp_path, "services: {redis: {replica: 2}}")
    assert "services.redis.replica\n    the key replica is not known here" in text
    assert "did you mean replicas?" in text


def test_a_name_in_a_list_that_is_no_service(tmp_path: Path) -> None:
    text = file_problems(tmp_path, "services: [redis, gitae]")
    assert "services\n    there is no service gitae" in text
    assert "did you mean gitea?" in text


@pytest.mark.parametrize("checksum", ["", ", checksum: 'md5:0'"])
def test_a_community_script_needs_a_checksum(tmp_path: Path, checksum: str) -> None:
    url = "https://raw.githubusercontent.com/community-scripts/ProxmoxVE/COMMIT/ct/redis.sh"
    text = file_problems(tmp_path, f"services: {{redis: {{template: {{script: {{url: '{url}'{checksum}}}}}}}}}")
    assert "services.redis.template.script.checksum" in text


def test_the_network_is_not_there() -> None:
    text = said(PLACES.partition("networks:")[0] + "services: [redis, postgresql]")
    assert text.count("the services' network internal is not there") == 1
    assert "such as internal: {bridge: vmbr2, cidr: 10.0.30.0/24" in text


def test_a_disk_smaller_than_the_template() -> None:
    text = problems("{redis: {disk: 5GiB}}")
    assert "the disk is smaller than that of services.redis.template; a clone's can only be larger" in text


def test_a_larger_disk_needs_no_second_apply() -> None:
    assert "second apply" not in problems("{redis: {disk: 30GiB}}")


def test_an_address_that_another_guest_has() -> None:
    text = problems(
        "[redis]",
        "containers: {other: {os: debian-12, vm_id: 9200, network: {name: internal, address: 10.0.30.20}}}",
    )
    assert "10.0.30.20 of service-redis is already that of containers.other" in text


def test_a_number_that_another_guest_has_or_of_another_range() -> None:
    text = problems("{redis: {vm_id: 200}, postgresql: {}}")
    assert "VMID 200 of service-redis is already that of services.postgresql" in text
    text = problems("{redis: {vm_id: 5000}}")
    assert "VMID 5000 of service-redis is outside of the range for services" in text
    assert "200 to 299" in text


def test_a_group_of_a_service_is_its_own() -> None:
    text = problems("[redis]", "containers: {other: {os: debian-12, vm_id: 9200, group: service-redis}}")
    assert "the stack service-redis is that of the service redis" in text


def test_instances_of_a_network_that_is_too_small() -> None:
    text = said(PLACES.replace("10.0.30.0/24, gateway", "10.0.30.0/28, gateway") + "services: {redis: {}}")
    assert "is not in 10.0.30.0/28" in text


def test_enabled_services_know_their_web_pages() -> None:
    for enabled in enabled_services(with_services(f"[{', '.join(services())}]")).values():
        port = enabled.web_port
        assert (enabled.url is None) == (port is None)
        assert port is None or str(enabled.address) in str(enabled.url)


def test_a_mistake_in_one_service_hides_none_in_another(tmp_path: Path) -> None:
    text = file_problems(tmp_path, "services: {redis: {cores: 0}, postgresql: {disk: 2GiB}}")
    assert "services.redis.cores" in text
    assert "services.postgresql.disk\n    the disk is smaller than that of services.postgresql.template" in text


def test_a_service_that_another_one_needs_is_not_there() -> None:
    text = problems("{gitea: {database: postgresql}}")
    assert "gitea as it is set needs the service postgresql, which the environment does not have" in text
    assert "fix:      add postgresql to services" in text
    assert problems("{gitea: {database: postgresql}, postgresql: {}}") == ""


@pytest.mark.parametrize(("reaction", "severity"), [("error", "error"), ("warning", "warning"), ("ignore", "")])
def test_downloads_and_images_that_are_not_locked(reaction: str, severity: str) -> None:
    text = said(
        f"{PLACES}policy: {{unlocked_images: {reaction}}}\nservices: [gitea, vaultwarden]", image_lock=ImageLock.empty()
    )
    expected = f"{severity}: services.gitea\n    the download gitea has no checksum" if severity else ""
    assert expected in text
    assert ("services.vaultwarden\n    the image has no digest" in text) == bool(severity)
    assert severity or not text


@pytest.mark.parametrize(
    ("content", "places"),
    [
        ("services: {redis: {address: 10.0.31.5}}", ["services.redis.address"]),
        ("services: {redis: {}}\nservice_defaults: {build_address: 10.0.31.5}", ["service_defaults.build_address"]),
        ("services: {redis: {template: {address: 10.0.31.5}}}", ["services.redis.template.address"]),
        ("services: {redis: {node: pve2}}", ["services.redis.node"]),
        ("services: {redis: {pool: apps}}", ["services.redis.pool"]),
        ("services: [redis, gitea]\nservice_defaults: {datastore: fast}", ["service_defaults.datastore"]),
        (
            "services: [redis, gitea]\nservice_defaults: {template_datastore: big}",
            ["service_defaults.template_datastore"],
        ),
        ("services: {redis: {datastore: fast}}", ["services.redis.datastore"]),
    ],
)
def test_mistakes_are_where_the_file_can_mend_them_and_said_once(content: str, places: list[str]) -> None:
    found = said(f"{PLACES}{content}")
    assert [line.split()[1] for line in found.splitlines() if line.startswith("error: ")] == places, found


def test_a_number_of_a_replica_is_mended_without_moving_the_first() -> None:
    text = problems(
        "{postgresql: {replicas: 2}}", "containers: {other: {os: debian-12, vm_id: 210, network: internal}}"
    )
    assert "error: services.postgresql.replica_vm_id\n    VMID 210 of service-postgresql-1 is already that of" in text
    assert "fix:      write replica_vm_id: 201, 2 are free from there" in text


def test_an_address_for_a_service_with_replicas_has_room_for_them() -> None:
    text = problems(
        "{postgresql: {replicas: 2}}",
        "containers: {other: {os: debian-12, vm_id: 9200, network: {name: internal, address: 10.0.30.11}}}",
    )
    assert "error: services.postgresql.address\n    the address 10.0.30.11 of service-postgresql-1 is" in text
    assert "fix:      write 10.0.30.2, 3 are free from there" in text


def test_a_list_with_settings_in_it(tmp_path: Path) -> None:
    text = file_problems(tmp_path, "services: [gitea, {redis: {memory: 1GiB}}]")
    assert "services\n    a list of services has names alone, and here is something with settings" in text
    assert "fix:      write services as a map" in text


def test_host_names_of_the_greatest_length(tmp_path: Path) -> None:
    longest = "a" * 63
    assert resolve(with_services(f"{{redis: {{hostname: {longest}}}}}")).containers["service-redis"].hostname == longest
    text = file_problems(tmp_path, f"services: {{redis: {{hostname: {longest}, replicas: 1}}}}")
    assert f"the host name {longest} is too long for replicas" in text
    assert "allowed:  at most 61 characters with replicas" in text
