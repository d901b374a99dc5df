"""Which environments are compared, without synthesizing any."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from operations.comparison.comparison import compare
from operations.comparison.revisions import WORK_TREE, RevisionError


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A commit with the environments `old` and `prod`; in the work tree `old` is gone."""
    for file in ("main.py", "cdktf.json", "environments/old.yaml", "environments/prod.yaml"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    for command in (
        ("init", "--quiet"),
        ("add", "."),
        ("-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "--quiet", "-m", "all"),
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    (tmp_path / "environments/old.yaml").unlink()
    return tmp_path


def test_an_environment_that_neither_revision_has_is_no_reason_to_be_content(repository: Path) -> None:
    with pytest.raises(RevisionError) as caught:
        compare("HEAD", WORK_TREE, ["pord"], root=repository, environ={})
    assert str(caught.value) == "no environment is called pord in either revision\n    allowed:  old, prod"
