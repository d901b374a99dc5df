"""Reading what ``terraform show -json`` writes about a plan.

Source: Terraform's documentation, "JSON Output Format", major version 1. Fields that a minor version adds are ignored.
What is not understood is refused and never passed over, because a change that isn't seen can't be judged.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping
from typing import Any

from operations.review.disclosure import secrets_of
from operations.review.guests import CONTAINER
from operations.review.plan import ACTIONS, Action, Change, OutputChange, PlanDocument, ReviewError, Untouched
from operations.review.values import block, items, mapping, number, text

SUPPORTED_MAJOR = "1"
_HOW = "make it with `terraform plan -out=plan.bin` and `terraform show -json plan.bin > plan.json`"


def read_plan(content: str | bytes, stack: str) -> PlanDocument:
    """Read one document of ``terraform show -json``.

    Args:
        content: the document.
        stack: what to call it in the review.

    Raises:
        ReviewError: it is no JSON, no plan, of a major version other than 1, or not in the shape of one.
    """
    if isinstance(content, bytes):
        if content[:4] == b"PK\x03\x04":
            raise ReviewError(f"{stack}: that is the plan file itself\n    fix:      {_HOW}")
        try:
            # PowerShell writes UTF-16 where a command's output is sent to a file.
            is_wide = content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
            content = content.decode("utf-16" if is_wide else "utf-8-sig")
        except UnicodeDecodeError:
            raise ReviewError(f"{stack}: not a text in UTF-8\n    fix:      {_HOW}") from None
    if not content.strip():
        raise ReviewError(f"{stack}: it is empty, as when `terraform show` failed\n    fix:      {_HOW}")
    try:
        document = json.loads(content)
    except RecursionError:
        raise ReviewError(f"{stack}: nested deeper than any plan\n    fix:      {_HOW}") from None
    except ValueError as error:
        raise ReviewError(_no_json(content, stack, error)) from None
    if not isinstance(document, dict):
        raise ReviewError(f"{stack}: JSON, but no plan\n    fix:      {_HOW}")
    _check_format(document, stack)
    try:
        return _plan(document, stack)
    except RecursionError:
        raise ReviewError(f"{stack}: nested deeper than any plan\n    fix:      {_HOW}") from None


def _no_json(content: str, stack: str, error: ValueError) -> str:
    first = content.lstrip().partition("\n")[0]
    if first.startswith("{") and '"@level"' in first:
        return f"{stack}: that is the log of `terraform plan -json`\n    fix:      {_HOW}"
    place = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
    return (
        f"{stack}: no JSON{place}\n    allowed:  what `terraform show -json` writes about a plan\n    fix:      {_HOW}"
    )


def _check_format(document: Mapping[str, Any], stack: str) -> None:
    version = document.get("format_version")
    if not isinstance(version, str):
        what = "that is the log of `terraform plan -json`" if "@level" in document else "JSON, but no plan"
        raise ReviewError(f"{stack}: {what}\n    fix:      {_HOW}")
    if version.partition(".")[0] != SUPPORTED_MAJOR:
        raise ReviewError(
            f"{stack}: format_version is {version[:20]!r}\n    allowed:  1.x"
            "\n    fix:      use a Terraform whose plans have format 1.x, or a newer homelab"
        )
    if not {"planned_values", "resource_changes", "configuration"} & document.keys():
        raise ReviewError(f"{stack}: that is a state, not a plan\n    fix:      {_HOW}")


def _plan(document: Mapping[str, Any], stack: str) -> PlanDocument:
    changes = [*_changes(document, "resource_changes", stack)]
    drift = [*_changes(document, "resource_drift", stack)]
    mentioned = {change.address for change in changes} | {change.previous_address for change in changes}
    prior = mapping(mapping(document.get("prior_state")).get("values")).get("root_module")
    untouched = [entry for entry in _objects(prior) if entry.address not in mentioned]
    return PlanDocument(
        stack=stack,
        terraform_version=text(document.get("terraform_version")) or "",
        changes=tuple(changes),
        drift=tuple(drift),
        outputs=tuple(_outputs(document, stack)),
        untouched=tuple(untouched),
        deferred=tuple(
            text(mapping(mapping(entry).get("resource_change")).get("address")) or "a resource"
            for entry in items(document.get("deferred_changes"))
        ),
        failed_checks=tuple(_failed_checks(document)),
        invocations=tuple(
            text(mapping(entry).get("address")) or "an action" for entry in items(document.get("action_invocations"))
        ),
        secrets=secrets_of(document, (*changes, *drift), untouched),
        errored=document.get("errored") is True,
        complete=document.get("complete") is not False,
        applyable=document["applyable"] if isinstance(document.get("applyable"), bool) else None,
        root_disks=dict(_root_disks(document)),
    )


def _changes(document: Mapping[str, Any], name: str, stack: str) -> Iterator[Change]:
    entries = document.get(name)
    if entries is None:
        return
    if not isinstance(entries, list):
        raise _malformed(stack, name, "a list")
    seen: set[tuple[str, str]] = set()
    for index, entry in enumerate(entries):
        place = f"{name}[{index}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("change"), dict):
            raise _malformed(stack, place, "an object with a change")
        if not isinstance(entry.get("address"), str) or not isinstance(entry.get("type"), str):
            raise _malformed(stack, place, "an object with address and type")
        identity = (entry["address"], str(entry.get("deposed") or ""))
        if identity in seen:
            raise _malformed(stack, f"{place}.address", "each address once")
        seen.add(identity)
        if entry.get("mode") != "data":
            yield _change(entry, entry["change"], stack, place)


def _change(entry: Mapping[str, Any], change: Mapping[str, Any], stack: str, place: str) -> Change:
    actions = change.get("actions")
    if not isinstance(actions, list) or not all(isinstance(action, str) for action in actions):
        raise _malformed(stack, f"{place}.change.actions", "a list of texts")
    importing = change.get("importing")
    return Change(
        stack=stack,
        address=entry["address"],
        type=entry["type"],
        action=ACTIONS.get(tuple(actions), Action.UNKNOWN),
        before=mapping(change.get("before")),
        after=mapping(change.get("after")),
        after_unknown=change.get("after_unknown"),
        before_sensitive=change.get("before_sensitive"),
        after_sensitive=change.get("after_sensitive"),
        replace_paths=tuple(
            tuple(part for part in path if isinstance(part, str | int))
            for path in items(change.get("replace_paths"))
            if isinstance(path, list)
        ),
        reason=text(entry.get("action_reason")) or "",
        previous_address=text(entry.get("previous_address")) or "",
        deposed=text(entry.get("deposed")) or "",
        import_id=str(importing.get("id") or "") if isinstance(importing, dict) else None,
        leaves_old=len(actions) == 2 and "forget" in actions,
    )


def _malformed(stack: str, place: str, allowed: str) -> ReviewError:
    return ReviewError(
        f"{stack}: {place} is not what a plan has there\n    allowed:  {allowed}\n    fix:      {_HOW}; don't edit it"
    )


def _outputs(document: Mapping[str, Any], stack: str) -> Iterator[OutputChange]:
    for name, change in mapping(document.get("output_changes")).items():
        actions = tuple(str(action) for action in items(mapping(change).get("actions")))
        action = ACTIONS.get(actions, Action.UNKNOWN)
        if action is not Action.NONE:
            yield OutputChange(stack, name, action)


def _objects(module: Any) -> Iterator[Untouched]:
    for entry in map(mapping, items(mapping(module).get("resources"))):
        address, type_ = text(entry.get("address")), text(entry.get("type"))
        if entry.get("mode") != "data" and address and type_:
            yield Untouched(address, type_, mapping(entry.get("values")), entry.get("sensitive_values"))
    for inner in items(mapping(module).get("child_modules")):
        yield from _objects(inner)


def _root_disks(document: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    module = mapping(mapping(document.get("configuration")).get("root_module"))
    for entry in map(mapping, items(module.get("resources"))):
        address = text(entry.get("address"))
        size = number(mapping(block(mapping(entry.get("expressions")), "disk").get("size")).get("constant_value"))
        if entry.get("type") == CONTAINER and address and size is not None:
            yield address, size


def _failed_checks(document: Mapping[str, Any]) -> Iterator[str]:
    for check in map(mapping, items(document.get("checks"))):
        if check.get("status") in ("fail", "error"):
            yield text(mapping(check.get("address")).get("to_display")) or "a check"
