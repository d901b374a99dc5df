"""The app: which stacks there are, in which order, with which state, provider and outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from homelab.config.resolution import resolve
from homelab.stacks.application import build_app
from tests.config.cases import environment
from tests.synthesis import ABSENT, addresses, difference, resources, stack_json, stack_names

TEMPLATE = "templates: {debian-12: {vm_id: 9000, image: debian-12}}\n"
MACHINE = "vms: {web: {template: debian-12, vm_id: 9100, network: {name: lan, address: 10.0.0.20}}}\n"
CONTAINER = "containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.53}}}\n"
POOL = "pools: {services: {}}\n"
ACCESS = "access: {}\n"
HA = """
proxmox:
  nodes: {two: {cores: 4, memory: 8GiB, datastores: {local: {content: [vztmpl, snippets]}, local-lvm: {}}}}
  default_node: pve
  version: %s
containers:
  dns: {os: debian-12, vm_id: 9200, ha: true}
  web: {os: debian-12, vm_id: 9201, group: web, ha: true}
ha: {rules: {home: {type: node-affinity, guests: [dns, web], nodes: [pve]}}}
"""


def synthesized(folder: Path, *texts: str) -> Path:
    """Environments called one, two, ... synthesized into ``folder``."""
    names = ("one", "two", "three")
    resolved = [resolve(environment(text, name)) for text, name in zip(texts, names, strict=False)]
    build_app(resolved, outdir=folder).synth()
    return folder


def dependencies(folder: Path) -> dict[str, set[str]]:
    stacks = json.loads((folder / "manifest.json").read_text())["stacks"]
    return {name: set(entry["dependencies"]) for name, entry in stacks.items()}


@pytest.mark.parametrize(
    ("content", "stacks"),
    [
        (TEMPLATE, {"one-templates"}),
        (CONTAINER, {"one-templates", "one-guests"}),
        (TEMPLATE + MACHINE, {"one-templates", "one-guests"}),
        (POOL, {"one-cluster"}),
        ("firewall: {enabled: false}\n", {"one-cluster"}),
        ("pools: {services: {create: false}}\n" + TEMPLATE, {"one-templates"}),
        (ACCESS, {"one-access"}),
        ("containers: {dns: {template_file: 'local:vztmpl/a.tar.zst', os_type: debian, vm_id: 9200}}", {"one-guests"}),
        ("", set()),
    ],
    ids=lambda value: value.partition(":")[0] if isinstance(value, str) else None,
)
def test_a_stack_with_nothing_in_it_is_left_out(content: str, stacks: set[str], tmp_path: Path) -> None:
    assert stack_names(synthesized(tmp_path, content)) == stacks


def test_every_group_is_a_stack_of_the_environment(tmp_path: Path) -> None:
    content = TEMPLATE + (
        "vms: {a: {template: debian-12, vm_id: 9100, group: web}, b: {template: debian-12, vm_id: 9101, group: db}}\n"
        "containers: {c: {os: debian-12, vm_id: 9200, group: web}}\n"
    )

    folder = synthesized(tmp_path, content)

    assert stack_names(folder) == {"one-templates", "one-web", "one-db"}
    assert addresses(stack_json(folder, "one-web")) == {
        "proxmox_virtual_environment_vm.a",
        "proxmox_virtual_environment_container.c",
    }
    assert addresses(stack_json(folder, "one-db")) == {"proxmox_virtual_environment_vm.b"}


def test_two_environments_have_stacks_of_their_own(tmp_path: Path) -> None:
    folder = synthesized(tmp_path, TEMPLATE, TEMPLATE + ACCESS)

    assert stack_names(folder) == {"one-templates", "two-templates", "two-access"}
    assert all(not any(name.startswith("one") for name in needed) for needed in dependencies(folder).values())


def test_guests_wait_for_cluster_and_templates_and_nothing_waits_for_access(tmp_path: Path) -> None:
    assert dependencies(synthesized(tmp_path, TEMPLATE + MACHINE + POOL + ACCESS)) == {
        "one-access": set(),
        "one-cluster": set(),
        "one-templates": set(),
        "one-guests": {"one-cluster", "one-templates"},
    }


CLONES = (
    "containers:\n"
    "  copy: {clone_from: base, vm_id: 9201, group: copies}\n"
    "  base: {os: debian-12, vm_id: 9200, template: true, group: bases}\n"
    "  other: {os: debian-12, vm_id: 9202, group: others}\n"
)


def test_a_group_waits_for_the_group_that_it_is_cloned_from_and_for_no_other(tmp_path: Path) -> None:
    found = dependencies(synthesized(tmp_path, CLONES))

    assert found["one-copies"] == {"one-templates", "one-bases"}
    assert found["one-bases"] == found["one-others"] == {"one-templates"}


def test_in_one_group_a_clone_waits_for_what_it_is_cloned_from(tmp_path: Path) -> None:
    content = CLONES.replace("group: copies", "group: all").replace("group: bases", "group: all")

    containers = resources(
        stack_json(synthesized(tmp_path, content), "one-all"), "proxmox_virtual_environment_container"
    )

    assert containers["copy"]["depends_on"] == ["proxmox_virtual_environment_container.base"]
    assert "depends_on" not in containers["base"]


def test_between_stacks_nothing_is_read_from_a_state(tmp_path: Path) -> None:
    folder = synthesized(tmp_path, TEMPLATE + MACHINE + CONTAINER + POOL)

    assert all("data" not in stack_json(folder, name) for name in stack_names(folder))


@pytest.mark.parametrize("name", ["one-templates", "one-guests"])
def test_a_local_state_is_relative_and_outside_cdktf_out(name: str, tmp_path: Path) -> None:
    out = synthesized(tmp_path / "cdktf.out", TEMPLATE + MACHINE)

    path = stack_json(out, name)["terraform"]["backend"]["local"]["path"]
    assert not Path(path).is_absolute()
    assert (out / "stacks" / name / path).resolve() == tmp_path / "state" / f"{name}.tfstate"


def test_a_folder_for_the_state_is_where_the_file_says(tmp_path: Path) -> None:
    out = synthesized(tmp_path / "cdktf.out", TEMPLATE + "state: {backend: local, directory: kept/here/}\n")

    path = stack_json(out, "one-templates")["terraform"]["backend"]["local"]["path"]
    assert (out / "stacks" / "one-templates" / path).resolve() == tmp_path / "kept" / "here" / "one-templates.tfstate"


def test_an_absolute_folder_stays_absolute(tmp_path: Path) -> None:
    out = synthesized(tmp_path, TEMPLATE + "state: {backend: local, directory: /srv/state}\n")

    backend = stack_json(out, "one-templates")["terraform"]["backend"]
    assert backend == {"local": {"path": "/srv/state/one-templates.tfstate"}}


def backend_of(folder: Path, state: str) -> dict[str, Any]:
    backend: dict[str, Any] = stack_json(synthesized(folder, f"{TEMPLATE}state: {state}\n"), "one-templates")[
        "terraform"
    ]
    return backend


def test_s3_state_is_encrypted_and_locked_and_one_object_for_each_stack(tmp_path: Path) -> None:
    assert backend_of(tmp_path, "{backend: s3, bucket: tfstate, lock_table: locks}")["backend"] == {
        "s3": {
            "bucket": "tfstate",
            "key": "homelab/one/one-templates.tfstate",
            "workspace_key_prefix": "homelab/one/workspaces",
            "region": "us-east-2",
            "encrypt": True,
            "dynamodb_table": "locks",
        }
    }


def test_two_stacks_never_share_an_object(tmp_path: Path) -> None:
    state = "state: {backend: s3, bucket: tfstate, lock_table: locks}\n"
    folder = synthesized(tmp_path, TEMPLATE + MACHINE + state, TEMPLATE + state)

    keys = [stack_json(folder, name)["terraform"]["backend"]["s3"]["key"] for name in sorted(stack_names(folder))]
    assert keys == [
        "homelab/one/one-guests.tfstate",
        "homelab/one/one-templates.tfstate",
        "homelab/two/two-templates.tfstate",
    ]


def test_a_lock_file_needs_a_newer_terraform(tmp_path: Path) -> None:
    found = backend_of(tmp_path, "{backend: s3, bucket: tfstate, lock_file: true}")

    assert found["backend"]["s3"]["use_lockfile"] is True
    assert "dynamodb_table" not in found["backend"]["s3"]
    assert found["required_version"] == ">= 1.10.0"


def test_another_s3_server_is_named_and_not_asked_what_only_amazons_knows(tmp_path: Path) -> None:
    state = "{backend: s3, bucket: tfstate, lock_file: true, endpoint: 'https://minio.home.arpa:9000'}"

    found = backend_of(tmp_path, state)["backend"]["s3"]

    assert found["endpoints"] == {"s3": "https://minio.home.arpa:9000"}
    assert {key for key, value in found.items() if value is True and key.startswith(("skip", "use_path"))} == {
        "skip_credentials_validation",
        "skip_metadata_api_check",
        "skip_region_validation",
        "skip_requesting_account_id",
        "skip_s3_checksum",
        "use_path_style",
    }


def provider_of(folder: Path, changes: str = "") -> dict[str, Any]:
    [provider] = stack_json(synthesized(folder, TEMPLATE + changes), "one-templates")["provider"]["proxmox"]
    found: dict[str, Any] = provider
    return found


def test_the_provider_has_an_endpoint_and_no_credentials(tmp_path: Path) -> None:
    assert provider_of(tmp_path) == {"endpoint": "https://pve.home.arpa:8006", "ssh": {"username": "root"}}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ("{endpoint: 'https://other:8006/api2/json'}", {"endpoint": "https://other:8006"}),
        ("{insecure: true}", {"insecure": True}),
        ("{ssh: {username: admin}}", {"ssh.username": "admin"}),
        ("{ssh: {agent: true}}", {"ssh.agent": True}),
        ("{ssh: {agent: false}}", {"ssh.agent": False}),
        (
            "{nodes: {pve: {address: 192.168.3.2, ssh_port: 2222}}}",
            {"ssh.node.0.name": "pve", "ssh.node.0.address": "192.168.3.2", "ssh.node.0.port": 2222},
        ),
        (
            "{nodes: {pve: {ssh_port: 2222}}}",
            {"ssh.node.0.name": "pve", "ssh.node.0.address": "pve", "ssh.node.0.port": 2222},
        ),
    ],
    ids=str,
)
def test_a_setting_of_the_provider_is_one_argument(changes: str, expected: dict[str, Any], tmp_path: Path) -> None:
    before, after = provider_of(tmp_path / "before"), provider_of(tmp_path / "after", f"proxmox: {changes}\n")

    assert difference(before, after) == expected
    assert ABSENT not in expected.values()


def test_the_provider_is_pinned_in_every_stack(tmp_path: Path) -> None:
    folder = synthesized(tmp_path, TEMPLATE + MACHINE + POOL + ACCESS)

    versions = {
        name: stack_json(folder, name)["terraform"]["required_providers"]["proxmox"] for name in stack_names(folder)
    }
    assert all(wanted == {"source": "bpg/proxmox", "version": "0.111.1"} for wanted in versions.values())
    assert len(versions) == 4


def test_every_stack_says_which_terraform_it_needs(tmp_path: Path) -> None:
    folder = synthesized(tmp_path, TEMPLATE + MACHINE)

    found = {stack_json(folder, name)["terraform"]["required_version"] for name in stack_names(folder)}
    assert found == {">= 1.9.0"}


def test_the_folder_above_the_output_is_made(tmp_path: Path) -> None:
    assert stack_names(synthesized(tmp_path / "a" / "b" / "cdktf.out", TEMPLATE)) == {"one-templates"}


def test_rules_wait_for_all_guests_that_they_are_about(tmp_path: Path) -> None:
    folder = synthesized(tmp_path, HA % 9)

    assert dependencies(folder)["one-ha"] == {"one-guests", "one-web"}
    rule = resources(stack_json(folder, "one-ha"), "proxmox_harule")["home"]
    assert rule["resources"] == ["ct:9200", "ct:9201"]


def test_before_proxmox_9_rules_are_groups_that_guests_name(tmp_path: Path) -> None:
    folder = synthesized(tmp_path, HA % 8)

    assert "one-ha" not in stack_names(folder)
    assert resources(stack_json(folder, "one-cluster"), "proxmox_hagroup")["ha-group-home"]["group"] == "home"
    [managed] = resources(stack_json(folder, "one-web"), "proxmox_haresource").values()
    assert managed["group"] == "home"


def test_networks_are_there_before_guests(tmp_path: Path) -> None:
    folder = synthesized(tmp_path, CONTAINER + "sdn: {zones: {lab: {type: simple}}, vnets: {lab1: {zone: lab}}}\n")

    assert "one-sdn" in dependencies(folder)["one-guests"]
    outputs = stack_json(folder, "one-sdn")["output"]
    assert outputs["sdn_vnets"]["value"] == {"lab1": {"zone": "lab", "subnets": []}}


def test_the_outputs_say_where_ha_has_a_guest(tmp_path: Path) -> None:
    folder = synthesized(tmp_path, HA % 9)

    made = stack_json(folder, "one-guests")["output"]["lxc_containers_created"]["value"]
    assert made["dns"]["node"] == "${proxmox_virtual_environment_container.dns.node_name}"


def test_snippets_of_a_template_are_wherever_ha_may_start_its_clones(tmp_path: Path) -> None:
    text = HA % 9 + TEMPLATE + "vms: {app: {template: debian-12, vm_id: 9100, ha: true}}\n"

    files = resources(stack_json(synthesized(tmp_path, text), "one-templates"), "proxmox_virtual_environment_file")
    assert {file["node_name"] for file in files.values()} == {"pve", "two"}
