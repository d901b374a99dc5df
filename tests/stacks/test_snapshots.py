"""Every stack of every shipped environment, as it is reviewed: `make snapshots` writes them anew."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.stacks.examples import FILES, PROJECT, example_environments, synthesize_examples
from tests.stacks.stack_snapshots import FOLDER, StackAddresses, StackJson, address_lines, without_metadata
from tests.synthesis import stack_json, stack_names

# syrupy looks for the test in a snapshot's name; ours are called like the stacks.
pytestmark = pytest.mark.filterwarnings(r"ignore:\s*Can not relate snapshot")

STATE_BACKEND = "state-backend-state-backend"
STACKS = (
    "adopted-cluster",
    "adopted-guests",
    "adopted-templates",
    "cluster-guests",
    "cluster-ha",
    "cluster-sdn",
    "cluster-templates",
    "demo-cluster",
    "demo-guests",
    "demo-services",
    "demo-templates",
    "demo-web",
    "dev-templates",
    "prod-cluster",
    "prod-infrastructure",
    "prod-logging",
    "prod-templates",
    "prod-web",
    "services-service-postgresql",
    "services-service-redis",
    "services-templates",
    "secrets-cluster",
    "secrets-secrets-bootstrap",
    "secrets-secrets-host",
    "secrets-secrets-identity",
    "secrets-secrets-infisical",
    "secrets-secrets-resources",
    "secrets-templates",
    "staging-guests",
    "staging-templates",
    "state-backend-guests",
    "state-backend-templates",
)


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesize_examples(tmp_path_factory.mktemp("examples"), example_environments())


def test_the_list_above_is_complete(output: Path) -> None:
    assert stack_names(output) == set(STACKS)


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_is_as_reviewed(name: str, output: Path, snapshot: SnapshotAssertion) -> None:
    reviewed = snapshot(name=name, extension_class=StackJson)

    assert without_metadata(stack_json(output, name)) == reviewed


@pytest.mark.parametrize("name", STACKS)
def test_no_resource_moves_unseen(name: str, output: Path, snapshot: SnapshotAssertion) -> None:
    reviewed = snapshot(name=name, extension_class=StackAddresses)

    assert address_lines(stack_json(output, name)) == reviewed


def test_no_snapshot_is_left_over() -> None:
    expected = {f"{name}.{ending}" for name in (*STACKS, STATE_BACKEND) for ending in ("tf.json", "addresses")}

    assert {path.name for path in FOLDER.iterdir()} == expected


@pytest.mark.parametrize("name", [*STACKS, STATE_BACKEND])
def test_a_snapshot_is_the_same_on_every_machine(name: str) -> None:
    text = (FOLDER / f"{name}.tf.json").read_text(encoding="utf-8")

    assert str(PROJECT) not in text
    # With the slash: a Docker engine is reached as ssh://root@...
    assert f"{Path.home()}/" not in text
    assert not re.search(r'"/[^"]+\.tfstate"', text)


def test_every_shipped_environment_is_here() -> None:
    assert {file.stem for file in FILES} == {_environment_of(name) for name in STACKS}


def _environment_of(stack: str) -> str:
    """The longest name of a file that the stack's name begins with; the stack's own where there is none."""
    names = [file.stem for file in FILES if stack.startswith(f"{file.stem}-")]
    return max(names, key=len, default=stack)
