"""The workflows that users copy, and our own: what GitHub and GitLab would refuse, and what nobody should grant."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.go_programs.build import go_program

PROJECT = Path(__file__).resolve().parents[2]
GITHUB = sorted((PROJECT / "examples/workflows/github").glob("*.yml"))
GITLAB = PROJECT / "examples/workflows/gitlab/.gitlab-ci.yml"
ALL_GITHUB = [*GITHUB, *sorted((PROJECT / ".github/workflows").glob("*.yml"))]
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
OPTION = re.compile(r"(?<!-)--[a-z][a-z-]+")


def _names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def _load(path: Path) -> dict[str, Any]:
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    # YAML 1.1 reads `on` as true.
    return {"on" if key is True else key: value for key, value in loaded.items()}


@pytest.mark.system
def test_actionlint_finds_nothing() -> None:
    """With shellcheck for the scripts in them, which actionlint runs where it is installed."""
    result = subprocess.run(
        [go_program("actionlint"), "-shellcheck", "shellcheck", *ALL_GITHUB],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.system
def test_shellcheck_finds_nothing_in_our_scripts() -> None:
    scripts = sorted((PROJECT / "scripts").glob("*.sh"))
    result = subprocess.run(["shellcheck", "--external-sources", *scripts], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize("path", ALL_GITHUB, ids=_names(ALL_GITHUB))
def test_actions_are_pinned_by_commit_with_their_release(path: Path) -> None:
    uses = [line.strip().removeprefix("- ") for line in path.read_text("utf-8").splitlines() if "uses:" in line]
    assert uses
    assert [line for line in uses if not PINNED.search(line)] == []


@pytest.mark.parametrize("path", ALL_GITHUB, ids=_names(ALL_GITHUB))
def test_a_workflow_may_only_read_and_a_job_says_what_else_it_needs(path: Path) -> None:
    workflow = _load(path)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        granted = job.get("permissions", {})
        assert granted.get("contents", "read") == "read"
        assert set(granted) <= {"contents", "pull-requests", "issues"}
        assert job["timeout-minutes"] <= 120


@pytest.mark.parametrize("path", GITHUB, ids=_names(GITHUB))
def test_nothing_that_an_outsider_writes_gets_into_a_script(path: Path) -> None:
    for job in _load(path)["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), step.get("name")


@pytest.mark.parametrize("path", GITHUB, ids=_names(GITHUB))
def test_no_credential_of_git_is_left_and_a_node_is_reached_by_our_own_code_only(path: Path) -> None:
    workflow = _load(path)
    triggers = workflow["on"]
    assert "pull_request_target" not in triggers
    for job in workflow["jobs"].values():
        checkout = next(step for step in job["steps"] if "actions/checkout" in step.get("uses", ""))
        assert checkout["with"]["persist-credentials"] is False
        secrets = "secrets." in yaml.safe_dump(job)
        on_our_runner = "self-hosted" in job["runs-on"]
        assert secrets == on_our_runner
        if on_our_runner:
            assert job["environment"]
            # Otherwise `git clean -x` would take a local state away.
            assert checkout["with"]["clean"] is False
            if "pull_request" in triggers:
                assert "head.repo.full_name == github.repository" in job["if"]


def test_everything_that_touches_a_node_waits_for_each_other() -> None:
    groups = {path.name: _load(path)["concurrency"]["group"] for path in GITHUB}
    assert {name for name, group in groups.items() if group == "homelab-node"} == {
        "homelab-plan.yml",
        "homelab-apply.yml",
        "homelab-drift.yml",
    }
    assert all("cancel-in-progress" not in _load(path)["concurrency"] for path in GITHUB if "review" not in path.name)


def test_gitlab_does_the_same_in_the_same_order() -> None:
    pipeline = _load(GITLAB)
    jobs = {name: job for name, job in pipeline.items() if isinstance(job, dict) and "stage" in job}
    assert list(jobs) == pipeline["stages"] == ["review", "plan", "apply", "drift"]
    for name in ("plan", "apply", "drift"):
        assert jobs[name]["resource_group"] == "homelab-node"
        assert jobs[name]["tags"] == ["homelab"]
        assert jobs[name]["variables"]["GIT_CLEAN_FLAGS"] == "none"
    assert "HOMELAB_GITLAB_TOKEN" not in yaml.safe_dump(pipeline)


def _judged_by_gitlabs_schema(path: Path) -> subprocess.CompletedProcess[str]:
    """What the schema that GitLab publishes says, in the copy that check-jsonschema brings."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_gitlabs_own_schema_takes_the_pipeline() -> None:
    result = _judged_by_gitlabs_schema(GITLAB)
    assert result.returncode == 0, result.stdout


def test_gitlabs_own_schema_refuses_another_one(tmp_path: Path) -> None:
    wrong = tmp_path / ".gitlab-ci.yml"
    wrong.write_text(
        GITLAB.read_text(encoding="utf-8").replace("resource_group:", "resource_groups:"), encoding="utf-8"
    )
    result = _judged_by_gitlabs_schema(wrong)
    assert result.returncode == 1, result.stdout


@pytest.mark.parametrize("path", [*GITHUB, GITLAB], ids=_names([*GITHUB, GITLAB]))
def test_each_option_and_program_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    joined = re.sub(r"\\\n\s*|\n\s{6,}(?=--)", " ", text)
    commands = re.findall(r"\.venv/bin/homelab (\w+)([^\n]*)", joined)
    for command, rest in commands:
        shown = subprocess.run(
            [PROJECT / ".venv/bin/homelab", command, "--help"], capture_output=True, text=True, check=True
        ).stdout
        assert [option for option in OPTION.findall(rest) if option not in shown] == [], command
    for program in re.findall(r"scripts/[\w.]+", text):
        assert (PROJECT / program).stat().st_mode & 0o111, program
    for target in re.findall(r"(?:- |run: )make (\w[\w-]*)", text):
        assert f"\n{target}:" in (PROJECT / "Makefile").read_text(encoding="utf-8"), target
