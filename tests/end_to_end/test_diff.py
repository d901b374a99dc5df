"""`homelab diff` on a repository of its own: two revisions with their own code, and the work tree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.end_to_end.homelab_project import ENVIRONMENT, HOMELAB, PROJECT

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

CONTAINER = "proxmox_virtual_environment_container"
VM = "proxmox_virtual_environment_vm"


def _git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=root, check=True, capture_output=True, text=True
    ).stdout.strip()


def _write(root: Path, environment: dict[str, Any]) -> None:
    (root / "environments/home.yaml").write_text(yaml.safe_dump(environment, sort_keys=False), encoding="utf-8")


def _environment(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(ENVIRONMENT))
    found["proxmox"]["endpoint"] = "https://pve.home.arpa:8006"
    found["containers"]["files"] = {**found["containers"]["dns"], "vm_id": 9201, "network": "lan"}
    found["containers"]["dns"] |= changes
    return found


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Commits `first` and `second` of an app, and another change in the work tree."""
    root = tmp_path_factory.mktemp("repository")
    for folder in ("constructs", "operations", "schemas"):
        shutil.copytree(PROJECT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("main.py", "cdktf.json", "Pipfile.lock", ".gitignore"):
        shutil.copy(PROJECT / file, root / file)
    (root / "imports").symlink_to(PROJECT / "imports")
    (root / "environments").mkdir()
    _git(root, "init", "--quiet", "--initial-branch=main")
    (root / ".git/info/exclude").write_text("imports\n", encoding="utf-8")
    _write(root, _environment())
    _git(root, "add", ".")
    _git(root, "commit", "--quiet", "-m", "first")
    _git(root, "tag", "first")
    second = _environment(mount_points={"mp0": {"path": "/srv", "size": "8GiB"}})
    second["vms"]["web"]["memory"] = "4GiB"
    _write(root, second)
    # The code of the second revision differs, too: each revision is synthesized with its own.
    guests = root / "constructs/homelab/proxmox/container.py"
    code = guests.read_text(encoding="utf-8")
    assert "timeout_delete=300" in code
    guests.write_text(code.replace("timeout_delete=300", "timeout_delete=301"), encoding="utf-8")
    _git(root, "commit", "--quiet", "-am", "second")
    _git(root, "tag", "second")
    del second["vms"]["web"]
    _write(root, second)
    return root


def _diff(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_COLOR": "1", "PROXMOX_VE_API_TOKEN": "root@pam!canary=canary-7f3a91"}
    return subprocess.run(
        [HOMELAB, "diff", *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False
    )


def test_two_revisions_are_compared_by_meaning(repository: Path) -> None:
    result = _diff(repository, "first", "second", "--format", "json")
    assert result.returncode == 3, result.stderr
    found = json.loads(result.stdout)
    changes = {change["address"]: change for change in found["changes"]}
    assert changes[f"{CONTAINER}.dns"]["action"] == "replace"
    assert "memory.dedicated 2048 → 4096" in changes[f"{VM}.web"]["details"]
    (blocked,) = [finding for finding in found["findings"] if finding["blocks"]]
    # The second revision's code sets another argument: each is synthesized with its own.
    assert "timeout_delete 300 → 301" in " ".join(changes[f"{CONTAINER}.files"]["details"])
    assert (blocked["kind"], blocked["guest"], blocked["vm_id"]) == ("guest-replaced", "dns", 9200)


def test_the_same_revision_changes_nothing(repository: Path) -> None:
    result = _diff(repository, "first", "first")
    assert (result.returncode, result.stdout.splitlines()[0]) == (0, "NOTHING TO DO: no object changes")


def test_the_work_tree_is_what_comes_next(repository: Path) -> None:
    result = _diff(repository, "second", "--format", "markdown")
    assert result.returncode == 3, result.stderr
    assert "Changes from second to the work tree: blocked" in result.stdout
    assert "VM web (9100)" in result.stdout.replace("\\", "")


def test_an_environment_that_one_revision_lacks_is_created(repository: Path) -> None:
    other = repository / "environments/other.yaml"
    other.write_text(yaml.safe_dump(_environment()), encoding="utf-8")
    try:
        result = _diff(repository, "second", "--environment", "other", "--format", "json")
    finally:
        other.unlink()
    counts = json.loads(result.stdout)["counts"]
    assert result.returncode == 2
    assert set(counts) == {"create"}


def test_a_revision_that_is_not_there_is_named(repository: Path) -> None:
    result = _diff(repository, "nowhere")
    assert result.returncode == 1
    assert "nowhere is no revision of this repository" in result.stderr
    assert "git fetch origin with its name" in result.stderr


def test_a_revision_that_does_not_synthesize_is_named(repository: Path) -> None:
    file = repository / "environments/home.yaml"
    good = file.read_text(encoding="utf-8")
    file.write_text(good.replace("vm_id: 9200", "vm_id: 9000"), encoding="utf-8")
    try:
        result = _diff(repository, "first")
    finally:
        file.write_text(good, encoding="utf-8")
    assert result.returncode == 1
    assert "the work tree does not synthesize" in result.stderr
    assert "9000" in result.stderr
    assert "Traceback" not in result.stderr


def test_nothing_is_left_behind_and_no_credential_is_handed_on(repository: Path) -> None:
    probe = repository / "main.py"
    good = probe.read_text(encoding="utf-8")
    probe.write_text(
        good.replace("def main() -> int:", "def main() -> int:\n    if 'canary' in str(os.environ): return 9\n", 1),
        encoding="utf-8",
    )
    try:
        result = _diff(repository, "second")
    finally:
        probe.write_text(good, encoding="utf-8")
    assert result.returncode == 3, result.stderr
    assert _git(repository, "status", "--porcelain") == "M environments/home.yaml"
