"""A root module in a folder, and Terraform run in it against a simulator."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from operations.provider_mirror import terraform_environment, terraform_program
from simulator import Simulator
from tests.simulator.published_schema import schema_problems

__all__ = ["Workspace", "schema_problems"]

PROVIDER = """
terraform {
  required_providers {
    proxmox = {
      source  = "bpg/proxmox"
      version = "0.111.1"
    }
  }
}

provider "proxmox" {
  ssh {
%s
  }
}
"""


class Workspace:
    """One root module with its state."""

    def __init__(self, folder: Path, simulator: Simulator, *, root_password: bool = False) -> None:
        self.folder = folder
        self.simulator = simulator
        self.environment = {**terraform_environment(), **simulator.environment()}
        if root_password:
            del self.environment["PROXMOX_VE_API_TOKEN"]
            self.environment |= {
                "PROXMOX_VE_USERNAME": "root@pam",
                "PROXMOX_VE_PASSWORD": simulator.root_password,
            }
        nodes = "\n".join(
            f'    node {{\n      name = "{name}"\n      address = "127.0.0.1"\n      port = {port}\n    }}'
            for name, port in simulator.ssh_ports.items()
        )
        (folder / "provider.tf").write_text(PROVIDER % nodes, encoding="utf-8")

    def write(self, hcl: str) -> None:
        """Makes this the module's content, besides the provider."""
        (self.folder / "main.tf").write_text(hcl, encoding="utf-8")
        if not (self.folder / ".terraform").exists():
            self.run("init", "-input=false")

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Runs Terraform and returns what it prints; asserts that it succeeds, or fails."""
        done = subprocess.run(
            [terraform_program(), *arguments, "-no-color"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    def apply(self, hcl: str | None = None) -> str:
        """Applies the module."""
        if hcl is not None:
            self.write(hcl)
        return self.run("apply", "-auto-approve", "-input=false")

    def apply_failing(self, hcl: str) -> str:
        """Applies a module that can't be applied."""
        self.write(hcl)
        return self.run("apply", "-auto-approve", "-input=false", fails=True)

    def changes(self) -> dict[str, list[str]]:
        """Planned actions by address of what would change."""
        self.run("plan", "-input=false", "-out=plan.bin")
        plan = json.loads(self.run("show", "-json", "plan.bin"))
        return {
            change["address"]: change["change"]["actions"]
            for change in plan.get("resource_changes", [])
            if change["change"]["actions"] not in (["no-op"], ["read"])
        }

    def planned_values(self) -> str:
        """What the last plan would change, for a failing test's message."""
        return self.run("show", "plan.bin")

    def outputs(self) -> dict[str, Any]:
        """The outputs' values."""
        return {name: entry["value"] for name, entry in json.loads(self.run("output", "-json")).items()}

    def destroy(self) -> None:
        """Destroys everything in the state."""
        self.run("destroy", "-auto-approve", "-input=false")
