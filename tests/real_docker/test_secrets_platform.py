"""The secrets platform on a real Docker Engine: pulled, started, set up, used, made anew. Only its node is simulated.

What is deployed once is looked at by the tests in their order; those that change something come last.
"""

from __future__ import annotations

import contextlib
import json
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.real_docker.images import REFERENCES
from tests.real_docker.secrets_site import NAME, PHASES, VM_ID, SecretsSite

pytestmark = [pytest.mark.system, pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(900)]

CONTAINERS = {"infisical-postgres": "postgres", "infisical-redis": "redis", "infisical": "infisical"}
"""Containers by name, with the image that each runs."""


def refuses(address: str, port: int) -> bool:
    """Whether nothing listens at a port."""
    with socket.socket() as client:
        client.settimeout(5)
        return client.connect_ex((address, port)) != 0


def status(site: SecretsSite, path: str = "/api/status") -> Any:
    return httpx.get(f"{site.url}{path}", timeout=10, trust_env=False).json()


def connects(site: SecretsSite, container: str, host: str, port: int) -> bool:
    """Whether a program in a container reaches a port."""
    program = f"import socket; socket.create_connection(({host!r}, {port}), timeout=3)"
    return site.engine.docker("exec", container, "python3", "-c", program, check=False).returncode == 0


def sql(site: SecretsSite, statement: str) -> str:
    """What the database answers to its own login."""
    command = 'psql --username="$POSTGRES_USER" --dbname=infisical --no-psqlrc --tuples-only --no-align --command="$0"'
    return site.engine.inside("infisical-postgres", "sh", "-c", command, statement)


def test_the_stacks_are_those_of_the_phases(deployed: SecretsSite) -> None:
    assert [name for name in deployed.deployment.stacks if name.startswith("secrets-")] == list(PHASES)


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_container_is_healthy_and_runs_the_locked_image(container: str, deployed: SecretsSite) -> None:
    found = deployed.engine.inspect(container)
    reference = REFERENCES[CONTAINERS[container]]
    [image] = json.loads(deployed.engine.docker("image", "inspect", found["Image"]).stdout)
    repository, _, tag = reference.partition(":")
    library = repository if "/" in repository else f"library/{repository}"

    assert found["State"]["Health"]["Status"] == "healthy"
    assert image["RepoDigests"] == [f"{repository}@{deployed.engine.digest(library, tag)}"]


@pytest.mark.parametrize(
    ("container", "mebibytes"), [("infisical-postgres", 512), ("infisical-redis", 128), ("infisical", 3072)]
)
def test_limits_restarts_and_logs_are_in_force(container: str, mebibytes: int, deployed: SecretsSite) -> None:
    host = deployed.engine.inspect(container)["HostConfig"]

    assert host["Memory"] == mebibytes * 1024**2
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "3", "max-size": "10m"}}
    assert not host["Privileged"]


def test_only_the_web_port_is_open_on_the_hosts_address_alone(deployed: SecretsSite) -> None:
    address = deployed.engine.address
    bindings = {name: deployed.engine.inspect(name)["HostConfig"]["PortBindings"] or {} for name in CONTAINERS}

    assert bindings == {
        "infisical-postgres": {},
        "infisical-redis": {},
        "infisical": {"8080/tcp": [{"HostIp": address, "HostPort": "8080"}]},
    }
    assert status(deployed)["message"] == "Ok"
    assert refuses(address, 5432)
    assert refuses(address, 6379)


def test_database_and_queue_are_reachable_on_their_own_network_alone(deployed: SecretsSite) -> None:
    addresses = {
        name: deployed.engine.inspect(name)["NetworkSettings"]["Networks"]["infisical"]["IPAddress"]
        for name in ("infisical-postgres", "infisical-redis")
    }
    image = deployed.engine.inspect("infisical")["Image"]
    deployed.engine.docker("run", "--detach", "--name", "stranger", "--entrypoint", "sleep", image, "600")
    try:
        for name, alias, port in (("infisical-postgres", "postgres", 5432), ("infisical-redis", "redis", 6379)):
            assert connects(deployed, "infisical", alias, port)
            assert not connects(deployed, "stranger", addresses[name], port)
    finally:
        deployed.engine.docker("rm", "--force", "stranger")


