"""The review itself: every rule asked about every object of every plan, and what that comes to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from operations.review.allow_list import AllowList, Blocked, Rejected, allowance_for, idle_entries
from operations.review.capacity import Capacity, capacity_of
from operations.review.differences import differences
from operations.review.disclosure import Disclosure
from operations.review.estate import Estate
from operations.review.findings import Case, Finding, Severity
from operations.review.guests import CONTAINER, is_guest, read_guest
from operations.review.plan import Action, Change, OutputChange, PlanDocument, ReviewError
from operations.review.rules import RULES
from operations.review.values import block, items, number

SERVICE_TEMPLATE = "service-template"
"""The tag of a service's template: a container that its own script has turned into one."""
_CONVERSION = {"started", "template", "disk.path_in_datastore"}


class Verdict(StrEnum):
    """What a review comes to, the mildest first."""

    NOTHING = "nothing"
    CHANGES = "changes"
    BLOCKED = "blocked"

    @property
    def exit_code(self) -> int:
        """What ``homelab review`` ends with."""
        return {Verdict.NOTHING: 0, Verdict.CHANGES: 2, Verdict.BLOCKED: 3}[self]


@dataclass(frozen=True)
class ReviewedChange:
    """One object that the apply does something with; all texts may be shown.

    Attributes:
        label: a guest's name and VMID; of other objects what the plan calls them, else the address.
        details: the arguments that an update changes.
        imported: it becomes Terraform's with this apply.
        moved_from: its address until now, or empty.
    """

    stack: str
    address: str
    label: str
    action: Action
    details: tuple[str, ...] = ()
    imported: bool = False
    moved_from: str = ""
    is_guest: bool = False


@dataclass(frozen=True)
class Review:
    """What is to be known about plans before they are applied. Nothing in it is secret."""

    verdict: Verdict
    stacks: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    changes: tuple[ReviewedChange, ...] = ()
    drift: tuple[ReviewedChange, ...] = ()
    outputs: tuple[OutputChange, ...] = ()
    capacity: Capacity = field(default_factory=Capacity)
    rejected: tuple[Rejected, ...] = ()

    @property
    def counts(self) -> Counter[str]:
        """How many objects are created, updated, replaced, deleted, imported, moved, forgotten."""
        counts: Counter[str] = Counter(
            str(change.action) for change in self.changes if change.action is not Action.NONE
        )
        counts["import"] += sum(change.imported for change in self.changes)
        counts["move"] += sum(bool(change.moved_from) for change in self.changes)
        return +counts

    def count(self, kind: str) -> int:
        """How many findings of a kind there are."""
        return sum(finding.kind == kind for finding in self.findings)


def review(
    documents: Sequence[PlanDocument], allow_list: AllowList | None = None, secrets: Iterable[str] = ()
) -> Review:
    """Judge plans together: a guest that leaves one stack's backup job for another's is still backed up.

    Args:
        documents: the plans; each by its own name.
        allow_list: what a person has decided to let pass.
        secrets: what must not be shown, besides what the plans themselves say is secret.

    Raises:
        ReviewError: two plans have the same name, or values in one are nested too deep.
    """
    try:
        return _review(documents, allow_list or AllowList(), secrets)
    except RecursionError:
        names = ", ".join(document.stack for document in documents)
        raise ReviewError(f"{names}: values are nested deeper than in any plan") from None


