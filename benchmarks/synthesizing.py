"""Synthesis and ``homelab check`` of large environments: seconds and peak memory of whole processes."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks import thousand_guests

PROJECT = Path(__file__).resolve().parent.parent
PYTHON = str(PROJECT / ".venv/bin/python")


@dataclass(frozen=True)
class Cost:
    """The best of several runs of one process."""

    seconds: float
    peak_mib: float


def bare_program(guests: int, folder: Path, *, optimized: bool) -> Cost:
    """The bare cdktf program; ``optimized`` is ``python -O``, which switches jsii's type checks off."""
    command = [
        PYTHON,
        *(["-O"] if optimized else []),
        "-m",
        "benchmarks.bare_program",
        str(guests),
        str(folder / "bare"),
    ]
    return _best(command, {})


def main_program(guests: int, folder: Path) -> Cost:
    """``main.py`` as cdktf.json runs it: reading, checking, resolving and synthesizing the file."""
    file = write_environment(guests, folder)
    variables = {"HOMELAB_ENVIRONMENTS": str(file), "CDKTF_OUTDIR": str(folder / "cdktf.out")}
    return _best([PYTHON, "-O", "main.py"], variables)


def check(files: list[Path]) -> Cost:
    """``homelab check`` of ``files``."""
    return _best([str(PROJECT / ".venv/bin/homelab"), "check", *map(str, files)], {})


def write_environment(guests: int, folder: Path) -> Path:
    """The environment file with ``guests`` guests."""
    file = folder / f"{thousand_guests.NAME}.yaml"
    file.write_text(yaml.safe_dump(thousand_guests.environment(guests), sort_keys=False))
    return file


def _best(command: list[str], variables: dict[str, str], runs: int = 3) -> Cost:
    costs = [_measure(command, variables) for _ in range(runs)]
    return Cost(min(cost.seconds for cost in costs), max(cost.peak_mib for cost in costs))


_CHILD = """
import resource, subprocess, sys, time
started = time.perf_counter()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
seconds = time.perf_counter() - started
if done.returncode:
    sys.exit(done.stdout[-3000:] + done.stderr[-3000:])
print(seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def _measure(command: list[str], variables: dict[str, str]) -> Cost:
    # A process of its own for each: the peak memory of children is a maximum over all that a process ever had.
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *command],
        cwd=PROJECT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    seconds, kib = done.stdout.split()
    return Cost(float(seconds), int(kib) / 1024)
