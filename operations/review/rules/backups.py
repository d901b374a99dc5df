"""Backup jobs: which guests are in none of them after the apply.

A guest that changes from one job to another is fine, so the jobs of all reviewed plans are looked at together.
"""

from __future__ import annotations

from collections.abc import Iterator

from operations.review.causes import cause_of
from operations.review.estate import BACKUP_JOBS, POOL_MEMBERSHIPS, BackupJob, key_of
from operations.review.findings import Case, Finding, Severity
from operations.review.guests import is_guest
from operations.review.plan import Action
from operations.review.values import whole

_MEANING = "No new backups are made of {}; those that exist stay until they are pruned"
LISTED = 10
"""How many guests a finding names."""


def is_backup_job(type_: str) -> bool:
    """Whether a resource of this type is a backup job."""
    return type_ in BACKUP_JOBS


def jobs(case: Case) -> Iterator[Finding]:
    """A job is removed, switched off, or leaves guests out that no other job takes."""
    change = case.change
    before = case.estate.jobs_before.get(key_of(change))
    if not is_backup_job(change.type) or before is None or change.action in (Action.NONE, Action.FORGET):
        return
    after = case.estate.jobs_after.get(key_of(change))
    name = case.estate.disclosure.value("guest", change.before.get("id")) or "without a name"
    happens = "is removed" if after is None else "is switched off" if not after.enabled else "takes fewer guests"
    lost = _lost(case, before) if before.enabled else []
    rest = _unnamed(case, before) if before.enabled else ""
    known = bool(rest) and any(before.takes(guest) for guest in case.estate.before.values())
    cause = cause_of(change, case.estate) if change.action.destroys else ""
    if lost or (rest and not known):
        words = [case.estate.name_of(number) for number in lost[:LISTED]] or [rest]
        more = f" and {len(lost) - LISTED} more" if len(lost) > LISTED else ""
        yield case.finding(
            "backup-dropped",
            Severity.BLOCKED,
            f"backup job {name} {happens}: {', '.join(words)}{more} in no backup any more",
            cause=cause,
            consequence=_MEANING.format("it" if len(lost) == 1 else "them"),
            guest=case.estate.names.get(lost[0]) if len(lost) == 1 else None,
        )
    elif rest:
        yield case.finding(
            "backup-narrowed",
            Severity.DANGER,
            f"backup job {name} {happens}: {rest} may be in no backup any more",
            cause=cause,
            consequence="Every guest in these plans is still in a job; whether others are can't be told from here",
        )
    elif change.action.destroys or (before.enabled and after is not None and not after.enabled):
        yield case.finding(
            "backup-job-ended",
            Severity.CHANGE,
            f"backup job {name} {happens if change.action is not Action.REPLACE else 'is destroyed and made anew'}",
            cause=cause,
            consequence="Every guest that it took is in another job"
            if before.enabled
            else "It was switched off already",
        )


def _lost(case: Case, job: BackupJob) -> list[int]:
    """The VMIDs that ``job`` takes before and nothing takes after, without guests that are destroyed."""
    estate = case.estate
    by_number = not job.everything and not job.pool
    known = (estate.numbered.get(number) for number in job.vm_ids) if by_number else estate.numbered.values()
    named = {guest.vm_id for guest in known if guest and guest.vm_id is not None and job.takes(guest)}
    in_no_plan = job.vm_ids - estate.names.keys()
    return sorted((named | in_no_plan) - estate.destroyed - estate.backed_up - _taken_by_all(case, in_no_plan))


def _taken_by_all(case: Case, numbers: frozenset[int]) -> frozenset[int]:
    everything = any(job.enabled and job.everything and not job.node for job in case.estate.jobs_after.values())
    return numbers if everything else frozenset()


def _unnamed(case: Case, before: BackupJob) -> str:
    """The guests that a job took without naming them, where no job does so any more."""
    others = [job for job in case.estate.jobs_after.values() if job.enabled and job.node in ("", before.node)]
    if before.everything and not any(job.everything for job in others):
        return f"every guest on {before.node}" if before.node else "every guest"
    if before.pool and not any(job.everything or job.pool == before.pool for job in others):
        return f"every guest in pool {before.pool}"
    return ""


def guests(case: Case) -> Iterator[Finding]:
    """A guest leaves the pool or node by which a job took it."""
    change, estate = case.change, case.estate
    if is_guest(change.type) and case.guests:
        number = case.guests[0].vm_id
    elif change.type in POOL_MEMBERSHIPS and (change.action.destroys or change.action is Action.UPDATE):
        number = whole(change.before.get("vm_id"))
    else:
        return
    if number is None or number in estate.destroyed or number in estate.backed_up:
        return
    guest = estate.numbered.get(number)
    if guest is None:
        return
    left = [job for key, job in estate.jobs_before.items() if job.takes(guest) and estate.jobs_after.get(key) == job]
    if left:
        by = f"pool {left[0].pool}" if left[0].pool else f"node {left[0].node}"
        yield case.finding(
            "backup-dropped",
            Severity.BLOCKED,
            f"{guest.label} leaves {by}, by which a backup job took it, and is in no backup any more",
            consequence=_MEANING.format("it"),
            guest=guest,
        )
