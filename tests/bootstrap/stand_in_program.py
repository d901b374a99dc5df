"""The stand-in Infisical as a program, for a container: `python3 -m tests.bootstrap.stand_in_program`.

It wants of its environment what Infisical wants, refuses to start where Infisical does, and keeps its state in the
PostgreSQL database, sealed with the encryption key. Standard library, python3-aiohttp and python3-psycopg2 of Debian.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import importlib
import os
import pickle
import re
import secrets
import socket
import sys
import threading
import time
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from aiohttp import web

from tests.bootstrap import shapes
from tests.bootstrap.stand_in_instance import LEGACY_EXPIRATION_ENFORCED_AT, Instance, Version
from tests.bootstrap.stand_in_refusals import RefusedError, error_document, missing, unknown_route
from tests.bootstrap.stand_in_routes import Handler, Routes

DEPENDENCY_SECONDS = 3
_TABLE = "CREATE TABLE IF NOT EXISTS stand_in (only_row integer PRIMARY KEY CHECK (only_row = 1), state bytea NOT NULL)"
_SAVE = "INSERT INTO stand_in VALUES (1, %s) ON CONFLICT (only_row) DO UPDATE SET state = excluded.state"


class StartError(Exception):
    """It refuses to start: an exit code and what it says."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class DatabaseGoneError(Exception):
    """The database does not answer, or does not take the password."""


