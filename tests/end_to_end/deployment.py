"""An environment built in Python, synthesized by the app, and applied to a simulator by plain Terraform."""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homelab.config.checks import check_environment
from homelab.config.environment import Environment
from homelab.config.image_lock import ImageLock
from homelab.config.problems import Severity
from homelab.config.resolution import resolve
from homelab.stacks.application import build_app
from operations.deployment.holdings import protection_lifted
from operations.provider_mirror import terraform_environment, terraform_program
from operations.terraform.stacks import Stack, read_stacks
from simulator import Simulator

SECONDS = 240


@dataclass(frozen=True)
class Planned:
    """What a plan would do.

    Attributes:
        actions: what happens to each address that something happens to, such as ``["update"]``.
        outputs: the outputs that change.
        text: the whole plan, for the message of a test that fails.
    """

    actions: dict[str, list[str]]
    outputs: set[str]
    text: str

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change, outputs included."""
        return not self.actions and not self.outputs


class Deployment:
    """One environment on one simulator, with states of its own."""

    def __init__(
        self, folder: Path, simulator: Simulator, content: dict[str, Any], image_lock: ImageLock | None = None
    ) -> None:
        self.content = content
        self.image_lock = image_lock
        self.folder = folder
        self.simulator = simulator
        self.environ = {**terraform_environment(), **simulator.environment()}
        self.stacks: dict[str, Stack] = {}
        self.write(content)

    def write(self, content: Mapping[str, Any]) -> None:
        """Synthesizes this as the environment; ``stacks`` are then in the order in which they are applied."""
        data = copy.deepcopy(dict(content))
        data["proxmox"]["endpoint"] = self.simulator.endpoint.rstrip("/")
        for name, node in data["proxmox"]["nodes"].items():
            node |= {"address": "127.0.0.1", "ssh_port": self.simulator.ssh_ports[name]}
        environment = Environment.model_validate(data)
        errors = [problem for problem in check_environment(environment) if problem.severity is Severity.ERROR]
        assert not errors, errors
        build_app([resolve(environment, self.image_lock)], outdir=self.folder / "cdktf.out").synth()
        read = read_stacks(self.folder / "cdktf.out")
        self.stacks = {stack.name.removeprefix(f"{environment.name}-"): stack for stack in read}

    def use_root_password(self) -> None:
        """Logs in as root with the password from now on."""
        del self.environ["PROXMOX_VE_API_TOKEN"]
        self.environ |= {"PROXMOX_VE_USERNAME": "root@pam", "PROXMOX_VE_PASSWORD": self.simulator.root_password}

    def terraform(self, stack: str, *arguments: str, folder: Path | None = None) -> str:
        """Runs Terraform in a stack and returns what it prints; it has to succeed."""
        where = folder or self.stacks[stack].folder
        done = subprocess.run(
            [terraform_program(), *arguments, "-no-color"],
            cwd=where,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"terraform {arguments[0]} of {stack}:\n{done.stdout}"
        return done.stdout

    def apply(self, stack: str) -> str:
        """Applies a stack and returns what Terraform says."""
        if not (self.stacks[stack].folder / ".terraform").exists():
            self.terraform(stack, "init", "-input=false")
        return self.terraform(stack, "apply", "-auto-approve", "-input=false")

    def plan(self, stack: str, *, refresh: bool = True) -> Planned:
        """Plans a stack."""
        text = self.terraform(stack, "plan", "-input=false", "-out=plan.bin", f"-refresh={str(refresh).lower()}")
        plan = json.loads(self.terraform(stack, "show", "-json", "plan.bin"))
        return Planned(
            actions={
                change["address"]: change["change"]["actions"]
                for change in plan.get("resource_changes", [])
                if change["change"]["actions"] not in (["no-op"], ["read"])
            },
            outputs={name for name, change in plan.get("output_changes", {}).items() if change["actions"] != ["no-op"]},
            text=text,
        )

    def refusal(self, stack: str, *arguments: str) -> str:
        """What Terraform says when it refuses to do something in a stack."""
        done = subprocess.run(
            [terraform_program(), *arguments, "-no-color"],
            cwd=self.stacks[stack].folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 1, done.stdout
        return done.stdout

    def outputs(self, stack: str) -> dict[str, Any]:
        """The outputs of a stack, sensitive ones too."""
        return {name: entry["value"] for name, entry in json.loads(self.terraform(stack, "output", "-json")).items()}

    def destroy(self, stack: str) -> None:
        """Destroys a stack, protected guests and templates too."""
        with protection_lifted([self.stacks[stack]]) as [lifted]:
            self.terraform(stack, "apply", "-auto-approve", "-input=false", folder=lifted.folder)
            self.terraform(stack, "destroy", "-auto-approve", "-input=false", folder=lifted.folder)
