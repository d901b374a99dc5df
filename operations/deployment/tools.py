"""What a deployment and a destruction work with, and what becomes of each stack."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from operations.deployment.changes import Change
from operations.deployment.display import Display
from operations.deployment.policy import Policy
from operations.deployment.schedule import Outcome, StackFailure
from operations.diagnosis.diagnosis import Diagnosis, Surroundings, diagnose
from operations.proxmox_api import ProxmoxApi
from operations.terraform.messages import Outputs
from operations.terraform.stacks import Stack
from operations.terraform.terraform import Terraform, TerraformError

Status = Literal[
    "applied", "unchanged", "planned", "later", "failed", "waiting", "interrupted", "destroyed", "kept", "held"
]
JOBS = 10
"""How many stacks are worked on at once. They wait for the node most of the time; measured in docs/performance.md."""


class Refused(Exception):
    """The deployment goes no further before anything was changed; ``diagnoses`` say why."""

    def __init__(self, diagnoses: Sequence[Diagnosis]) -> None:
        super().__init__("; ".join(item.message for item in diagnoses))
        self.diagnoses = tuple(diagnoses)


class Declined(Exception):
    """The person who was asked said no."""


@dataclass
class StackResult:
    """What became of one stack.

    Attributes:
        status: ``later`` is planned when what it depends on is applied; ``held`` is left alone because only stacks
            that can't be planned need it.
        waits_for: the stack without which it was not begun.
    """

    name: str
    status: Status
    changes: list[Change] = field(default_factory=list)
    seconds: float = 0.0
    outputs: Outputs = field(default_factory=Outputs)
    diagnoses: list[Diagnosis] = field(default_factory=list)
    waits_for: str = ""
    backups: list[str] = field(default_factory=list)
    """The backups that were taken before its guests were destroyed."""

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "name": self.name,
            "status": self.status,
            "seconds": round(self.seconds, 1),
            "changes": [change.as_json() for change in self.changes],
            "outputs": dict(self.outputs.values),
            "sensitive_outputs": list(self.outputs.sensitive),
            "errors": [item.as_json() for item in self.diagnoses],
            "waits_for": self.waits_for,
            "backups": list(self.backups),
        }


@dataclass(frozen=True)
class Tools:
    """What a deployment works with.

    Attributes:
        terraform: runs Terraform.
        display: shows progress.
        console: where reviews are printed.
        surroundings: what diagnoses may name.
        workspace: a private folder for saved plans, which may hold secrets.
        policy: what judges plans before they are applied.
        root: the project, where programs that probes name are run.
        api: asks Proxmox; None for stacks that are not on one.
        jobs: how many stacks are worked on at once.
    """

    terraform: Terraform
    display: Display
    console: Console
    surroundings: Surroundings
    workspace: Path
    policy: Policy = field(default_factory=Policy)
    root: Path = field(default_factory=Path)
    api: ProxmoxApi | None = None
    jobs: int = JOBS

    @contextmanager
    def timed(self, stack: Stack, step: str, result: StackResult, *, counts: bool = True) -> Iterator[None]:
        """Shows ``step`` of ``stack`` and adds the time it takes to ``result``; see `Display.step`."""
        started = time.monotonic()
        try:
            with self.display.step(stack, step, counts=counts):
                yield
        finally:
            result.seconds += time.monotonic() - started

    def settle(self, outcomes: Mapping[str, Outcome[Any]], results: Mapping[str, StackResult]) -> dict[str, Any]:
        """Notes in ``results`` what failed or was not begun, and returns the values of the rest."""
        values = {}
        interrupted = bool(self.terraform.processes.interruptions)
        for name, outcome in outcomes.items():
            result = results[name]
            if outcome.succeeded:
                values[name] = outcome.value
            elif outcome.error is not None:
                result.status = "interrupted" if interrupted else "failed"
                result.diagnoses = self._failures(outcome.error)
            else:
                result.status = "interrupted" if interrupted else "waiting"
                result.waits_for = "" if interrupted else outcome.waits_for
        return values

    def _failures(self, error: TerraformError | StackFailure) -> list[Diagnosis]:
        if isinstance(error, StackFailure):
            return list(error.diagnoses)
        return diagnose(error, self.surroundings)
