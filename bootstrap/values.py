"""Where the values of secrets come from: a generator, an environment variable, a file for `sops`, or a prompt.

Values are `SecretStr` from the first moment, go to no program as an argument, and are known to the redactor.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import string
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bootstrap.desired import FromEnvironment, FromSops, Generated, Prompted, Secret
from bootstrap.errors import UsageError
from bootstrap.programs import run_program
from bootstrap.redaction import Redactor

LARGEST_VALUE_BYTES = 400 * 1024
"""Far above a certificate or a key; a request to Infisical has 1 MiB, in which some signs take two bytes."""

_ALPHABET = string.ascii_letters + string.digits
_REFERENCE = re.compile(r"\$\{[^}]*\}")

Prompt = Callable[[str], str]
"""Asks a question at the terminal, without showing the answer. Raises UsageError where there is no terminal."""


class Values:
    """The values of secrets, each looked up when it is asked for.

    Args:
        environment: the environment of the run, also that of `sops` (SOPS_AGE_KEY_FILE and the like).
        folder: what the files of `sops` sources are relative to.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path, prompt: Prompt, redact: Redactor) -> None:
        self._environment = environment
        self._folder = folder
        self._prompt = prompt
        self._redact = redact
        self._decrypted: dict[str, Any] = {}
        self._answers: dict[tuple[str, str, str], str] = {}

    def kept(self, secret: Secret) -> bool:
        """Whether a secret that exists keeps its value, whatever it is: generated and prompted ones are made once."""
        return isinstance(secret.value, Generated | Prompted)

    def wanted(self, secret: Secret) -> SecretStr | None:
        """The value an existing secret is to have; None where there is nothing to hold it against.

        That is so for generated and prompted secrets, and for a variable that is not set in this run.

        Raises:
            UsageError: the value can't be had, or Infisical would not store it as it is.
        """
        if self.kept(secret):
            return None
        if isinstance(secret.value, FromEnvironment) and secret.value.variable not in self._environment:
            return None
        return self.made(secret)

    def made(self, secret: Secret) -> SecretStr:
        """The value of a secret that is to be made.

        Raises:
            UsageError: the value can't be had, or Infisical would not store it as it is.
        """
        match secret.value:
            case Generated(kind=kind, length=length):
                value = generated(kind, length)
            case FromEnvironment(variable=variable):
                value = self._environment.get(variable, "")
                if not value:
                    raise UsageError(
                        f"the secret {secret.name}: {variable} is not set", f"set {variable}, or export it"
                    )
            case FromSops(file=file, key=key):
                value = self._from_sops(secret, file, key)
            case Prompted(text=text):
                value = self._asked(text or f"{secret.environment}:{secret.path.rstrip('/')}/{secret.name}", secret)
        self._redact.add(value)
        _check(secret, value)
        return SecretStr(value)

    def _asked(self, question: str, secret: Secret) -> str:
        place = (secret.environment, secret.path, secret.name)
        if place not in self._answers:
            self._answers[place] = self._prompt(question)
        return self._answers[place]

    def _from_sops(self, secret: Secret, file: str, key: str) -> str:
        if file not in self._decrypted:
            self._decrypted[file] = _decrypt(self._folder / file, self._environment, self._redact)
        found: Any = self._decrypted[file]
        for name in key.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        if not isinstance(found, str) or not found:
            what = "is not there" if found is None else "is not a string with something in it"
            raise UsageError(f"the secret {secret.name}: {key} in {file} {what}", f"correct it: sops {file}")
        return found


def generated(kind: str, length: int) -> str:
    """A random value: `length` letters and digits for a `password`, that many random bytes for `hex` and `base64`."""
    if kind == "hex":
        return secrets.token_hex(length)
    if kind == "base64":
        return base64.b64encode(secrets.token_bytes(length)).decode()
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _check(secret: Secret, value: str) -> None:
    """Refuses what Infisical would store or give back as something else."""
    if not value.isascii() and any(0xD800 <= ord(sign) <= 0xDFFF for sign in value):
        raise UsageError(f"the secret {secret.name}: its value is not UTF-8", "give binary data as base64")
    if len(value.encode()) > LARGEST_VALUE_BYTES:
        raise UsageError(
            f"the secret {secret.name}: its value has more than {LARGEST_VALUE_BYTES // 1024} KiB",
            "Infisical takes requests of up to 1 MiB: keep large files elsewhere, and the key to them here",
        )
    # It cuts white space off both ends, and keeps one line break at the end.
    core = value.removesuffix("\n")
    if core != core.strip().strip("\ufeff") or "\0" in value:
        raise UsageError(
            f"the secret {secret.name}: its value begins or ends with white space, which Infisical cuts off",
            "take it off the value; one line break at the end is kept",
        )
    if not secret.references and _REFERENCE.search(value):
        raise UsageError(
            f"the secret {secret.name}: its value holds ${{...}}, which Infisical replaces by another secret",
            'set "references": true where that is meant; there is no way to write the characters themselves',
        )


def _decrypt(path: Path, environment: Mapping[str, str], redact: Redactor) -> Any:
    command = ["sops", "--decrypt", "--output-type", "json", str(path)]
    install = "install sops (https://getsops.io)"
    ended = run_program(command, "", environment=environment, redact=redact, install=install)
    if ended.exit_code:
        raise UsageError(f"{path}: sops can't decrypt it: {ended.complaint}", "name the key, such as SOPS_AGE_KEY_FILE")
    try:
        document = json.loads(ended.output)
    except (ValueError, RecursionError):
        raise UsageError(f"{path}: sops did not answer with JSON", "name a YAML, JSON, ENV or INI file") from None
    return document
