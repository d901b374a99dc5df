"""What plans would change, for a person to decide: what is destroyed first and by name, then the rest in short.

Values are shown only where they are numbers or switches and no provider calls them sensitive: a plan holds secrets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from operations.terraform import Plan
from operations.terraform_messages import Action
from operations.terraform_stacks import Resource

_SIGNS: dict[str, tuple[str, str]] = {
    "create": ("+", "green"),
    "update": ("~", "yellow"),
    "replace": ("±", "red"),
    "delete": ("-", "red"),
    "import": ("<", "green"),
    "move": (">", ""),
    "forget": (".", "yellow"),
    "read": ("?", ""),
}
_WORDS: dict[Action, str] = {
    "create": "to create",
    "update": "to change",
    "replace": "to replace",
    "delete": "to destroy",
    "import": "to import",
    "move": "moved",
    "forget": "to forget",
}
LISTED = 12
"""How many additions and changes of one stack are listed; what is destroyed or replaced is always listed."""


@dataclass(frozen=True)
class Change:
    """One change of a plan, in words."""

    stack: str
    resource: Resource
    action: Action
    details: tuple[str, ...] = ()
    """The arguments that change, or that force a replacement."""
    drifted: bool = False
    """It was changed without Terraform, and the plan sets it right."""

    @property
    def is_loss(self) -> bool:
        """Whether a guest or what it holds is lost."""
        return self.action in ("delete", "replace")

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "stack": self.stack,
            "address": self.resource.address,
            "label": self.resource.label,
            "action": self.action,
            "details": list(self.details),
            "drifted": self.drifted,
        }


def changes_of(plan: Plan, shown: Mapping[str, Any] | None = None) -> list[Change]:
    """The changes of ``plan``; ``shown``, the plan in full, has their arguments, and what left the stack."""
    full = {entry["address"]: entry for entry in (shown or {}).get("resource_changes", ())}
    drifted = {drift.address for drift in plan.drift}
    found = []
    for change in plan.changes:
        entry = full.get(change.address, {}).get("change", {})
        before = entry.get("before") if isinstance(entry.get("before"), dict) else None
        details: tuple[str, ...] = ()
        if change.action == "update":
            details = changed_arguments(entry)
        elif change.action == "replace":
            details = tuple(_path_text(path) for path in entry.get("replace_paths", ()))
        found.append(
            Change(
                plan.stack.name,
                plan.stack.resource(change.address, before),
                change.action,
                details,
                drifted=change.address in drifted and change.action == "update",
            )
        )
    return found


def changed_arguments(change: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the arguments that an update changes, with old and new value where those are numbers or switches."""
    return tuple(
        _differences(
            "",
            change.get("before"),
            change.get("after"),
            change.get("after_unknown"),
            (change.get("before_sensitive"), change.get("after_sensitive")),
        )
    )


def _differences(name: str, before: Any, after: Any, unknown: Any, sensitive: tuple[Any, Any]) -> Iterable[str]:
    if before == after and not unknown:
        return
    if unknown is True or True in (sensitive[0], sensitive[1]):
        if not (unknown is True and name):
            yield name
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            inner = f"{name}.{key}" if name else key
            yield from _differences(
                inner,
                before.get(key),
                after.get(key),
                _at(unknown, key),
                (_at(sensitive[0], key), _at(sensitive[1], key)),
            )
    elif (
        isinstance(before, list)
        and isinstance(after, list)
        and len(before) == len(after)
        and all(isinstance(item, dict) for item in (*before, *after))
    ):
        for index in range(len(before)):
            inner = name if len(before) == 1 else f"{name}[{index}]"
            yield from _differences(
                inner,
                before[index],
                after[index],
                _at(unknown, index),
                (_at(sensitive[0], index), _at(sensitive[1], index)),
            )
    elif before != after:
        plain = isinstance(before, bool | int | float) and isinstance(after, bool | int | float)
        yield f"{name} {_value(before)} → {_value(after)}" if plain else name


def _at(value: Any, key: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and isinstance(key, int):
        return value[key] if key < len(value) else None
    return value if value is True else None


def _value(value: float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


def _path_text(path: Iterable[Any]) -> str:
    return ".".join(str(part) for part in path if not isinstance(part, int))


def counts(changes: Iterable[Change]) -> str:
    """``3 to create, 1 to change``."""
    numbers = Counter(change.action for change in changes)
    return ", ".join(f"{numbers[action]} {word}" for action, word in _WORDS.items() if numbers[action])


def show_review(
    console: Console, changes: Sequence[Change], *, stacks: Sequence[str], outputs_only: Sequence[str] = ()
) -> None:
    """Prints the review of all stacks."""
    losses = [change for change in changes if change.is_loss and change.resource.is_guest]
    if losses:
        console.print(
            Text(
                (
                    f"\nDESTROYS {len(losses)} {'guest' if len(losses) == 1 else 'guests'} with all that is on their "
                    "disks:"
                ),
                style="bold red",
            )
        )
        for change in losses:
            reason = f", made anew because of {', '.join(change.details)}" if change.action == "replace" else ""
            place = f" on {change.resource.node}" if change.resource.node else ""
            console.print(
                Text(f"  {_SIGNS[change.action][0]} {change.resource.label}{place}{reason}", style="red"),
                soft_wrap=True,
            )
    for stack in stacks:
        own = [change for change in changes if change.stack == stack]
        if not own:
            if stack in outputs_only:
                console.print(Text.assemble("\n", (stack, "bold"), "  only outputs change"), soft_wrap=True)
            continue
        console.print(Text.assemble("\n", (stack, "bold"), f"  {counts(own)}"), soft_wrap=True)
        for change in _listed(own):
            console.print(_line(change), soft_wrap=True)
        hidden = len(own) - len(_listed(own))
        if hidden:
            console.print(Text(f"  … and {hidden} more", style="dim"))


def _listed(changes: Sequence[Change]) -> list[Change]:
    losses = [change for change in changes if change.is_loss]
    others = sorted(
        (change for change in changes if not change.is_loss),
        key=lambda change: (change.action == "create", not change.resource.is_guest),
    )
    return [*losses, *others[:LISTED]]


def _line(change: Change) -> Text:
    sign, style = _SIGNS.get(change.action, ("?", ""))
    line = Text.assemble((f"  {sign} ", style), change.resource.label)
    if change.details:
        line.append(f": {', '.join(change.details)}", "dim")
    if change.drifted:
        line.append("  changed outside Terraform", "yellow")
    return line
