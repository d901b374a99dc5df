"""``homelab review`` as a program: what it reads, writes, and ends with."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.operations.command_line.conftest import HOMELAB, Run
from tests.operations.review.plans import VM, change, document, vm

NOTHING = document(applyable=False)
CHANGES = document(change(f"{VM}.web", vm(), vm(name="other")))
BLOCKED = document(change(f"{VM}.web", vm(), None))


@pytest.fixture
def write_plan(project: Path) -> Any:
    """Write a plan below the project."""

    def write(name: str, content: dict[str, Any]) -> Path:
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(("content", "code"), [(NOTHING, 0), (CHANGES, 2), (BLOCKED, 3)])
@pytest.mark.parametrize("output_format", ["text", "markdown", "json"])
def test_the_exit_code_is_the_verdict(
    homelab: Run, write_plan: Any, content: Any, code: int, output_format: str
) -> None:
    write_plan("prod.json", content)
    result = homelab("review", "prod.json", "--format", output_format)
    assert (result.returncode, result.stderr) == (code, "")
    assert result.stdout


def test_a_plan_is_called_after_its_file_or_its_folder(homelab: Run, write_plan: Any) -> None:
    write_plan("prod-web.json", CHANGES)
    write_plan("stacks/prod-dns/plan.json", CHANGES)
    result = homelab("review", "prod-web.json", "stacks/prod-dns/plan.json", "--format", "json")
    assert json.loads(result.stdout)["stacks"] == ["prod-web", "prod-dns"]


def test_a_plan_can_come_from_stdin(project: Path) -> None:
    result = subprocess.run(
        [HOMELAB, "review", "-"],
        cwd=project,
        input=json.dumps(BLOCKED),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 3
    assert result.stdout.startswith("BLOCKED: 1 to destroy; 1 blocked\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("review",), "error: no plan is given"),
        (("review", "missing.json"), "error: missing.json can't be read: No such file or directory"),
        (("review", "."), "error: . can't be read: Is a directory"),
        (("review", "cdktf.json"), "error: cdktf: JSON, but no plan"),
        (("review", "--wrong"), "error: No such option: --wrong"),
        (("review", "cdktf.json", "--format", "xml"), "error: Invalid value for '--format'"),
        (("review", "prod.json", "prod.json"), "error: 2 plans are called prod"),
        (("review", "prod.json", "--allow", "none.yaml"), "error: none.yaml can't be read"),
        (("review", "prod.json", "--allow", "cdktf.json"), "error: cdktf.json: not a list"),
        (("review", "prod.json", "--output", "none/review.md"), "error: none/review.md can't be written"),
    ],
)
def test_an_error_ends_with_1_and_never_with_the_code_of_a_verdict(
    homelab: Run, write_plan: Any, arguments: tuple[str, ...], message: str
) -> None:
    write_plan("prod.json", CHANGES)
    result = homelab(*arguments)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(message)
    assert "Traceback" not in result.stderr


ENTRY = f"- {{address: {VM}.web, reason: it is empty, expires: 2999-12-31}}\n"


def test_the_allow_list_of_the_project_is_read_by_itself(homelab: Run, project: Path, write_plan: Any) -> None:
    write_plan("prod.json", BLOCKED)
    (project / "allowed-changes.yaml").write_text(ENTRY)
    assert homelab("review", "prod.json").returncode == 2
    (project / "empty.yaml").write_text("")
    assert homelab("review", "prod.json", "--allow", "empty.yaml").returncode == 3


def test_an_entry_that_expired_lets_nothing_pass(homelab: Run, project: Path, write_plan: Any) -> None:
    write_plan("prod.json", BLOCKED)
    (project / "allowed-changes.yaml").write_text(ENTRY.replace("2999", "2025"))
    result = homelab("review", "prod.json")
    assert result.returncode == 3
    assert "it expired on 2025-12-31" in result.stdout


def test_what_is_written_replaces_what_was_there(homelab: Run, project: Path, write_plan: Any) -> None:
    guests = [change(f'{VM}.web["{index}"]', vm(100 + index), None) for index in range(400)]
    write_plan("prod.json", document(*guests))
    assert homelab("review", "prod.json", "--format", "markdown", "--output", "review.md").returncode == 3
    pieces = sorted(project.glob("review*.md"))
    assert [piece.name for piece in pieces] == ["review-2.md", "review-3.md", "review.md"]
    assert all(len(piece.read_text(encoding="utf-8")) < 65_000 for piece in pieces)
    (project / "review-4.md").write_text("my own notes\n")
    write_plan("prod.json", CHANGES)
    homelab("review", "prod.json", "--format", "markdown", "--output", "review.md")
    assert sorted(path.name for path in project.glob("*review*")) == ["review-4.md", "review.md"]


def test_secrets_of_the_environment_are_not_shown(project: Path, write_plan: Any) -> None:
    write_plan("prod.json", document(change(f"{VM}.web", vm(), vm(name="hunter2-hunter2"))))
    result = subprocess.run(
        [HOMELAB, "review", "prod.json"],
        cwd=project,
        env={**os.environ, "PROXMOX_VE_PASSWORD": "hunter2-hunter2"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "vm-100 → ***" in result.stdout