def test_the_database_wants_its_password_and_has_its_settings(deployed: SecretsSite) -> None:
    engine = deployed.engine
    wrong = engine.inside(
        "infisical", "python3", "-c", _connect("postgres://postgres:wrong@postgres/infisical"), check=False
    )
    shown = sql(
        deployed,
        "select name || '=' || current_setting(name) from pg_settings where name in"
        " ('shared_buffers', 'work_mem', 'maintenance_work_mem', 'effective_cache_size') order by name",
    )
    version = engine.inside("infisical-postgres", "postgres", "--version")

    assert "password authentication failed" in wrong
    assert shown.split() == [
        "effective_cache_size=128MB",
        "maintenance_work_mem=32MB",
        "shared_buffers=64MB",
        "work_mem=4MB",
    ]
    assert "PostgreSQL) 15." in version


def _connect(url: str) -> str:
    return f"import psycopg2; psycopg2.connect({url!r}, connect_timeout=5)"


def test_the_queue_wants_its_password_and_throws_nothing_away(deployed: SecretsSite) -> None:
    engine = deployed.engine

    assert "NOAUTH" in engine.inside("infisical-redis", "env", "-u", "REDISCLI_AUTH", "redis-cli", "ping", check=False)
    assert engine.inside("infisical-redis", "redis-cli", "ping").strip() == "PONG"
    for setting, value in (("maxmemory-policy", "noeviction"), ("appendonly", "yes"), ("maxmemory", "50331648")):
        assert engine.inside("infisical-redis", "redis-cli", "config", "get", setting).split() == [setting, value]


def test_no_secret_is_in_an_argument_list(deployed: SecretsSite) -> None:
    secrets = deployed.secrets()
    words = b"\0".join(_command_lines()).decode(errors="replace")

    assert len(secrets) >= 8
    assert "redis-server" in words
    assert not [secret for secret in secrets if secret in words]


def _command_lines() -> list[bytes]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            # A process may end in between.
            with contextlib.suppress(OSError):
                found.append((folder / "cmdline").read_bytes())
    return found


def test_no_secret_is_in_what_is_synthesized(deployed: SecretsSite) -> None:
    folder = deployed.deployment.folder / "cdktf.out"
    text = "".join(file.read_text(encoding="utf-8") for file in folder.glob("stacks/*/cdk.tf.json"))

    assert not [secret for secret in deployed.secrets() if secret in text]


def test_credentials_are_as_long_as_documented(deployed: SecretsSite) -> None:
    environment = dict(entry.split("=", 1) for entry in deployed.engine.inspect("infisical")["Config"]["Env"])
    host, own = deployed.deployment.outputs("secrets-host"), deployed.deployment.outputs("secrets-infisical")

    assert len(bytes.fromhex(environment["ENCRYPTION_KEY"])) == 16
    assert len(environment["AUTH_SECRET"]) == 32
    assert len(environment["DB_CONNECTION_URI"].split(":")[2].partition("@")[0]) == 32
    assert len(host["docker_lxc_password"]) == 16
    assert len(own["infisical_admin_password"]) == 24
    assert environment["TELEMETRY_ENABLED"] == "false"
    assert environment["SITE_URL"] == deployed.url


def test_it_is_set_up_and_nobody_else_can_sign_up(deployed: SecretsSite) -> None:
    config = status(deployed, "/api/v1/admin/config")["config"]

    assert (config["initialized"], config["allowSignUp"]) == (True, False)


