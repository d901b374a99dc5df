"""The command `cdktf` of the project's environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from operations import cdktf_command
from operations.cdktf_command import cdktf_arguments, cdktf_environment

PROJECT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.prefix) / "bin" / "cdktf"


@pytest.mark.parametrize("command", ["deploy", "destroy", "diff"])
def test_commands_that_would_ask_the_registry_for_checksums_do_not(command: str) -> None:
    assert cdktf_arguments([command, "dev-*"]) == [command, "--skip-provider-lock", "dev-*"]


@pytest.mark.parametrize(
    "arguments", [[], ["synth"], ["synth", "--hcl"], ["deploy", "--skip-provider-lock"], ["--help"]]
)
def test_other_arguments_are_the_user_s(arguments: list[str]) -> None:
    assert cdktf_arguments(arguments) == arguments


def test_its_node_and_tools_are_found_before_the_system_s() -> None:
    assert cdktf_environment()["PATH"].split(os.pathsep)[0] == str(Path(sys.prefix) / "bin")


def test_bindings_come_from_the_committed_schema() -> None:
    assert cdktf_environment()["CDKTF_EXPERIMENTAL_PROVIDER_SCHEMA_CACHE_PATH"] == str(PROJECT / "schemas")


def test_it_runs_from_any_folder_and_says_nothing_of_a_missing_setting(tmp_path: Path) -> None:
    environment = os.environ | {"TF_CLI_CONFIG_FILE": str(tmp_path / "missing"), "PATH": "/usr/bin:/bin", "CI": "1"}
    environment["TERRAFORM_BINARY_NAME"] = cdktf_environment()["TERRAFORM_BINARY_NAME"]
    run = subprocess.run(
        [PROGRAM, "--version"], cwd=tmp_path, env=environment, check=False, capture_output=True, text=True, timeout=60
    )
    version = json.loads((PROJECT / "package.json").read_text(encoding="utf-8"))["dependencies"]["cdktf-cli"]
    assert (run.returncode, run.stdout.strip(), run.stderr) == (0, version, "")


@pytest.mark.parametrize(("command", "mask"), [("deploy", "077"), ("get", "022")])
def test_what_terraform_writes_for_it_is_for_its_user_alone(command: str, mask: str, tmp_path: Path) -> None:
    program = tmp_path / "node_modules" / "cdktf-cli" / "bundle" / "bin" / "cdktf"
    program.parent.mkdir(parents=True)
    program.write_text("console.log('0' + process.umask().toString(8))", encoding="utf-8")
    script = (
        "import os, pathlib; from operations import cdktf_command; os.umask(0o022);"
        f"cdktf_command.cdktf_folder = lambda: pathlib.Path({str(tmp_path)!r}); cdktf_command.main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, command], cwd=tmp_path, check=False, capture_output=True, text=True, timeout=60
    )
    assert (run.returncode, run.stdout.strip()) == (0, mask), run.stderr


def test_a_missing_installation_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(SystemExit, match="Run `make setup`"):
        cdktf_command.main()


def test_a_wrong_mirror_is_named_without_a_stack_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMELAB_PROVIDER_MIRRORS", "/nowhere/mirror")
    with pytest.raises(SystemExit, match="/nowhere/mirror, which is not a folder"):
        cdktf_command.main()