def _review(documents: Sequence[PlanDocument], allow_list: AllowList, secrets: Iterable[str]) -> Review:
    names = Counter(document.stack for document in documents)
    for name, times in names.items():
        if times > 1:
            raise ReviewError(
                f"{times} plans are called {name}\n    allowed:  one name for each, as allow-lists go by it"
                "\n    fix:      name the files after their stacks: prod-web.json, prod-dns.json"
            )
    disclosure = Disclosure({*secrets, *(secret for document in documents for secret in document.secrets)})
    estate = Estate(documents, disclosure)
    cases = [Case(change, estate) for change in estate.changes if _happens(change)]
    findings, idle = _findings(cases, estate, allow_list)
    labels = {document.stack: document.labels for document in documents}
    changes = tuple(_reviewed(case, labels[case.change.stack]) for case in cases)
    outputs = tuple(
        replace(output, stack=disclosure.text(output.stack), name=disclosure.text(output.name))
        for document in documents
        for output in document.outputs
    )
    if any(finding.blocks for finding in findings):
        verdict = Verdict.BLOCKED
    elif changes or outputs or any(document.applyable or document.invocations for document in documents):
        verdict = Verdict.CHANGES
    else:
        verdict = Verdict.NOTHING
    return Review(
        verdict=verdict,
        stacks=tuple(disclosure.text(document.stack) for document in documents),
        findings=tuple(sorted(findings, key=_order)),
        changes=changes,
        drift=tuple(_drift(estate)),
        outputs=outputs,
        capacity=capacity_of(estate),
        rejected=tuple(
            Rejected(disclosure.text(entry.address, 300), disclosure.text(entry.why, 300))
            for entry in (*allow_list.rejected, *idle)
        ),
    )


_SEVERITIES = list(Severity)


def _order(finding: Finding) -> tuple[bool, int]:
    return finding.allowance is not None, _SEVERITIES.index(finding.severity)


def _findings(cases: Iterable[Case], estate: Estate, allow_list: AllowList) -> tuple[list[Finding], Iterator[Rejected]]:
    """What every rule finds, and the entries of the allow-list that are for these plans and let nothing pass."""
    found = [finding for document in estate.documents for finding in _about_plan(document, estate.disclosure)]
    stacks: dict[str, set[str]] = defaultdict(set)
    for change in estate.changes:
        stacks[change.address].add(change.stack)
    blocked: list[Blocked] = []
    for case in cases:
        stack, address = case.change.stack, case.change.address
        for finding in (finding for rule in RULES for finding in rule(case)):
            if finding.severity is not Severity.BLOCKED:
                found.append(finding)
                continue
            allowance = allowance_for(allow_list, stack, address, finding.kind, stacks[address])
            blocked.append((stack, address, finding.kind, allowance))
            if allowance is not None:
                allowance = replace(allowance, reason=estate.disclosure.text(allowance.reason, 400))
            found.append(replace(finding, allowance=allowance))
    return found, idle_entries(allow_list, blocked, stacks)


def plural(number: int, one: str, many: str) -> str:
    """``1 guest reboots``, ``2 guests reboot``."""
    return f"{number} {one if number == 1 else many}"


def _happens(change: Change) -> bool:
    recorded = change.import_id is not None or bool(change.previous_address)
    return change.action is not Action.NONE or recorded or change.no_longer_kept


def _about_plan(document: PlanDocument, disclosure: Disclosure) -> Iterator[Finding]:
    stack = disclosure.text(document.stack)
    if document.errored:
        yield Finding(
            "plan-failed",
            Severity.BLOCKED,
            stack,
            "",
            "the plan ended with an error",
            consequence="What is shown is only a part of it: nothing can be said about the rest",
        )
    if document.deferred:
        yield Finding(
            "deferred",
            Severity.CHANGE,
            stack,
            "",
            f"{plural(len(document.deferred), 'resource is', 'resources are')} put off to a later plan: "
            + disclosure.text(", ".join(document.deferred), 300),
        )
    elif not document.complete and not document.errored:
        yield Finding(
            "partial", Severity.CHANGE, stack, "", "the plan is for a part of the configuration only (-target)"
        )
    for address in document.failed_checks:
        yield Finding(
            "check-failed", Severity.DANGER, stack, disclosure.text(address), "a condition of the configuration fails"
        )
    for address in dict.fromkeys(document.invocations):
        yield Finding(
            "action-invoked",
            Severity.DANGER,
            stack,
            disclosure.text(address, 300),
            "an action runs",
            consequence="What it does is in no plan: it can be anything that its provider can do",
        )
    for change in document.drift:
        if is_guest(change.type):
            yield from _gone(change, stack, disclosure)


