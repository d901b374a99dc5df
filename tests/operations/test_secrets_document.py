"""The document of the secrets platform on its way from a stack to a file."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from operations.secrets_document import write_document


def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "operations.secrets_document", *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_is_decoded_and_private(tmp_path: Path) -> None:
    file = tmp_path / "resources.json"
    done = run(str(file), text="%7B%22owner%22%3A%20%22pr%C3%B6d%22%7D")

    assert (done.returncode, done.stderr) == (0, "")
    assert file.read_text(encoding="utf-8") == '{\n  "owner": "pröd"\n}\n'
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_is_no_document_leaves_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "resources.json"
    file.write_text("{}\n")
    done = run(str(file), text="%7B%22owner")

    assert done.returncode == 1
    assert "resources.json can't be written" in done.stderr
    assert file.read_text() == "{}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["resources.json"]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = run(str(tmp_path / "missing" / "resources.json"), text="%7B%7D")

    assert done.returncode == 1
    assert "No such file or directory" in done.stderr


def test_a_wrong_call_is_told_the_usage() -> None:
    done = run()

    assert (done.returncode, done.stderr) == (2, "usage: python -m operations.secrets_document FILE\n")


def test_a_failure_while_writing_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        write_document("%7B%7D", tmp_path / "resources.json")
    assert list(tmp_path.iterdir()) == []
