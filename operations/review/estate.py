"""Everything that the reviewed plans know of, before and after: guests, backup jobs, firewalls, snippets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from operations.review.disclosure import Disclosure
from operations.review.guests import Guest, is_guest, read_guest
from operations.review.plan import Action, Change, PlanDocument
from operations.review.values import block, items, masked, text, whole

BACKUP_JOBS = ("proxmox_backup_job",)
FIREWALL_OPTIONS = "proxmox_virtual_environment_firewall_options"
FIREWALL_RULES = "proxmox_virtual_environment_firewall_rules"
FILES = ("proxmox_virtual_environment_file",)
POOL_MEMBERSHIPS = ("proxmox_pool_membership", "proxmox_virtual_environment_pool_membership")

Rule = Mapping[str, Any]
"""How many backups are kept, by kind."""
Key = tuple[str, str, str]
"""Stack, address and deposed key."""


@dataclass(frozen=True)
class BackupJob:
    """A backup job, before or after the apply: which guests it takes."""

    stack: str
    address: str
    enabled: bool
    everything: bool = False
    pool: str = ""
    node: str = ""
    vm_ids: frozenset[int] = frozenset()

    def takes(self, guest: Guest) -> bool:
        """Whether it backs ``guest`` up."""
        if not self.enabled or (self.node and self.node != _raw(guest, "node_name")):
            return False
        return self.everything or (bool(self.pool) and self.pool == guest.pool) or (guest.vm_id or 0) in self.vm_ids


def _raw(guest: Guest, name: str) -> str:
    return text(guest.values.get(name)) or ""


def read_backup_job(stack: str, address: str, values: Mapping[str, Any], unknown: Any = None) -> BackupJob:
    """The job that a resource's values describe. What isn't known before the apply doesn't count as a backup."""
    return BackupJob(
        stack=stack,
        address=address,
        enabled=values.get("enabled") is not False and not masked(unknown, "enabled"),
        everything=values.get("all") is True,
        pool=text(values.get("pool")) or "",
        node=text(values.get("node")) or "",
        vm_ids=frozenset(number for entry in items(values.get("vmid")) if (number := whole(entry)) is not None),
    )


