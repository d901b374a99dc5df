"""An environment on a simulator for the tests of bad input."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator import Simulator
from tests.end_to_end.failing_site import Site


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(task_seconds=0, address_seconds=0) as running:
        yield running


@pytest.fixture(scope="module")
def synthesized(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("site"), simulator)


@pytest.fixture
def site(synthesized: Site, simulator: Simulator, tmp_path: Path) -> Iterator[Site]:
    """An empty cluster, and stacks with no state."""
    simulator.faults.clear()

    def empty(cluster: Any) -> None:
        for guest in list(cluster.guests.values()):
            cluster.remove_guest(guest)
        cluster.volumes.clear()
        cluster.volumes_of.clear()

    simulator.inspect(empty)
    yield synthesized.copy(tmp_path)
    simulator.faults.clear()
