"""A synthesized environment on a simulator, in which a test makes one thing wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from homelab.config.loading import load_environment
from homelab.config.privileges import required_privileges
from operations.deployment.session import key_paths
from operations.deployment.synthesis import synthesize
from operations.diagnosis.diagnosis import Diagnosis, Surroundings, diagnose
from operations.provider_mirror import terraform_environment, terraform_program
from operations.redaction import secrets_in
from operations.terraform.process import Processes
from operations.terraform.stacks import Stack
from operations.terraform.terraform import Terraform, TerraformError
from simulator import Simulator
from tests.end_to_end.homelab_project import PROJECT, HomelabProject


class Site:
    """A synthesized environment on a simulator, in which a test makes one thing wrong."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.project = HomelabProject(folder, simulator)
        self.simulator = simulator
        self.environment = load_environment(self.project.file)
        self.environ = self.project.environ
        self.terraform: dict[str, str] = {}
        self.stacks = {
            stack.name: stack
            for stack in synthesize(
                self.project.file,
                root=PROJECT,
                output=self.project.output,
                environ=self.project.environ,
                processes=Processes(),
            )
        }

    def copy(self, folder: Path) -> Site:
        """The same in another folder, with no state."""
        twin = object.__new__(Site)
        twin.__dict__.update(self.__dict__)
        shutil.copytree(self.project.output, folder / "cdktf.out", symlinks=True)
        twin.stacks = {
            name: Stack(name, folder / "cdktf.out" / "stacks" / name, stack.dependencies)
            for name, stack in self.stacks.items()
        }
        twin.environ = dict(self.project.environ)
        twin.terraform = {}
        return twin

    def change(self, stack: str, edit: Callable[[dict[str, Any]], None]) -> None:
        """Changes a synthesized stack."""
        file = self.stacks[f"small-{stack}"].folder / "cdk.tf.json"
        configuration = json.loads(file.read_text(encoding="utf-8"))
        edit(configuration)
        file.write_text(json.dumps(configuration), encoding="utf-8")

    def endpoint(self, endpoint: str) -> None:
        """Sends the web stack elsewhere."""
        self.change("web", lambda content: content["provider"]["proxmox"][0].update(endpoint=endpoint))

    def surroundings(self) -> Surroundings:
        return Surroundings(
            environment="small",
            endpoint=self.environment.proxmox.endpoint,
            file="environments/small.yaml",
            stacks=self.stacks,
            key_paths=key_paths(self.environment),
            privileges=required_privileges(self.environment),
            secrets=secrets_in(self.environ),
        )

    def deploy(self, stack: str, *, destroy: bool = False) -> None:
        """Plans and applies one stack with the real Terraform."""
        terraform = Terraform(terraform_program(), terraform_environment(self.environ) | self.terraform, Processes())
        target = self.stacks[f"small-{stack}"]
        terraform.init(target)
        plan = terraform.plan(target, target.folder / "saved.tfplan", destroy=destroy)
        if not plan.is_empty:
            terraform.apply(plan)

    def failure(self, stack: str, *, destroy: bool = False) -> Diagnosis:
        """The one cause of a deployment that fails."""
        with pytest.raises(TerraformError) as caught:
            self.deploy(stack, destroy=destroy)
        found = diagnose(caught.value, self.surroundings())
        assert len(found) == 1, "\n\n".join(item.render(verbose=True) for item in found)
        text = found[0].render(verbose=True)
        self.project.assert_clean(text)
        assert found[0].fix
        assert found[0].original
        return found[0]