def _gone(change: Change, stack: str, disclosure: Disclosure) -> Iterator[Finding]:
    """A guest, or a disk of one, that somebody removed without Terraform."""
    guest = read_guest(change.type, change.before, disclosure, change.before_sensitive)
    lost: list[tuple[str, str, str]] = []
    if change.action is Action.DELETE:
        lost.append(
            ("guest-gone", guest.label, "Its data is gone already; an apply makes another one, which starts empty")
        )
    elif change.action is Action.UPDATE:
        left = {disk.key for disk in read_guest(change.type, change.after, disclosure, change.after_sensitive).disks}
        lost += [
            (
                "disk-gone",
                f"{guest.label}: disk {disk.label}",
                "Proxmox may still have it as an unused disk; an apply makes another one, which is empty",
            )
            for disk in guest.own_disks
            if disk.key not in left
        ]
    for kind, what, consequence in lost:
        yield Finding(
            kind,
            Severity.DANGER,
            stack,
            disclosure.text(change.address),
            f"{disclosure.text(what, 300)} was removed without Terraform",
            consequence=consequence,
            guest=disclosure.text(guest.name),
            vm_id=guest.vm_id,
            node=disclosure.text(guest.node),
        )


def _reviewed(case: Case, labels: Mapping[str, str]) -> ReviewedChange:
    change, show = case.change, case.estate.disclosure.text
    guest = case.before or case.after
    label = guest.label if guest else labels.get(change.address, change.address)
    details = [str(difference) for difference in case.differences] if change.action is Action.UPDATE else []
    if change.no_longer_kept:
        details.append("lifecycle.prevent_destroy true → none")
    return ReviewedChange(
        stack=show(change.stack),
        address=show(change.address, 300),
        label=show(label, 300),
        action=change.action,
        details=tuple(details),
        imported=change.import_id is not None,
        moved_from=show(change.previous_address, 300),
        is_guest=guest is not None,
    )


def _is_converted(change: Change) -> bool:
    """Whether a service's own script has turned the container into a template, as it was to."""
    return change.after.get("template") is True and SERVICE_TEMPLATE in items(change.before.get("tags"))


def _is_grown(change: Change, document: PlanDocument) -> bool:
    """Whether the root disk of a clone has got the size that it was to have.

    The provider clones a container with the disk of its template. What grows it in the same apply (a service's own
    script) comes after the provider has read the clone, and the state learns of it with the next change only.
    """
    before, after = (number(block(values, "disk").get("size")) for values in (change.before, change.after))
    is_clone = change.type == CONTAINER and bool(block(change.before, "clone"))
    asked = document.root_disks.get(change.address)
    return is_clone and before is not None and after is not None and before < after and after == asked


def _drift(estate: Estate) -> Iterator[ReviewedChange]:
    disclosure = estate.disclosure
    for document in estate.documents:
        for change in document.drift:
            label = document.labels.get(change.address, change.address)
            ours: set[str] = set()
            if is_guest(change.type):
                guest = read_guest(change.type, change.before, disclosure, change.before_sensitive)
                label = guest.label
                # A membership of our own shows in the guest as if somebody had put it in the pool.
                ours = {"pool_id"} if guest.vm_id in estate.memberships else set()
                ours |= _CONVERSION if _is_converted(change) else set()
                ours |= {"disk.size"} if _is_grown(change, document) else set()
            found = differences(change, disclosure) if change.action is Action.UPDATE else ()
            details = tuple(str(difference) for difference in found if difference.path not in ours)
            if change.action is Action.NONE or (change.action is Action.UPDATE and not details):
                continue
            yield ReviewedChange(
                stack=disclosure.text(document.stack),
                address=disclosure.text(change.address, 300),
                label=disclosure.text(label, 300),
                action=change.action,
                details=details,
            )
