"""The stacks of the secrets platform: their order, what reads what, and that nothing secret is in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from homelab.config.image_lock import ImageLock, LockedContainerImage
from homelab.config.resolution import resolve
from homelab.platforms.secrets.infisical import heap_mib, infisical_memory_mib
from homelab.stacks.application import build_app
from tests.config.cases import environment
from tests.stacks.test_application import dependencies
from tests.synthesis import addresses, resources, stack_json, stack_names, the_resource

SECRETS = """
secrets:
  network: {name: lan, address: 10.0.0.20}
  admin: {email: admin@example.com}
"""
DHCP = SECRETS.replace("{name: lan, address: 10.0.0.20}", "lan")
PROJECTS = (
    SECRETS + "  projects: {homelab: {environments: {prod: {folders: {/: {A: {sops: keys/a.yaml, key: b.c}}}}}}}\n"
)
DIGEST = f"sha256:{'ab' * 32}"


def synthesized(folder: Path, text: str, lock: ImageLock | None = None) -> Path:
    build_app([resolve(environment(text), lock)], outdir=folder).synth()
    return folder


def command(folder: Path, phase: str) -> dict[str, Any]:
    """The local-exec provisioner of a phase."""
    resource = the_resource(stack_json(folder, f"one-secrets-{phase}"), "null_resource")
    provisioner: dict[str, Any] = resource["provisioner"][0]["local-exec"]
    return provisioner


def test_each_phase_is_a_stack_that_waits_for_the_one_before(tmp_path: Path) -> None:
    waits = dependencies(synthesized(tmp_path, PROJECTS))

    assert waits == {
        "one-templates": set(),
        "one-secrets-host": {"one-templates"},
        "one-secrets-infisical": {"one-secrets-host"},
        "one-secrets-bootstrap": {"one-secrets-infisical"},
        "one-secrets-identity": {"one-secrets-bootstrap"},
        "one-secrets-resources": {"one-secrets-identity"},
    }


def test_without_projects_there_is_no_stack_for_them(tmp_path: Path) -> None:
    assert "one-secrets-resources" not in stack_names(synthesized(tmp_path, SECRETS))


def test_each_phase_has_a_state_of_its_own(tmp_path: Path) -> None:
    folder = synthesized(tmp_path, "state: {backend: s3, bucket: homelab-tfstate, lock_table: locks}\n" + PROJECTS)
    keys = {
        name: stack_json(folder, name)["terraform"]["backend"]["s3"]["key"]
        for name in stack_names(folder)
        if "secrets" in name
    }

    assert keys["one-secrets-identity"] == "homelab/one/one-secrets-identity.tfstate"
    assert len(set(keys.values())) == len(keys) == 5


def test_states_are_read_only_for_what_no_configuration_knows(tmp_path: Path) -> None:
    folder = synthesized(tmp_path, PROJECTS)
    read = {
        name.removeprefix("one-secrets-"): set(
            stack_json(folder, name).get("data", {}).get("terraform_remote_state", {})
        )
        for name in stack_names(folder)
    }

    assert read == {
        "one-templates": set(),
        "host": set(),
        "infisical": set(),
        "bootstrap": {"state-of-secrets-infisical"},
        "identity": {"state-of-secrets-infisical"},
        "resources": set(),
    }


def test_with_dhcp_the_address_comes_from_the_state_of_the_host(tmp_path: Path) -> None:
    folder = synthesized(tmp_path, DHCP)
    address = "${data.terraform_remote_state.state-of-secrets-host.outputs.docker_container_ip}"
    infisical = stack_json(folder, "one-secrets-infisical")

    assert infisical["provider"]["docker"][0]["host"] == f"ssh://root@{address}:22"
    assert resources(infisical, "docker_container")["infisical"]["ports"][0]["ip"] == "0.0.0.0"  # noqa: S104
    assert command(folder, "bootstrap")["environment"]["INFISICAL_DOMAIN"] == f"http://{address}:8080"
    outputs = stack_json(folder, "one-secrets-host")["output"]
    assert "proxmox_virtual_environment_container.secrets.ipv4" in outputs["docker_container_ip"]["value"]


def test_states_in_a_bucket_are_read_from_there(tmp_path: Path) -> None:
    state = "state: {backend: s3, bucket: tfstate, endpoint: 'https://minio.home.arpa:9000', lock_file: true}\n"
    folder = synthesized(tmp_path, state + SECRETS)
    [read] = stack_json(folder, "one-secrets-bootstrap")["data"]["terraform_remote_state"].values()

    assert read["backend"] == "s3"
    assert read["config"]["key"] == "homelab/one/one-secrets-infisical.tfstate"
    assert read["config"]["endpoints"] == {"s3": "https://minio.home.arpa:9000"}
    assert read["config"]["use_path_style"] is True


def test_the_engine_is_reached_with_verified_host_keys(tmp_path: Path) -> None:
    provider = stack_json(synthesized(tmp_path, SECRETS), "one-secrets-infisical")["provider"]["docker"][0]

    assert provider["host"] == "ssh://root@10.0.0.20:22"
    assert "StrictHostKeyChecking=yes" in provider["ssh_opts"]
    assert "UserKnownHostsFile=../../../state/one.known_hosts" in provider["ssh_opts"]


def test_providers_are_asked_for_in_the_range_that_is_tested(tmp_path: Path) -> None:
    required = stack_json(synthesized(tmp_path, SECRETS), "one-secrets-infisical")["terraform"]["required_providers"]

    assert required == {
        "docker": {"source": "kreuzwerker/docker", "version": ">= 4.6.0, < 5"},
        "random": {"source": "hashicorp/random", "version": "~> 3.7"},
    }


def test_images_have_the_digests_of_the_lock_file(tmp_path: Path) -> None:
    entry = LockedContainerImage(digest=DIGEST, resolved_at="2026-01-01T00:00:00Z")  # type: ignore[arg-type]
    lock = ImageLock(container_images={"docker.io/library/postgres:15-alpine": entry})
    images = resources(stack_json(synthesized(tmp_path, SECRETS, lock), "one-secrets-infisical"), "docker_image")

    assert images["postgres-image"]["name"] == f"postgres:15-alpine@{DIGEST}"
    assert images["redis-image"]["name"] == "redis:7-alpine"


def test_what_must_not_be_lost_is_not_destroyed(tmp_path: Path) -> None:
    folder = synthesized(tmp_path, SECRETS)
    stack = stack_json(folder, "one-secrets-infisical")
    kept = {
        f"{type_}.{name}"
        for type_, found in stack["resource"].items()
        for name, arguments in found.items()
        if arguments.get("lifecycle", {}).get("prevent_destroy")
    }

    assert kept == {
        "docker_volume.postgres-data",
        "docker_volume.redis-data",
        "random_bytes.encryption-key",
        "random_id.database-login",
        "random_password.infisical-admin-password",
        "random_password.jwt-signing-key",
        "random_password.postgres-password",
        "random_password.redis-password",
    }
    host = the_resource(stack_json(folder, "one-secrets-host"), "proxmox_virtual_environment_container")
    assert host["lifecycle"]["prevent_destroy"] is True


def test_credentials_have_the_lengths_of_the_documentation(tmp_path: Path) -> None:
    folder = synthesized(tmp_path, SECRETS)
    passwords = {
        name: (made["length"], made["special"])
        for stack in ("host", "infisical")
        for name, made in resources(stack_json(folder, f"one-secrets-{stack}"), "random_password").items()
    }

    assert passwords == {
        "docker-lxc-password": (16, False),
        "infisical-admin-password": (24, True),
        "postgres-password": (32, False),
        "redis-password": (32, False),
        "jwt-signing-key": (32, False),
    }
    assert the_resource(stack_json(folder, "one-secrets-infisical"), "random_bytes")["length"] == 16


def test_no_password_is_in_a_command(tmp_path: Path) -> None:
    folder = synthesized(tmp_path, PROJECTS)
    containers = resources(stack_json(folder, "one-secrets-infisical"), "docker_container").values()
    commands = [*(container.get("command") for container in containers)]
    commands += [container["healthcheck"]["test"] for container in containers]
    commands += [command(folder, phase)["command"] for phase in ("bootstrap", "identity", "resources")]

    assert "random_password" not in json.dumps(commands)
    assert "nonsensitive" not in json.dumps(commands)


def test_sensitive_outputs_say_so(tmp_path: Path) -> None:
    folder = synthesized(tmp_path, PROJECTS)
    sensitive = {
        name
        for stack in stack_names(folder)
        for name, output in stack_json(folder, stack).get("output", {}).items()
        if output.get("sensitive")
    }

    assert sensitive == {
        "database_rotation",
        "docker_lxc_password",
        "infisical_admin_password",
        "infisical_client_id",
        "infisical_client_secret",
        "key_backup",
    }


def test_the_document_names_files_of_sops_from_its_own_folder(tmp_path: Path) -> None:
    provisioner = command(synthesized(tmp_path, PROJECTS), "resources")
    document = json.loads(unquote(provisioner["environment"]["HOMELAB_SECRETS_DOCUMENT"]))

    [secret] = document["projects"][0]["secrets"]
    assert secret["value"]["file"] == "../../keys/a.yaml"
    assert "--file state/one.infisical/resources.json" in provisioner["command"]


def test_another_secret_is_another_trigger_and_nothing_else(tmp_path: Path) -> None:
    before = synthesized(tmp_path / "before", PROJECTS)
    after = synthesized(tmp_path / "after", PROJECTS.replace("key: b.c", "key: b.d"))
    differing = {name for name in stack_names(before) if stack_json(before, name) != stack_json(after, name)}

    assert differing == {"one-secrets-resources"}


def test_addresses_are_readable(tmp_path: Path) -> None:
    assert addresses(stack_json(synthesized(tmp_path, SECRETS), "one-secrets-infisical")) >= {
        "docker_container.infisical",
        "docker_container.postgres",
        "docker_container.redis",
        "docker_network.network",
    }


@pytest.mark.parametrize(
    ("host", "limit", "heap"), [(2048, 1024, 768), (4096, 3072, 2048), (8192, 7168, 2048)], ids=str
)
def test_memory_is_shared_out(host: int, limit: int, heap: int) -> None:
    assert infisical_memory_mib(host) == limit
    assert heap_mib(limit) == heap
