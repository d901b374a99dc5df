"""A service from nothing to data in real containers: Terraform, the provider, the scripts and what they install.

Only Proxmox itself is simulated: its API answers, and containers of this machine do what it says.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from operations.deployment.backup import Backups, Target
from operations.proxmox_api import Credentials, ProxmoxApi
from simulator import StorageOptions
from tests.end_to_end.deployment import Deployment
from tests.end_to_end.test_services import CONTAINER, ENVIRONMENT, OPTIONS
from tests.real_guests.real_containers import RealContainers

pytestmark = [pytest.mark.system, pytest.mark.end_to_end, pytest.mark.slow]

STACK = "service-redis"
TEMPLATE, PRIMARY, FIRST, SECOND = 901, 201, 220, 221
ON_THE_NODE = Target("pve", "lxc", PRIMARY, "local-lvm")


class RealService:
    """Redis of one environment, in containers that run."""

    def __init__(self, folder: Path, real: RealContainers) -> None:
        self.real = real
        self.content: dict[str, Any] = copy.deepcopy(ENVIRONMENT)
        self.content["networks"]["internal"] |= {"cidr": str(real.network), "gateway": str(real.gateway)}
        self.deployment = Deployment(folder, real.simulator, self.content)
        self.deployment.environ["HOMELAB_PYTHON"] = sys.executable
        self.secrets = folder / "state" / "lab.secrets.json"

    def deploy(self, *arguments: str, **settings: Any) -> None:
        """Applies the service with these settings; a second plan has nothing left to do."""
        self.content["services"]["redis"] |= settings
        self.deployment.write(self.content)
        self.deployment.apply("templates")
        if not (self.deployment.stacks[STACK].folder / ".terraform").exists():
            self.deployment.terraform(STACK, "init", "-input=false")
        self.deployment.terraform(STACK, "apply", "-auto-approve", "-input=false", *arguments)
        planned = self.deployment.plan(STACK)
        assert planned.is_empty, planned.text

    @property
    def password(self) -> str:
        """The password that was made for it."""
        found = json.loads(self.secrets.read_text(encoding="utf-8"))
        (value,) = [text for name, text in _flat(found) if "redis" in name]
        return value

    def redis(self, vm_id: int, *words: str) -> str:
        """What Redis in an instance answers."""
        done = self.real.run(vm_id, f"REDISCLI_AUTH='{self.password}' redis-cli --raw {' '.join(words)}")
        return done.stdout.strip()

    def save(self) -> str:
        """Backs the first instance up; it is stopped for that and started again."""
        with self._api() as api:
            volume = Backups(api, lambda: None).save(ON_THE_NODE).volume
        self.real.container(PRIMARY).wait_until_booted()
        return volume

    def restore(self, volume: str) -> None:
        """Puts a backup in the place of the first instance, as `homelab deploy services --restore` does it."""
        with self._api() as api:
            Backups(api, lambda: None).restore(ON_THE_NODE, volume)

    def _api(self) -> ProxmoxApi:
        environ = self.deployment.environ
        return ProxmoxApi(self.real.simulator.endpoint, Credentials.from_environment(environ), environ)

    def inside(self, vm_id: int, command: str) -> str:
        """What a command in an instance prints."""
        done = self.real.run(vm_id, command)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{path}/{key}")
    elif isinstance(value, str):
        yield path, value


@pytest.fixture(scope="module")
def real() -> Iterator[RealContainers]:
    storages: tuple[StorageOptions, ...] = OPTIONS.storages
    with RealContainers(bridges=OPTIONS.bridges, storages=storages) as running:
        yield running


def test_a_service_lives(real: RealContainers, tmp_path: Path) -> None:
    service = RealService(tmp_path, real)
    service.deploy(replicas=1)

    # Each instance is where the catalogue says, and is somebody of its own.
    assert f"inet {real.address(20)}/" in service.inside(PRIMARY, "ip -4 address show eth0")
    assert service.inside(PRIMARY, "hostname") == "redis-cache"
    assert service.inside(FIRST, "hostname") == "redis-cache-1"
    assert not real.container(TEMPLATE).is_running
    identities = [service.inside(vm_id, "cat /etc/machine-id") for vm_id in (PRIMARY, FIRST)]
    assert len(set(identities)) == 2
    assert all(len(identity) == 32 for identity in identities)
    assert service.inside(PRIMARY, "passwd --status root").split()[1] == "L"

    # Nobody without the password; what is written to the first is read from the other.
    assert "NOAUTH" in real.run(PRIMARY, "redis-cli ping").stdout
    assert service.redis(PRIMARY, "set", "bread", "rye") == "OK"
    assert service.redis(PRIMARY, "wait", "1", "5000") == "1"
    assert service.redis(FIRST, "get", "bread") == "rye"
    assert "READONLY" in service.redis(FIRST, "set", "bread", "white")
    assert service.password not in "".join(path.read_text() for path in (tmp_path / "state" / "logs").rglob("*.log"))

    # One more replica gets what is there already; one less leaves the others alone.
    service.deploy(replicas=2)
    assert f"inet {real.address(22)}/" in service.inside(SECOND, "ip -4 address show eth0")
    assert service.redis(PRIMARY, "wait", "2", "10000") == "2"
    assert service.redis(SECOND, "get", "bread") == "rye"
    service.deploy(replicas=1)
    assert set(real.simulator.guests()) == {TEMPLATE, PRIMARY, FIRST}
    assert service.redis(FIRST, "get", "bread") == "rye"

    # From a backup the first has what was in it then, on its own datastore, and the replica is cloned again.
    backup = service.save()
    assert service.redis(PRIMARY, "set", "late", "tea") == "OK"
    service.restore(backup)
    replaced = ("null_resource.configure-0", f"{CONTAINER}.service-redis-1")
    service.deploy(*(f"-replace={address}" for address in replaced))
    assert real.simulator.guests()[PRIMARY].config["rootfs"].startswith("local-lvm:")
    assert service.inside(PRIMARY, "cat /etc/machine-id") == identities[0]
    assert service.redis(PRIMARY, "mget", "bread", "late").split() == ["rye"]
    assert service.redis(PRIMARY, "wait", "1", "120000") == "1"
    assert service.redis(FIRST, "get", "bread") == "rye"

    # Made anew the first is empty and configured, with the same password, and the replica follows it again.
    service.deploy(f"-replace={CONTAINER}.service-redis")
    assert service.redis(PRIMARY, "get", "bread") == ""
    assert service.inside(PRIMARY, "cat /etc/machine-id") not in identities
    assert service.redis(PRIMARY, "set", "salt", "sea") == "OK"
    # The replica has the old one's hardware address in its cache for up to a minute.
    assert service.redis(PRIMARY, "wait", "1", "120000") == "1"
    assert service.redis(FIRST, "get", "salt") == "sea"

    # Another template is another machine for clones to come, and nothing to those that are.
    service.deploy(f"-replace={CONTAINER}.service-redis-template")
    assert not real.container(TEMPLATE).is_running
    assert service.redis(PRIMARY, "get", "salt") == "sea"
