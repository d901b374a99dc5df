"""Planning and applying containers on the simulator: grouped stacks against one HCL state."""

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks import hcl_module, thousand_guests
from operations.provider_mirror import terraform_environment, terraform_program
from simulator import Simulator, SimulatorOptions
from simulator.options import StorageOptions
from simulator.state import Volume

OPTIONS = SimulatorOptions(
    task_seconds=1,
    storages=(StorageOptions("local"), StorageOptions("local-lvm", "lvmthin", ("images", "rootdir"), size_gib=100_000)),
)
PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Times:
    """Seconds of one way of doing it."""

    synthesis: float
    applying: float
    """init, plan and apply of everything"""
    one_change: float
    """init was done: plan and apply after the memory of one container changed"""
    stacks_planned_for_one_change: int

    @property
    def total(self) -> float:
        """From the description to running guests."""
        return self.synthesis + self.applying


def grouped_stacks(guests: int, folder: Path, jobs: int) -> Times:
    """The environment in groups of fifty, ``jobs`` stacks at once."""
    with Simulator(OPTIONS) as simulator:
        environment = {**terraform_environment(), **simulator.environment()}
        provide_template(simulator)
        content = thousand_guests.containers(guests, simulator.endpoint)
        started = time.perf_counter()
        stacks = _synthesize(content, folder)
        synthesized = time.perf_counter()
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(lambda stack: apply_stack(stack, environment, folder), stacks))
        applied = time.perf_counter()
        expect_guests(simulator, guests)
        before = {stack: (stack / "cdk.tf.json").read_bytes() for stack in stacks}
        content["containers"]["ct-0"]["memory"] = "1GiB"
        changing = time.perf_counter()
        changed = [
            stack for stack in _synthesize(content, folder) if (stack / "cdk.tf.json").read_bytes() != before[stack]
        ]
        for stack in changed:
            apply_stack(stack, environment, folder)
        done = time.perf_counter()
    return Times(synthesized - started, applied - synthesized, done - changing, len(changed))


def one_hcl_state(guests: int, folder: Path) -> Times:
    """The HCL module, as Terraform runs it by default (``GOGC`` is Go's own)."""
    with Simulator(OPTIONS) as simulator:
        environment = {**terraform_environment({**os.environ, "GOGC": "100"}), **simulator.environment()}
        provide_template(simulator)
        module = folder / "module"
        hcl_module.write(module, guests)
        started = time.perf_counter()
        apply_stack(module, environment, folder)
        applied = time.perf_counter()
        expect_guests(simulator, guests)
        child = module / "container" / "main.tf"
        child.write_text(
            child.read_text().replace("dedicated = 512", 'dedicated = var.hostname == "ct-0" ? 1024 : 512')
        )
        changing = time.perf_counter()
        apply_stack(module, environment, folder)
        done = time.perf_counter()
    return Times(0.0, applied - started, done - changing, 1)


def _synthesize(content: object, folder: Path) -> list[Path]:
    file = folder / f"{thousand_guests.NAME}.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    run_main(file, folder / "cdktf.out")
    return sorted((folder / "cdktf.out" / "stacks").iterdir(), key=lambda stack: int(stack.name.rpartition("-")[2]))


def run_main(file: Path, outdir: Path) -> None:
    """Synthesize ``file`` as ``cdktf synth`` does."""
    environment = {**terraform_environment(), "HOMELAB_ENVIRONMENTS": str(file), "CDKTF_OUTDIR": str(outdir)}
    run([str(PROJECT / ".venv/bin/python"), "-O", "main.py"], PROJECT, environment)


def run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Run ``command``; what it printed is the error when it fails."""
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")


def apply_stack(folder: Path, environment: dict[str, str], temporary: Path) -> None:
    """Terraform's init (the first time), plan and apply in a folder."""
    # The provider keeps a file in TMPDIR that parallel runs must not share.
    own = temporary / "tmp" / folder.name
    own.mkdir(parents=True, exist_ok=True)
    terraform, variables = terraform_program(), {**environment, "TMPDIR": str(own)}
    if not (folder / ".terraform").exists():
        run([terraform, "init", "-input=false"], folder, variables)
    run([terraform, "plan", "-input=false", "-out=plan.bin"], folder, variables)
    run([terraform, "apply", "-input=false", "plan.bin"], folder, variables)


def provide_template(simulator: Simulator) -> None:
    """The container template that the guests are made from."""
    volume = Volume(volid="local:vztmpl/big.tar.zst", content="vztmpl", format="tzst", size=1)
    simulator.inspect(lambda cluster: cluster.add_volume("local", "pve", volume))


def expect_guests(simulator: Simulator, guests: int) -> None:
    """Stops a measurement of something that did not happen."""
    if (found := len(simulator.guests())) != guests:
        raise RuntimeError(f"{guests} guests were applied and {found} exist")
