"""What a user's machine can be like: damaged files, no home, a full output, no locks, odd characters."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap.__main__ import main
from bootstrap.errors import CredentialsError, UsageError
from bootstrap.key_backup import RECORD_FILE
from bootstrap.private_file import exclusive
from bootstrap.programs import run_program
from bootstrap.redaction import Redactor
from tests.bootstrap.conftest import Machine
from tests.bootstrap.stand_in import StandIn
from tests.bootstrap.test_command_line import ROOT

SAVED = """\
infisical_domain = "http://127.0.0.1:1"
infisical_identity_id = "{identity_id}"
infisical_client_id = "c"
infisical_client_secret = "{client_secret}"
"""
RECORD = {
    "file": "/nowhere",
    "file_sha256": "0" * 64,
    "made": "2026-01-01T00:00:00Z",
    "recipients": [],
    "salt": "00",
    "key_digest": "0" * 64,
}


@pytest.fixture
def offline(machine: Machine) -> Machine:
    """A machine whose server is not there: what is told is found out before anybody is asked."""
    machine.environment["INFISICAL_DOMAIN"] = "http://127.0.0.1:1"
    return machine


def process(machine: Machine, *arguments: str, line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the real program by a line of shell, in which `"$@"` is the program."""
    return subprocess.run(
        ["sh", "-c", line, "sh", sys.executable, "-m", "bootstrap", *arguments],
        cwd=machine.directory,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **machine.environment, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"identity_id": ""}, "infisical_identity_id"),
        ({"identity_id": "../../secrets?x="}, "infisical_identity_id"),
        ({"client_secret": ""}, "infisical_client_secret"),
        ({"client_secret": "with space"}, "infisical_client_secret"),
        ({"client_secret": "line\\nbreak"}, "infisical_client_secret"),
        ({"client_secret": "half\\ud800"}, "infisical_client_secret"),
        ({"client_secret": "\u00fcml\u00e4ut"}, "infisical_client_secret"),
    ],
)
def test_a_saved_value_that_can_be_none_of_infisicals(offline: Machine, values: dict[str, str], name: str) -> None:
    text = SAVED.format(**{"identity_id": "i", "client_secret": "s", **values})
    offline.token_file.write_text(text)
    offline.token_file.chmod(0o600)
    assert offline.run("rotate", "client-secret") == 6
    assert f"{name} is empty, or holds a character" in offline.err
    assert offline.run("identity") == 6
    assert not values.get("client_secret") or values["client_secret"] not in offline.err


def test_a_saved_token_that_would_break_a_header(offline: Machine) -> None:
    text = 'infisical_domain = "http://127.0.0.1:1"\ninfisical_organization_id = "o"\ninfisical_admin_token = "a b"\n'
    offline.bootstrap_file.write_text(text)
    offline.bootstrap_file.chmod(0o600)
    assert offline.run("admin") == 6
    assert "infisical_admin_token is empty, or holds a character" in offline.err


@pytest.mark.parametrize("change", [{"salt": "zz"}, {"salt": ""}, {"file": "a\0b"}, {"key_digest": "\u00fc"}, {"x": 1}])
def test_a_damaged_record_of_the_backup(offline: Machine, change: dict[str, object]) -> None:
    path = offline.directory / RECORD_FILE
    path.write_text(json.dumps({**RECORD, **change}))
    path.chmod(0o600)
    offline.environment["ENCRYPTION_KEY"] = "0" * 32
    assert offline.run_json("status")["key_backup"]["state"] == "faulty"


