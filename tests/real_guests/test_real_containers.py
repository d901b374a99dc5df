"""Terraform, the provider and the runner of scripts against a simulated Proxmox whose containers are real."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cdktf import App

from homelab.config.container import ContainerSpec
from homelab.config.environment import Environment
from homelab.config.guest import InterfaceSpec
from homelab.provisioning.guest_script import GuestScript, NodeScript
from homelab.provisioning.script import Script, StoredSecret
from homelab.proxmox.container import Container
from homelab.stacks.environment_stack import EnvironmentStack
from operations.provider_mirror import terraform_environment, terraform_program
from operations.provisioning.secret_store import SecretStore
from simulator.state import Volume
from tests.real_guests.real_containers import RealContainers

pytestmark = [pytest.mark.system, pytest.mark.end_to_end]

TEMPLATE = "local:vztmpl/debian-12.tar.zst"
SECONDS = 240
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOSZXK0W6ZVyKcbJrzPTJ6rVSfHDkA3EYxLxLSxMZB3A anna"


class Site:
    """A stack with real containers: 200 with a static address, 201 with DHCP."""

    def __init__(self, real: RealContainers, folder: Path) -> None:
        self.real = real
        self.folder = folder
        self.environ = {
            **terraform_environment(),
            **real.simulator.environment(),
            "HOMELAB_PYTHON": sys.executable,
        }

    def environment(self) -> Environment:
        node = {
            "cores": 4,
            "memory": "8GiB",
            "address": "127.0.0.1",
            "ssh_port": self.real.simulator.ssh_ports["pve"],
            "datastores": {"local": {}},
        }
        proxmox = {"endpoint": self.real.simulator.endpoint.rstrip("/"), "nodes": {"pve": node}}
        return Environment.model_validate({"name": "dev", "proxmox": proxmox})

    def write(self, text: str) -> None:
        """Synthesizes the stack: ``text`` runs in container 200 with the secret ROOT."""
        environment = self.environment()
        app = App(outdir=str(self.folder / "cdktf.out"))
        stack = EnvironmentStack(app, "guests", environment=environment)
        static = f"{self.real.address(53)}/{self.real.network.prefixlen}"
        interface = InterfaceSpec(bridge="vmbr0", address=static, gateway=self.real.gateway)
        dns = self.container(stack, "dns", 200, interface)
        self.container(stack, "web", 201, InterfaceSpec(bridge="vmbr0"))
        script = Script("set-up", text, (StoredSecret("ROOT", "dns/root"),), timeout_seconds=60)
        ran = GuestScript(stack, "dns-set-up", guest=dns, environment=environment, script=script)
        NodeScript(
            stack,
            "look",
            node="pve",
            environment=environment,
            script=Script("look", "pct status 200\n"),
            after=[ran],
        )
        app.synth()

    @staticmethod
    def container(stack: EnvironmentStack, name: str, vm_id: int, interface: InterfaceSpec) -> Container:
        return Container(
            stack,
            name,
            spec=ContainerSpec(
                vm_id=vm_id,
                hostname=name,
                node="pve",
                template_file_id=TEMPLATE,
                interfaces=(interface,),
                ssh_keys=(KEY,),
            ),
        )

    def terraform(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [terraform_program(), *arguments, "-no-color"],
            cwd=self.folder / "cdktf.out" / "stacks" / "dev-guests",
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def apply(self) -> str:
        self.terraform("init", "-input=false")
        done = self.terraform("apply", "-auto-approve", "-input=false")
        assert done.returncode == 0, done.stdout
        return done.stdout

    @property
    def log(self) -> str:
        return (self.folder / "state/logs/dev/dns-set-up.log").read_text()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with RealContainers(unprivileged=True) as real:
        real.simulator.inspect(
            lambda cluster: cluster.add_volume("local", "pve", Volume(TEMPLATE, "vztmpl", "tzst", 1000))
        )
        site = Site(real, tmp_path_factory.mktemp("site"))
        site.write(
            'set -eu\nhostname >/srv/name\nprintf %s "$ROOT" >/srv/root\necho "got $ROOT"\necho homelab-changed: yes\n'
        )
        site.apply()
        yield site


def test_the_containers_are_real(site: Site) -> None:
    assert site.real.run(200, "cat /srv/name").stdout == "dns\n"
    assert site.real.run(200, "cat /proc/self/uid_map").stdout.split() == ["0", "100000", "65536"]
    assert site.real.run(200, "cat /root/.ssh/authorized_keys").stdout == f"{KEY}\n"
    assert f" {site.real.address(53)}/" in site.real.run(200, "ip -4 -o address show dev eth0").stdout


def test_with_dhcp_a_container_has_the_address_that_the_api_names(site: Site) -> None:
    state = site.terraform("state", "show", "proxmox_virtual_environment_container.web").stdout

    [address] = site.real.run(201, "ip -4 -o address show dev eth0 | sed 's/.*inet //; s,/.*,,'").stdout.split()
    assert f'"{address}' in state


def test_the_secret_arrived_and_is_nowhere_else(site: Site) -> None:
    secret = SecretStore(site.folder / "state/dev.secrets.json").get("dns/root")

    assert site.real.run(200, "cat /srv/root").stdout == secret
    assert "got ***" in site.log
    holding = [
        file
        for file in site.folder.rglob("*")
        if file.is_file() and file.name != "dev.secrets.json" and secret.encode() in file.read_bytes()
    ]
    assert holding == []


def test_a_script_for_the_node_ran_there(site: Site) -> None:
    assert "status: running" in (site.folder / "state/logs/dev/node-pve-look.log").read_text()


def test_a_second_apply_has_nothing_to_do(site: Site) -> None:
    done = site.terraform("plan", "-input=false", "-detailed-exitcode")

    assert done.returncode == 0, done.stdout


def test_a_script_that_fails_stops_the_apply_and_runs_again_with_the_next(site: Site) -> None:
    site.write("set -eu\necho half-way\ntest -e /srv/mended\necho whole\n")
    failed = site.terraform("apply", "-auto-approve", "-input=false")

    assert failed.returncode == 1
    assert "script set-up in dns (CT 200 on pve) failed: it ended with exit code 1" in failed.stdout
    assert site.log.rstrip().endswith("the whole output is in state/logs/dev/dns-set-up.log")
    site.real.run(200, "touch /srv/mended")
    site.apply()
    assert "\nwhole\n" in site.log


def test_a_container_that_is_made_anew_gets_the_script_again(site: Site) -> None:
    done = site.terraform(
        "apply", "-auto-approve", "-input=false", "-replace=proxmox_virtual_environment_container.dns"
    )

    assert done.returncode == 1, done.stdout
    assert "it ended with exit code 1" in done.stdout, "the mended file is gone with the old container"
    assert site.real.run(200, "test -e /srv/name").returncode == 1


def test_an_interrupted_apply_stops_the_script(site: Site) -> None:
    site.write("echo $$ >/srv/pid\nsleep 300 & echo $! >/srv/pid; wait\n")
    folder = site.folder / "cdktf.out" / "stacks" / "dev-guests"
    with subprocess.Popen(
        [terraform_program(), "apply", "-auto-approve", "-input=false", "-no-color"],
        cwd=folder,
        env=site.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    ) as process:
        wait_for(lambda: site.real.run(200, "pgrep -x sleep").returncode == 0)
        os.kill(process.pid, 2)
        said, _ = process.communicate(timeout=SECONDS)

    wait_for(lambda: site.real.run(200, "pgrep -x sleep").returncode != 0)
    assert process.returncode == 1, said


def test_destroying_leaves_no_container(site: Site) -> None:
    done = site.terraform("destroy", "-auto-approve", "-input=false")

    assert done.returncode == 0, done.stdout
    assert not site.real.container(200).folder.exists()
    assert not site.real.container(201).folder.exists()
    assert site.real.simulator.unimplemented == []


def wait_for(true: Callable[[], bool]) -> None:
    """Waits until a call is true."""
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)
