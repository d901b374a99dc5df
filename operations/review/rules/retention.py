"""What of backups is kept, and what is in them: jobs and datastores that keep fewer, jobs that leave folders out.

Source: ``proxmox_backup_job`` (``prune_backups``, ``remove``, ``exclude_path``) and the ``backups`` block of
``proxmox_storage_*``; where a job says nothing, its datastore's rule counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from operations.review.estate import Rule, is_datastore
from operations.review.findings import Case, Finding, Severity
from operations.review.plan import Action
from operations.review.rules.backups import is_backup_job
from operations.review.values import block, items, mapping, masked, text, whole

_KEEP_ALL = "keep-all"
_MEANING = "At the next run Proxmox deletes the backups that the new rule doesn't keep, but those that are protected"


class _Kept(Enum):
    """What a rule keeps, compared with another one."""

    ENOUGH = 0
    OTHERS = 1
    """Fewer of one kind and more of another: which ones go depends on when they were made."""
    FEWER = 2


def jobs(case: Case) -> Iterator[Finding]:
    """A job keeps fewer backups: the others are deleted at its next run."""
    change = case.change
    if not is_backup_job(change.type) or not change.action.leaves_one or change.after.get("remove") is False:
        return
    before, after = mapping(change.before.get("prune_backups")), mapping(change.after.get("prune_backups"))
    on_before, on_after = case.estate.kept_on
    if masked(change.after_unknown, "prune_backups"):
        yield _found(case, _name(case), _Kept.OTHERS, "by a rule that is known only after the apply")
        return
    store = text(change.after.get("storage")) or ""
    if before and not after and store not in on_after:
        yield _found(case, _name(case), _Kept.OTHERS, "by its datastore's rule instead of its own")
        return
    old = before or on_before.get(text(change.before.get("storage")) or "", {})
    new = after or on_after.get(store, {})
    if change.before.get("remove") is False:
        old = {}
    elif not before and not after:
        # What the datastore keeps is judged there.
        return
    yield from _compared(case, _name(case), old, new)


def datastores(case: Case) -> Iterator[Finding]:
    """A datastore keeps fewer backups, for every job that has no rule of its own."""
    change = case.change
    if is_datastore(change.type) and change.action.leaves_one:
        name = case.estate.disclosure.value("storage_id", change.before.get("id")) or "without a name"
        rules = block(change.before, "backups"), block(change.after, "backups")
        yield from _compared(case, f"datastore {name}", *rules, "for each job without a rule of its own")


def _compared(case: Case, name: str, before: Rule, after: Rule, where: str = "") -> Iterator[Finding]:
    kept = _kept(before, after)
    if kept is not _Kept.ENOUGH:
        yield _found(case, name, kept, f"{_words(case, before)} → {_words(case, after)}", where)


def _found(case: Case, name: str, kept: _Kept, how: str, where: str = "") -> Finding:
    fewer = kept is _Kept.FEWER
    return case.finding(
        "retention-reduced" if fewer else "retention-changed",
        Severity.BLOCKED if fewer else Severity.DANGER,
        f"{name} keeps {'fewer' if fewer else 'other'} backups: {how}",
        consequence=_MEANING + (f", {where}" if where else ""),
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


def _prunes(rule: Rule) -> bool:
    return not _keeps_all(rule) and any(whole(value) for value in rule.values())


def _keeps_all(rule: Rule) -> bool:
    return rule.get(_KEEP_ALL, rule.get("keep_all")) in (True, 1, "1", "true")


def _kept(before: Rule, after: Rule) -> _Kept:
    if not _prunes(after):
        return _Kept.ENOUGH
    if not _prunes(before):
        return _Kept.FEWER
    old, new = ({key.replace("_", "-"): whole(value) or 0 for key, value in rule.items()} for rule in (before, after))
    if all(number <= new.get(key, 0) for key, number in old.items()):
        return _Kept.ENOUGH
    return _Kept.OTHERS if any(number > old.get(key, 0) for key, number in new.items()) else _Kept.FEWER


def _words(case: Case, rule: Rule) -> str:
    """``keep-last 7, keep-weekly 4``."""
    if not _prunes(rule):
        return "all"
    shown = case.estate.disclosure.value
    kinds = ((key.replace("_", "-"), value) for key, value in sorted(rule.items()) if whole(value))
    return ", ".join(f"{case.estate.disclosure.text(key)} {shown(key, value) or ''}".rstrip() for key, value in kinds)