class Seal:
    """Encrypts and authenticates the state; another key can't open it."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def close(self, plain: bytes) -> bytes:
        """The sealed state."""
        nonce = secrets.token_bytes(16)
        hidden = self._crypted(nonce, plain)
        return nonce + hmac.digest(self._key, nonce + hidden, "sha256") + hidden

    def open(self, sealed: bytes) -> bytes:
        """The state, or a refusal to start."""
        nonce, tag, hidden = sealed[:16], sealed[16:48], sealed[48:]
        if not hmac.compare_digest(tag, hmac.digest(self._key, nonce + hidden, "sha256")):
            raise StartError("Error: Unsupported state or unable to authenticate data")
        return self._crypted(nonce, hidden)

    def _crypted(self, nonce: bytes, text: bytes) -> bytes:
        stream = hashlib.shake_256(self._key + nonce).digest(len(text))
        return bytes(one ^ other for one, other in zip(text, stream, strict=True))


class Database:
    """The state of the instance in PostgreSQL."""

    def __init__(self, url: str, seal: Seal) -> None:
        self._psycopg2: Any = importlib.import_module("psycopg2")
        self._url = url
        self._seal = seal
        self._connection: Any = None
        self._lock = threading.Lock()
        self._execute(_TABLE)

    def load(self) -> Any:
        """The saved state, None where there is none yet."""
        rows = self._execute("SELECT state FROM stand_in", rows=True)
        return pickle.loads(self._seal.open(bytes(rows[0][0]))) if rows else None  # noqa: S301

    def save(self, state: object) -> None:
        """Keeps the state."""
        self._execute(_SAVE, (self._seal.close(pickle.dumps(state)),))

    def check(self) -> None:
        """Raises where the database is gone."""
        self._execute("SELECT 1", rows=True)

    def _execute(self, statement: str, values: tuple[object, ...] = (), *, rows: bool = False) -> Any:
        with self._lock:
            for attempt in (1, 2):
                try:
                    if self._connection is None:
                        self._connection = self._psycopg2.connect(self._url, connect_timeout=DEPENDENCY_SECONDS)
                        self._connection.autocommit = True
                    with self._connection.cursor() as cursor:
                        cursor.execute(statement, values)
                        return cursor.fetchall() if rows else None
                except self._psycopg2.Error as error:
                    # A connection that broke meanwhile is opened anew, once.
                    self._connection = None
                    if attempt == 2:
                        raise DatabaseGoneError(str(error).strip()) from None
        return None


def redis_answers(url: str) -> bool:
    """Whether the Redis at a URL takes the password in it and answers to PING."""
    parts = urlsplit(url)
    lines = []
    if parts.password:
        lines.append(f"AUTH {unquote(parts.username or 'default')} {unquote(parts.password)}")
    lines.append("PING")
    try:
        with socket.create_connection((parts.hostname, parts.port or 6379), timeout=DEPENDENCY_SECONDS) as connection:
            connection.sendall("".join(f"{line}\r\n" for line in lines).encode())
            answer = b""
            while answer.count(b"\r\n") < len(lines):
                part = connection.recv(1024)
                if not part:
                    return False
                answer += part
    except OSError:
        return False
    return answer.endswith(b"+PONG\r\n")


class Server:
    """The routes, with the database and Redis behind them."""

    def __init__(self, instance: Instance, database: Database | None, redis_url: str) -> None:
        self._instance = instance
        self._database = database
        self._redis_url = redis_url

    def application(self) -> web.Application:
        """What aiohttp serves."""
        application = web.Application()
        for method, path, handler in Routes(self._instance).table():
            application.router.add_route(method, path, self._answering(f"{method} {path}", handler))
        application.router.add_route("*", "/{rest:.*}", self._unknown_route)
        return application

    def _answering(self, route: str, handler: Handler) -> Any:
        async def answer(request: web.Request) -> web.Response:
            if route == "GET /api/status":
                await self._wait_for_redis()
                return web.json_response(await handler(request))
            try:
                await self._in_thread(self._database.check if self._database else None)
                document = await handler(request)
                if request.method != "GET":
                    await self._in_thread(self._save)
            except RefusedError as refused:
                return self._error(refused)
            except KeyError as absent:
                return self._error(missing(str(absent.args[0])))
            except Exception as error:  # noqa: BLE001 - as Infisical answers whatever goes wrong inside
                print(f"{route}: {type(error).__name__}", file=sys.stderr, flush=True)
                return self._error(RefusedError(500, "InternalServerError", "Something went wrong"))
            if document is None:
                return web.Response()
            for fault in shapes.faults(document, shapes.ANSWERS[route]):
                print(f"VIOLATION {route}: {fault}", file=sys.stderr, flush=True)
            return web.json_response(document)

        return answer

    async def _wait_for_redis(self) -> None:
        loop = asyncio.get_running_loop()
        while self._redis_url and not await loop.run_in_executor(None, redis_answers, self._redis_url):  # noqa: ASYNC110
            await asyncio.sleep(0.5)

    async def _in_thread(self, work: Any) -> None:
        if work is not None:
            await asyncio.get_running_loop().run_in_executor(None, work)

    def _save(self) -> None:
        if self._database:
            self._database.save(self._instance)

    @staticmethod
    def _error(refused: RefusedError) -> web.Response:
        return web.json_response(error_document(refused), status=refused.status)

    @staticmethod
    async def _unknown_route(request: web.Request) -> web.Response:
        return web.json_response(unknown_route(request.method, request.path), status=404)


def started(options: argparse.Namespace, environment: dict[str, str]) -> Server:
    """The server, once everything it needs is there.

    Raises:
        StartError: what Infisical refuses to start with.
    """
    auth_secret = environment.get("AUTH_SECRET", "")
    if not auth_secret:
        raise StartError("Invalid environment variables. AUTH_SECRET: Required", 255)
    key = environment.get("ENCRYPTION_KEY") or environment.get("ROOT_ENCRYPTION_KEY", "")
    if not key:
        raise StartError("Error: Please set the ENCRYPTION_KEY")
    if environment.get("ENCRYPTION_KEY") and not re.fullmatch(r"[0-9a-fA-F]{32}", key):
        raise StartError("migration file 20250210101840_webhook-to-kms failed\nError: Invalid key length")
    enforced = environment.get("LEGACY_IDENTITY_ACCESS_TOKEN_EXPIRATION_ENFORCED_AT")
    enforced_at = datetime.fromisoformat(enforced).timestamp() if enforced else LEGACY_EXPIRATION_ENFORCED_AT
    database = None
    saved = None
    if options.database_url:
        try:
            database = Database(options.database_url, Seal(key))
            saved = database.load()
        except DatabaseGoneError as error:
            raise StartError(f"Error: no connection to the database: {error}") from None
    instance: Instance = saved or Instance(options.version, auth_secret, enforced_at)
    instance.version = options.version
    instance.legacy_expiration_enforced_at = enforced_at
    instance.sign_with(auth_secret)
    while options.redis_url and not redis_answers(options.redis_url):
        print("waiting for Redis", file=sys.stderr, flush=True)
        time.sleep(1)
    return Server(instance, database, options.redis_url)


def main(arguments: list[str], environment: dict[str, str]) -> int:
    """Serves until it is told to end; the exit code says why it did not start."""
    parser = argparse.ArgumentParser(prog="stand_in_program", description="A stand-in for an Infisical server.")
    parser.add_argument("--host", default=environment.get("HOST", "127.0.0.1"))
    parser.add_argument("--port", type=int, default=int(environment.get("PORT", "8080")))
    parser.add_argument("--database-url", default=environment.get("DB_CONNECTION_URI", ""))
    parser.add_argument("--redis-url", default=environment.get("REDIS_URL", ""))
    parser.add_argument("--version", type=lambda name: Version[name], default=Version.V0_167, choices=list(Version))
    options = parser.parse_args(arguments)
    try:
        server = started(options, environment)
    except StartError as refused:
        print(refused, file=sys.stderr, flush=True)
        return refused.code
    web.run_app(server.application(), host=options.host, port=options.port, print=None, access_log=None)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], dict(os.environ)))
