"""From an environment file to stacks that Terraform can run, and the states that no stack belongs to any more."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations.terraform.process import Processes
from operations.terraform.stacks import Stack, read_stacks


class SynthesisError(Exception):
    """The app did not synthesize; the message is what it said."""


def synthesize(
    file: Path, *, root: Path, output: Path, environ: Mapping[str, str], processes: Processes
) -> list[Stack]:
    """Runs the app in ``root`` for the environment ``file`` and returns its stacks in order.

    Args:
        output: where the stacks are written; local states are beside it.

    Raises:
        SynthesisError: ``root`` has no app, or it failed.
    """
    app = root / "main.py"
    if not app.is_file():
        raise SynthesisError(
            f"{root} is no folder of a project: it has no main.py\n"
            "    allowed:  the folder with main.py and cdktf.json, or one inside of it\n"
            f"    fix:      change to that folder, and run it there with --environment {file.resolve()}"
        )
    environment = {**environ, "HOMELAB_ENVIRONMENTS": str(file.resolve()), "CDKTF_OUTDIR": str(output)}
    # -O as in cdktf.json: without the checks of arguments that the type checker has made already.
    finished = processes.run([sys.executable, "-O", str(app)], folder=root, environment=environment)
    if finished.code:
        raise SynthesisError(
            finished.stderr.strip() or finished.stdout.strip() or f"main.py ended with {finished.code}"
        )
    return read_stacks(output)


@dataclass(frozen=True)
class Orphan:
    """A state with resources in it, whose stack is not synthesized any more."""

    name: str
    state: Path
    resources: int | None
    """How many; None where the state can't be read."""
    guests: tuple[str, ...]


def orphans(stacks: Sequence[Stack], environment: str, other_environments: Iterable[str] = ()) -> list[Orphan]:
    """The orphaned states of ``environment`` among the local states beside those of its stacks.

    They come from groups whose last guest left the environment file: nothing plans for them, so what they hold goes on
    running until they are destroyed.

    Args:
        other_environments: names whose states may lie there too; ``prod-eu-web`` is no stack of ``prod`` then.
    """
    known = {stack.name for stack in stacks}
    folders = {stack.state_file.parent for stack in stacks if stack.state_file is not None}
    longer = [f"{other}-" for other in other_environments if other.startswith(f"{environment}-")]
    found = []
    for folder in sorted(folders):
        for path in sorted(folder.glob(f"{environment}-*.tfstate")):
            if path.stem in known or any(path.stem.startswith(prefix) for prefix in longer):
                continue
            resources = _resources(path)
            if resources is None:
                found.append(Orphan(path.stem, path, None, ()))
            elif resources:
                found.append(Orphan(path.stem, path, len(resources), tuple(_guests(resources))))
    return found


def _resources(path: Path) -> list[dict[str, Any]] | None:
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return [resource for resource in state.get("resources", ()) if resource.get("mode") == "managed"]


def _guests(resources: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for resource in resources:
        for instance in resource.get("instances", ()):
            number = instance.get("attributes", {}).get("vm_id")
            if number and resource["type"] in (
                "proxmox_virtual_environment_vm",
                "proxmox_virtual_environment_container",
            ):
                yield f"{resource['name']} ({number})"


def orphaned_stack(orphan: Orphan, sibling: Stack) -> Stack:
    """A stack without resources for an orphaned state, so that Terraform can destroy what is in it.

    Provider and backend are those of ``sibling``, another stack of the environment with a local state.
    """
    terraform = json.loads(json.dumps(sibling.configuration["terraform"]))
    path = Path(terraform["backend"]["local"]["path"])
    terraform["backend"]["local"]["path"] = str(path.with_name(f"{orphan.name}.tfstate"))
    folder = sibling.folder.parent / orphan.name
    folder.mkdir(parents=True, exist_ok=True)
    configuration = {"terraform": terraform, "provider": sibling.configuration["provider"]}
    (folder / "cdk.tf.json").write_text(json.dumps(configuration, indent=2), encoding="utf-8")
    return Stack(orphan.name, folder)
