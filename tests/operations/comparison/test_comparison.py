"""Which environments are compared, without synthesizing any."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from operations.comparison.comparison import compare
from operations.comparison.revisions import WORK_TREE, RevisionError, synthesize_revision


def _git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A commit with the environments `old` and `prod`; in the work tree `old` is gone."""
    for file in ("main.py", "cdktf.json", "environments/old.yaml", "environments/prod.yaml"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "all")):
        _git(tmp_path, *command)
    (tmp_path / "environments/old.yaml").unlink()
    return tmp_path


def test_an_environment_that_neither_revision_has_is_no_reason_to_be_content(repository: Path) -> None:
    with pytest.raises(RevisionError) as caught:
        compare("HEAD", WORK_TREE, ["pord"], root=repository, environ={})
    assert str(caught.value) == "no environment is called pord in either revision\n    allowed:  old, prod"


def _exported(root: Path, target: Path) -> list[str]:
    with pytest.raises(RevisionError) as caught:
        # Its app is an empty file, so that nothing is synthesized.
        synthesize_revision("HEAD", [], root=root, folder=target, environ={})
    assert "HEAD" in str(caught.value)
    return sorted(str(file.relative_to(target / "source")) for file in (target / "source").rglob("*.yaml"))


def test_a_project_in_a_folder_of_its_repository(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    inner = repository / "infra" / "lab"
    (inner / "environments").mkdir(parents=True)
    for file in ("main.py", "cdktf.json", "environments/lab.yaml"):
        (inner / file).touch()
    _git(repository, "add", ".")
    _git(repository, "commit", "--quiet", "-m", "inner")
    assert _exported(inner, tmp_path_factory.mktemp("inner")) == ["environments/lab.yaml"]
    assert "infra/lab/environments/lab.yaml" in _exported(repository, tmp_path_factory.mktemp("outer"))


def _refusal(name: str, root: Path, folder: Path) -> str:
    with pytest.raises(RevisionError) as caught:
        synthesize_revision(name, [], root=root, folder=folder, environ={})
    return str(caught.value)


def test_a_revision_that_is_not_there(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("revisions")
    said = _refusal("nope", repository, folder)
    assert said.startswith("nope is no revision of this repository\n    allowed:  a branch, a tag or a commit")
    assert "git branch --all" in said
    _git(folder, "clone", "--quiet", "--depth=1", f"file://{repository}", "shallow")
    assert "git fetch --unshallow" in _refusal("HEAD~1", folder / "shallow", folder)


def test_a_folder_that_is_in_no_repository(tmp_path: Path) -> None:
    said = _refusal("main", tmp_path, tmp_path)
    assert said == (
        f"{tmp_path} is in no git repository, so there is no revision main\n"
        "    fix:      run it in a clone, or begin with git init and a commit"
    )
