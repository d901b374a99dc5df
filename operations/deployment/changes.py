"""The changes of a plan, each with the resource as its stack defines it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from operations.review import PlanDocument
from operations.terraform.messages import Action
from operations.terraform.stacks import Resource
from operations.terraform.terraform import Plan

_WORDS: dict[Action, str] = {
    "create": "created",
    "update": "changed",
    "replace": "replaced",
    "delete": "destroyed",
    "import": "imported",
    "move": "moved",
    "forget": "forgotten",
}


@dataclass(frozen=True)
class Change:
    """One change of a plan. What it means is in the review."""

    stack: str
    resource: Resource
    action: Action
    drifted: bool = False
    """It was changed without Terraform, and the plan sets it right."""

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "stack": self.stack,
            "address": self.resource.address,
            "label": self.resource.label,
            "action": self.action,
            "drifted": self.drifted,
        }


def changes_of(plan: Plan, document: PlanDocument) -> list[Change]:
    """The changes of ``plan``; what left the stack is known from its values in ``document``."""
    before: dict[str, Mapping[str, Any]] = {change.address: change.before for change in document.changes}
    drifted = {drift.address for drift in plan.drift}
    return [
        Change(
            plan.stack.name,
            plan.stack.resource(change.address, before.get(change.address)),
            change.action,
            drifted=change.address in drifted and change.action == "update",
        )
        for change in plan.changes
    ]


def done(changes: Iterable[Change]) -> str:
    """``3 created, 1 changed``."""
    numbers = Counter(change.action for change in changes)
    return ", ".join(f"{numbers[action]} {word}" for action, word in _WORDS.items() if numbers[action])
