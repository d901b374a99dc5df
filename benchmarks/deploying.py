"""What `homelab deploy` adds to Terraform: against the same stacks synthesized, planned and applied by hand."""

import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks import thousand_guests
from benchmarks.applying import OPTIONS, PROJECT, apply_stack, expect_guests, provide_template, run, run_main
from operations.provider_mirror import cache_folder, terraform_environment
from simulator import Simulator

HOMELAB = PROJECT / ".venv/bin/homelab"


@dataclass(frozen=True)
class Time:
    """Of one run: seconds on the clock, and of the processor, in which no waiting is."""

    clock: float
    processor: float


@dataclass(frozen=True)
class Deploying:
    """One way of doing it."""

    first: Time
    """From nothing to running guests."""
    second: Time
    """Once more, with nothing to do."""


def by_hand(guests: int, folder: Path) -> Deploying:
    """``main.py``, then init, plan and apply in one stack after the other."""
    with Simulator(OPTIONS) as simulator:
        provide_template(simulator)
        environment = {**terraform_environment(), **simulator.environment()}
        file = _write(guests, simulator, folder)

        def once() -> None:
            run_main(file, folder / "cdktf.out")
            for stack in sorted((folder / "cdktf.out" / "stacks").iterdir()):
                apply_stack(stack, environment, folder)

        first, second = _time(once), _time(once)
        expect_guests(simulator, guests)
    return Deploying(first, second)


def by_command(guests: int, folder: Path, jobs: int) -> Deploying:
    """``homelab deploy``: also its checks, the review, the comparison of VMIDs and the look at the guests."""
    with Simulator(OPTIONS) as simulator:
        provide_template(simulator)
        environment = {**os.environ, **simulator.environment(), "XDG_CACHE_HOME": str(cache_folder().parent)}
        file = _write(guests, simulator, folder)
        words = ["deploy", "--environment", str(file), "--output", str(folder / "cdktf.out"), "--jobs", str(jobs)]

        def once() -> None:
            run([str(HOMELAB), *words, "--yes"], PROJECT, environment)

        first, second = _time(once), _time(once)
        expect_guests(simulator, guests)
    return Deploying(first, second)


def _write(guests: int, simulator: Simulator, folder: Path) -> Path:
    file = folder / f"{thousand_guests.NAME}.yaml"
    content = thousand_guests.containers(guests, simulator.endpoint)
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return file


def _time(work: Callable[[], None]) -> Time:
    clock, processor = time.perf_counter(), _of_children()
    work()
    return Time(time.perf_counter() - clock, _of_children() - processor)


def _of_children() -> float:
    """Processor seconds of all processes that were started and have ended; the simulator is not among them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
