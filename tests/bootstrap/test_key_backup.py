"""`python -m bootstrap backup-keys` with the real `age` and `sops`: encrypted, checked, remembered without the key."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bootstrap.key_backup import RESTORE
from bootstrap.saved import SavedCredentials
from tests.bootstrap.conftest import Machine
from tests.bootstrap.stand_in import StandIn
from tests.go_programs.build import go_program

KEY = "0123456789abcdef0123456789abcdef"
VALUES = {
    "ENCRYPTION_KEY": KEY,
    "AUTH_SECRET": "the secret that signs tokens",
    "postgres_password": "the database's password",
    "admin_email": "admin@example.com",
    "admin_password": "correct horse battery staple",
}

pytestmark = pytest.mark.system


@dataclasses.dataclass
class Site:
    """A machine with an age key, and what Terraform would say."""

    machine: Machine
    key_file: Path
    recipient: str
    values: dict[str, str] = dataclasses.field(default_factory=lambda: dict(VALUES))

    def run(self, *arguments: str) -> dict[str, Any]:
        """Runs the command with Terraform's output piped in; the document it prints."""
        output = {"key_backup": {"sensitive": True, "type": "dynamic", "value": self.values}}
        self.machine.standard_input = json.dumps(output)
        document = self.machine.run_json("backup-keys", *self._file(arguments), *arguments)
        told = self.machine.out + self.machine.err
        assert not any(value in told for name, value in VALUES.items() if name != "admin_email")
        return document

    def _file(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        return () if "--file" in arguments else ("--file", str(self.machine.directory / "infisical_keys.age"))

    def back_up(self, *arguments: str) -> dict[str, Any]:
        return self.run("--recipient", self.recipient, *arguments)

    def decrypted(self, file: str) -> dict[str, Any]:
        command = ["age", "--decrypt", "--identity", str(self.key_file), str(self.machine.directory / file)]
        document: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        return document


@pytest.fixture
def site(machine_for: Callable[..., Machine], tmp_path: Path) -> Site:
    key_file = tmp_path / "age.key"
    subprocess.run(["age-keygen", "-o", key_file], check=True, capture_output=True)
    machine = machine_for("http://127.0.0.1:1")
    machine.environment["PATH"] = os.environ["PATH"]
    return Site(machine, key_file, public_key(key_file))


def public_key(key_file: Path) -> str:
    return next(line.split()[-1] for line in key_file.read_text().splitlines() if "public key" in line)


def test_a_backup_holds_what_a_restore_needs_and_is_private(site: Site) -> None:
    document = site.back_up("--identity", str(site.key_file))
    assert (document["state"], document["proven"]) == ("ok", True)
    assert site.machine.files() == {"infisical_key_backup.json": "600", "infisical_keys.age": "600"}
    held = site.decrypted("infisical_keys.age")
    assert held["keys"] == VALUES
    assert (held["domain"], held["restore"]) == ("http://127.0.0.1:1", RESTORE)
    record = (site.machine.directory / "infisical_key_backup.json").read_text()
    assert not any(value in record for value in VALUES.values())


def test_without_a_private_key_it_is_not_proven(site: Site) -> None:
    assert site.back_up()["proven"] is False


def test_several_recipients_can_each_decrypt(site: Site, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    subprocess.run(["age-keygen", "-o", other], check=True, capture_output=True)
    (tmp_path / "recipients").write_text(f"# the other\n\n{public_key(other)}\n")
    site.back_up("--recipients-file", str(tmp_path / "recipients"))
    for key_file in (site.key_file, other):
        site.key_file = key_file
        assert site.decrypted("infisical_keys.age")["keys"] == VALUES


def test_another_key_does_not_prove_it_and_leaves_the_old_backup(site: Site, tmp_path: Path) -> None:
    site.back_up()
    before = (site.machine.directory / "infisical_keys.age").read_bytes()
    other = tmp_path / "other.key"
    subprocess.run(["age-keygen", "-o", other], check=True, capture_output=True)
    document = site.back_up("--identity", str(other))
    assert (document["exit_code"], "age failed: " in document["error"]) == (1, True)
    assert (site.machine.directory / "infisical_keys.age").read_bytes() == before


def test_the_record_tells_whether_the_key_is_the_one_of_the_backup(site: Site) -> None:
    assert site.run("--check")["state"] == "absent"
    site.back_up()
    assert (site.run("--check")["exit_code"], site.run("--check")["state"]) == (0, "ok")
    site.values["ENCRYPTION_KEY"] = "f" * 32
    document = site.run("--check")
    assert (document["exit_code"], document["state"]) == (6, "stale")
    (site.machine.directory / "infisical_keys.age").write_text("x")
    assert site.run("--check")["state"] == "faulty"
    (site.machine.directory / "infisical_keys.age").unlink()
    assert "can't be read" in site.run("--check")["problem"]


def test_keys_from_the_environment(site: Site) -> None:
    site.machine.environment |= {"ENCRYPTION_KEY": KEY, "INFISICAL_BACKUP_AUTH_SECRET": VALUES["AUTH_SECRET"]}
    assert site.back_up("--from-environment")["state"] == "ok"
    assert site.decrypted("infisical_keys.age")["keys"].keys() == {"ENCRYPTION_KEY", "AUTH_SECRET"}


@pytest.mark.parametrize(
    ("change", "arguments", "said"),
    [
        ({"ENCRYPTION_KEY": ""}, (), "ENCRYPTION_KEY is missing"),
        ({"ENCRYPTION_KEY": KEY * 2}, (), "is not 32 hexadecimal digits"),
        ({"AUTH_SECRET": ""}, (), "AUTH_SECRET is missing"),
        ({}, ("--recipient", "AGE-SECRET-KEY-1QQQ"), "a recipient is a private key"),
    ],
)
def test_wrong_inputs(site: Site, change: dict[str, str], arguments: tuple[str, ...], said: str) -> None:
    site.values |= change
    document = site.back_up(*arguments)
    assert (document["exit_code"], said in document["error"]) == (2, True)
    assert site.machine.files() == {}


def test_no_recipient_and_an_unknown_one(site: Site) -> None:
    assert "no recipient is named" in site.run()["error"]
    assert "age failed" in site.run("--recipient", "age1nobody")["error"]
    assert site.machine.files() == {}


def test_a_device_is_not_replaced(site: Site) -> None:
    document = site.back_up("--file", "/dev/full")
    assert (document["exit_code"], document["error"]) == (6, "/dev/full: is not a regular file")
    assert Path("/dev/full").is_char_device()


def test_status_warns_until_there_is_one(site: Site, server: StandIn, machine_for: Callable[..., Machine]) -> None:
    machine = machine_for(server.url, "set-up")
    machine.run("admin")
    machine.run("identity")
    document = machine.run_json("status")
    assert (document["key_backup"]["state"], document["exit_code"]) == ("absent", 0)
    assert "warning: there is no backup of the encryption key" in machine.err
    machine.environment["PATH"] = os.environ["PATH"]
    site.machine = machine
    site.back_up("--file", str(machine.directory / "keys.age"))
    assert machine.run_json("status")["key_backup"]["state"] == "uncompared"
    assert "warning" not in machine.err
    machine.environment["ENCRYPTION_KEY"] = KEY
    assert machine.run_json("status")["key_backup"]["state"] == "ok"
    machine.environment["ENCRYPTION_KEY"] = "f" * 32
    assert machine.run_json("status")["key_backup"]["state"] == "stale"
    assert "is of another encryption key" in machine.err


def test_how_to_restore_is_told_without_anything_else(site: Site) -> None:
    assert site.machine.run("backup-keys", "--show-restore") == 0
    assert site.machine.out == RESTORE
    assert site.machine.run_json("backup-keys", "--show-restore") == {"restore": RESTORE, "exit_code": 0}


def test_two_at_a_time_do_not_write_into_each_others_file(site: Site) -> None:
    with SavedCredentials(site.machine.directory, "http://192.168.3.20:8080").lock():
        document = site.back_up()
    assert (document["exit_code"], "another bootstrap of the directory" in document["error"]) == (7, True)
    assert site.machine.files() == {}
    assert site.back_up()["exit_code"] == 0


def test_a_folder_that_is_not_there_is_named(site: Site) -> None:
    document = site.back_up("--file", str(site.machine.directory / "none" / "keys.age"))
    assert document["exit_code"] == 6
    assert document["next_step"] == f"make the folder {site.machine.directory / 'none'}, or name another one"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_sops_can_encrypt_it_too(site: Site, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sops").symlink_to(go_program("sops"))
    site.machine.environment["PATH"] = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    file = site.machine.directory / "keys.sops.json"
    document = site.back_up("--format", "sops", "--identity", str(site.key_file), "--file", str(file))
    assert (document["state"], document["proven"]) == ("ok", True)
    assert KEY not in file.read_text()
