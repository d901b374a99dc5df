"""Every stack of every shipped environment, as JSON and as HCL, judged by Terraform and the real provider."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from operations.provider_mirror import terraform_environment, terraform_program
from simulator import Simulator, SimulatorOptions
from tests.stacks.examples import FILES, PROJECT, example_environments, synthesize_examples
from tests.stacks.test_snapshots import STACKS

pytestmark = pytest.mark.end_to_end

CDKTF = Path(sys.prefix) / "bin" / "cdktf"
SECONDS = 240
# The state-backend stack needs another provider and is validated with it elsewhere.
SHIPPED = [file for file in FILES if file.parent.name == "environments"]
ENVIRONMENTS = [file for file in FILES if file.stem != "state-backend"]


def diagnostics(folder: Path) -> list[str]:
    """What Terraform and the provider have against the stack in ``folder``, warnings too."""
    environ = terraform_environment()
    initialised = subprocess.run(
        [terraform_program(), "init", "-backend=false", "-input=false", "-no-color"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert initialised.returncode == 0, initialised.stdout + initialised.stderr
    validated = subprocess.run(
        [terraform_program(), "validate", "-json"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return [
        f"{found['severity']}: {found['summary']}: {found.get('detail')} {(found.get('snippet') or {}).get('code')}"
        for found in json.loads(validated.stdout)["diagnostics"]
    ]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesize_examples(tmp_path_factory.mktemp("examples"), example_environments())


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_is_valid_and_nothing_is_warned_about(name: str, output: Path) -> None:
    assert diagnostics(output / "stacks" / name) == []


def cdktf(*arguments: str, environ: dict[str, str]) -> str:
    """Runs the project's cdktf and returns what it prints, without colours; it has to succeed."""
    done = subprocess.run(
        [str(CDKTF), *arguments],
        cwd=PROJECT,
        env={**environ, "CI": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", done.stdout)


@pytest.mark.parametrize("file", ENVIRONMENTS, ids=lambda file: file.stem)
def test_cdktf_synthesizes_hcl_that_terraform_takes(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "cdktf.out"

    cdktf("synth", "--hcl", "--output", str(out), environ={**os.environ, "HOMELAB_ENVIRONMENTS": str(file)})

    stacks = sorted(path.parent for path in out.glob("stacks/*/cdk.tf"))
    assert {stack.name for stack in stacks} == {name for name in STACKS if name.startswith(f"{file.stem}-")}
    assert {stack.name: found for stack in stacks if (found := diagnostics(stack))} == {}


def test_json_after_hcl_is_json_alone(tmp_path: Path) -> None:
    out = tmp_path / "cdktf.out"
    environ = {**os.environ, "HOMELAB_ENVIRONMENTS": "dev"}

    cdktf("synth", "--hcl", "--output", str(out), environ=environ)
    cdktf("synth", "--output", str(out), environ=environ)

    assert [path.name for path in out.glob("stacks/dev-templates/cdk.tf*")] == ["cdk.tf.json"]


def test_cdktf_lists_every_stack_in_environments(tmp_path: Path) -> None:
    said = cdktf("list", "--output", str(tmp_path / "out"), environ=dict(os.environ))

    assert set(re.findall(r"^([a-z]+-[a-z-]+) ", said, re.MULTILINE)) == {
        name for name in STACKS if any(name.startswith(f"{file.stem}-") for file in SHIPPED)
    }


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(SimulatorOptions(task_seconds=0, address_seconds=0)) as running:
        yield running


@pytest.fixture(scope="module")
def project(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The shipped dev environment on a simulator: where it is synthesized to, and the variables for cdktf."""
    folder = tmp_path_factory.mktemp("cdktf")
    content = yaml.safe_load((PROJECT / "environments" / "dev.yaml").read_text())
    content["proxmox"]["endpoint"] = simulator.endpoint.rstrip("/")
    content["proxmox"]["nodes"]["pve"] |= {"address": "127.0.0.1", "ssh_port": simulator.ssh_ports["pve"]}
    (folder / "dev.yaml").write_text(yaml.safe_dump(content))
    environ = {**os.environ, **simulator.environment(), "HOMELAB_ENVIRONMENTS": str(folder / "dev.yaml")}
    environ |= {"XDG_CACHE_HOME": str(Path.home() / ".cache")}
    return {"folder": folder, "environ": environ, "output": ("--output", str(folder / "cdktf.out"))}


def test_cdktf_plans_deploys_and_then_finds_nothing_to_change(project: dict[str, Any], simulator: Simulator) -> None:
    environ, output = project["environ"], project["output"]

    planned = cdktf("diff", "dev-templates", *output, environ=environ)
    assert "Plan: 6 to add, 0 to change, 0 to destroy." in planned
    assert list(simulator.guests()) == []

    cdktf("deploy", "dev-*", "--auto-approve", *output, environ=environ)
    assert {vm_id: guest.is_template for vm_id, guest in simulator.guests().items()} == {9000: True, 9001: True}
    assert (project["folder"] / "state" / "dev-templates.tfstate").is_file()

    assert "No changes." in cdktf("diff", "dev-templates", *output, environ=environ)
