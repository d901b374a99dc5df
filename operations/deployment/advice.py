"""What a deployment that went well still warns about: keys without which a backup is worth nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from operations.deployment.probes import OUTPUT
from operations.deployment.tools import StackResult
from operations.terraform.process import Processes

STATUS = ("bootstrap", "status")
"""The command of a probe of Infisical, which also knows whether its keys are saved."""
_SECONDS = 30.0


def key_backup_problem(
    results: Iterable[StackResult], processes: Processes, environ: Mapping[str, str], root: Path
) -> str:
    """Why Infisical's encryption key can't be had back if its host is lost; empty where it can, or where there is none.

    Asked with the command of the deployment's own probe, so of the server that was deployed.
    """
    command = next((words for words in map(_status_command, results) if words), [])
    if not command:
        return ""
    finished = processes.run(
        [sys.executable, "-m", *command, "--json"], folder=root, environment=environ, longest=_SECONDS
    )
    try:
        return str(json.loads(finished.stdout)["key_backup"].get("problem") or "")
    except (ValueError, KeyError, AttributeError, TypeError):
        return "whether Infisical's keys are saved could not be found out: python -m bootstrap status says why"


def _status_command(result: StackResult) -> list[str]:
    """The command of a stack's probe that asks Infisical, about all of it."""
    probes: list[Any] = result.outputs.values.get(OUTPUT) or []
    for probe in probes:
        words = [str(word) for word in probe.get("command") or ()]
        if tuple(words[: len(STATUS)]) == STATUS:
            if "--phase" in words:
                place = words.index("--phase")
                del words[place : place + 2]
            return words
    return []
