"""Stacks as the manifest lists them: order, names, selection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from operations.deployment.platforms import select_stacks
from operations.terraform.stacks import Stack, StackError, dependants, read_stacks


def write_app(output: Path, stacks: Mapping[str, list[str]], resources: Mapping[str, Any] | None = None) -> None:
    """What cdktf writes: a manifest, and a configuration for each stack."""
    manifest: dict[str, Any] = {"version": "0.21.0", "stacks": {}}
    for name, dependencies in stacks.items():
        folder = output / "stacks" / name
        folder.mkdir(parents=True)
        backend = {"local": {"path": f"../../../state/{name}.tfstate"}}
        configuration = {"terraform": {"backend": backend}, "resource": (resources or {}).get(name, {})}
        (folder / "cdk.tf.json").write_text(json.dumps(configuration), encoding="utf-8")
        manifest["stacks"][name] = {"name": name, "workingDirectory": f"stacks/{name}", "dependencies": dependencies}
    (output / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_stacks_come_after_what_they_depend_on(tmp_path: Path) -> None:
    write_app(tmp_path, {"dev-web": ["dev-templates"], "dev-templates": ["dev-cluster"], "dev-cluster": []})
    assert [stack.name for stack in read_stacks(tmp_path)] == ["dev-cluster", "dev-templates", "dev-web"]


def test_without_manifest_there_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="cdktf synth"):
        read_stacks(tmp_path)


def test_a_broken_manifest_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(StackError, match=r"manifest\.json can't be read"):
        read_stacks(tmp_path)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([], ["dev-templates", "dev-web", "dev-worker"]),
        (["web"], ["dev-web"]),
        (["dev-web"], ["dev-web"]),
        (["w*"], ["dev-web", "dev-worker"]),
        (["worker", "templates"], ["dev-templates", "dev-worker"]),
    ],
)
def test_patterns_select_stacks_in_order(tmp_path: Path, patterns: list[str], expected: list[str]) -> None:
    write_app(tmp_path, {"dev-templates": [], "dev-web": ["dev-templates"], "dev-worker": ["dev-templates"]})
    assert [stack.name for stack in select_stacks(read_stacks(tmp_path), patterns, "dev")] == expected


def test_what_needs_other_credentials_is_deployed_only_when_it_is_named(tmp_path: Path) -> None:
    write_app(tmp_path, {"dev-access": [], "dev-state-backend": [], "dev-web": []})
    stacks = read_stacks(tmp_path)
    assert [stack.name for stack in select_stacks(stacks, [], "dev")] == ["dev-web"]
    assert [stack.name for stack in select_stacks(stacks, ["access"], "dev")] == ["dev-access"]


def test_a_pattern_that_names_nothing_lists_what_there_is(tmp_path: Path) -> None:
    write_app(tmp_path, {"dev-templates": [], "dev-web": []})
    with pytest.raises(StackError, match=r"called wbe\. There are: templates, web"):
        select_stacks(read_stacks(tmp_path), ["web", "wbe"], "dev")


def test_dependants_are_found_through_others(tmp_path: Path) -> None:
    write_app(tmp_path, {"a": [], "b": ["a"], "c": ["b"], "d": []})
    assert dependants(read_stacks(tmp_path), "a") == {"b", "c"}


def resource(type_: str, path: str, **arguments: Any) -> dict[str, Any]:
    return {type_: {"name": {"//": {"metadata": {"path": f"dev-web/{path}"}}, **arguments}}}


@pytest.mark.parametrize(
    ("resources", "label"),
    [
        (resource("proxmox_virtual_environment_vm", "web-1/Default", vm_id=9100), "VM web-1 (9100)"),
        (
            resource("proxmox_virtual_environment_vm", "debian-12", vm_id=9000, template=True),
            "template debian-12 (9000)",
        ),
        (resource("proxmox_virtual_environment_container", "dns", vm_id=9200), "container dns (9200)"),
        (resource("proxmox_virtual_environment_firewall_rules", "dns/firewall/rules"), "firewall rules of dns"),
        (resource("proxmox_virtual_environment_firewall_ipset", "firewall/ipset-management"), "IP set management"),
        (resource("proxmox_virtual_environment_cluster_firewall", "firewall/options"), "firewall of the cluster"),
        (resource("proxmox_virtual_environment_pool", "pool-services"), "pool services"),
        (resource("proxmox_download_file", "container-template-alpine-3.22/Default"), "image alpine-3.22"),
        (resource("proxmox_virtual_environment_hosts", "pve"), "hosts pve"),
        (
            resource("docker_container", "infisical/postgres/Default", name="infisical-postgres"),
            "Docker container infisical-postgres",
        ),
        (
            resource("docker_image", "infisical/redis-image", name="redis:7-alpine@sha256:" + 64 * "a"),
            "Docker image redis:7-alpine",
        ),
        (
            resource("docker_volume", "infisical/redis-data", name="infisical_redis_data"),
            "Docker volume infisical_redis_data",
        ),
        (resource("docker_network", "infisical/network", name="infisical"), "Docker network infisical"),
        (resource("random_password", "infisical/redis-password"), "random password redis-password"),
    ],
)
def test_resources_are_called_as_people_call_them(tmp_path: Path, resources: dict[str, Any], label: str) -> None:
    write_app(tmp_path, {"dev-web": []}, {"dev-web": resources})
    (stack,) = read_stacks(tmp_path)
    assert [item.label for item in stack.resources.values()] == [label]


def test_what_is_not_in_the_stack_any_more_is_described_by_its_state(tmp_path: Path) -> None:
    write_app(tmp_path, {"dev-web": []})
    (stack,) = read_stacks(tmp_path)
    gone = stack.resource("proxmox_virtual_environment_vm.web-2[0]", {"vm_id": 9101, "node_name": "pve"})
    assert (gone.label, gone.node, gone.construct) == ("VM web-2 (9101)", "pve", "web-2")


def test_the_state_file_is_outside_of_what_is_synthesized(tmp_path: Path) -> None:
    write_app(tmp_path / "cdktf.out", {"dev-web": []})
    (stack,) = read_stacks(tmp_path / "cdktf.out")
    assert stack.state_file == tmp_path / "state" / "dev-web.tfstate"


def test_a_stack_that_reads_another_state_is_known_as_such(tmp_path: Path) -> None:
    configuration: dict[str, Any] = {"data": {"terraform_remote_state": {"other": {}}}}
    (tmp_path / "cdk.tf.json").write_text(json.dumps(configuration), encoding="utf-8")
    assert Stack("x", tmp_path).is_planned_late
