"""The stand-in as a program, on a real PostgreSQL and Redis: it starts, refuses, keeps and hangs as Infisical does."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.bootstrap.real_databases import RealServer, free_port, postgres, redis

pytestmark = pytest.mark.system

PROGRAM = ["/usr/bin/python3", "-m", "tests.bootstrap.stand_in_program"]
KEY = "0123456789abcdef0123456789abcdef"
BOOTSTRAP = {"email": "admin@example.com", "password": "correct horse battery", "organization": "homelab"}


@pytest.fixture(scope="module")
def database() -> Iterator[RealServer]:
    with postgres() as server:
        yield server


@pytest.fixture(scope="module")
def cache() -> Iterator[RealServer]:
    with redis() as server:
        yield server


def settings(database: RealServer, cache: RealServer, **more: str) -> dict[str, str]:
    return {
        "ENCRYPTION_KEY": KEY,
        "AUTH_SECRET": "auth-secret",
        "DB_CONNECTION_URI": database.postgres_url,
        "REDIS_URL": cache.redis_url,
        "PORT": str(free_port()),
        **more,
    }


def exit_of(environment: dict[str, str]) -> tuple[int, str]:
    ended = subprocess.run(PROGRAM, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return ended.returncode, ended.stderr


@contextmanager
def running(environment: dict[str, str]) -> Iterator[str]:
    url = f"http://127.0.0.1:{environment['PORT']}"
    with subprocess.Popen(PROGRAM, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + 120
            while True:
                try:
                    httpx.get(f"{url}/api/status", timeout=5)
                    break
                except httpx.ConnectError:
                    assert process.poll() is None, process.stderr and process.stderr.read()
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            yield url
        finally:
            process.terminate()
            _, said = process.communicate(timeout=60)
            assert "VIOLATION" not in said


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"ENCRYPTION_KEY": ""}, 1, "Please set the ENCRYPTION_KEY"),
        ({"ENCRYPTION_KEY": KEY * 2}, 1, "Invalid key length"),
        ({"AUTH_SECRET": ""}, 255, "Invalid environment variables"),
        ({"DB_CONNECTION_URI": "postgres://infisical:x@127.0.0.1:1/infisical"}, 1, "no connection to the database"),
    ],
)
def test_it_refuses_to_start(
    database: RealServer, cache: RealServer, change: dict[str, str], code: int, said: str
) -> None:
    ended = exit_of(settings(database, cache, **change))
    assert ended[0] == code
    assert said in ended[1]


def test_its_state_outlives_it_and_opens_with_its_key_alone(database: RealServer, cache: RealServer) -> None:
    environment = settings(database, cache)
    with running(environment) as url:
        answer = httpx.post(f"{url}/api/v1/admin/bootstrap", json=BOOTSTRAP).json()
    headers = {"Authorization": f"Bearer {answer['identity']['credentials']['token']}"}
    with running(environment) as url:
        assert httpx.get(f"{url}/api/v1/admin/config").json()["config"]["initialized"] is True
        assert httpx.get(f"{url}/api/v1/identities/details", headers=headers).status_code == 200
    code, said = exit_of({**environment, "ENCRYPTION_KEY": "f" * 32})
    assert (code, "unable to authenticate data" in said) == (1, True)
    with running({**environment, "AUTH_SECRET": "another"}) as url:
        ended = httpx.get(f"{url}/api/v1/identities/details", headers=headers)
        assert (ended.status_code, ended.json()["message"]) == (403, "invalid signature")


def test_its_status_hangs_without_redis_and_ignores_the_database(database: RealServer, cache: RealServer) -> None:
    with running(settings(database, cache)) as url:
        cache.stop()
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{url}/api/status", timeout=1)
        cache.start()
        assert httpx.get(f"{url}/api/status", timeout=60).status_code == 200
        database.stop()
        try:
            assert httpx.get(f"{url}/api/status", timeout=60).status_code == 200
            assert httpx.get(f"{url}/api/v1/admin/config", timeout=60).status_code == 500
        finally:
            database.start()
        assert httpx.get(f"{url}/api/v1/admin/config", timeout=60).status_code == 200
