"""The outputs of the stacks: what was made, under which number and address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from homelab.config.resolution import resolve
from homelab.stacks.application import build_app
from tests.config.cases import environment
from tests.synthesis import stack_json

CONTENT = """
tags: [home]
networks: {dhcp-only: {bridge: vmbr0, cidr: 10.0.1.0/24}}
templates: {debian-12: {vm_id: 9000, image: debian-12}}
access: {}
vms:
  web: {template: debian-12, vm_id: 9100, cores: 4, memory: 4GiB, disk: 32GiB, network: {name: lan, address: 10.0.0.20}}
  dynamic: {template: debian-12, vm_id: 9101, network: dhcp-only, cloud_init: {user: admin}}
  silent: {template: debian-12, vm_id: 9102, network: dhcp-only, agent: false}
  alone: {template: debian-12, vm_id: 9103}
  second: {template: debian-12, vm_id: 9104, network: [dhcp-only, {name: lan, address: 10.0.0.21}]}
containers:
  dns: {os: alpine-3.22, vm_id: 9200, disk: 4GiB, network: {name: lan, address: 10.0.0.53}}
  dynamic-too: {os: debian-12, vm_id: 9201, network: dhcp-only}
  cut-off: {os: debian-12, vm_id: 9202}
"""
GUESTS = {
    "vms_created",
    "vms_summary",
    "vm_ids",
    "lxc_containers_created",
    "lxc_summary",
    "lxc_ids",
    "infrastructure_summary",
    "proxmox_configuration",
}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outputs")
    build_app([resolve(environment(CONTENT))], outdir=folder).synth()
    return folder


def values(output: Path, stack: str) -> dict[str, Any]:
    return {name: entry["value"] for name, entry in stack_json(output, f"one-{stack}")["output"].items()}


def test_the_outputs_of_the_templates(output: Path) -> None:
    found = values(output, "templates")

    assert set(found) == {"templates_created", "template_ids", "infrastructure_summary", "proxmox_configuration"}
    assert found["template_ids"] == {"debian-12": 9000}
    assert found["templates_created"] == {
        "debian-12": {
            "vm_id": 9000,
            "name": "debian-12",
            "node": "pve",
            "image": "one-debian-12-debian-12-generic-amd64.qcow2",
        }
    }


def test_the_outputs_of_guests(output: Path) -> None:
    assert set(values(output, "guests")) == GUESTS


def test_ids_are_by_key(output: Path) -> None:
    found = values(output, "guests")

    assert found["vm_ids"] == {"web": 9100, "dynamic": 9101, "silent": 9102, "alone": 9103, "second": 9104}
    assert found["lxc_ids"] == {"dns": 9200, "dynamic-too": 9201, "cut-off": 9202}


def test_a_machine_says_what_it_is(output: Path) -> None:
    assert values(output, "guests")["vms_created"]["web"] == {
        "vm_id": 9100,
        "name": "web",
        "node": "pve",
        "address": "10.0.0.20",
        "mac_addresses": "${proxmox_virtual_environment_vm.web.network_device[*].mac_address}",
        "template": 9000,
        "user": "debian",
    }


def test_a_container_says_what_it_is(output: Path) -> None:
    assert values(output, "guests")["lxc_containers_created"]["dns"] == {
        "vm_id": 9200,
        "hostname": "dns",
        "node": "pve",
        "address": "10.0.0.53",
        "os_type": "alpine",
        "unprivileged": True,
    }


def test_summaries_have_the_size_with_its_unit(output: Path) -> None:
    found = values(output, "guests")

    assert found["vms_summary"]["web"] == {
        "cores": 4,
        "memory_mib": 4096,
        "disk_gib": 32,
        "node": "pve",
        "tags": ["home", "one"],
    }
    assert found["lxc_summary"]["dns"] == {
        "cores": 1,
        "memory_mib": 512,
        "disk_gib": 4,
        "node": "pve",
        "tags": ["home", "one"],
    }


def test_the_user_is_the_one_that_cloud_init_makes(output: Path) -> None:
    created = values(output, "guests")["vms_created"]

    assert [created[key]["user"] for key in ("web", "dynamic")] == ["debian", "admin"]


def test_an_address_from_dhcp_is_the_agents_without_the_loopback(output: Path) -> None:
    address = values(output, "guests")["vms_created"]["dynamic"]["address"]

    assert address == (
        "${try([for address in flatten(proxmox_virtual_environment_vm.dynamic.ipv4_addresses) : address "
        'if !startswith(address, "127.")][0], null)}'
    )


def test_a_containers_address_from_dhcp_is_its_first_interfaces(output: Path) -> None:
    address = values(output, "guests")["lxc_containers_created"]["dynamic-too"]["address"]

    assert address == '${try(split("/", proxmox_virtual_environment_container.dynamic-too.ipv4["eth0"])[0], null)}'


@pytest.mark.parametrize(
    ("output_name", "key"),
    [("vms_created", "silent"), ("vms_created", "alone"), ("lxc_containers_created", "cut-off")],
)
def test_where_no_address_can_be_known_it_is_null_and_the_key_stays(output_name: str, key: str, output: Path) -> None:
    assert values(output, "guests")[output_name][key]["address"] == "${null}"


def test_a_static_address_wins_wherever_it_is(output: Path) -> None:
    assert values(output, "guests")["vms_created"]["second"]["address"] == "10.0.0.21"


@pytest.mark.parametrize(
    ("stack", "templates", "machines", "containers"), [("templates", 1, 0, 0), ("guests", 0, 5, 3)]
)
def test_the_summary_counts_its_own_stack(
    stack: str, templates: int, machines: int, containers: int, output: Path
) -> None:
    assert values(output, stack)["infrastructure_summary"] == {
        "environment": "one",
        "stack": f"one-{stack}",
        "nodes": ["pve"],
        "templates_count": templates,
        "vms_count": machines,
        "lxc_count": containers,
        "total_resources": templates + machines + containers,
    }


def test_where_it_was_deployed_to(output: Path) -> None:
    assert values(output, "guests")["proxmox_configuration"] == {
        "endpoint": "https://pve.home.arpa:8006",
        "nodes": ["pve"],
        "insecure": False,
    }


def test_the_token_is_sensitive_and_nothing_else_is(output: Path) -> None:
    found = stack_json(output, "one-access")["output"]

    assert {name: entry.get("sensitive", False) for name, entry in found.items()} == {
        "token_id": False,
        "api_token": True,
    }


def test_the_access_stack_grants_what_the_environment_needs(output: Path) -> None:
    [role] = stack_json(output, "one-access")["resource"]["proxmox_virtual_environment_role"].values()

    assert role["role_id"] == "Homelab"
    assert {"VM.Allocate", "Datastore.AllocateTemplate"} <= set(role["privileges"])
    assert "Sys.Modify" not in role["privileges"]
