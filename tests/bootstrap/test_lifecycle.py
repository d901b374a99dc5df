"""The whole life of an instance: the stand-in program on a real PostgreSQL and Redis, from empty to restored."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bootstrap.conftest import Machine
from tests.bootstrap.real_databases import POSTGRES_PROGRAMS, free_port, postgres, redis
from tests.bootstrap.resource_site import document
from tests.bootstrap.test_database_rotation import Databases
from tests.bootstrap.test_stand_in_program import KEY, running

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[Databases]:
    folder = tmp_path / "containers"
    folder.mkdir()
    with postgres() as of_postgres, redis() as of_redis:
        yield Databases(folder, of_postgres, of_redis)


def resources(machine: Machine, *arguments: str) -> dict[str, Any]:
    file = machine.directory.parent / "resources.json"
    file.write_text(json.dumps(document()))
    return machine.run_json("resources", "--file", str(file), *arguments)


def test_set_up_rotated_backed_up_and_restored(
    databases: Databases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    folder = tmp_path / "machine"
    folder.mkdir()
    variables = {
        "INFISICAL_DOMAIN": f"http://127.0.0.1:{port}",
        "INFISICAL_ADMIN_EMAIL": "admin@example.com",
        "INFISICAL_ADMIN_PASSWORD": "correct horse battery staple",
        "INFISICAL_ADMIN_ORGANIZATION": "homelab",
        "APP_TOKEN": "the value of the token",
    }
    machine = Machine(folder, variables, capsys)

    def server(user: str, password: str, redis_password: str, **more: str) -> dict[str, str]:
        place = f"127.0.0.1:{databases.postgres.port}"
        return {
            "ENCRYPTION_KEY": KEY,
            "AUTH_SECRET": "the secret that signs tokens",
            "DB_CONNECTION_URI": f"postgres://{user}:{password}@{place}/infisical",
            "REDIS_URL": f"redis://default:{redis_password}@127.0.0.1:{databases.redis.port}",
            "PORT": str(port),
            **more,
        }

    old = server(databases.postgres.user, databases.postgres.password, databases.redis.password)
    with running(old):
        assert machine.run("admin") == machine.run("identity") == 0
        assert len(resources(machine)["changes"]) == 9
        assert databases.run("prepare")[0] == 0
        assert resources(machine)["changes"] == []
    databases.apply()
    new = server(databases.new["postgres_user"], databases.new["postgres_password"], databases.new["redis_password"])
    with running(new):
        assert databases.run("finish")[0] == 0
        assert resources(machine)["changes"] == []
        assert machine.run("rotate", "client-secret") == 0
        assert resources(machine, "--plan")["exit_code"] == 0

    backup = backed_up(machine, tmp_path)
    restored_database(databases)
    restored = {**new, "DB_CONNECTION_URI": new["DB_CONNECTION_URI"].removesuffix("infisical") + "restored"}
    restored |= {"ENCRYPTION_KEY": backup["ENCRYPTION_KEY"], "AUTH_SECRET": "a new one"}
    with running(restored):
        assert machine.run_json("status")["exit_code"] == 0
        assert resources(machine, "--plan")["changes"] == []


def backed_up(machine: Machine, tmp_path: Path) -> dict[str, str]:
    """What a holder of the private key finds in a backup."""
    key_file = tmp_path / "age.key"
    subprocess.run(["age-keygen", "-o", key_file], check=True, capture_output=True)
    (recipient,) = (line.split()[-1] for line in key_file.read_text().splitlines() if "public key" in line)
    machine.environment |= {"ENCRYPTION_KEY": KEY, "AUTH_SECRET": "the secret that signs tokens"}
    machine.environment["PATH"] = "/usr/bin:/bin"
    file = tmp_path / "keys.age"
    arguments = ("--from-environment", "--recipient", recipient, "--identity", str(key_file), "--file", str(file))
    assert machine.run_json("backup-keys", *arguments)["proven"] is True
    command = ["age", "--decrypt", "--identity", str(key_file), str(file)]
    document: dict[str, dict[str, str]] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return document["keys"]


def restored_database(databases: Databases) -> None:
    """A dump of the database, in a new one."""
    at = ["-h", str(databases.postgres.folder), "-p", str(databases.postgres.port), "-U", "infisical"]
    dump = subprocess.run(
        [str(POSTGRES_PROGRAMS / "pg_dump"), *at, "infisical"], check=True, capture_output=True
    ).stdout
    psql = [str(POSTGRES_PROGRAMS / "psql"), *at, "-q", "-v", "ON_ERROR_STOP=1"]
    subprocess.run([*psql, "-d", "postgres", "-c", "CREATE DATABASE restored"], check=True)
    subprocess.run([*psql, "-d", "restored"], input=dump, check=True, stdout=subprocess.DEVNULL)
