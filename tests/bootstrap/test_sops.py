"""Values from a file that the real `sops` decrypts with a real `age` key."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bootstrap.desired import FromSops, Secret
from bootstrap.errors import UsageError
from bootstrap.redaction import Redactor
from bootstrap.values import Values
from tests.go_programs.build import go_program

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(1200)]

CONTENT = "database:\n  password: the value in the file\n  port: 5432\nempty: ''\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sops")
    (folder / "bin").mkdir()
    (folder / "bin" / "sops").symlink_to(go_program("sops"))
    subprocess.run(["age-keygen", "-o", folder / "key"], check=True, capture_output=True)
    (recipient,) = (line.split()[-1] for line in (folder / "key").read_text().splitlines() if "public key" in line)
    for name in ("secrets.yaml", "other.yaml"):
        (folder / name).write_text(CONTENT)
        command = [str(folder / "bin" / "sops"), "--encrypt", "--age", recipient, "--in-place", str(folder / name)]
        subprocess.run(command, check=True, capture_output=True)
    return folder


def values(folder: Path, monkeypatch: pytest.MonkeyPatch, **environment: str) -> Values:
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:/usr/bin:/bin")

    def prompt(_: str) -> str:
        raise AssertionError("nobody is to be asked")

    given = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "HOME": str(folder), **environment}
    return Values(given, folder, prompt, Redactor())


def secret(key: str, file: str = "secrets.yaml") -> Secret:
    return Secret(environment="prod", name="PASSWORD", value=FromSops(source="sops", file=file, key=key))


def test_the_value_is_found_and_the_file_holds_it_encrypted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = values(folder, monkeypatch, SOPS_AGE_KEY_FILE=str(folder / "key"))
    assert found.made(secret("database.password")).get_secret_value() == "the value in the file"
    assert "the value" not in (folder / "secrets.yaml").read_text()


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("database.user", "database.user in secrets.yaml is not there"),
        ("database.port", "database.port in secrets.yaml is not a string"),
        ("database", "database in secrets.yaml is not a string"),
        ("empty", "empty in secrets.yaml is not a string with something in it"),
    ],
)
def test_a_wrong_key_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch, key: str, said: str) -> None:
    found = values(folder, monkeypatch, SOPS_AGE_KEY_FILE=str(folder / "key"))
    with pytest.raises(UsageError, match=said):
        found.made(secret(key))


def test_without_the_key_it_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"sops can't decrypt it: .+") as refused:
        values(folder, monkeypatch).made(secret("database.password"))
    assert "SOPS_AGE_KEY_FILE" in refused.value.next_step


def test_a_missing_file_and_a_plain_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "plain.yaml").write_text(CONTENT)
    found = values(folder, monkeypatch, SOPS_AGE_KEY_FILE=str(folder / "key"))
    for file in ("none.yaml", "plain.yaml"):
        with pytest.raises(UsageError, match=f"{file}: sops can't decrypt it"):
            found.made(secret("database.password", file))
