"""Environments that Python builds: what docs/environment.md shows, and what it says of mistakes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
GUIDE = PROJECT / "docs" / "environment.md"
ENVIRONMENT, CONSTRUCT = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    ("program", "guests"),
    [(ENVIRONMENT, {"home-guests": ["mail", "web"], "home-templates": ["debian-12"]}), (CONSTRUCT, {"web": ["web"]})],
    ids=["environment", "construct"],
)
def test_what_the_guide_shows_is_synthesized(program: str, guests: dict[str, list[str]], tmp_path: Path) -> None:
    done = run(program, tmp_path)

    assert done.returncode == 0, done.stderr
    stacks = {
        file.parent.name: sorted(json.loads(file.read_text())["resource"]["proxmox_virtual_environment_vm"])
        for file in tmp_path.glob("cdktf.out/stacks/*/cdk.tf.json")
    }
    assert stacks == guests


def test_mistakes_end_it_with_the_messages_that_files_get(tmp_path: Path) -> None:
    done = run(ENVIRONMENT.replace('"template": "debian-12"', '"template": "debian-21"'), tmp_path)

    assert done.returncode == 1
    assert done.stderr.endswith(
        "InvalidEnvironment: 2 errors in the environment\n"
        "error: vms.web.template\n"
        "    there is no template debian-21\n"
        "    found:    debian-21\n"
        "    allowed:  debian-12\n"
        "    fix:      did you mean debian-12?\n"
        "error: vms.mail.template\n"
        "    there is no template debian-21\n"
        "    found:    debian-21\n"
        "    allowed:  debian-12\n"
        "    fix:      did you mean debian-12?\n"
    )
    assert not (tmp_path / "cdktf.out").exists()
