"""An encrypted copy of what is needed to restore an Infisical instance: without its key, its database is worthless.

The copy is a file for `age` or `sops`, readable by the holders of the recipients' keys alone. A record beside the saved
credentials tells, without the key, which copy there is and whether it is of the key that is used now.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from bootstrap.errors import BootstrapError, CredentialsError, UsageError
from bootstrap.private_file import read_private, write_private
from bootstrap.programs import run_program
from bootstrap.redaction import Redactor

RECORD_FILE = "infisical_key_backup.json"
ENCRYPTION_KEY = "ENCRYPTION_KEY"
AUTH_SECRET = "AUTH_SECRET"  # noqa: S105 - a variable's name
NAMES = (
    ENCRYPTION_KEY,
    AUTH_SECRET,
    "postgres_user",
    "postgres_password",
    "redis_password",
    "admin_email",
    "admin_password",
)
"""What a backup can hold; the first two it must."""

RESTORE = """\
1. Decrypt the backup where nobody else can read it:
     age --decrypt --identity KEY_FILE BACKUP         (or: sops --decrypt BACKUP)
2. Restore the PostgreSQL dump (pg_dump) into an empty database of the same or a newer release of PostgreSQL.
3. Start the release of Infisical that wrote the dump, or a newer one, with the ENCRYPTION_KEY and AUTH_SECRET of the
   backup. Another ENCRYPTION_KEY can't open the database: Infisical ends with "unable to authenticate data". Another
   AUTH_SECRET only logs everybody out.
4. Log in as admin_email with admin_password. `python -m bootstrap identity` makes the machine identity's files anew.
With Terraform, give its state the key before the first apply, as base64 of its 16 bytes. What else Terraform makes may
differ from what it was:
     terraform import ADDRESS_OF_THE_RANDOM_BYTES "$(printf %s ENCRYPTION_KEY | xxd -r -p | base64)"
"""


class Format(StrEnum):
    """The program that encrypts."""

    AGE = "age"
    SOPS = "sops"


class BackupState(StrEnum):
    """What is known about the backup."""

    ABSENT = "absent"
    """There is no record of one."""
    UNCOMPARED = "uncompared"
    """There is one; the key that is used now was not at hand to compare."""
    OK = "ok"
    """There is one, of the key that is used now."""
    STALE = "stale"
    """There is one, of another key."""
    FAULTY = "faulty"
    """The record can't be read, or the file it names is gone or another one."""