def test_what_the_bootstrap_saved_is_private_and_complete(deployed: SecretsSite) -> None:
    for name in ("infisical_bootstrap.auto.tfvars", "infisical_token.auto.tfvars", "resources.json"):
        assert stat.S_IMODE((deployed.directory / name).stat().st_mode) == 0o600, name
    for phase in ("admin", "identity"):
        done = deployed.bootstrap(
            "status", "--phase", phase, "--domain", deployed.url, "--directory", str(deployed.directory)
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_outputs_name_what_was_made(deployed: SecretsSite) -> None:
    outputs = {name: value for phase in PHASES for name, value in deployed.deployment.outputs(phase).items()}

    assert outputs["docker_container_id"] == VM_ID
    assert outputs["docker_container_hostname"] == "secrets"
    assert outputs["docker_container_ip"] == deployed.engine.address
    assert outputs["infisical_url"] == deployed.url
    assert outputs["infisical_container_id"] == deployed.engine.inspect("infisical")["Id"]
    assert outputs["infisical_bootstrap_complete"] is True
    assert outputs["infisical_admin_email"] == "admin@example.com"
    for name in ("organization_id", "identity_id", "client_id", "client_secret", "project_id"):
        assert len(outputs[f"infisical_{name}"]) >= 36, name
    assert outputs["infisical_project_ids"] == {"homelab-secrets": outputs["infisical_project_id"]}


@pytest.mark.parametrize("phase", PHASES[1:])
def test_probes_of_a_phase_answer(phase: str, deployed: SecretsSite) -> None:
    probes = deployed.deployment.outputs(phase)["probes"]

    assert probes
    for probe in probes:
        if probe["command"]:
            done = subprocess.run(
                [sys.executable, "-m", *probe["command"]],
                cwd=deployed.deployment.folder,
                env=deployed.deployment.environ,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
        else:
            assert probe["url"] == f"{deployed.url}/api/status"


@pytest.mark.parametrize("phase", PHASES)
def test_a_second_plan_is_empty(phase: str, deployed: SecretsSite) -> None:
    planned = deployed.deployment.plan(phase)

    assert planned.is_empty, planned.text


def test_the_keys_can_be_backed_up_from_an_output(deployed: SecretsSite, tmp_path: Path) -> None:
    key, backup = tmp_path / "age.key", tmp_path / "keys.age"
    made = subprocess.run(["age-keygen", "-o", str(key)], capture_output=True, text=True, timeout=30, check=True)
    recipient = made.stderr.rpartition(" ")[2].strip()
    outputs = deployed.deployment.terraform("secrets-infisical", "output", "-json")

    done = deployed.bootstrap(
        "backup-keys", "--recipient", recipient, "--identity", str(key), "--file", str(backup),
        "--domain", deployed.url, "--directory", str(deployed.directory), text=outputs,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    opened = subprocess.run(
        ["age", "--decrypt", "--identity", str(key), str(backup)],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    keys = json.loads(opened.stdout)["keys"]
    environment = dict(entry.split("=", 1) for entry in deployed.engine.inspect("infisical")["Config"]["Env"])
    assert keys["ENCRYPTION_KEY"] == environment["ENCRYPTION_KEY"]
    assert keys["AUTH_SECRET"] == environment["AUTH_SECRET"]
    assert keys["admin_email"] == "admin@example.com"
    assert set(keys) >= {"postgres_user", "postgres_password", "redis_password", "admin_password"}


def test_the_database_can_be_dumped(deployed: SecretsSite) -> None:
    dump = deployed.engine.inside("infisical-postgres", "sh", "-c", "pg_dump -U $POSTGRES_USER infisical")

    assert "PostgreSQL database dump complete" in dump


def test_volumes_and_keys_are_not_destroyed(deployed: SecretsSite) -> None:
    said = deployed.deployment.refusal("secrets-infisical", "plan", "-destroy", "-input=false")

    assert "Instance cannot be destroyed" in said
    assert "docker_volume.postgres-data" in said


def test_data_survives_the_replacement_of_every_container(deployed: SecretsSite) -> None:
    before = {name: deployed.engine.inspect(name)["Id"] for name in CONTAINERS}
    addresses = ("postgres", "redis", "infisical")

    deployed.deployment.terraform(
        "secrets-infisical",
        "apply",
        "-auto-approve",
        "-input=false",
        *(f"-replace=docker_container.{address}" for address in addresses),
    )

    after = {name: deployed.engine.inspect(name)["Id"] for name in CONTAINERS}
    assert all(before[name] != after[name] for name in CONTAINERS)
    assert status(deployed, "/api/v1/admin/config")["config"]["initialized"] is True
    planned = deployed.bootstrap(
        "resources",
        "--plan",
        *("--file", str(deployed.directory / "resources.json")),
        *("--domain", deployed.url, "--directory", str(deployed.directory)),
    )
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert deployed.deployment.plan("secrets-infisical").is_empty


def test_another_secret_changes_the_resources_alone(deployed: SecretsSite) -> None:
    content = deployed.deployment.content
    folders = content["secrets"]["projects"]["homelab-secrets"]["environments"]["prod"]["folders"]
    folders["/proxmox"]["SESSION_KEY"] = {"generate": "hex", "length": 16}
    deployed.deployment.write(content)

    changed = {phase: planned.actions for phase in PHASES if (planned := deployed.deployment.plan(phase)).actions}
    assert changed == {"secrets-resources": {"null_resource.resources": ["delete", "create"]}}

    said = deployed.deployment.apply("secrets-resources")
    assert "SESSION_KEY" in said
    assert not [secret for secret in deployed.secrets() if secret in said]
    assert deployed.deployment.plan("secrets-resources").is_empty
    assert NAME in (deployed.directory / "resources.json").read_text(encoding="utf-8")
