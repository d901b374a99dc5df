"""Synthesizes the environments of a git revision, with the code of that revision, in a folder of its own."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from operations.terraform.stacks import Stack, StackError, read_stacks

WORK_TREE = ""
"""Stands for the files as they are, committed or not."""
_BINDINGS_FROM = ("cdktf.json", "schemas")
_PACKAGES_FROM = "Pipfile.lock"


class RevisionError(Exception):
    """A revision can't be compared; the message says which, why, and what to do."""


@dataclass(frozen=True)
class Revision:
    """A revision that was synthesized.

    Attributes:
        name: what the user called it.
        commit: its commit; empty for the work tree.
        stacks: its stacks by name.
        environments: the names of all its environments.
        other_packages: it locks other Python packages than those that synthesized it.
    """

    name: str
    commit: str
    stacks: Mapping[str, Stack]
    other_packages: bool = False
    environments: tuple[str, ...] = ()


def synthesize_revision(
    name: str, environments: Sequence[str], *, root: Path, folder: Path, environ: Mapping[str, str]
) -> Revision:
    """Synthesizes ``environments`` of a revision; without names all that it has.

    The app runs with the packages of this environment, and with bindings of its own where its schemas differ.

    Args:
        name: anything that git takes for a commit, or `WORK_TREE`.
        root: the project.
        folder: an empty folder for what is made.
        environ: what the app may see: give it no credentials, as it runs code of the revision.

    Raises:
        RevisionError: there is no such commit, or it doesn't synthesize.
    """
    if name == WORK_TREE:
        source, commit = root, ""
    else:
        source, commit = folder / "source", _commit(name, root)
        _export(commit, root, source)
        _provide_bindings(name, root, source, environ)
    existing = _environments(source)
    chosen = [entry for entry in environments if entry in existing]
    if not chosen and (environments or not existing):
        return Revision(name, commit, {}, environments=existing)
    output = folder / "cdktf.out"
    finished = subprocess.run(
        [sys.executable, "-O", "main.py"],
        cwd=source,
        env={**_python_of(source, environ), "HOMELAB_ENVIRONMENTS": ",".join(chosen), "CDKTF_OUTDIR": str(output)},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        said = finished.stderr.strip() or finished.stdout.strip() or f"main.py ended with {finished.returncode}"
        raise RevisionError(f"{_called(name)} does not synthesize\n\n{said}")
    try:
        stacks = {stack.name: stack for stack in read_stacks(output)}
    except StackError as error:
        raise RevisionError(f"{_called(name)}: {error}") from None
    lock = source / _PACKAGES_FROM
    other = source != root and lock.is_file() and lock.read_bytes() != (root / _PACKAGES_FROM).read_bytes()
    return Revision(name, commit, stacks, other_packages=other, environments=existing)


def _called(name: str) -> str:
    return f"revision {name}" if name != WORK_TREE else "the work tree"


def _commit(name: str, root: Path) -> str:
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if found.returncode == 0:
        return found.stdout.decode().strip()
    problem = found.stderr.decode(errors="replace").strip()
    if "not a git repository" in problem:
        raise RevisionError(
            f"{root} is in no git repository, so there is no revision {name}\n"
            "    fix:      run it in a clone, or begin with git init and a commit"
        )
    if problem:
        raise RevisionError(f"git can't read {name}: {problem}")
    if _git(root, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true":
        fetch = "git fetch --unshallow, or git fetch origin with its name; in CI, check out with the whole history "
        fetch += "(fetch-depth: 0)"
    else:
        fetch = "git fetch origin with its name; git branch --all lists those there are"
    raise RevisionError(
        f"{name} is no revision of this repository\n"
        "    allowed:  a branch, a tag or a commit that has been fetched\n"
        f"    fix:      {fetch}"
    )


def _export(commit: str, root: Path, target: Path) -> None:
    prefix = _git(root, "rev-parse", "--show-prefix").stdout.decode().strip().rstrip("/")
    # From inside of a folder git would look for that folder once more in the tree that it is given.
    top = Path(_git(root, "rev-parse", "--show-toplevel").stdout.decode().removesuffix("\n"))
    archive = _git(top, "archive", "--format=tar", f"{commit}:{prefix}" if prefix else commit)
    if archive.returncode:
        raise RevisionError(
            f"git can't export {commit[:12]}: {archive.stderr.decode(errors='replace').strip()}\n"
            "    allowed:  a commit in which the project is in the same folder as now"
        )
    target.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(target, filter="data")
    if not (target / "main.py").is_file():
        raise RevisionError(
            f"{commit[:12]} has no main.py\n    allowed:  a commit that has the app\n    fix:      choose a later one"
        )


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    except FileNotFoundError:
        raise RevisionError("git is not installed\n    fix:      apt install git") from None


def _provide_bindings(name: str, root: Path, source: Path, environ: Mapping[str, str]) -> None:
    if all(_content(root / entry) == _content(source / entry) for entry in _BINDINGS_FROM):
        (source / "imports").symlink_to(root / "imports", target_is_directory=True)
        return
    command = "from operations.cdktf_command import main; main()"
    finished = subprocess.run(
        [sys.executable, "-c", command, "get", "--force", "--output", "imports"],
        cwd=source,
        env=_python_of(source, environ),
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise RevisionError(
            f"the bindings of revision {name} can't be generated\n\n{(finished.stderr or finished.stdout).strip()}"
        )


def _content(path: Path) -> dict[str, bytes]:
    if path.is_dir():
        return {entry.name: entry.read_bytes() for entry in path.iterdir() if entry.is_file()}
    return {"": path.read_bytes()} if path.is_file() else {}


def _python_of(source: Path, environ: Mapping[str, str]) -> dict[str, str]:
    # Before the installed project, which is the one of the work tree.
    return {**environ, "PYTHONPATH": f"{source}:{source / 'constructs'}"}


def _environments(source: Path) -> tuple[str, ...]:
    folder = source / "environments"
    files = folder.iterdir() if folder.is_dir() else ()
    return tuple(sorted(path.stem for path in files if path.suffix in (".yaml", ".yml")))