@dataclass
class Estate:
    """What there is before and after the apply of all plans together."""

    documents: Sequence[PlanDocument]
    disclosure: Disclosure
    before: dict[Key, Guest] = field(default_factory=dict)
    after: dict[Key, Guest] = field(default_factory=dict)
    jobs_before: dict[Key, BackupJob] = field(default_factory=dict)
    jobs_after: dict[Key, BackupJob] = field(default_factory=dict)
    memberships: frozenset[int] = frozenset()
    """VMIDs of guests whose pool is a resource of its own."""

    def __post_init__(self) -> None:
        for change in self.changes:
            key = key_of(change)
            if is_guest(change.type):
                if change.before:
                    self.before[key] = read_guest(change.type, change.before, self.disclosure, change.before_sensitive)
                if change.exists_after:
                    self.after[key] = self._after(change)
            elif change.type in BACKUP_JOBS:
                if change.before:
                    self.jobs_before[key] = read_backup_job(change.stack, change.address, change.before)
                if change.exists_after:
                    values, unknown = (
                        (change.before, None)
                        if change.action is Action.FORGET
                        else (change.after, change.after_unknown)
                    )
                    self.jobs_after[key] = read_backup_job(change.stack, change.address, values, unknown)
        for document in self.documents:
            for entry in document.untouched:
                key = (document.stack, entry.address, "")
                if is_guest(entry.type):
                    guest = read_guest(entry.type, entry.values, self.disclosure, entry.sensitive)
                    self.before[key] = self.after[key] = guest
                elif entry.type in BACKUP_JOBS:
                    job = read_backup_job(document.stack, entry.address, entry.values)
                    self.jobs_before[key] = self.jobs_after[key] = job
        self._add_pools()

    def _after(self, change: Change) -> Guest:
        if change.action is Action.FORGET:
            return self.before[key_of(change)] if change.before else read_guest(change.type, {}, self.disclosure)
        return read_guest(change.type, change.after, self.disclosure, change.after_sensitive, change.after_unknown)

    def _add_pools(self) -> None:
        """Guests whose pool is a resource of its own."""
        before: dict[int, str] = {}
        after: dict[int, str] = {}
        for change in self.changes:
            if change.type in POOL_MEMBERSHIPS:
                for pools, values in ((before, change.before), (after, change.after)):
                    number, pool = whole(values.get("vm_id")), text(values.get("pool_id"))
                    if number is not None and pool:
                        pools[number] = pool
        for document in self.documents:
            for entry in document.untouched:
                number, pool = whole(entry.values.get("vm_id")), text(entry.values.get("pool_id"))
                if entry.type in POOL_MEMBERSHIPS and number is not None and pool:
                    before[number] = after[number] = pool
        members = before.keys() | after.keys()
        for guests, pools in ((self.before, before), (self.after, after)):
            for key, guest in guests.items():
                # The provider also reads the pool of a membership into the guest, where a plan leaves it.
                if guest.vm_id in members:
                    guests[key] = replace(guest, pool=pools.get(guest.vm_id or 0, ""))
        self.memberships = frozenset(members)

    @property
    def changes(self) -> Iterator[Change]:
        """Every object in every plan."""
        for document in self.documents:
            yield from document.changes

    @cached_property
    def destroyed(self) -> frozenset[int]:
        """VMIDs of guests that are there before and no more after."""
        left = {guest.vm_id for guest in self.after.values()}
        return frozenset(
            guest.vm_id for guest in self.before.values() if guest.vm_id is not None and guest.vm_id not in left
        )

    @cached_property
    def backed_up(self) -> frozenset[int]:
        """VMIDs that some backup job takes after the apply, as far as the plans tell."""
        return backed_up(self.jobs_after.values(), self.after.values())

    @cached_property
    def numbered(self) -> Mapping[int, Guest]:
        """Guests by VMID, as they are before the apply."""
        return {guest.vm_id: guest for guest in self.before.values() if guest.vm_id is not None}

    @cached_property
    def made(self) -> Mapping[int, str]:
        """The places of guests that the plans create, by VMID."""
        return {
            guest.vm_id: f"{change.stack}: {change.address}"
            for change in self.changes
            if change.action is Action.CREATE and (guest := self.after.get(key_of(change))) and guest.vm_id is not None
        }

    @cached_property
    def names(self) -> Mapping[int, Guest]:
        """Guests by VMID: as they are after the apply, or before where they are gone."""
        found: dict[int, Guest] = {}
        for guests in (self.before, self.after):
            found.update({guest.vm_id: guest for guest in guests.values() if guest.vm_id is not None})
        return found

    def name_of(self, vm_id: int) -> str:
        """``VM web (9100)``, or the number of a guest that is in none of the plans."""
        guest = self.names.get(vm_id)
        return guest.label if guest else f"the guest with VMID {vm_id}"

    @cached_property
    def firewalls(self) -> Mapping[int, tuple[Change, ...]]:
        """Firewall options and rules by VMID of their guest."""
        found: dict[int, tuple[Change, ...]] = {}
        for change in self.changes:
            if change.type in (FIREWALL_OPTIONS, FIREWALL_RULES) and (number := guarded(change)) is not None:
                found[number] = (*found.get(number, ()), change)
        return found

    @cached_property
    def kept_on(self) -> tuple[Mapping[str, Rule], Mapping[str, Rule]]:
        """What datastores keep of backups before and after, by name, as far as these plans have them."""
        before: dict[str, Rule] = {}
        after: dict[str, Rule] = {}
        for change in self.changes:
            if is_datastore(change.type):
                for rules, values in ((before, change.before), (after, change.after or change.before)):
                    if name := text(values.get("id")):
                        rules[name] = block(values, "backups")
        for document in self.documents:
            for entry in document.untouched:
                if is_datastore(entry.type) and (name := text(entry.values.get("id"))):
                    before[name] = after[name] = block(entry.values, "backups")
        return before, after

    @cached_property
    def files(self) -> Mapping[str, Change]:
        """Uploaded files by the volume that they are before the apply."""
        return {
            volume: change
            for change in self.changes
            if change.type in FILES and (volume := text(change.before.get("id")))
        }

    @cached_property
    def linked(self) -> Mapping[int, tuple[Guest, ...]]:
        """The linked clones of each template that stay."""
        found: dict[int, tuple[Guest, ...]] = {}
        for guest in self.after.values():
            if guest.linked_to is not None:
                found[guest.linked_to] = (*found.get(guest.linked_to, ()), guest)
        return found


def backed_up(jobs: Iterable[BackupJob], guests: Iterable[Guest]) -> frozenset[int]:
    """The VMIDs that ``jobs`` take; those that a job names count also where their guest is in none of the plans."""
    enabled = [job for job in jobs if job.enabled]
    known = list(guests)
    numbers = {guest.vm_id for guest in known}
    found: set[int] = set()
    for job in enabled:
        found |= job.vm_ids - numbers
        if job.everything or job.pool or job.node:
            found |= {guest.vm_id for guest in known if guest.vm_id is not None and job.takes(guest)}
        else:
            found |= job.vm_ids
    return frozenset(found)


def key_of(change: Change) -> Key:
    """What tells an object from every other in the reviewed plans."""
    return change.stack, change.address, change.deposed


def is_datastore(type_: str) -> bool:
    """Whether objects of this type are datastores: ``proxmox_storage_*``."""
    return type_.startswith(("proxmox_storage_", "proxmox_virtual_environment_storage_"))


def guarded(change: Change) -> int | None:
    """The VMID of the guest that firewall options or rules are for; None where they are a node's or the cluster's."""
    return next((number for values in (change.before, change.after) for number in guarded_by(values)), None)


def guarded_by(values: Mapping[str, Any]) -> list[int]:
    """The VMIDs of the guests that firewall options or rules are for: one, or none."""
    return [number for name in ("vm_id", "container_id") if (number := whole(values.get(name)))]
