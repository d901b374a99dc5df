"""``make demo``: a small homelab on the simulated Proxmox: planned, applied, checked for drift and destroyed.

Nothing is faked but the node: the app synthesizes ``examples/demo.yaml``, and ``homelab deploy`` does the rest with the
real Terraform and the real provider. Everything it needs is in a temporary folder that is gone at the end.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import yaml
from rich.console import Console

from operations.deployment.ending import EXIT_INTERRUPTED
from operations.deployment.run import deploy, destroy
from operations.deployment.session import Session, Settings, open_session
from operations.deployment.synthesis import SynthesisError
from operations.provider_mirror import PROJECT, ProviderMirrorError, mirror_problems, terraform_environment
from operations.terraform.process import Interrupted

from .options import SimulatorOptions
from .simulator import Simulator
from .state import Cluster

EXAMPLE = PROJECT / "examples" / "demo.yaml"
TASK_SECONDS = 0.8
"""How long the simulated node takes for a task: long enough to see the progress."""
DRIFTING_GUEST = "workshop"
STACK_WITH_OUTPUTS = "-web"
SHOWN_OUTPUTS = ("vm_ids", "infrastructure_summary")


class DemoError(Exception):
    """A step of the demo did not do what it is there to show."""


def main(arguments: Sequence[str]) -> int:
    """Runs the demo and returns the exit code: 0 everything worked, 1 something did not, 130 interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m simulator demo", description="Plan, apply, check and destroy a small homelab."
    )
    parser.add_argument("--jobs", type=int, default=4, help="stacks worked on at once (default 4)")
    chosen = parser.parse_args(arguments)
    console = Console(highlight=False)
    try:
        _require_provider()
        with tempfile.TemporaryDirectory(prefix="homelab-demo-") as folder:
            _run(Path(folder), console, jobs=chosen.jobs)
    except DemoError as error:
        print(f"error: {error}; what was expected is in simulator/demo.py", file=sys.stderr)
        return 1
    except (ProviderMirrorError, SynthesisError) as error:
        print(f"error: {error}\n    fix:      run `make demo`, which does the set-up first", file=sys.stderr)
        return 1
    except (Interrupted, KeyboardInterrupt):
        print("\ninterrupted; nothing is left behind", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


def _require_provider() -> None:
    if problems := mirror_problems(["proxmox"]):
        raise ProviderMirrorError("\n".join(problems))


def _run(folder: Path, console: Console, *, jobs: int) -> None:
    started = time.monotonic()
    options = SimulatorOptions(bridges=("vmbr0", "vmbr2"), task_seconds=TASK_SECONDS, dhcp={"vmbr0": "192.168.3.0/24"})
    with Simulator(options) as simulator:
        console.print(f"[bold]A simulated Proxmox VE[/bold] answers at {simulator.endpoint}")
        console.print("The same commands work on your own node: see docs/deploying.md.", style="dim")
        file = _environment_file(folder, simulator)
        environ = terraform_environment() | simulator.environment()
        settings = Settings(file, PROJECT, environ, output=folder / "cdktf.out", jobs=jobs)
        with open_session(settings, console, console) as session:
            _deploy(console, session, simulator)
            _drift(console, session, simulator)
            _destroy(console, session, simulator)
    console.print(
        f"\n[bold green]The demo went well[/bold green] in {time.monotonic() - started:.0f} s, and "
        "nothing is left behind. Next:"
    )
    console.print("  cp examples/demo.yaml environments/home.yaml   write your node into it")
    console.print("  .venv/bin/homelab check home                   is the file right?")
    console.print("  .venv/bin/homelab doctor --environment home    is the way to the node?")
    console.print("  .venv/bin/homelab deploy --environment home    plan, ask, apply")


def _environment_file(folder: Path, simulator: Simulator) -> Path:
    """The example with the simulator's endpoint and SSH ports."""
    content = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    content["proxmox"]["endpoint"] = simulator.endpoint.rstrip("/")
    for name, node in content["proxmox"]["nodes"].items():
        node |= {"address": simulator.options.host, "ssh_port": simulator.ssh_ports[name]}
    file = folder / "environments" / EXAMPLE.name
    file.parent.mkdir()
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return file


def _step(console: Console, number: int, text: str) -> None:
    console.print()
    console.rule(f"[bold]{number}. {text}", align="left", style="dim")


def _deploy(console: Console, session: Session, simulator: Simulator) -> None:
    _step(console, 1, "homelab deploy: plan and apply")
    _succeed(deploy(session, [], confirm=_agree), "the environment was not deployed")
    _expect(bool(simulator.guests()), "nothing was made on the node")
    _step(console, 2, "homelab deploy again: no changes")
    before = len(_changes(simulator))
    _succeed(deploy(session, [], confirm=lambda _: False), "the second plan is not empty")
    _expect(len(_changes(simulator)) == before, "the second run changed something")
    _show_outputs(console, session)


def _show_outputs(console: Console, session: Session) -> None:
    stack = next(stack for stack in session.stacks if stack.name.endswith(STACK_WITH_OUTPUTS))
    values = session.tools.terraform.outputs(stack).values
    _expect(bool(values), f"{stack.name} has no outputs")
    console.print(f"\nWhat other programs read, such as [bold]terraform output[/bold] in {stack.name}:")
    for name in SHOWN_OUTPUTS:
        console.print(f"  {name} = {json.dumps(values[name])}")


def _drift(console: Console, session: Session, simulator: Simulator) -> None:
    guest = next(guest for guest in simulator.guests().values() if guest.name == DRIFTING_GUEST)
    wanted = guest.config["memory"]
    _step(console, 3, f"somebody changes the memory of {DRIFTING_GUEST} in the web interface")
    simulator.inspect(lambda cluster: cluster.guests[guest.vmid].config.update(memory="1024"))
    console.print(f"VM {guest.vmid} has 1024 MiB now. The plan sees it, and the apply sets it right:")
    _succeed(deploy(session, ["guests"], confirm=_agree), "the drift was not repaired")
    _expect(simulator.guests()[guest.vmid].config["memory"] == wanted, "the memory is not as before")


def _destroy(console: Console, session: Session, simulator: Simulator) -> None:
    _step(console, 4, "homelab destroy --include-protected")
    _succeed(destroy(session, [], confirm=_agree, include_protected=True), "the environment was not destroyed")
    _expect(not _wait_for_nothing(simulator), f"the node still has {_left_on(simulator)}")
    console.print("The node has no guest, no disk, no image and no pool any more.")


def _wait_for_nothing(simulator: Simulator) -> list[str]:
    """What is left on the node; Proxmox removes files in the background, after it has answered."""
    deadline = time.monotonic() + 10 * TASK_SECONDS
    while (left := _left_on(simulator)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def _left_on(simulator: Simulator) -> list[str]:
    def look(cluster: Cluster) -> list[str]:
        volumes = [name for there in cluster.volumes.values() for name in there]
        return [*map(str, cluster.guests), *cluster.pools, *volumes]

    return simulator.inspect(look)


def _changes(simulator: Simulator) -> list[str]:
    return [request.path for request in simulator.requests if request.method != "GET"]


def _agree(*_shown: object) -> bool:
    return True


def _succeed(code: int, problem: str) -> None:
    if code == EXIT_INTERRUPTED:
        raise Interrupted
    _expect(code == 0, problem)


def _expect(fine: bool, problem: str) -> None:
    if not fine:
        raise DemoError(problem)