class Record(BaseModel):
    """What is remembered about a backup; nothing in it is secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Annotated[str, StringConstraints(pattern=r"^[^\x00]+$")]
    file_sha256: str
    made: datetime
    recipients: tuple[str, ...]
    salt: Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{2})+$")]
    key_digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True)
class BackupReport:
    """The state of the backup, where it is, and what is wrong with it."""

    state: BackupState
    file: str | None = None
    made: datetime | None = None
    problem: str = ""

    def document(self) -> dict[str, object]:
        """The report as `--json` prints it."""
        made = self.made.isoformat() if self.made else None
        return {"state": self.state.value, "file": self.file, "made": made, "problem": self.problem}


class Encryption:
    """Encrypts for recipients with `age` or `sops`; secrets go in and come out by standard input and output.

    Args:
        recipients: public keys: `age1...`, or of SSH for `age`.
        identity: a file with the private key of one of them, to prove that the copy can be decrypted.
    """

    def __init__(
        self,
        format_: Format,
        recipients: Sequence[str],
        identity: Path | None,
        environment: Mapping[str, str],
        redact: Redactor,
    ) -> None:
        if not recipients:
            raise UsageError("no recipient is named", "name a public key: --recipient age1... (age-keygen makes one)")
        for recipient in recipients:
            if recipient.startswith("AGE-SECRET-KEY-"):
                redact.add(recipient)
                raise UsageError("a recipient is a private key", "name the public key, and make a new pair of keys")
        self._format = format_
        self._recipients = tuple(dict.fromkeys(recipients))
        self._identity = identity
        self._environment = dict(environment)
        self._redact = redact

    @property
    def recipients(self) -> tuple[str, ...]:
        """Who can decrypt."""
        return self._recipients

    def encrypted(self, plain: str) -> str:
        """The encrypted text, checked.

        Raises:
            BootstrapError: the program fails, or what it wrote is not for these recipients or does not decrypt.
        """
        if self._format is Format.AGE:
            arguments = [part for recipient in self._recipients for part in ("--recipient", recipient)]
            text = self._run(["age", "--encrypt", "--armor", *arguments], plain)
        else:
            types = ["--input-type", "json", "--output-type", "json"]
            text = self._run(["sops", "--encrypt", *types, "--age", ",".join(self._recipients), "/dev/stdin"], plain)
        self._check(text, plain)
        return text

    def _check(self, text: str, plain: str) -> None:
        try:
            self._require_encrypted(text, plain)
        except (ValueError, KeyError, TypeError):
            raise BootstrapError(
                f"{self._format.value} wrote something else than it should", "look at its version and configuration"
            ) from None

    def _require_encrypted(self, text: str, plain: str) -> None:
        secrets_ = [value for value in json.loads(plain)["keys"].values() if len(value) > 8]
        if any(value in text for value in secrets_):
            raise BootstrapError(f"{self._format.value} did not encrypt", "look at its version and configuration")
        if self._format is Format.SOPS:
            there = {one["recipient"] for one in json.loads(text)["sops"]["age"]}
            if there != set(self._recipients):
                raise BootstrapError(f"sops encrypted for {', '.join(sorted(there))}", "look at .sops.yaml")
        elif _recipients_in(text) != len(self._recipients):
            raise BootstrapError(
                f"age did not encrypt for {len(self._recipients)} recipient(s)",
                "look at the recipients and its version",
            )
        if self._identity is not None:
            if self._format is Format.AGE:
                read = self._run(["age", "--decrypt", "--identity", str(self._identity)], text)
            else:
                types = ["--input-type", "json", "--output-type", "json"]
                key = {"SOPS_AGE_KEY_FILE": str(self._identity)}
                read = self._run(["sops", "--decrypt", *types, "/dev/stdin"], text, key)
            if json.loads(read) != json.loads(plain):
                raise BootstrapError("what was encrypted decrypts to something else", "look at the program's version")

    def _run(self, command: list[str], standard_input: str, more: Mapping[str, str] | None = None) -> str:
        program = command[0]
        environment = {**self._environment, **(more or {})}
        install = f"install {program}"
        ended = run_program(command, standard_input, environment=environment, redact=self._redact, install=install)
        if ended.exit_code:
            raise BootstrapError(f"{program} failed: {ended.complaint}", "look at the recipients and the identity file")
        return ended.output


def back_up(
    values: Mapping[str, str], about: Mapping[str, str], encryption: Encryption, file: Path, directory: Path
) -> Record:
    """Writes the encrypted copy to `file` and the record of it to `directory`.

    Args:
        values: what `NAMES` lists, as far as it is known.
        about: what is not secret: the server, the organization, the machine identity.

    Raises:
        UsageError: a key is missing, or is none.
        CredentialsError: a file can't be written; an older backup is as it was.
        BootstrapError: see `Encryption`.
    """
    _require_keys(values)
    keys = {name: values[name] for name in NAMES if values.get(name)}
    made = datetime.now(UTC).replace(microsecond=0)
    plain = json.dumps({"made": made.isoformat(), **about, "keys": keys, "restore": RESTORE}, indent=2)
    text = encryption.encrypted(plain)
    write_private(file, text)
    salt = secrets.token_hex(16)
    record = Record(
        file=str(file.resolve()),
        file_sha256=hashlib.sha256(text.encode()).hexdigest(),
        made=made,
        recipients=encryption.recipients,
        salt=salt,
        key_digest=_digest(salt, values[ENCRYPTION_KEY]),
    )
    write_private(directory / RECORD_FILE, record.model_dump_json(indent=2) + "\n")
    return record


def backup_report(directory: Path, encryption_key: str | None) -> BackupReport:
    """What is known about the backup; with the key that is used now also whether it is of that."""
    try:
        text = read_private(directory / RECORD_FILE)
        record = Record.model_validate_json(text) if text is not None else None
    except CredentialsError as error:
        return BackupReport(BackupState.FAULTY, problem=error.message)
    except ValidationError:
        return BackupReport(BackupState.FAULTY, problem=f"{directory / RECORD_FILE} is damaged")
    if record is None:
        return BackupReport(BackupState.ABSENT, problem="there is no backup of the encryption key")
    state, problem = BackupState.UNCOMPARED, ""
    try:
        if hashlib.sha256(Path(record.file).read_bytes()).hexdigest() != record.file_sha256:
            state, problem = BackupState.FAULTY, f"{record.file} is not the file that was written"
    except OSError as error:
        state, problem = BackupState.FAULTY, f"{record.file} can't be read: {error.strerror}"
    if not problem and encryption_key:
        same = hmac.compare_digest(_digest(record.salt, encryption_key), record.key_digest)
        state = BackupState.OK if same else BackupState.STALE
        problem = "" if same else f"{record.file} is of another encryption key"
    return BackupReport(state, record.file, record.made, problem)


def _recipients_in(armored: str) -> int:
    """For how many recipients a file of `age` is, by its header; 0 where it is none."""
    first, _, body = armored.partition("\n")
    if first != "-----BEGIN AGE ENCRYPTED FILE-----":
        return 0
    content = base64.b64decode(body.partition("-----END")[0])
    header = content.partition(b"\n--- ")[0]
    return header.count(b"\n-> ") if header.startswith(b"age-encryption.org/v1\n") else 0


def _require_keys(values: Mapping[str, str]) -> None:
    for name in (ENCRYPTION_KEY, AUTH_SECRET):
        if not values.get(name):
            raise UsageError(f"{name} is missing", "pipe in: terraform output -json, or use --from-environment")
    if not re.fullmatch(r"[0-9a-fA-F]{32}", values[ENCRYPTION_KEY]):
        raise UsageError(
            f"{ENCRYPTION_KEY} is not 32 hexadecimal digits, which Infisical wants", "is it the right one?"
        )


def _digest(salt: str, key: str) -> str:
    # The key is random and long, so that nobody can find it by trying.
    return hmac.new(bytes.fromhex(salt), key.lower().encode(), hashlib.sha256).hexdigest()
