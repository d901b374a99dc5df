"""The script of a Docker host in a real guest: the engine runs containers, and Docker's clients reach it over SSH."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from homelab.provisioning.docker_host import docker_host_script
from operations.provider_mirror import terraform_environment, terraform_program
from operations.provisioning.known_hosts import announced_address, host_key, remember
from tests.real_guests.guests import RealGuest, real_guest
from tests.services.recorded import stand_in

pytestmark = [pytest.mark.system, pytest.mark.end_to_end, pytest.mark.slow]

SECONDS = 120
_IMAGE = """set -eu
apt-get install -y -qq --no-install-recommends busybox-static
tar -C / -c bin/busybox | docker import - homelab/tiny:1
"""


@dataclass(frozen=True)
class Host:
    guest: RealGuest
    folder: Path
    key: Path
    text: str
    first: str

    @property
    def known_hosts(self) -> Path:
        return self.folder / "dev.known_hosts"

    def ssh(self, *options: str) -> subprocess.CompletedProcess[str]:
        words = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
        words += ["-o", f"UserKnownHostsFile={self.known_hosts}", *options, f"root@{self.guest.address}", "id", "-un"]
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=SECONDS)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("docker")
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    text = docker_host_script("debian-12", authorized_keys=[key.with_suffix(".pub").read_text().strip()]).text
    with real_guest("docker", unprivileged=True) as guest:
        done = guest.run_script(text)
        assert done.returncode == 0, done.stdout
        lines = done.stdout.splitlines()
        [address] = filter(None, map(announced_address, lines))
        assert address == guest.address
        remember(folder / "dev.known_hosts", address, [found for line in lines if (found := host_key(line))])
        yield Host(guest, folder, key, text, done.stdout)


def test_it_says_what_it_has_set_up(host: Host) -> None:
    assert "homelab-changed: yes\n" in host.first
    assert "Docker Engine " in host.first
    assert "ompose" in host.first


def test_a_second_run_changes_nothing(host: Host) -> None:
    before = host.guest.run("stat -c '%n %Y' /etc/docker/daemon.json /etc/ssh/sshd_config; pidof dockerd sshd").stdout
    done = host.guest.run_script(host.text)

    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("homelab-changed: no\n")
    after = host.guest.run("stat -c '%n %Y' /etc/docker/daemon.json /etc/ssh/sshd_config; pidof dockerd sshd").stdout
    assert after == before


def test_what_a_killed_run_has_written_is_in_force_after_the_next(host: Host) -> None:
    guest = host.guest
    guest.run("rm /etc/ssh/sshd_config.d/10-homelab.conf; systemctl restart ssh")
    before = guest.run("systemctl show -P MainPID ssh").stdout
    stand_in(guest, "systemctl", 'case "$1" in restart) kill -9 $PPID;; *) exec /usr/bin/systemctl "$@";; esac')
    assert guest.run_script(host.text).returncode != 0
    guest.run("rm /usr/local/sbin/systemctl")
    assert guest.run("systemctl show -P MainPID ssh").stdout == before

    done = guest.run_script(host.text)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "homelab-changed: yes"), done.stdout
    assert guest.run("systemctl show -P MainPID ssh").stdout != before


def test_it_lets_in_with_the_key_alone(host: Host) -> None:
    done = host.ssh("-i", str(host.key), "-o", "IdentitiesOnly=yes")
    assert (done.stdout, done.returncode) == ("root\n", 0), done.stderr

    refused = host.ssh("-o", "PubkeyAuthentication=no")
    assert refused.returncode == 255
    assert "Permission denied (publickey)" in refused.stderr


def test_a_container_runs(host: Host) -> None:
    done = host.guest.run_script(_IMAGE + "docker run --rm homelab/tiny:1 /bin/busybox echo inside\n")

    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("inside\n")


def terraform(host: Host, known_hosts: Path) -> subprocess.CompletedProcess[str]:
    """Applies a network and a container by the real provider, over SSH."""
    options = {"UserKnownHostsFile": str(known_hosts), "StrictHostKeyChecking": "yes", "BatchMode": "yes"}
    ssh_opts = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    document: dict[str, Any] = {
        "terraform": {"required_providers": {"docker": {"source": "kreuzwerker/docker", "version": "4.6.0"}}},
        "provider": {
            "docker": {
                "host": f"ssh://root@{host.guest.address}:22",
                "ssh_opts": [*ssh_opts, "-i", str(host.key), "-o", "IdentitiesOnly=yes"],
            }
        },
        "resource": {
            "docker_network": {"inside": {"name": "inside"}},
            "docker_container": {
                "one": {
                    "name": "one",
                    "image": "homelab/tiny:1",
                    "stop_timeout": 1,
                    "command": ["/bin/busybox", "sleep", "3600"],
                    "networks_advanced": [{"name": "${docker_network.inside.name}"}],
                }
            },
        },
    }
    (host.folder / "main.tf.json").write_text(json.dumps(document))
    done = subprocess.CompletedProcess[str]([], 0, "", "")
    for arguments in (["init", "-input=false"], ["apply", "-auto-approve", "-input=false"]):
        done = subprocess.run(
            [terraform_program(), *arguments, "-no-color"],
            cwd=host.folder,
            env=terraform_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    return done


def test_terraform_s_provider_reaches_the_engine_over_ssh(host: Host) -> None:
    host.guest.run_script(_IMAGE)
    done = terraform(host, host.known_hosts)

    assert done.returncode == 0, done.stdout
    assert host.guest.run("docker ps --format '{{.Names}} {{.Image}}'").stdout == "one homelab/tiny:1\n"


def test_it_refuses_a_host_with_another_key(host: Host, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    wrong = tmp_path / "wrong"
    remember(wrong, host.guest.address, [" ".join((tmp_path / "other.pub").read_text().split()[:2])])

    done = terraform(host, wrong)
    assert done.returncode == 1
    assert "HOST IDENTIFICATION HAS CHANGED" in done.stdout or "ost key verification failed" in done.stdout


def test_containers_outlive_a_reboot_of_their_host(host: Host) -> None:
    host.guest.run("docker update --restart unless-stopped one")
    host.guest.reboot()

    assert host.guest.run("docker ps --format '{{.Names}}'").stdout == "one\n"
    assert host.guest.run_script(host.text).stdout.endswith("homelab-changed: no\n")
