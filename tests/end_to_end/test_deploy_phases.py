"""Platforms, phases and probes: in order, in part, broken off everywhere, and continued."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator import Simulator
from tests.end_to_end.phased_project import PHASES, PhasedProject

pytestmark = pytest.mark.end_to_end

PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(task_seconds=0, address_seconds=0) as running:
        yield running


@pytest.fixture
def project(simulator: Simulator, tmp_path: Path) -> PhasedProject:
    return PhasedProject(tmp_path, simulator)


def wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def nothing_runs_in(folder: Path) -> bool:
    """Whether no process works in ``folder`` or below any more."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            where = (process / "cwd").readlink()
        except OSError:
            continue
        if where.is_relative_to(folder):
            return False
    return True


def break_off(project: PhasedProject, place: str, number: signal.Signals) -> None:
    """Begins a deployment and breaks it off while ``place``, such as ``run-host``, is being done."""
    project.touch(f"hold-{place}")
    running = project.start("secrets")
    wait_until(lambda: project.has(f"{place}.begun") or running.poll() is not None)
    running.send_signal(number)
    if number == signal.SIGKILL:
        project.remove(f"hold-{place}")
        running.communicate(timeout=PATIENCE_SECONDS)
    else:
        said, _ = running.communicate(timeout=PATIENCE_SECONDS)
        project.remove(f"hold-{place}")
        assert running.returncode == 130, said
        assert "continue with: homelab deploy secrets --environment lab --from " in said
    wait_until(lambda: nothing_runs_in(project.folder))


@pytest.mark.slow
def test_broken_off_in_and_after_every_phase_it_is_continued_by_the_same_command(project: PhasedProject) -> None:
    for index, phase in enumerate(PHASES):
        signals = (signal.SIGINT, signal.SIGKILL) if index % 2 == 0 else (signal.SIGKILL, signal.SIGINT)
        break_off(project, f"run-{phase}", signals[0])
        for file in project.folder.glob("*.begun"):
            file.unlink()
        # The probe is what stands between one phase and the next.
        break_off(project, f"probe-{phase}", signals[1])
        assert not any(project.has(f"{later}.done") for later in PHASES[index + 1 :])
        for file in project.folder.glob("*.begun"):
            file.unlink()
    said = project.deploy("secrets")
    assert "No changes: Proxmox is as the file says." in said
    assert list(dict.fromkeys(project.ran)) == list(PHASES)


def test_a_failed_phase_is_named_with_the_command_to_continue(project: PhasedProject) -> None:
    project.touch("break-identity")
    said = project.deploy("secrets", code=1)
    assert "identity is broken" in said
    assert "failed      lab-secrets-identity" in said
    assert "waiting     lab-secrets-resources  not begun: lab-secrets-identity failed" in said
    assert "continue with: homelab deploy secrets --environment lab --from identity" in said
    project.remove("break-identity")
    said = project.deploy("secrets", "--from", "identity")
    assert "2 of 7 stacks" in said
    assert project.ran == list(PHASES)
    assert "http://resources.home.arpa" in said
    # Somebody removes what a script made: nothing has changed for Terraform, and the probe knows better.
    project.remove("bootstrap.done")
    said = project.deploy("secrets", "--only", "bootstrap")
    assert "does not answer although nothing has changed: its scripts run again" in said
    assert project.ran == [*PHASES, "bootstrap"]
    # And where that does not help, it is an error.
    project.remove("bootstrap.done")
    project.touch("break-bootstrap")
    said = project.deploy("secrets", "--only", "bootstrap", code=1)
    assert "bootstrap is broken" in said


def test_a_dry_run_says_what_can_be_planned_only_later(project: PhasedProject) -> None:
    said = project.deploy("secrets", "--dry-run", "--to", "bootstrap")
    assert "planned     lab-secrets-host" in said
    assert "later       lab-secrets-infisical  planned when lab-secrets-host is applied" in said
    assert project.ran == []


def test_services_fail_alone_also_when_one_can_not_be_planned(project: PhasedProject) -> None:
    project.stacks["lab-service-redis"]["configuration"]["resource"]["null_resource"]["script"]["nonsense"] = True
    project.write()
    said = project.deploy("services", code=1)
    assert "Left out, because it can't be planned or needs what can't: lab-service-redis" in said
    assert "applied     lab-service-gitea" in said
    assert "failed      lab-service-redis" in said
    assert project.ran == ["gitea"]
