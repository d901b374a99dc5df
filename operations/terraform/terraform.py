"""Terraform, run in one stack: init, plan, show, apply, output, with its messages while it works."""

from __future__ import annotations

import hashlib
import json
import re
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from operations.terraform.messages import (
    Diagnostic,
    Drift,
    Message,
    Outputs,
    PlannedChange,
    diagnostic,
    plain_diagnostics,
    read_message,
)
from operations.terraform.process import Finished, Processes
from operations.terraform.stacks import Stack

Listener = Callable[[Message], None]
_PREPARED = "homelab-prepared"
"""In ``.terraform``: the digest of what the folder was prepared for."""
_NOT_PREPARED = re.compile(r'run:?\s+"?(?:terraform|tofu) init|required plugins are not installed', re.IGNORECASE)


class TerraformError(Exception):
    """A run of Terraform that failed.

    Attributes:
        stack: the name of the stack.
        step: what was being done: ``init``, ``plan``, ``apply``, ...
        diagnostics: the errors and warnings, as far as there were any.
        text: what else Terraform wrote.
    """

    def __init__(self, stack: str, step: str, diagnostics: Sequence[Diagnostic], text: str, code: int) -> None:
        errors = [item for item in diagnostics if item.severity == "error"]
        super().__init__(
            f"{step} of {stack} failed: {errors[0].summary if errors else text.strip() or f'exit code {code}'}"
        )
        self.stack = stack
        self.step = step
        self.diagnostics = tuple(diagnostics)
        self.text = text
        self.code = code


