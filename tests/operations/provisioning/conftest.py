"""A pretended node for the tests of the runner."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.operations.provisioning.pretended_ssh import Machines


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    return Machines.make(tmp_path)
