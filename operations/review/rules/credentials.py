"""Credentials of a Docker container that what it keeps in its volumes does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from operations.review.findings import Case, Finding, Severity
from operations.review.plan import Action
from operations.review.values import blocks, items, masked, text

ROTATION = "database_rotation"
"""The output from which `python -m bootstrap rotate database prepare` takes the new credentials."""

_DATABASE = ("POSTGRES_USER", "POSTGRES_PASSWORD")
_KEY = ("ENCRYPTION_KEY",)
_STAY = (Action.NONE, Action.UPDATE)


def database(case: Case) -> Iterator[Finding]:
    """PostgreSQL is started with a login that nobody has told it: it takes its own from an empty volume alone.

    Whether somebody has can be seen by the output that they hand over to do it: before it holds the new login, nobody.
    """
    if not _has_others(case, _DATABASE):
        return
    documents = [document for document in case.estate.documents if document.stack == case.change.stack]
    outputs = {output.name for document in documents for output in document.outputs}
    if masked(case.change.after_unknown, "env") or ROTATION in outputs:
        yield case.finding(
            "database-login-unknown",
            Severity.BLOCKED,
            f"{_label(case)} is started with a login that its database does not know",
            cause=f"PostgreSQL takes {' and '.join(_DATABASE)} only while its volume is empty",
            consequence="What uses the database is locked out. Make the new credentials alone (terraform apply"
            " -target), and run: python -m bootstrap rotate database prepare",
        )


def encryption_key(case: Case) -> Iterator[Finding]:
    """What is in a database that stays was encrypted with another key than the one its program is started with."""
    if not _has_others(case, _KEY):
        return
    made = any(
        change.stack == case.change.stack and change.type == "random_bytes" and change.action not in _STAY
        for change in case.estate.changes
    )
    if made or not masked(case.change.after_unknown, "env"):
        yield case.finding(
            "encryption-key-replaced",
            Severity.BLOCKED,
            f"{_label(case)} is started with another {_KEY[0]}",
            consequence="It can't read what it has encrypted so far, and does not start. Put the old key back into the"
            " state first: Terraform keeps every state before such a change as *.backup",
        )


def _has_others(case: Case, names: tuple[str, ...]) -> bool:
    """Whether a container that is there, on volumes that stay, gets other values of some variables."""
    change = case.change
    if change.type != "docker_container" or not change.before or not change.action.leaves_one:
        return False
    before, after = _variables(change.before), _variables(change.after)
    if not any(name in before and before[name] != after.get(name) for name in names):
        return False
    own = {text(volume.get("volume_name")) for volume in blocks(change.before, "volumes")} - {None}
    volumes = [
        one
        for one in case.estate.changes
        if one.stack == change.stack and one.type == "docker_volume" and (not own or one.before.get("name") in own)
    ]
    return not volumes or any(one.action in _STAY for one in volumes)


def _variables(values: Mapping[str, Any]) -> dict[str, str]:
    """A container's environment; empty where it is known only after the apply."""
    pairs = (entry.partition("=") for entry in items(values.get("env")) if isinstance(entry, str))
    return {name: value for name, _, value in pairs}


def _label(case: Case) -> str:
    return f"Docker container {text(case.change.before.get('name')) or case.change.address}"
