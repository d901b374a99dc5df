"""Why Terraform destroys or replaces something, in words.

Source: ``action_reason`` and ``replace_paths`` of Terraform's JSON plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from operations.review.estate import Estate
from operations.review.plan import STACK_GONE, Action, Change
from operations.review.values import child, masked, text

_REASONS = {
    "replace_because_tainted": "an earlier apply did not finish making it (it is tainted)",
    "replace_by_request": "its replacement was asked for (-replace)",
    "replace_by_triggers": "something that its replace_triggered_by names changes",
    "delete_because_no_resource_config": "it is no longer in the configuration",
    STACK_GONE: "its stack is gone: deploying leaves it as it is and unmanaged, until homelab destroy destroys it",
    "delete_because_no_module": "its module is no longer in the configuration",
    "delete_because_wrong_repetition": "the configuration has it with another kind of index",
    "delete_because_count_index": "its index is beyond count",
    "delete_because_each_key": "its key is no longer in for_each",
    "delete_because_no_move_target": "it was moved to an address that the configuration doesn't have",
}
SNIPPETS = ("user_data_file_id", "vendor_data_file_id", "network_data_file_id", "meta_data_file_id")


def cause_of(change: Change, estate: Estate) -> str:
    """Why ``change`` destroys or replaces its object."""
    if change.deposed:
        return "an earlier replacement was interrupted and left it behind (it is deposed)"
    if change.reason in _REASONS:
        return _REASONS[change.reason]
    if change.replace_paths:
        paths = list(dict.fromkeys(_path(change, path, estate) for path in change.replace_paths))
        snippets = list(dict.fromkeys(_snippets(change, estate)))
        return "can't be changed in place: " + ", ".join(paths) + "".join(f"; {snippet}" for snippet in snippets)
    return "the plan destroys it on purpose (-destroy)" if change.action is Action.DELETE else ""


def made_anew_snippet(change: Change, estate: Estate) -> Change | None:
    """The snippet whose replacement makes ``change`` replace a virtual machine."""
    for path in change.replace_paths:
        if path and path[-1] in SNIPPETS:
            volume = text(_at(change.before, path))
            file = estate.files.get(volume) if volume else None
            if file and file.action.destroys:
                return file
    return None


def _snippets(change: Change, estate: Estate) -> Iterator[str]:
    if file := made_anew_snippet(change, estate):
        yield f"the snippet {file.address} is made anew"


def _path(change: Change, path: tuple[str | int, ...], estate: Estate) -> str:
    name = ".".join(str(part) for part in path if isinstance(part, str))
    last = str(path[-1]) if path else ""
    if not path or any(masked(mask, *path) for mask in (change.before_sensitive, change.after_sensitive)):
        return name
    before = estate.disclosure.value(last, _at(change.before, path))
    after = estate.disclosure.value(last, _at(change.after, path))
    if masked(change.after_unknown, *path):
        after = "known after the apply"
    if before is None or after is None or before == after:
        return name
    return f"{name} {before} → {after}"


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        value = child(value, key) if value is not True else None
    return value
