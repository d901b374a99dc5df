"""What of backups is kept, and what is in them: jobs and datastores that keep fewer, jobs that leave folders out.

Source: ``proxmox_backup_job`` (``prune_backups``, ``remove``, ``exclude_path``) and the ``backups`` block of
``proxmox_storage_*``; where a job says nothing, its datastore's rule counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from operations.review.findings import Case, Finding, Severity
from operations.review.objects import is_datastore
from operations.review.plan import Action
from operations.review.rules.backups import is_backup_job
from operations.review.values import block, items, mapping, whole

_KEEP_ALL = "keep-all"
_MEANING = "At the next run Proxmox deletes the backups that the new rule doesn't keep"


def jobs(case: Case) -> Iterator[Finding]:
    """A job keeps fewer backups: the others are deleted at its next run."""
    change = case.change
    if not is_backup_job(change.type) or change.action is not Action.UPDATE:
        return
    before, after = mapping(change.before.get("prune_backups")), mapping(change.after.get("prune_backups"))
    begins = change.before.get("remove") is False and change.after.get("remove") is not False
    if change.after.get("remove") is not False and (_keeps_fewer(before, after) or (begins and _prunes(after))):
        yield case.finding(
            "retention-reduced", Severity.DANGER, f"{_name(case)} keeps fewer backups", consequence=_MEANING
        )


def datastores(case: Case) -> Iterator[Finding]:
    """A datastore keeps fewer backups, for every job that has no rule of its own."""
    change = case.change
    if not is_datastore(change.type) or change.action is not Action.UPDATE:
        return
    before, after = block(change.before, "backups"), block(change.after, "backups")
    if _keeps_fewer(before, after):
        name = case.estate.disclosure.value("storage_id", change.before.get("id")) or "without a name"
        yield case.finding(
            "retention-reduced",
            Severity.DANGER,
            f"datastore {name} keeps fewer backups",
            consequence=f"{_MEANING}, for each job without a rule of its own",
        )


def excluded(case: Case) -> Iterator[Finding]:
    """A job leaves further folders of containers out."""
    change = case.change
    if not is_backup_job(change.type) or change.action is not Action.UPDATE or change.after.get("enabled") is False:
        return
    before, after = items(change.before.get("exclude_path")), items(change.after.get("exclude_path"))
    if more := [path for path in after if path not in before]:
        number = "another folder" if len(more) == 1 else f"{len(more)} more folders"
        yield case.finding(
            "backup-excludes",
            Severity.DANGER,
            f"{_name(case)} leaves {number} of containers out",
            consequence="A restored container comes back without them",
        )


def _name(case: Case) -> str:
    return f"backup job {case.estate.disclosure.value('guest', case.change.before.get('id')) or 'without a name'}"


def _prunes(rule: Mapping[str, Any]) -> bool:
    return not _keeps_all(rule) and any(whole(value) for value in rule.values())


def _keeps_all(rule: Mapping[str, Any]) -> bool:
    return rule.get(_KEEP_ALL, rule.get("keep_all")) in (True, "1", "true")


def _keeps_fewer(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    if not _prunes(after):
        return False
    fewer = (key for key, value in before.items() if (whole(value) or 0) > (whole(after.get(key)) or 0))
    return _keeps_all(before) or not _prunes(before) or any(fewer)
