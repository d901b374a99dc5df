"""A project of one's own, and the `homelab` command run in it as a real process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

HOMELAB = Path(sys.executable).with_name("homelab")
Run = Callable[..., "subprocess.CompletedProcess[str]"]

VALID = """\
proxmox:
  endpoint: https://pve.home.arpa:8006
  nodes:
    pve: {cores: 16, memory: 64GiB, datastores: {local: {content: [vztmpl, import, snippets]}, local-lvm: {}}}
policy: {unlocked_images: ignore}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the environments dev and prod, which have no errors."""
    (tmp_path / "cdktf.json").write_text("{}\n")
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "dev.yaml").write_text(f"{VALID}containers: {{dns: {{os: debian-12, vm_id: 9200}}}}\n")
    (tmp_path / "environments" / "prod.yaml").write_text(
        f"{VALID}containers: {{web: {{os: debian-12, vm_id: 9201}}}}\n"
    )
    return tmp_path


@pytest.fixture
def write(project: Path) -> Callable[[str, str], Path]:
    """Write an environment: the valid base and more."""

    def of(name: str, more: str) -> Path:
        path = project / "environments" / f"{name}.yaml"
        path.write_text(VALID + dedent(more))
        return path

    return of


@pytest.fixture
def homelab(project: Path) -> Run:
    """Run ``homelab`` in the project, and see that it never shows a stack trace."""

    def run(*arguments: str, folder: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HOMELAB_", "NO_COLOR", "TERM"))}
        result = subprocess.run(
            [str(HOMELAB), *arguments],
            cwd=folder or project,
            env={**kept, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in result.stdout + result.stderr
        return result

    return run
