"""Which moves are pending: reads the states of an environment and compares them with its stacks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from operations.moves.matching import Move, State, find_moves
from operations.terraform.messages import plain_diagnostics
from operations.terraform.stacks import Stack
from operations.terraform.terraform import Terraform, TerraformError


@dataclass(frozen=True)
class Pending:
    """The moves that are pending, with the states that they are about.

    Attributes:
        states: as they were read, by the name of the stack. They hold secrets: never printed.
        stacks: the folders in which Terraform reads and writes each of them.
    """

    moves: tuple[Move, ...] = ()
    states: dict[str, State] = field(default_factory=dict, repr=False)
    stacks: dict[str, Stack] = field(default_factory=dict, repr=False)


def pending_moves(terraform: Terraform, stacks: Sequence[Stack], gone: Sequence[Stack] = ()) -> Pending:
    """The moves that would bring the states to where ``stacks`` want them.

    Local states are read as they are; others through their backend, which needs its credentials.

    Args:
        gone: stacks that are not synthesized any more and may have a state, such as a group without guests.

    Raises:
        TerraformError: a state can't be read.
    """
    everything = {stack.name: stack for stack in (*gone, *stacks)}
    states: dict[str, State] = {}
    for name, stack in everything.items():
        state = read_state(terraform, stack)
        if state is not None:
            states[name] = state
    return Pending(tuple(find_moves(states, stacks)), states, everything)


def read_state(terraform: Terraform, stack: Stack) -> State | None:
    """The state of a stack; None where it has none yet.

    Raises:
        TerraformError: it can't be read.
    """
    if stack.state_file is not None:
        text = stack.state_file.read_text(encoding="utf-8") if stack.state_file.is_file() else ""
    else:
        terraform.init(stack)
        text = run(terraform, stack, "state", "pull")
    if not text.strip():
        return None
    try:
        state: State = json.loads(text)
    except ValueError:
        raise TerraformError(stack.name, "state pull", (), "the state is not JSON", 1) from None
    if state.get("version") != 4:
        raise TerraformError(stack.name, "state pull", (), f"the state has version {state.get('version')}, not 4", 1)
    return state


def run(terraform: Terraform, stack: Stack, *arguments: str) -> str:
    """Standard output of ``terraform`` in the folder of a stack.

    Raises:
        TerraformError: it failed.
    """
    finished = terraform.processes.run(
        [terraform.program, *arguments], folder=stack.folder, environment=terraform.environment
    )
    if finished.code:
        text = finished.stderr or finished.stdout
        raise TerraformError(stack.name, " ".join(arguments[:2]), plain_diagnostics(text), text, finished.code)
    return finished.stdout


def stack_of_state(name: str, sibling: Stack) -> Stack:
    """A stack without resources for the state of ``name``, which lies beside that of ``sibling``."""
    terraform = json.loads(json.dumps(sibling.configuration["terraform"]))
    backend = terraform["backend"]
    settings = backend.get("local") or backend["s3"]
    key = "path" if "local" in backend else "key"
    settings[key] = str(Path(settings[key]).with_name(f"{name}.tfstate"))
    folder = sibling.folder.parent / name
    folder.mkdir(parents=True, exist_ok=True)
    configuration = {"terraform": terraform, "provider": sibling.configuration["provider"]}
    (folder / "cdk.tf.json").write_text(json.dumps(configuration, indent=2), encoding="utf-8")
    return Stack(name, folder)
