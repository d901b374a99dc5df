"""Replaces the passwords of Infisical's PostgreSQL and Redis, which run in containers, while Infisical works.

Two phases around a replacement of the containers. `prepare` makes the new credentials valid beside the old: PostgreSQL
gets a second login role, a member of the database's owner and acting as it, and Redis a second password. `finish`, once
the containers were replaced and Infisical uses the new ones, ends the old. Each can be repeated, and killed anywhere:
until `finish` both work, and `finish` does nothing before it has seen that the new ones do.

Passwords go to the servers as hashes, on standard input: nobody finds them in a list of processes or a server's log.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from bootstrap.errors import BootstrapError, UsageError
from bootstrap.programs import run_program
from bootstrap.redaction import Redactor

SCRAM_ITERATIONS = 4096
"""As PostgreSQL 15 makes its own."""

_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")
# The image trusts who is inside the container and uses its socket. Where the container was started with a login that
# the server does not have, nobody can ask it for those it has: they are read out of the file of the table of roles.
_PSQL = """
as=$POSTGRES_USER
lets_in() { psql -X -q -w -U "$1" -d "$POSTGRES_DB" -c 'SELECT 1' >/dev/null 2>&1 </dev/null; }
if ! lets_in "$as"; then
    for role in $(tr -c 'a-z0-9_' '\\n' <"$PGDATA/global/1260" | grep '^[a-z_]' | grep -v '^pg_' | sort -u); do
        if lets_in "$role"; then as=$role; break; fi
    done
