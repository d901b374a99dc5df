"""`cdktf deploy PATTERN` takes what the named stacks depend on along."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from operations.cdktf_dependencies import missing_dependencies, patterns_in, with_dependencies
from operations.terraform.stacks import Stack

PROJECT = Path(__file__).resolve().parents[2]
STACKS = [
    Stack("prod-cluster", Path()),
    Stack("prod-templates", Path()),
    Stack("prod-web", Path(), ("prod-cluster", "prod-templates")),
    Stack("prod-secrets-host", Path(), ("prod-templates",)),
    Stack("prod-secrets-infisical", Path(), ("prod-secrets-host",)),
]


@pytest.mark.parametrize(
    ("arguments", "patterns"),
    [
        (["deploy"], []),
        (["deploy", "prod-*"], ["prod-*"]),
        (["deploy", "--auto-approve", "a", "b"], ["a", "b"]),
        (["deploy", "-o", "out", "--var", "x=1", "a"], ["a"]),
        (["deploy", "--output=out", "a"], ["a"]),
    ],
)
def test_values_of_options_are_no_stacks(arguments: list[str], patterns: list[str]) -> None:
    assert patterns_in(arguments) == patterns


@pytest.mark.parametrize(
    ("patterns", "missing"),
    [
        (["prod-secrets-*"], ["prod-templates"]),
        (["prod-secrets-infisical"], ["prod-templates", "prod-secrets-host"]),
        (["prod-web"], ["prod-cluster", "prod-templates"]),
        (["prod-*"], []),
        (["nothing"], []),
    ],
)
def test_what_is_missing_comes_in_the_order_of_deployment(patterns: list[str], missing: list[str]) -> None:
    assert missing_dependencies(patterns, STACKS) == missing


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["synth"],
        ["deploy"],
        ["diff", "prod-web"],
        ["destroy", "prod-web"],
        ["deploy", "prod-web", "--ignore-missing-stack-dependencies"],
        ["deploy", "prod-web", "--skip-synth"],
        ["deploy", "prod-web", "--app=true"],
    ],
)
def test_other_commands_are_the_user_s(arguments: list[str]) -> None:
    assert with_dependencies(arguments, os.environ) == arguments


@pytest.mark.slow
def test_the_secrets_platform_is_deployed_by_its_own_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(PROJECT)
    environment = {**os.environ, "HOMELAB_ENVIRONMENTS": "examples/secrets.yaml"}
    found = with_dependencies(["deploy", "secrets-secrets-*"], environment)
    assert found[:2] == ["deploy", "secrets-secrets-*"]
    assert "secrets-templates" in found[2:]
    assert f"cdktf: also deploys {', '.join(found[2:])}, which they depend on" in capsys.readouterr().err


@pytest.mark.slow
def test_a_file_with_errors_is_left_to_cdktf_to_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    broken = tmp_path / "broken.yaml"
    broken.write_text("proxmox: {}\n", encoding="utf-8")
    environment = {**os.environ, "HOMELAB_ENVIRONMENTS": str(broken)}
    assert with_dependencies(["deploy", "broken-*"], environment) == ["deploy", "broken-*"]
