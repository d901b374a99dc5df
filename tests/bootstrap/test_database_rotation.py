"""Passwords of a real PostgreSQL and a real Redis are replaced, and killed anywhere there is always one that works.

Instead of containers there are the servers themselves: a program called `docker` runs what it is told to run in a
container beside them, with the environment the container would have.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from bootstrap.database_rotation import (
    Containers,
    NewCredentials,
    PostgresRotation,
    RedisRotation,
    scram_verifier,
)
from bootstrap.errors import BootstrapError, UsageError
from bootstrap.redaction import Redactor
from tests.bootstrap.real_databases import POSTGRES_PROGRAMS, RealServer, postgres, redis

DOCKER = """#!/bin/sh
# docker exec --interactive CONTAINER PROGRAM [ARGUMENT...]
printf '%s\\n' "$(printf %s "$*" | tr '\\n' ' ')" >>"$CALLS"
shift 2
. "$CONTAINERS/$1"
shift
"$@"
code=$?
test "$(wc -l <"$CALLS")" != "${KILL_AT:-0}" || kill -9 "$PPID"
exit $code
"""


@dataclass
class Databases:
    """The two servers, and the settings their containers were last started with."""

    folder: Path
    postgres: RealServer
    redis: RealServer
    generation: int = 1
    new_user: str = ""
    new_password: str = ""

    def __post_init__(self) -> None:
        programs = self.folder / "bin"
        programs.mkdir()
        (programs / "docker").write_text(DOCKER)
        (programs / "hostname").write_text("#!/bin/sh\necho 127.0.0.1\n")
        (programs / "redis-cli").write_text(f'#!/bin/sh\nexec /usr/bin/redis-cli -p {self.redis.port} "$@"\n')
        for program in programs.iterdir():
            program.chmod(0o755)
        self.start_containers(self.postgres.user, self.postgres.password, self.redis.password)

    @property
    def new(self) -> dict[str, str]:
        """The credentials of this generation."""
        letters = f"{self.generation:04d}" * 8
        return {
            "postgres_user": self.new_user or f"infisical_{self.generation}",
            "postgres_password": self.new_password or f"Pg{letters}",
            "redis_password": f"Re{letters}",
        }

    def start_containers(self, user: str, password: str, redis_password: str) -> None:
        """What a replacement of the containers does to their environment."""
        own = f"PGDATA={self.postgres.folder / 'data'} PGHOST={self.postgres.folder} PGPORT={self.postgres.port}"
        lines = f"export {own} POSTGRES_USER={user} POSTGRES_PASSWORD={password} POSTGRES_DB=infisical\n"
        (self.folder / "infisical-postgres").write_text(lines)
        (self.folder / "infisical-redis").write_text(f"export REDISCLI_AUTH={redis_password}\n")

    def apply(self) -> None:
        """Terraform replaces the containers: Redis starts with the new password alone, PostgreSQL keeps its data."""
        self.start_containers(self.new["postgres_user"], self.new["postgres_password"], self.new["redis_password"])
        self.redis.stop()
        self.redis.start(self.new["redis_password"])

    def redis_takes(self, password: str) -> bool:
        """Whether Redis takes a password."""
        with socket.create_connection(("127.0.0.1", self.redis.port), timeout=60) as connection:
            connection.sendall(f"AUTH {password}\r\n".encode())
            return connection.recv(64).startswith(b"+OK")

    def postgres_takes(self, user: str, password: str) -> bool:
        """Whether somebody can log in over the network, and acts as the owner of the database."""
        command = [str(POSTGRES_PROGRAMS / "psql"), "-XAtqw", "-h", "127.0.0.1", "-p", str(self.postgres.port)]
        command += ["-U", user, "-d", "infisical", "-c", "SELECT current_user"]
        environment = {"PGPASSWORD": password}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return ended.stdout == "infisical\n"

    def takes(self, credentials: dict[str, str]) -> tuple[bool, bool]:
        """Whether PostgreSQL and Redis take credentials."""
        return (
            self.postgres_takes(credentials["postgres_user"], credentials["postgres_password"]),
            self.redis_takes(credentials["redis_password"]),
        )

    def run(self, phase: str, kill_at: int = 0) -> tuple[int, str]:
        """Runs a phase, killed after its nth call of docker; its exit code and what it says."""
        calls = self.folder / "calls"
        calls.write_text("")
        environment = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "CALLS": str(calls),
            "CONTAINERS": str(self.folder),
            "KILL_AT": str(kill_at),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }
        ended = subprocess.run(
            [sys.executable, "-m", "bootstrap", "rotate", "database", phase, "--json"],
            input=json.dumps({"database_rotation": {"sensitive": True, "type": "object", "value": self.new}}),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        told = calls.read_text() + ended.stdout + ended.stderr
        assert not any(self.new[name] in told for name in ("postgres_password", "redis_password"))
        return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    with postgres() as of_postgres, redis() as of_redis:
        yield Databases(tmp_path_factory.mktemp("containers"), of_postgres, of_redis)


@contextmanager
def connected(databases: Databases, user: str, password: str) -> Iterator[None]:
    """A session like Infisical's, which stays."""
    command = [str(POSTGRES_PROGRAMS / "psql"), "-XAtqw", "-h", "127.0.0.1", "-p", str(databases.postgres.port)]
    session = subprocess.Popen(
        [*command, "-U", user, "-d", "infisical"],
        env={"PGPASSWORD": password},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert session.stdin is not None
    assert session.stdout is not None
    with session:
        session.stdin.write("SELECT 1;\n")
        session.stdin.flush()
        assert session.stdout.readline() == "1\n"
        yield
        session.stdin.close()


@pytest.mark.system
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_rotation_that_is_killed_after_every_step_locks_nobody_out(databases: Databases) -> None:
    """Two rotations one after the other: the first, which is killed, ends the login that made the database."""
    old = {
        "postgres_user": databases.postgres.user,
        "postgres_password": databases.postgres.password,
        "redis_password": databases.redis.password,
    }
    for killed in (True, False):
        for step in range(1, 100):
            code, said = databases.run("prepare", kill_at=step if killed else 0)
            assert databases.takes(old) == (True, True), said
            if code != -signal.SIGKILL:
                break
        assert (code, step > 3) == (0, killed), said
        assert databases.takes(databases.new) == (True, True)

        code, said = databases.run("finish")
        assert (code, "was not started with the new login" in said) == (1, True)
        assert databases.takes(old) == (True, True)

        with connected(databases, old["postgres_user"], old["postgres_password"]):
            databases.apply()
            code, said = databases.run("finish")
            assert (code, f"somebody is connected as {old['postgres_user']}" in said) == (1, True)

        for step in range(1, 100):
            code, said = databases.run("finish", kill_at=step if killed else 0)
            assert databases.takes(databases.new) == (True, True), said
            if code != -signal.SIGKILL:
                break
        assert (code, step > 3) == (0, killed), said
        assert databases.takes(old) == (False, False)
        assert databases.run("finish")[0] == databases.run("prepare")[0] == 0
        old = databases.new
        databases.generation += 1


@pytest.mark.system
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_containers_that_were_replaced_without_preparation_are_let_in(databases: Databases) -> None:
    """Another login, which the server has never heard of; then the same one with another password."""
    databases.generation += 1
    databases.apply()
    assert databases.takes(databases.new) == (False, True)
    code, said = databases.run("prepare")
    assert (code, '"postgres_changed": true' in said) == (0, True), said
    assert databases.takes(databases.new) == (True, True)
    assert databases.run("finish")[0] == 0

    databases.new_password = "Pg" + "x" * 30
    code, said = databases.run("prepare")
    assert (code, "is used now and has one password only" in said) == (2, True)
    databases.new_password = ""
    assert databases.takes(databases.new) == (True, True)

    databases.new_password = "Pg" + "x" * 30
    databases.apply()
    assert databases.takes(databases.new) == (False, True)
    assert databases.run("prepare")[0] == databases.run("finish")[0] == 0
    assert databases.takes(databases.new) == (True, True)
    databases.new_password = ""


@pytest.mark.system
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_first_login_is_let_in_with_another_password(tmp_path: Path) -> None:
    """It owns the database, and has no other beside it."""
    with postgres() as of_postgres, redis() as of_redis:
        databases = Databases(tmp_path, of_postgres, of_redis, new_user=of_postgres.user)
        code, said = databases.run("prepare")
        assert (code, "owns the database and has one password only" in said) == (2, True)
        databases.apply()
        assert databases.run("prepare")[0] == databases.run("finish")[0] == 0
        assert databases.takes(databases.new) == (True, True)


class Answers(Containers):
    """Containers that answer what they are told to."""

    def __init__(self, *answers: str | BootstrapError) -> None:
        super().__init__({}, Redactor())
        self.answers = list(answers)

    def run(self, container: str, command: list[str], standard_input: str) -> str:
        assert container == "c"
        assert not any(PASSWORD in part for part in command)
        # A password goes to the program that logs in with it, and into no statement.
        assert PASSWORD not in standard_input or standard_input == f"{PASSWORD}\n"
        answer = self.answers.pop(0)
        if isinstance(answer, BootstrapError):
            raise answer
        return answer


PASSWORD = "x" * 32


def test_the_owner_of_the_database_has_one_password_and_keeps_it() -> None:
    refused = BootstrapError("in the container c: FATAL: password authentication failed")
    started = f"infisical\n{'0' * 64}  -"
    rotation = PostgresRotation(Answers(refused, "infisical", started), "c", "infisical", SecretStr(PASSWORD))
    with pytest.raises(UsageError, match="has one password only: the old one would end now"):
        rotation.prepare()


def test_a_database_that_does_not_answer_is_not_taken_for_a_wrong_password() -> None:
    gone = BootstrapError("in the container c: could not connect to server")
    with pytest.raises(BootstrapError, match="could not connect"):
        PostgresRotation(Answers(gone), "c", "infisical_2", SecretStr(PASSWORD)).prepare()


@pytest.mark.parametrize("answer", ["NOAUTH Authentication required.", "ERR unknown", "AUTH failed: WRONGPASS"])
def test_a_redis_that_refuses_is_told(answer: str) -> None:
    with pytest.raises(BootstrapError, match="c: Redis refuses"):
        RedisRotation(Answers(answer), "c", SecretStr(PASSWORD)).prepare()


def test_no_docker_client_is_told() -> None:
    with pytest.raises(UsageError, match="docker is not on PATH"):
        Containers({"PATH": "/nowhere"}, Redactor()).run("c", ["true"], "")


def test_the_verifier_is_a_new_one_each_time_and_holds_no_password() -> None:
    made = {scram_verifier("correct horse battery") for _ in range(3)}
    assert len(made) == 3
    assert all(one.startswith("SCRAM-SHA-256$4096:") and "horse" not in one for one in made)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"postgres_user": "x; DROP TABLE y"}, "is no name of a role"),
        ({"postgres_password": "short"}, "postgres_password has other than letters and digits, or fewer than 16"),
        ({"redis_password": "with a space and '"}, "redis_password has other than letters and digits"),
        ({"redis_password": ""}, "redis_password is missing"),
    ],
)
def test_what_could_end_a_statement_or_a_url_is_refused(change: dict[str, str], said: str) -> None:
    good = {"postgres_user": "infisical_1", "postgres_password": "x" * 32, "redis_password": "y" * 32}
    with pytest.raises(UsageError, match=said) as refused:
        NewCredentials.of({**good, **change}, Redactor())
    assert change.get("redis_password", "none") not in refused.value.message or not change.get("redis_password")
