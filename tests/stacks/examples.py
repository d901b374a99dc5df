"""The environments that are shipped, synthesized."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from homelab.config.environment import Environment
from homelab.config.loading import load_environment
from homelab.config.resolution import resolve
from homelab.config.state import S3State
from homelab.stacks.application import build_app

PROJECT = Path(__file__).resolve().parents[2]
FILES = tuple(sorted((*(PROJECT / "environments").glob("*.yaml"), *(PROJECT / "examples").glob("*.yaml"))))


def example_environments(files: Iterable[Path] = FILES, *, state_backend: bool = False) -> list[Environment]:
    """The environments of ``files``.

    Args:
        files: by default every file in ``environments/`` and ``examples/``.
        state_backend: with the stack that makes what the S3 backend needs, whose bindings take ten seconds to import.
    """
    return [
        load_environment(file) if state_backend else _without_state_backend(load_environment(file)) for file in files
    ]


def synthesize_examples(folder: Path, environments: Iterable[Environment]) -> Path:
    """Synthesizes ``environments`` into ``folder``, images as they are without a lock file, and returns the folder."""
    build_app([resolve(environment) for environment in environments], outdir=folder).synth()
    return folder


def _without_state_backend(environment: Environment) -> Environment:
    if not isinstance(environment.state, S3State):
        return environment
    return environment.model_copy(update={"state": environment.state.model_copy(update={"create": False})})
