"""The secrets platform from an empty node to its projects, in a real container: address by DHCP, Docker over SSH."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.deployment import Deployment
from tests.real_docker.engine import registry, ssh_agent
from tests.real_docker.images import registry_storage
from tests.real_docker.programs import until
from tests.real_docker.secrets_site import CANARY, NAME, PHASES, VM_ID, content
from tests.real_guests.real_containers import RealContainers

pytestmark = [pytest.mark.system, pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(1200)]

# What a user sets on a host that does not reach Docker Hub; the script of the host runs again only when it changes.
_MIRROR = """set -eu
sed -i '1s,^{{,{{"registry-mirrors": ["http://{address}"]\\,,' /etc/docker/daemon.json
systemctl restart docker
"""


@dataclass
class Node:
    """A node whose containers are real, with the platform deployed."""

    containers: RealContainers
    deployment: Deployment

    def inside(self, command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command on the Docker host, through the node."""
        return self.containers.run(VM_ID, command)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    storage = registry_storage()
    with (
        RealContainers(unprivileged=True) as containers,
        # An agent's socket has a short path.
        tempfile.TemporaryDirectory(prefix="hl-agent-") as short,
        ssh_agent(Path(short)) as (agent, key),
        registry(Path(short), storage, f"{containers.gateway}:5000"),
    ):
        lan = {"cidr": str(containers.network), "gateway": str(containers.gateway)}
        wanted = content(lan, {}, ssh_key=f"{key} test")
        deployment = Deployment(tmp_path_factory.mktemp("project"), containers.simulator, wanted)
        deployment.environ |= {
            "HOMELAB_PYTHON": sys.executable,
            "SSH_AUTH_SOCK": str(agent),
            "TEST_API_TOKEN": CANARY,
        }
        node = Node(containers, deployment)
        for stack in deployment.stacks:
            deployment.apply(stack)
            if stack == "secrets-host":
                done = node.inside(_MIRROR.format(address=f"{containers.gateway}:5000"))
                assert done.returncode == 0, done.stdout + done.stderr
        yield node


def test_infisical_answers_at_the_address_that_dhcp_gave(deployed: Node) -> None:
    address = deployed.deployment.outputs("secrets-host")["docker_container_ip"]
    url = deployed.deployment.outputs("secrets-infisical")["infisical_url"]

    assert url == f"http://{address}:8080"
    assert httpx.get(f"{url}/api/status", timeout=10, trust_env=False).json()["message"] == "Ok"
    config = httpx.get(f"{url}/api/v1/admin/config", timeout=10, trust_env=False).json()["config"]
    assert (config["initialized"], config["allowSignUp"]) == (True, False)


def test_the_containers_run_in_the_guest(deployed: Node) -> None:
    running = deployed.inside("docker ps --format '{{.Names}} {{.Status}}'").stdout.splitlines()

    assert sorted(line.split(" ")[0] for line in running) == ["infisical", "infisical-postgres", "infisical-redis"]
    assert all("(healthy)" in line for line in running)


def test_the_host_is_known_by_the_key_that_came_through_the_node(deployed: Node) -> None:
    address = deployed.deployment.outputs("secrets-host")["docker_container_ip"]
    known = (deployed.deployment.folder / "state" / f"{NAME}.known_hosts").read_text(encoding="utf-8")
    key = deployed.inside("cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub").stdout.strip()

    assert f"{address} {key}" in known


def test_the_console_takes_the_password_and_ssh_takes_none(deployed: Node) -> None:
    password = deployed.deployment.outputs("secrets-host")["docker_lxc_password"]
    stored = deployed.inside("getent shadow root").stdout.split(":")[1]
    settings = deployed.inside("/usr/sbin/sshd -T").stdout
    salt = stored.rpartition("$")[0]
    made = deployed.containers.run(VM_ID, f"perl -e 'print crypt(<STDIN>, q({salt}))'", stdin=password).stdout

    assert made == stored
    assert "passwordauthentication no" in settings


@pytest.mark.parametrize("phase", PHASES)
def test_a_second_plan_is_empty(phase: str, deployed: Node) -> None:
    planned = deployed.deployment.plan(phase)

    assert planned.is_empty, planned.text


def test_everything_comes_back_after_the_host_was_restarted(deployed: Node) -> None:
    url = deployed.deployment.outputs("secrets-infisical")["infisical_url"]
    container = deployed.containers.container(VM_ID)
    guest = deployed.containers.simulator.guests()[VM_ID]
    container.stop()
    container.start("secrets", deployed.containers.interfaces(guest))

    until(
        lambda: _is_set_up(url),
        "Infisical does not come back",
        seconds=180,
        details=lambda: deployed.inside("docker ps --all").stdout,
    )


def _is_set_up(url: str) -> bool:
    try:
        answer = httpx.get(f"{url}/api/v1/admin/config", timeout=5, trust_env=False)
        return answer.json()["config"]["initialized"] is True
    except (httpx.HTTPError, ValueError):
        return False
