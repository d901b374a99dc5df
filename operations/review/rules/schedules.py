"""Backups and replication that run less often.

Source: ``proxmox_backup_job`` and ``proxmox_replication`` (``schedule``).
"""

from __future__ import annotations

from collections.abc import Iterator

from operations.review.findings import Case, Finding, Severity
from operations.review.objects import short_type
from operations.review.rules.backups import is_backup_job
from operations.review.schedules import interval, runs_a_year
from operations.review.values import masked, same, text

_REPLICATION = "*/15"
"""How often Proxmox replicates where nothing is said."""


def rarer(case: Case) -> Iterator[Finding]:
    """A backup job or a replication runs less often: more is lost with a guest than was until now."""
    change = case.change
    is_backup, is_replication = is_backup_job(change.type), short_type(change.type) == "replication"
    if not (change.action.leaves_one and (is_backup or is_replication)) or _is_off(case):
        return
    before, after = change.before.get("schedule"), change.after.get("schedule")
    if is_replication:
        before, after = before or _REPLICATION, after or _REPLICATION
    unknown = masked(change.after_unknown, "schedule")
    if same(before, after) and not unknown:
        return
    name = case.estate.disclosure.value("guest", change.before.get("id")) or "without a name"
    thing = f"backup job {name}" if is_backup else f"replication {name}"
    old, new = (runs_a_year(text(value) or "") for value in (before, None if unknown else after))
    if old is None or new is None:
        yield case.finding(
            "schedule-changed",
            Severity.CHANGE,
            f"{thing} runs at other times",
            consequence="How often that is can't be told from here; what changes between two runs can be lost",
        )
    elif new < old * 0.99:
        restored = "comes back" if is_backup else "starts from its copy"
        yield case.finding(
            "backup-rarer" if is_backup else "replication-rarer",
            Severity.DANGER if is_backup else Severity.CHANGE,
            f"{thing} runs less often: {_shown(case, before)} → {_shown(case, after)}",
            consequence=f"A guest that is lost {restored} without up to {_amount(new)} of what it did, until now "
            f"{_amount(old)}",
        )


def _is_off(case: Case) -> bool:
    return case.change.after.get("enabled") is False or case.change.after.get("disable") is True


def _amount(runs: float) -> str:
    words = interval(runs)
    return words if words[0].isdigit() else f"{'an' if words == 'hour' else 'a'} {words}"


def _shown(case: Case, schedule: object) -> str:
    return case.estate.disclosure.value("schedule", schedule) or ""