@dataclass(frozen=True)
class Plan:
    """A plan that was made for a stack; ``file`` is the saved plan."""

    stack: Stack
    file: Path
    changes: tuple[PlannedChange, ...] = ()
    drift: tuple[Drift, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    """What happens to the outputs that change: ``create``, ``update`` or ``delete``."""
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether applying it would change nothing."""
        return not self.changes and not self.outputs


@dataclass
class _Heard:
    changes: list[PlannedChange] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    outputs: Outputs | None = None
    other: list[str] = field(default_factory=list)


class Terraform:
    """Runs Terraform in stacks.

    Args:
        program: path of Terraform or OpenTofu.
        environment: the complete environment of its processes.
        processes: what passes Ctrl-C on.
        parallelism: how many resources of one stack are worked on at once; Terraform's own 10 when None.
    """

    def __init__(
        self, program: str, environment: Mapping[str, str], processes: Processes, *, parallelism: int | None = None
    ) -> None:
        self.program = program
        self.environment = environment
        self.processes = processes
        self._parallelism = [f"-parallelism={parallelism}"] if parallelism else []

    def version(self, folder: Path) -> tuple[str, str]:
        """The product and its version, such as ``("Terraform", "1.11.4")``.

        Raises:
            TerraformError: the program runs and says no version.
        """
        finished = self.processes.run([self.program, "version"], folder=folder, environment=self.environment)
        words = finished.stdout.split()
        if finished.code or len(words) < 2:
            raise TerraformError("", "version", (), finished.stderr or finished.stdout, finished.code)
        return words[0], words[1].removeprefix("v")

    def init(self, stack: Stack, *, anew: bool = False) -> None:
        """Prepares the stack's folder: backend and providers. Nothing is done where that was done for the same ones.

        Args:
            anew: also then.

        Raises:
            TerraformError: it failed.
        """
        marker, prepared = stack.folder / ".terraform" / _PREPARED, self._digest_of(stack)
        if not anew and marker.is_file() and marker.read_text(encoding="utf-8") == prepared:
            return
        finished = self._run(stack, ["init", "-input=false", "-no-color"])
        if finished.code:
            raise _failure(stack, "init", finished, plain_diagnostics(finished.stderr or finished.stdout))
        marker.parent.mkdir(exist_ok=True)
        marker.write_text(prepared, encoding="utf-8")

    def _digest_of(self, stack: Stack) -> str:
        """What ``init`` depends on: backend, providers and modules, the program, and where providers come from."""
        facts = [
            stack.configuration.get("terraform"),
            stack.configuration.get("module"),
            self.program,
            self.environment.get("TF_CLI_CONFIG_FILE"),
            sorted((name, value) for name, value in self.environment.items() if name.startswith("TF_CLI_ARGS")),
        ]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def validate(self, stack: Stack) -> list[Diagnostic]:
        """What Terraform and the providers find wrong with the stack; empty when nothing."""
        finished = self._run(stack, ["validate", "-json", "-no-color"])
        try:
            return [diagnostic(entry) for entry in json.loads(finished.stdout)["diagnostics"]]
        except (ValueError, KeyError):
            raise _failure(stack, "validate", finished, plain_diagnostics(finished.stderr)) from None

    def plan(
        self,
        stack: Stack,
        file: Path,
        *,
        destroy: bool = False,
        refresh_only: bool = False,
        targets: Sequence[str] = (),
        replace: Sequence[str] = (),
        listener: Listener | None = None,
    ) -> Plan:
        """Plans the stack and saves the plan in ``file``, which may hold secrets: its folder must be private.

        Args:
            destroy: a plan to destroy instead.
            refresh_only: only look for what was changed without Terraform.
            targets: only these addresses, with what depends on them when destroying, else with what they depend on.
            replace: addresses to make anew although nothing about them changes.

        Raises:
            TerraformError: it failed.
        """
        command = ["plan", "-json", "-input=false", "-no-color", f"-out={file}", *self._parallelism]
        command += ["-destroy"] if destroy else []
        command += ["-refresh-only"] if refresh_only else []
        command += [f"-target={target}" for target in targets]
        command += [f"-replace={address}" for address in replace]
        try:
            heard = self._listen(stack, command, listener)
        except TerraformError as error:
            # What was prepared can be gone since: a provider's folder, or the lock file.
            if not _NOT_PREPARED.search(error.text + "".join(item.text for item in error.diagnostics)):
                raise
            self.init(stack, anew=True)
            heard = self._listen(stack, command, listener)
        return Plan(
            stack,
            file,
            changes=tuple(change for change in heard.changes if change.action != "noop"),
            drift=tuple(heard.drift),
            outputs=dict(heard.outputs.changes) if heard.outputs else {},
            warnings=tuple(item for item in heard.diagnostics if item.severity == "warning"),
        )

    def apply(self, plan: Plan, listener: Listener | None = None) -> Outputs:
        """Applies a saved plan and returns the outputs.

        Raises:
            TerraformError: it failed; what was done until then is in the state.
        """
        command = ["apply", "-json", "-input=false", "-no-color", *self._parallelism, str(plan.file)]
        return self._listen(plan.stack, command, listener).outputs or Outputs()

    def show(self, plan: Plan) -> str:
        """The plan in full as JSON, with values and secrets: for looking at, never for printing or keeping.

        Raises:
            TerraformError: it failed.
        """
        return self._text(plan.stack, "show", ["show", "-json", "-no-color", str(plan.file)])

    def state(self, stack: Stack) -> dict[str, Any]:
        """The state in full, with secrets; empty where there is none yet."""
        return self._json(stack, "show", ["show", "-json", "-no-color"])

    def pull(self, stack: Stack) -> dict[str, Any]:
        """The state as Terraform keeps it, with secrets; empty where there is none yet.

        Raises:
            TerraformError: it can't be read.
        """
        text = self._text(stack, "state", ["state", "pull"])
        loaded: dict[str, Any] = json.loads(text) if text.strip() else {}
        return loaded

    def push(self, stack: Stack, file: Path) -> None:
        """Puts the state in ``file`` in place of the one that there is, which Terraform refuses where that is newer.

        Raises:
            TerraformError: it is not taken, or somebody else holds the lock.
        """
        self._text(stack, "state", ["state", "push", str(file)])

    def take_up(self, stack: Stack, address: str, import_id: str) -> None:
        """Imports what exists already into the state, as the resource at ``address``.

        Raises:
            TerraformError: the provider does not find it, or somebody else holds the lock.
        """
        self._text(stack, "import", ["import", "-input=false", "-no-color", address, import_id])

    def outputs(self, stack: Stack) -> Outputs:
        """The outputs in the state; sensitive ones by name only."""
        data = self._json(stack, "output", ["output", "-json", "-no-color"])
        return Outputs(
            {name: entry["value"] for name, entry in data.items() if not entry["sensitive"]},
            tuple(name for name, entry in data.items() if entry["sensitive"]),
        )

    def _json(self, stack: Stack, step: str, arguments: Sequence[str]) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self._text(stack, step, arguments))
        return loaded

    def _text(self, stack: Stack, step: str, arguments: Sequence[str]) -> str:
        finished = self._run(stack, arguments)
        if finished.code:
            raise _failure(stack, step, finished, plain_diagnostics(finished.stderr))
        return finished.stdout

    def _run(self, stack: Stack, arguments: Sequence[str]) -> Finished:
        return self.processes.run([self.program, *arguments], folder=stack.folder, environment=self.environment)

    def _listen(self, stack: Stack, arguments: Sequence[str], listener: Listener | None) -> _Heard:
        heard = _Heard()

        def on_line(line: str) -> None:
            message = read_message(line)
            match message:
                case None:
                    if line and not line.startswith("{"):
                        heard.other.append(line)
                case PlannedChange():
                    heard.changes.append(message)
                case Drift():
                    heard.drift.append(message)
                case Diagnostic():
                    heard.diagnostics.append(message)
                case Outputs():
                    heard.outputs = message
                case _:
                    pass
            if listener and message is not None:
                listener(message)

        finished = self.processes.run(
            [self.program, *arguments], folder=stack.folder, environment=self.environment, on_line=on_line
        )
        if finished.code:
            text = "\n".join([*heard.other, finished.stderr]).strip()
            errors = [item for item in heard.diagnostics if item.severity == "error"]
            raise _failure(
                stack, arguments[0], finished, heard.diagnostics if errors else plain_diagnostics(text), text
            )
        return heard


def killed_by(code: int) -> str:
    """The name of the signal that ended a process with this exit code; empty where none did."""
    return signal.Signals(-code).name if code < 0 else ""


def _failure(
    stack: Stack, step: str, finished: Finished, diagnostics: Sequence[Diagnostic], text: str | None = None
) -> TerraformError:
    return TerraformError(
        stack.name, step, diagnostics, text if text is not None else finished.stderr or finished.stdout, finished.code
    )
