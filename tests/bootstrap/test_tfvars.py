"""Terraform variable files: what is written is what Terraform and the next run read."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootstrap import tfvars

AWKWARD = 'quote " backslash \\ ${var.x} $${y} %{if} $ % é \u2028 tab\t line\n😀'


@given(st.dictionaries(st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True), st.text(), min_size=1))
def test_any_value_is_read_back_as_it_was(values: dict[str, str]) -> None:
    assert tfvars.parse(tfvars.render(values, "a comment\nof two lines")) == values


def test_terraform_reads_the_value_that_was_written(tmp_path: Path) -> None:
    (tmp_path / "a.auto.tfvars").write_text(tfvars.render({"awkward": AWKWARD}, "a comment"), encoding="utf-8")
    (tmp_path / "main.tf").write_text('variable "awkward" { type = string }\n')
    answer = subprocess.run(
        ["terraform", "console", "-no-color"],
        input="base64encode(var.awkward)\n",
        cwd=tmp_path,
        env={**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert (
        subprocess.run(
            ["base64", "-d"], input=json.loads(answer.stdout).encode(), capture_output=True, check=True
        ).stdout
        == AWKWARD.encode()
    )


@pytest.mark.parametrize("line", ["token", 'token = "half', "token = 5", 'token = "a" "b"', 'token = "\\q"'])
def test_a_damaged_line_is_named_and_not_shown(line: str) -> None:
    with pytest.raises(ValueError, match="line 2") as refused:
        tfvars.parse(f'good = "yes"\n{line}\n')
    assert line not in str(refused.value)


def test_comments_and_empty_lines_are_allowed() -> None:
    assert tfvars.parse('# a\n\n  name = "x"   # why\n') == {"name": "x"}