@pytest.mark.parametrize("content", [b"", b"[" * 200_000, b"\xff\xfe", b'{"key_backup": {"AUTH_SECRET": 5}}', b"null"])
def test_standard_input_that_is_no_output_of_terraform(
    offline: Machine, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
    assert offline.run("backup-keys", "--check") == 2
    assert offline.err.startswith("error: standard input ")


def test_nothing_piped_in(offline: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert offline.run("backup-keys", "--check") == 2
    assert "standard input is a terminal, or closed" in offline.err


@pytest.mark.parametrize("json_flag", [(), ("--json",)])
def test_an_output_on_a_full_disk_fails_without_a_trace(machine: Machine, json_flag: tuple[str, ...]) -> None:
    ended = process(machine, "status", *json_flag, line='"$@" >/dev/full')
    assert (ended.returncode, ended.stderr.splitlines()[0]) == (
        1,
        "error: unexpected OSError: [Errno 28] No space left on device",
    )
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr


def test_work_goes_on_where_nobody_can_read_about_it(server: StandIn, machine: Machine) -> None:
    machine.environment["INFISICAL_ADMIN_PASSWORD"] = "a password of its own"
    ended = process(machine, "admin", "--verbose", line='"$@" 2>/dev/full')
    assert (ended.returncode, server.instance.allow_sign_up) == (0, False)
    assert machine.files() == {"infisical_bootstrap.auto.tfvars": "600"}


def test_no_home(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A user without an entry and without HOME, as in some containers."""

    def homeless(_: str) -> None:
        raise KeyError(4711)

    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", homeless)
    assert main() == 2
    assert capsys.readouterr().err == "error: there is no home directory\nnext: set HOME, or XDG_CACHE_HOME\n"


def test_ctrl_c_while_it_loads(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Interrupting:
        """Loads nothing: the signal comes first."""

        def find_spec(self, name: str, *_: object) -> None:
            if name == "bootstrap.command_line":
                signal.raise_signal(signal.SIGINT)

    monkeypatch.delitem(sys.modules, "bootstrap.command_line")
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    assert main() == 130
    assert capsys.readouterr().err == "error: interrupted\nnext: run the same command again\n"


def test_a_variable_that_is_not_utf8(machine: Machine) -> None:
    machine.environment["INFISICAL_ADMIN_EMAIL"] = os.fsdecode(b"\xff@example.com")
    assert machine.run("admin") == 2
    assert "not UTF-8" in machine.err


def test_a_place_where_nothing_can_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with pytest.raises(CredentialsError, match="can't be locked: No locks available"), exclusive(tmp_path / "l", "it"):
        pass


def test_a_lock_holds_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with exclusive(tmp_path / "l", "it"):
        assert (tmp_path / "l").exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["no-such-program"], "no-such-program is not on PATH"),
        (["./no-program"], "./no-program can't be run: Permission denied"),
        (["true", "a\0b"], "true: an argument holds a null character"),
    ],
)
def test_a_program_that_can_not_be_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], said: str
) -> None:
    (tmp_path / "no-program").touch(mode=0o644)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=said):
        run_program(command, "", environment={"PATH": "/usr/bin:/bin"}, redact=Redactor(), install="install it")


def test_a_program_that_says_what_is_no_text() -> None:
    command = ["sh", "-c", "printf '\\377out'; printf 'a\\377\\n\\n b' >&2; exit 3"]
    ended = run_program(command, "", environment={"PATH": "/usr/bin:/bin"}, redact=Redactor(), install="")
    assert (ended.exit_code, ended.output, ended.complaint) == (3, "\ufffdout", "a\ufffd b")


def test_an_identitys_name_is_found_again_as_infisical_keeps_it(server: StandIn, machine: Machine) -> None:
    machine.run("admin")
    assert machine.run("identity", "--name", " ci ") == 0
    machine.token_file.unlink()
    machine.environment["INFISICAL_ADMIN_EMAIL"] = server.instance.users[0].email
    assert machine.run_json("identity", "--name", " ci ")["created_identity"] is False
    assert [one.name for one in server.instance.identities.values()] == ["Instance Admin Identity", "ci"]


@pytest.mark.parametrize("arguments", [("--wait", "nan"), ("--token-ttl", "315360001"), ("--token-ttl", "59")])
def test_numbers_out_of_bounds(server: StandIn, machine: Machine, arguments: tuple[str, str]) -> None:
    assert machine.run("identity", *arguments) == 2
    assert server.calls == []
