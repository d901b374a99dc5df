"""A PostgreSQL and a Redis of their own, for the tests that are marked `system`."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

POSTGRES_PROGRAMS = Path("/usr/lib/postgresql/15/bin")
START_SECONDS = 120


@dataclass
class RealServer:
    """A server on loopback, its folder, its administrator's name and its first password."""

    folder: Path
    port: int
    user: str
    password: str
    start: Callable[..., None]
    stop: Callable[[], None]

    @property
    def postgres_url(self) -> str:
        """For psycopg2, and for Infisical."""
        return f"postgres://{self.user}:{self.password}@127.0.0.1:{self.port}/infisical"

    @property
    def redis_url(self) -> str:
        """For Infisical."""
        return f"redis://default:{self.password}@127.0.0.1:{self.port}"


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def postgres() -> Iterator[RealServer]:
    """PostgreSQL 15 with scram passwords, a role and a database `infisical`."""
    user = pwd.getpwnam("postgres")
    folder = Path(tempfile.mkdtemp(prefix="homelab-postgres-"))
    os.chown(folder, user.pw_uid, user.pw_gid)
    password = secrets.token_hex(16)
    (folder / "password").write_text(password)
    os.chown(folder / "password", user.pw_uid, user.pw_gid)
    data, port = folder / "data", free_port()

    def run(*command: str) -> None:
        subprocess.run(command, check=True, cwd=folder, user="postgres", stdout=subprocess.DEVNULL)

    def start() -> None:
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        log = str(folder / "log")
        run(str(POSTGRES_PROGRAMS / "pg_ctl"), "-w", "-s", "-D", str(data), "-l", log, "-o", options, "start")

    def stop() -> None:
        run(str(POSTGRES_PROGRAMS / "pg_ctl"), "-w", "-s", "-D", str(data), "-m", "immediate", "stop")

    methods = ["--auth-local=trust", "--auth-host=scram-sha-256"]
    arguments = ["-U", "infisical", f"--pwfile={folder / 'password'}", *methods, "--no-sync"]
    try:
        run(str(POSTGRES_PROGRAMS / "initdb"), "-D", str(data), *arguments)
        start()
        connection = [str(POSTGRES_PROGRAMS / "psql"), "-h", str(folder), "-p", str(port), "-U", "infisical"]
        subprocess.run([*connection, "-d", "postgres", "-q", "-c", "CREATE DATABASE infisical"], check=True)
        yield RealServer(folder, port, "infisical", password, start, stop)
    finally:
        subprocess.run(
            [str(POSTGRES_PROGRAMS / "pg_ctl"), "-s", "-D", str(data), "-m", "immediate", "stop"],
            check=False,
            user="postgres",
            cwd=folder,
            stderr=subprocess.DEVNULL,
        )
        shutil.rmtree(folder)


@contextmanager
def redis() -> Iterator[RealServer]:
    """Redis 7 with a password."""
    folder = Path(tempfile.mkdtemp(prefix="homelab-redis-"))
    password, port = secrets.token_hex(16), free_port()
    running: list[subprocess.Popen[bytes]] = []

    def start(secret: str = password) -> None:
        # The configuration comes on standard input, so that the password is in no process list.
        settings = f"port {port}\nbind 127.0.0.1\nrequirepass {secret}\ndir {folder}\nappendonly yes\n"
        process = subprocess.Popen(["redis-server", "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert process.stdin is not None
        process.stdin.write(settings.encode())
        process.stdin.close()
        running.append(process)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                assert time.monotonic() < deadline, "redis-server did not start"
                time.sleep(0.02)
            else:
                return

    def stop() -> None:
        process = running.pop()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=START_SECONDS)

    try:
        start()
        yield RealServer(folder, port, "default", password, start, stop)
    finally:
        while running:
            stop()
        shutil.rmtree(folder)
