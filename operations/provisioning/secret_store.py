"""The secrets of an environment that this app makes up itself, such as the root passwords of its databases.

``<state folder>/<environment>.secrets.json``: readable by its owner alone, ignored by git like the state beside it.
What is lost with it, services keep: they go on with the passwords they have, and nobody knows them any more. It belongs
into the backup of the state.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import string
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from operations.provisioning.failure import ProvisioningError
from operations.provisioning.private_text import PRIVATE, locked, write_private

SCHEMA_VERSION = 1
_HARMLESS = re.compile(r"[A-Za-z0-9+/=_.-]{8,4096}")
"""Scripts put secrets into SQL, JSON, INI and command files: nothing in one may end it or begin something else."""
_LETTERS_AND_DIGITS = string.ascii_letters + string.digits


class SecretSpec(Protocol):
    """Which secret is wanted: `homelab.provisioning.script.StoredSecret` is one."""

    @property
    def name(self) -> str:
        """Its name in the store."""

    @property
    def kind(self) -> str:
        """``password``, ``hex`` or ``base64``."""

    @property
    def length(self) -> int:
        """Characters of a password or of hexadecimal digits; bytes before encoding for base64."""


class SecretStoreError(ProvisioningError):
    """The store can't be read, or has no such secret."""


def new_value(spec: SecretSpec) -> str:
    """A random value of the kind and length that ``spec`` asks for, from the system's generator."""
    if spec.kind == "password":
        return "".join(secrets.choice(_LETTERS_AND_DIGITS) for _ in range(spec.length))
    if spec.kind == "hex":
        return secrets.token_hex((spec.length + 1) // 2)[: spec.length]
    if spec.kind == "base64":
        return base64.b64encode(secrets.token_bytes(spec.length)).decode()
    raise SecretStoreError(f"{spec.name}: there is no kind of secret {spec.kind!r}; there are password, hex and base64")


class SecretStore:
    """The secrets in one file. Several processes may use it at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, name: str) -> str:
        """The value of a secret.

        Raises:
            SecretStoreError: there is none of this name, or the file can't be read.
        """
        values = self._read()
        if name not in values:
            raise SecretStoreError(
                f"{self.path} has no secret {name}",
                f"it has: {', '.join(sorted(values)) or 'none'}",
                "a secret is made when a script first needs it: deploy the stack that has it",
            )
        return values[name]

    def get_or_create(self, spec: SecretSpec) -> str:
        """The value of a secret; one that is not there yet is made, and saved before anybody gets it.

        A secret keeps its value when its kind or length changes.

        Raises:
            SecretStoreError: the file can't be read or written, or somebody has written a value into it that would
                mean something to a shell, to SQL or in a file of settings.
        """
        with self._locked():
            values = self._read()
            if spec.name not in values:
                self._write({**values, spec.name: new_value(spec)})
                # What is on the disk is what counts.
                values = self._read()
        return self._harmless(spec.name, values[spec.name])

    def names(self) -> tuple[str, ...]:
        """The names of the secrets, sorted."""
        return tuple(sorted(self._read()))

    def remove(self, name: str) -> None:
        """Forgets a secret: the next script that needs it gets another value. Nothing happens where there is none.

        Raises:
            SecretStoreError: the file can't be read or written.
        """
        with self._locked():
            values = self._read()
            if values.pop(name, None) is not None:
                self._write(values)

    def _read(self) -> dict[str, str]:
        try:
            if self.path.stat().st_mode & 0o077:
                self.path.chmod(PRIVATE)
            document = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._unreadable(type(error).__name__) from None
        match document:
            case {"schema_version": 1, "secrets": dict(values)} if all(isinstance(v, str) for v in values.values()):
                return values
            case _:
                raise self._unreadable(f"not the secrets of an environment in version {SCHEMA_VERSION}")

    def _harmless(self, name: str, value: str) -> str:
        if not _HARMLESS.fullmatch(value):
            raise SecretStoreError(
                f"the secret {name} in {self.path} is none that a script can be given; nothing was run",
                "write a value there of 8 to 4096 letters, digits and + / = _ . -",
                "or remove its line: then one is made up",
            )
        return value

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(self.path))
            except OSError as error:
                raise self._unwritable(error) from None
            yield

    def _unreadable(self, reason: str) -> SecretStoreError:
        return SecretStoreError(
            f"the secrets in {self.path} can't be read ({reason}); nothing was changed",
            "restore the file from the backup of the state",
            "without one, move it away: services that exist keep their passwords, which have to be set anew there",
        )

    def _write(self, values: dict[str, str]) -> None:
        document = {"schema_version": SCHEMA_VERSION, "secrets": dict(sorted(values.items()))}
        try:
            write_private(self.path, json.dumps(document, indent=2) + "\n")
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> SecretStoreError:
        return SecretStoreError(
            f"{self.path} can't be written: {error.strerror}; it is as it was",
            "make room or mend the permissions of its folder, then run the same command again",
        )
