"""The warning about Infisical's keys: asked of the deployment's own probe."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from operations.deployment.advice import key_backup_problem
from operations.deployment.tools import StackResult
from operations.terraform.messages import Outputs
from operations.terraform.process import Processes

COMMAND = ["bootstrap", "status", "--phase", "admin", "--directory", "d"]


def problem(folder: Path, command: list[str] | None, printed: str = "") -> str:
    (folder / "bootstrap.py").write_text(
        f"import sys; open('asked', 'w').write(' '.join(sys.argv[1:])); print({printed!r})", encoding="utf-8"
    )
    outputs = Outputs({"probes": [{"name": "administrator", "command": command}]})
    results = [StackResult("lab-web", "applied"), StackResult("lab-secrets-bootstrap", "applied", outputs=outputs)]
    return key_backup_problem(results, Processes(), os.environ, folder)


@pytest.mark.parametrize("said", ["", "the keys are saved nowhere"])
def test_what_the_status_says_is_the_warning(tmp_path: Path, said: str) -> None:
    assert problem(tmp_path, COMMAND, json.dumps({"key_backup": {"state": "absent", "problem": said}})) == said
    assert (tmp_path / "asked").read_text(encoding="utf-8") == "status --directory d --json"


def test_an_answer_that_is_none_is_a_warning_too(tmp_path: Path) -> None:
    assert "could not be found out" in problem(tmp_path, COMMAND, "Traceback")


def test_without_infisical_nobody_is_asked(tmp_path: Path) -> None:
    assert problem(tmp_path, None) == ""
    assert problem(tmp_path, ["hooks", "probe"]) == ""
    assert not (tmp_path / "asked").exists()
