"""What `make` and `.ci/run` say and do where something is missing. Stand-ins on PATH play the machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SHELL_TOOLS = ["awk", "cat", "dirname", "env", "make", "sed", "sh", "bash", "true"]


class Machine:
    """A PATH with nothing on it but the shell's own tools and what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for tool in SHELL_TOOLS:
            found = shutil.which(tool)
            assert found, f"{tool} is needed to run a shell script"
            (folder / tool).symlink_to(found)

    def has(self, name: str, script: str) -> None:
        """Puts a program on the machine's PATH."""
        (self.folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (self.folder / name).chmod(0o755)

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs a command of the project on this machine."""
        environment = {"PATH": str(self.folder), "HOME": str(self.folder), **variables}
        return subprocess.run(
            list(command),
            cwd=PROJECT,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            input="typed",
            timeout=60,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "bin")


def test_help_has_a_line_for_every_target_a_user_types(machine: Machine) -> None:
    run = machine.run("make")
    listed = set(re.findall(r"^  make ([a-z-]+) +\S", run.stdout, re.MULTILINE))
    declared = set(
        re.findall(r"^\.PHONY: ([a-z-]+)$", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert listed == declared - {"prerequisites", "node-tools"}
    assert run.returncode == 0


def test_everything_that_is_missing_is_named_at_once_with_how_to_get_it(machine: Machine) -> None:
    run = machine.run("make", "setup")
    assert run.returncode != 0
    assert "Missing: Python 3.11 or newer" in run.stderr
    assert "apt install python3-venv" in run.stderr
    assert "Missing: Terraform 1.9 or newer, or OpenTofu" in run.stderr
    assert "developer.hashicorp.com/terraform/install" in run.stderr


@pytest.mark.parametrize(
    ("name", "version", "accepted"),
    [
        ("terraform", "1.8.5", False),
        ("terraform", "1.9.0", True),
        ("terraform", "1.14.2", True),
        ("tofu", "1.10.0", True),
        ("terraform", "0.15.5", False),
    ],
)
def test_a_terraform_that_is_too_old_is_named(machine: Machine, name: str, version: str, *, accepted: bool) -> None:
    machine.has("python3", "exit 0")
    machine.has(name, f"""test -z "$TF_CLI_CONFIG_FILE" && printf '{{\\n  "terraform_version": "{version}"\\n}}\\n'""")
    run = machine.run("scripts/prerequisites.sh", TF_CLI_CONFIG_FILE="/nowhere")
    assert (run.returncode == 0) == accepted
    assert ("Missing: Terraform 1.9 or newer" in run.stderr) == (not accepted)


def test_a_python_that_is_too_old_is_passed_over(machine: Machine) -> None:
    machine.has("python3", "exit 1")
    machine.has("python3.12", "exit 0")
    assert machine.run("scripts/find_python.sh").stdout.strip() == str(machine.folder / "python3.12")


def test_the_user_s_python_is_tried_first(machine: Machine) -> None:
    machine.has("python3", "exit 0")
    machine.has("pypy", "exit 0")
    assert machine.run("scripts/find_python.sh", PYTHON="pypy").stdout.strip() == str(machine.folder / "pypy")


def packages() -> list[str]:
    """Returns the Debian packages of tests/system-packages.txt."""
    lines = (PROJECT / "tests" / "system-packages.txt").read_text(encoding="utf-8").splitlines()
    return [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]


def test_every_debian_package_has_its_reason() -> None:
    lines = (PROJECT / "tests" / "system-packages.txt").read_text(encoding="utf-8").splitlines()
    assert packages()
    assert [line for line in lines if line and not re.fullmatch(r"#.*|[a-z0-9][a-z0-9.+-]+ +# \S.{10,}", line)] == []


def test_without_root_the_system_tests_are_left_out_and_said_so(machine: Machine) -> None:
    machine.has("id", "echo 1000")
    machine.has("apt-get", "exit 1")
    run = machine.run("scripts/system_packages.sh")
    assert (run.returncode, run.stdout.strip()) == (0, "-m 'not system'")
    assert "need root on Debian, and this is not" in run.stderr
    assert "pytest -m system" in run.stderr
    assert " ".join(packages()) in run.stderr


def test_in_ci_nothing_is_left_out(machine: Machine) -> None:
    machine.has("id", "echo 1000")
    run = machine.run("scripts/system_packages.sh", SYSTEM_TESTS="required")
    assert (run.returncode, run.stdout) == (1, "")
    assert "nothing may be left out" in run.stderr


def test_ci_runs_make_test_with_everything_required_and_no_input(machine: Machine) -> None:
    (machine.folder / "make").unlink()
    machine.has("make", 'echo "make $* SYSTEM_TESTS=$SYSTEM_TESTS input=$(cat)"')
    run = machine.run(".ci/run")
    assert run.stdout.strip() == "make test SYSTEM_TESTS=required input="