fi
exec psql -X -q -A -t -v ON_ERROR_STOP=1 -U "$as" -d "$POSTGRES_DB"
"""
# Not by 127.0.0.1, from which the image asks for no password.
_PROOF = (
    "read -r PGPASSWORD; export PGPASSWORD; exec psql -X -q -A -t -w"
    ' -h "$(hostname -i | cut -d" " -f1)" -U "$0" -d "$POSTGRES_DB" -c "SELECT current_user"'
)


@dataclass(frozen=True)
class NewCredentials:
    """What the servers are to take: a login role of PostgreSQL with its password, and the password of Redis."""

    postgres_user: str
    postgres_password: SecretStr
    redis_password: SecretStr

    @classmethod
    def of(cls, values: Mapping[str, str], redact: Redactor) -> NewCredentials:
        """The credentials in a document.

        Raises:
            UsageError: one is missing, or is none that may be written into a connection URL as it is.
        """
        found = {name: values.get(name, "") for name in ("postgres_user", "postgres_password", "redis_password")}
        for name, value in found.items():
            if not isinstance(value, str) or not value:
                raise UsageError(f"{name} is missing", "hand the new credentials over on standard input")
            if name != "postgres_user":
                redact.add(value)
                if not re.fullmatch(r"[A-Za-z0-9]{16,}", value):
                    raise UsageError(f"{name} has other than letters and digits, or fewer than 16", "make another one")
        if not _ROLE.fullmatch(found["postgres_user"]):
            raise UsageError(f"postgres_user {found['postgres_user']!r} is no name of a role", "use a-z, 0-9 and _")
        return cls(found["postgres_user"], SecretStr(found["postgres_password"]), SecretStr(found["redis_password"]))


class Containers:
    """Runs programs in containers by `docker exec`; DOCKER_HOST and the like are of the environment."""

    def __init__(self, environment: Mapping[str, str], redact: Redactor) -> None:
        self._environment = environment
        self._redact = redact

    def run(self, container: str, command: list[str], standard_input: str) -> str:
        """What a command in a container prints.

        Raises:
            BootstrapError: it fails, or takes too long.
        """
        ended = run_program(
            ["docker", "exec", "--interactive", container, *command],
            standard_input,
            environment=self._environment,
            redact=self._redact,
            install="install the Docker client, and set DOCKER_HOST",
        )
        if ended.exit_code:
            raise BootstrapError(
                f"in the container {container}: {ended.complaint}", "is it running, and DOCKER_HOST right?"
            )
        return ended.output.strip()


class PostgresRotation:
    """The login roles of one PostgreSQL container, which has POSTGRES_USER and POSTGRES_DB in its environment."""

    def __init__(self, containers: Containers, container: str, user: str, password: SecretStr) -> None:
        self._containers = containers
        self._container = container
        self._user = user
        self._password = password

    def prepare(self) -> bool:
        """Makes the new login valid beside the old; whether it was not yet.

        Where the containers were replaced before this, and nobody can log in any more, it lets them in.

        Raises:
            UsageError: the login is the one that is used now, with another password.
            BootstrapError: PostgreSQL refuses, or does not take the new password.
        """
        if self._works():
            return False
        verifier = scram_verifier(self._password.get_secret_value())
        owner = self._sql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database();")
        user, password_hash = self._started_with()
        # Containers that were replaced without this know the new credentials alone, so nobody needs others any more.
        is_replaced = (user, password_hash) == (self._user, _sha256(self._password))
        if self._user in (owner, user) and not is_replaced:
            raise UsageError(
                f"{self._user} {'owns the database' if owner == self._user else 'is used now'} and has one password"
                " only: the old one would end now",
                "give postgres_user another name than it has",
            )
        acting = f'GRANT "{owner}" TO {self._user}; ALTER ROLE {self._user} SET role TO "{owner}";'
        # One transaction: a role that can log in and not act as the owner does not come to be.
        self._sql(
            f"""BEGIN;
            DO $$ BEGIN
              IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{self._user}') THEN CREATE ROLE {self._user}; END IF;
            END $$;
            ALTER ROLE {self._user} LOGIN PASSWORD '{verifier}';
            {acting if owner != self._user else ""}
            COMMIT;"""
        )
        if not self._works():
            raise BootstrapError(
                f"{self._container}: PostgreSQL does not take the new login {self._user}", "look at its log"
            )
        return True

    def finish(self) -> list[str]:
        """Takes the password of every other login of the owner away; which those were.

        Raises:
            BootstrapError: the new login does not work, or somebody is still connected by an old one.
        """
        if not self._works():
            raise BootstrapError(
                f"{self._container}: PostgreSQL does not take the new login {self._user}",
                "run first: python -m bootstrap rotate database prepare",
            )
        if self._started_with()[0] != self._user:
            raise BootstrapError(
                f"{self._container}: PostgreSQL was not started with the new login {self._user} yet",
                "replace the containers first (terraform apply), then run this again",
            )
        # Names of roles come from here and from pg_authid, and were checked or are quoted.
        old = self._lines(
            f"""SELECT quote_ident(a.rolname) FROM pg_authid a, pg_database d
            WHERE d.datname = current_database() AND a.rolcanlogin AND a.rolpassword IS NOT NULL
              AND a.rolname <> '{self._user}'
              AND (a.oid = d.datdba OR EXISTS
                (SELECT FROM pg_auth_members m WHERE m.roleid = d.datdba AND m.member = a.oid))
            ORDER BY 1;"""  # noqa: S608 - postgres_user was checked
        )
        connected = "SELECT DISTINCT quote_ident(usename) FROM pg_stat_activity WHERE client_addr IS NOT NULL;"
        used = sorted(set(self._lines(connected)) & set(old))
        if used:
            raise BootstrapError(
                f"{self._container}: somebody is connected as {', '.join(used)}, so Infisical does not use the new"
                " login yet",
                "replace the containers first (terraform apply), then run this again",
            )
        if old:
            ends = " ".join(f"ALTER ROLE {role} PASSWORD NULL;" for role in old)
            self._sql(f"BEGIN; {ends} COMMIT;")
        return old

    def _started_with(self) -> tuple[str, str]:
        """The login that the container was started with, and the hash of its password."""
        report = 'printf "%s\\n" "$POSTGRES_USER"; printf %s "$POSTGRES_PASSWORD" | sha256sum'
        user, password_hash, *_ = self._containers.run(self._container, ["sh", "-c", report], "").split()
        return user, password_hash

    def _works(self) -> bool:
        command = ["sh", "-c", _PROOF, self._user]
        try:
            self._containers.run(self._container, command, f"{self._password.get_secret_value()}\n")
        except UsageError:
            raise
        except BootstrapError as error:
            if "authentication failed" in error.message:
                return False
            raise
        return True

    def _sql(self, statements: str) -> str:
        return self._containers.run(self._container, ["sh", "-c", _PSQL], statements)

    def _lines(self, statement: str) -> list[str]:
        return self._sql(statement).splitlines()


class RedisRotation:
    """The passwords of one Redis container, which has the one it was started with as REDISCLI_AUTH."""

    def __init__(self, containers: Containers, container: str, password: SecretStr) -> None:
        self._containers = containers
        self._container = container
        self._hash = _sha256(password)

    def prepare(self) -> bool:
        """Makes the new password valid beside the old; whether it was not yet. A restart of Redis undoes it.

        Raises:
            BootstrapError: Redis refuses.
        """
        if self._hash in self._hashes():
            return False
        self._command(f"ACL SETUSER default #{self._hash}")
        return True

    def finish(self) -> int:
        """Ends every other password; how many those were.

        Raises:
            BootstrapError: Redis was not yet started with the new one.
        """
        command = ["sh", "-c", 'printf %s "$REDISCLI_AUTH" | sha256sum']
        started_with = self._containers.run(self._container, command, "").split()[0]
        if started_with != self._hash:
            raise BootstrapError(
                f"{self._container}: Redis was not started with the new password yet",
                "replace the containers first (terraform apply), then run this again",
            )
        old = self._hashes() - {self._hash}
        for one in sorted(old):
            self._command(f"ACL SETUSER default !{one}")
        return len(old)

    def _hashes(self) -> set[str]:
        return set(re.findall(r"\b[0-9a-f]{64}\b", self._command("ACL GETUSER default")))

    def _command(self, command: str) -> str:
        answer = self._containers.run(self._container, ["redis-cli"], f"{command}\n")
        if answer.startswith(("ERR", "NOAUTH", "WRONGPASS", "(error)")) or "AUTH failed" in answer:
            raise BootstrapError(f"{self._container}: Redis refuses: {answer[:200]}", "look at its REDISCLI_AUTH")
        return answer


def _sha256(password: SecretStr) -> str:
    return hashlib.sha256(password.get_secret_value().encode()).hexdigest()


def scram_verifier(password: str) -> str:
    """What PostgreSQL stores of a password (SCRAM-SHA-256), made here so that the password itself is not sent.

    The password has to be ASCII: others would have to be normalized first.
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, SCRAM_ITERATIONS)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{parts[0]}${parts[1]}:{parts[2]}"
