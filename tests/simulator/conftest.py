from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator import Simulator, SimulatorOptions, StorageOptions
from tests.simulator.api_client import Api

OPTIONS = SimulatorOptions(
    nodes=("pve", "pve2"),
    bridges=("vmbr0",),
    storages=(
        StorageOptions("local"),
        StorageOptions("local-lvm", "lvmthin", ("images", "rootdir")),
        StorageOptions("tank", "zfspool", ("images", "rootdir")),
    ),
    task_seconds=0,
    address_seconds=0,
)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(OPTIONS) as running:
        yield running


@pytest.fixture
def api(simulator: Simulator) -> Iterator[Api]:
    client = Api(simulator, simulator.api_token)
    yield client
    client.http.close()
