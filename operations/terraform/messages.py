"""Terraform's machine-readable output (``-json``): one message a line, and what the deployment needs of them.

Source: Terraform's documentation, "Machine-Readable UI". Values of resources are never part of these messages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Action = Literal["create", "update", "replace", "delete", "read", "move", "import", "forget", "noop"]
_ACTIONS: dict[str, Action] = {
    "create": "create",
    "update": "update",
    "replace": "replace",
    "delete": "delete",
    "remove": "delete",
    "read": "read",
    "move": "move",
    "import": "import",
    "forget": "forget",
}


@dataclass(frozen=True)
class Diagnostic:
    """An error or warning of Terraform or a provider."""

    severity: str
    summary: str
    detail: str = ""
    address: str = ""
    file: str = ""

    @property
    def text(self) -> str:
        """Summary and detail as Terraform prints them."""
        return f"{self.summary}\n{self.detail}".strip()


@dataclass(frozen=True)
class PlannedChange:
    """A change that a plan makes; ``reason`` is Terraform's word for why something is replaced or deleted."""

    address: str
    action: Action
    reason: str = ""
    previous_address: str = ""


@dataclass(frozen=True)
class Drift:
    """Something that was changed without Terraform since the last apply."""

    address: str
    action: Action


@dataclass(frozen=True)
class Work:
    """What an apply is doing with one resource, or planning with it (``refresh``)."""

    address: str
    action: str
    stage: Literal["start", "progress", "complete", "errored"]
    seconds: float = 0.0


@dataclass(frozen=True)
class Said:
    """A line that a provisioner of a resource wrote, such as a script that runs inside a guest."""

    address: str
    text: str


@dataclass(frozen=True)
class Outputs:
    """The outputs after an apply, sensitive ones left out; or during a plan what happens to those that change."""

    values: Mapping[str, Any] = field(default_factory=dict)
    sensitive: tuple[str, ...] = ()
    changes: Mapping[str, str] = field(default_factory=dict)
    """Terraform's word (``create``, ``update``, ``delete``) by the name of the output."""


Message = Diagnostic | PlannedChange | Drift | Work | Said | Outputs


def read_message(line: str) -> Message | None:
    """The message that ``line`` holds; None for what the deployment has no use for, and for what is no message."""
    try:
        data = json.loads(line)
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    kind = str(data.get("type", ""))
    if kind == "diagnostic":
        return diagnostic(data["diagnostic"])
    if kind == "planned_change":
        change = data["change"]
        action = str(change.get("action", ""))
        previous = change.get("previous_resource") or {}
        return PlannedChange(
            change["resource"]["addr"],
            _ACTIONS.get(action, "noop"),
            change.get("reason", ""),
            previous.get("addr", ""),
        )
    if kind == "resource_drift":
        action = str(data["change"].get("action", ""))
        return Drift(data["change"]["resource"]["addr"], _ACTIONS.get(action, "noop"))
    if match := re.fullmatch(r"(apply|refresh)_(start|progress|complete|errored)", kind):
        hook = data["hook"]
        return Work(
            hook["resource"]["addr"],
            str(hook.get("action", "refresh")),
            match[2],  # type: ignore[arg-type]
            float(hook.get("elapsed_seconds", 0)),
        )
    if kind == "provision_progress":
        return Said(data["hook"]["resource"]["addr"], str(data["hook"].get("output", "")))
    return _outputs(data["outputs"]) if kind == "outputs" else None


def diagnostic(data: Mapping[str, Any]) -> Diagnostic:
    """One entry of ``diagnostics``, as ``-json`` commands give it."""
    place = data.get("range") or {}
    return Diagnostic(
        severity=str(data.get("severity", "error")),
        summary=str(data.get("summary", "")),
        detail=str(data.get("detail", "")),
        address=str(data.get("address", "")),
        file=str(place.get("filename", "")),
    )


def _outputs(data: Mapping[str, Any]) -> Outputs:
    sensitive = tuple(name for name, entry in data.items() if entry.get("sensitive"))
    values = {name: entry["value"] for name, entry in data.items() if "value" in entry and not entry.get("sensitive")}
    actions = {name: str(entry.get("action", "noop")) for name, entry in data.items()}
    return Outputs(values, sensitive, {name: action for name, action in actions.items() if action != "noop"})


_PLAIN = re.compile(r"^(?:╷\n)?(?:│ )?(Error|Warning): ", re.MULTILINE)
_RESOURCE = re.compile(r"^\s*with ([^\s,]+)", re.MULTILINE)


def plain_diagnostics(text: str) -> list[Diagnostic]:
    """The errors and warnings in the plain output of a command that has no ``-json``, such as ``init``."""
    found = []
    starts = list(_PLAIN.finditer(text))
    for start, following in zip(starts, [*starts[1:], None][: len(starts)], strict=True):
        body = text[start.end() : following.start() if following else len(text)]
        lines = [line.removeprefix("│").strip() for line in body.strip().splitlines() if line not in ("╷", "╵")]
        detail = "\n".join(lines[1:]).strip()
        resource = _RESOURCE.search(detail)
        found.append(Diagnostic(start[1].lower(), lines[0] if lines else "", detail, resource[1] if resource else ""))
    return found
