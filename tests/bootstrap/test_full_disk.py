"""A disk that is really full: a file system of eight KiB. Nothing is asked of the server that could not be kept."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bootstrap.conftest import Machine
from tests.bootstrap.stand_in import StandIn
from tests.bootstrap.stand_in_instance import ClientSecret

pytestmark = pytest.mark.system

SECRETS = "/api/v1/auth/universal-auth/identities/{}/client-secrets"


@pytest.fixture
def full(machine: Machine) -> Iterator[Callable[[], None]]:
    """Puts a file system that is too small over the machine's directory, with the files that were in it."""
    mounted: list[Path] = []

    def begin() -> None:
        kept = {path.name: path.read_text() for path in machine.directory.iterdir()}
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12k", "tmpfs", machine.directory], check=True)
        mounted.append(machine.directory)
        for name, text in kept.items():
            (machine.directory / name).write_text(text)
            (machine.directory / name).chmod(0o600)

    yield begin
    for directory in mounted:
        subprocess.run(["umount", directory], check=True)


def client_secrets(server: StandIn) -> list[ClientSecret]:
    (identity,) = (one for one in server.instance.identities.values() if one.name == "Terraform-Controller")
    assert identity.universal_auth is not None
    return identity.universal_auth.client_secrets


def test_the_instance_is_not_set_up(server: StandIn, machine: Machine, full: Callable[[], None]) -> None:
    full()
    assert machine.run("admin") == 6
    assert "No space left on device" in machine.err
    assert not server.instance.initialized
    assert machine.files() == {}


def test_no_client_secret_is_made(server: StandIn, machine: Machine, full: Callable[[], None]) -> None:
    machine.run("admin")
    full()
    assert machine.run("identity") == 6
    assert client_secrets(server) == []
    assert machine.files() == {"infisical_bootstrap.auto.tfvars": "600"}


def test_a_client_secret_is_not_rotated_and_works_on(
    server: StandIn, machine: Machine, full: Callable[[], None]
) -> None:
    machine.run("admin")
    machine.run("identity")
    full()
    assert machine.run("rotate", "client-secret") == 6
    assert [one.revoked for one in client_secrets(server)] == [False]
    assert machine.run_json("identity")["changed"] is False
