"""The secrets platform of one environment: its node simulated, its Docker engine, PostgreSQL and Redis real."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from homelab.config.container_image_reference import parse_container_image_reference
from homelab.config.image_lock import ImageLock, LockedContainerImage
from simulator import Simulator, SimulatorOptions
from tests.end_to_end.deployment import Deployment
from tests.end_to_end.scripted_guests import ScriptedGuests
from tests.end_to_end.whole_environment import NODE, SSH_KEY
from tests.real_docker.engine import DockerEngine, docker_engine
from tests.real_docker.images import REFERENCES, registry_storage

NAME = "test"
VM_ID = 9900
PHASES = ("secrets-host", "secrets-infisical", "secrets-bootstrap", "secrets-identity", "secrets-resources")
CANARY = "canary-7f3d1c"
"""The value of the one secret of the test that comes from the environment."""


def content(lan: dict[str, Any], network: dict[str, Any], ssh_key: str = SSH_KEY) -> dict[str, Any]:
    """An environment with a secrets platform.

    Args:
        lan: its one network, but for the bridge.
        network: the host's interface there.
        ssh_key: the public key that the host lets in.
    """
    return {
        "name": NAME,
        "proxmox": {"endpoint": "", "nodes": {"pve": {**NODE}}},
        "policy": {"unlocked_images": "ignore"},
        "defaults": {"ssh_keys": [ssh_key]},
        "networks": {"lan": {"bridge": "vmbr0", **lan}},
        "secrets": {
            "network": {"name": "lan", **network},
            "admin": {"email": "admin@example.com"},
            "projects": {
                "homelab-secrets": {
                    "name": "Homelab",
                    "environments": {
                        "prod": {
                            "folders": {
                                "/proxmox": {
                                    "DATABASE_PASSWORD": {"generate": "password"},
                                    "API_TOKEN": {"from_environment": "TEST_API_TOKEN"},
                                }
                            }
                        }
                    },
                }
            },
            "identities": {"builds": {"projects": {"homelab-secrets": "viewer"}, "universal_auth": True}},
        },
    }


@dataclass
class SecretsSite:
    """A deployment with its engine."""

    engine: DockerEngine
    deployment: Deployment
    guests: ScriptedGuests

    @property
    def url(self) -> str:
        """Where Infisical is."""
        return f"http://{self.engine.address}:8080"

    @property
    def directory(self) -> Path:
        """The folder of what the bootstrap saves."""
        return self.deployment.folder / "state" / f"{NAME}.infisical"

    def apply_all(self) -> None:
        """Applies every stack, in order."""
        for stack in self.deployment.stacks:
            self.deployment.apply(stack)

    def bootstrap(
        self, *arguments: str, text: str | None = None, more: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs ``python -m bootstrap`` in the folder of the project.

        Args:
            arguments: its arguments.
            text: its standard input.
            more: further environment variables.
        """
        return subprocess.run(
            [sys.executable, "-m", "bootstrap", *arguments],
            cwd=self.deployment.folder,
            env={**self.deployment.environ, **(more or {})},
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def secrets(self) -> set[str]:
        """Every generated value that is in a state."""
        found = {CANARY}
        for file in (self.deployment.folder / "state").glob("*.tfstate"):
            state = json.loads(file.read_text(encoding="utf-8"))
            for resource in state["resources"]:
                for instance in resource["instances"]:
                    attributes = instance["attributes"]
                    if resource["type"] in ("random_password", "random_bytes"):
                        found |= {attributes[name] for name in ("result", "hex", "base64") if attributes.get(name)}
        return found


@contextlib.contextmanager
def secrets_site(folder: Path) -> Iterator[SecretsSite]:
    """A site on which nothing is applied yet."""
    storage = registry_storage()
    with docker_engine(storage) as engine, Simulator(SimulatorOptions(task_seconds=0, address_seconds=0)) as simulator:
        node = folder / "node"
        node.mkdir()
        guests = ScriptedGuests(simulator, node)
        # What the host's script would print; the key is that of the SSH server at the host's address.
        guests.saying[VM_ID] = f"homelab-host-key: {engine.host_key}"
        wanted = content({"cidr": str(engine.namespace.subnet)}, {"address": engine.address})
        deployment = Deployment(folder / "project", simulator, wanted, image_lock=_lock(engine))
        deployment.environ |= {
            "HOMELAB_PYTHON": sys.executable,
            "SSH_AUTH_SOCK": engine.environment["SSH_AUTH_SOCK"],
            "TEST_API_TOKEN": CANARY,
        }
        yield SecretsSite(engine, deployment, guests)


def _lock(engine: DockerEngine) -> ImageLock:
    parsed = [parse_container_image_reference(reference) for reference in REFERENCES.values()]
    return ImageLock(
        container_images={
            str(one): LockedContainerImage(
                digest=engine.digest(one.repository, one.tag or ""), resolved_at=datetime(2026, 1, 1, tzinfo=UTC)
            )
            for one in parsed
        }
    )
