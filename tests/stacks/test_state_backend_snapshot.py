"""The stack that makes the S3 backend of the example, as it is reviewed; apart, as its bindings take long to import."""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.stacks.examples import PROJECT, example_environments, synthesize_examples
from tests.stacks.stack_snapshots import StackAddresses, StackJson, address_lines, without_metadata
from tests.stacks.test_snapshots import STATE_BACKEND
from tests.synthesis import stack_json

pytestmark = [pytest.mark.end_to_end, pytest.mark.filterwarnings(r"ignore:\s*Can not relate snapshot")]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    environments = example_environments([PROJECT / "examples" / "state-backend.yaml"], state_backend=True)
    return synthesize_examples(tmp_path_factory.mktemp("state-backend"), environments)


def test_the_stack_is_as_reviewed(output: Path, snapshot: SnapshotAssertion) -> None:
    reviewed = snapshot(name=STATE_BACKEND, extension_class=StackJson)

    assert without_metadata(stack_json(output, STATE_BACKEND)) == reviewed


def test_no_resource_moves_unseen(output: Path, snapshot: SnapshotAssertion) -> None:
    reviewed = snapshot(name=STATE_BACKEND, extension_class=StackAddresses)

    assert address_lines(stack_json(output, STATE_BACKEND)) == reviewed
