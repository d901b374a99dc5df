"""The order in which a review is told, for people: the worst first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from operations.review.findings import Finding, Severity
from operations.review.judgement import Review, ReviewedChange, Verdict, plural
from operations.review.plan import Action

REMOVALS = frozenset(
    {
        "guest-destroyed",
        "guest-replaced",
        "template-destroyed",
        "template-replaced",
        "template-rebuilt",
        "snippet-cascade",
        "object-destroyed",
        "object-replaced",
        "guest-gone",
    }
)
"""Kinds of findings about what is destroyed or made anew."""
SIGNS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "±",
    Action.DELETE: "-",
    Action.FORGET: ".",
    Action.UNKNOWN: "?",
    Action.NONE: " ",
    Action.READ: "?",
}
_COUNTED = (
    ("create", "to create"),
    ("update", "to change"),
    ("replace", "to replace"),
    ("delete", "to destroy"),
    ("import", "to import"),
    ("move", "moved"),
    ("forget", "to forget"),
    ("unknown", "not understood"),
)
_TITLES = {
    Verdict.NOTHING: "Nothing to do",
    Verdict.CHANGES: "Changes",
    Verdict.BLOCKED: "Blocked",
}


@dataclass(frozen=True)
class Entry:
    """One thing: its first line, where it is, and what there is to say about it."""

    head: str
    place: str = ""
    details: tuple[tuple[str, str], ...] = ()
    """Pairs of a word (``cause``) and a sentence; the word can be empty."""
    badge: str = ""


@dataclass(frozen=True)
class Section:
    """Things of one kind under a title; ``folded`` ones are for who wants to know."""

    title: str
    entries: tuple[Entry, ...] = ()
    folded: bool = False
    table: tuple[tuple[str, ...], ...] = ()
    """Rows of a table, the first its heading."""


def headline(review: Review) -> str:
    """The verdict in two words."""
    return _TITLES[review.verdict]


def summary(review: Review) -> str:
    """The counts: ``2 to create, 1 to replace; 1 guest reboots``."""
    parts = [counted(review) or "no object changes"]
    if review.outputs:
        parts.append(plural(len(review.outputs), "output changes", "outputs change"))
    for kind, one, many in (
        ("guest-reboots", "guest reboots", "guests reboot"),
        ("guest-stopped", "guest is stopped", "guests are stopped"),
    ):
        if number := review.count(kind):
            parts.append(plural(number, one, many))
    blocked = sum(finding.blocks for finding in review.findings)
    allowed = sum(finding.allowance is not None for finding in review.findings)
    if blocked:
        parts.append(f"{blocked} blocked")
    if allowed:
        parts.append(f"{allowed} allowed by the allow-list")
    if review.drift:
        parts.append(f"{len(review.drift)} changed outside Terraform")
    return "; ".join(parts)


def counted(review: Review) -> str:
    """How many objects are created, changed, destroyed: ``2 to create, 1 to replace``; empty when none is."""
    counts = review.counts
    return ", ".join(f"{counts[name]} {words}" for name, words in _COUNTED if counts[name])


def sections(review: Review) -> list[Section]:
    """Everything there is to say, the worst first; empty sections are left out."""
    several = len(review.stacks) > 1
    removals = [finding for finding in review.findings if finding.kind in REMOVALS]
    others = [finding for finding in review.findings if finding.kind not in REMOVALS]
    dangers = [finding for finding in others if finding.severity in (Severity.BLOCKED, Severity.DANGER)]
    notes = [finding for finding in others if finding.severity is Severity.CHANGE]
    books = [finding for finding in others if finding.severity is Severity.INFO]
    found = [
        Section("Destroyed or replaced", tuple(_finding(finding, several=several) for finding in removals)),
        Section("Hidden dangers", tuple(_finding(finding, several=several) for finding in dangers)),
        Section("Worth knowing", tuple(_finding(finding, several=several) for finding in notes)),
        Section("All changes", tuple(_changes(review, several=several)), folded=True),
        Section(
            "Outputs",
            tuple(
                Entry(f"{SIGNS[output.action]} {output.name}", output.stack if several else "")
                for output in review.outputs
            ),
            folded=True,
        ),
        Section(
            "Changed outside Terraform",
            tuple(_change(change, several=several) for change in review.drift),
            folded=True,
        ),
        Section("Cores and memory of nodes", table=_nodes(review)),
        Section("Disk on datastores", table=_datastores(review)),
        Section(
            "Only in Terraform's books", tuple(_finding(finding, several=several) for finding in books), folded=True
        ),
        Section(
            "Entries of the allow-list that let nothing pass",
            tuple(Entry(entry.address, details=(("", entry.why),)) for entry in review.rejected),
        ),
    ]
    return [section for section in found if section.entries or section.table]


def _finding(finding: Finding, *, several: bool) -> Entry:
    allowance = finding.allowance
    place = f"{finding.stack}: {finding.address}" if several and finding.address else finding.address or finding.stack
    details = [("cause", finding.cause), ("consequence", finding.consequence)]
    if allowance is not None:
        details.append(("allowed", f"until {allowance.expires}: {allowance.reason}"))
    badge = "allowed" if allowance is not None else "blocked" if finding.blocks else ""
    on_node = f" on {finding.node}" if finding.node and finding.kind in REMOVALS else ""
    if on_node and f"{on_node} and made anew on " in finding.what:
        on_node = ""
    return Entry(f"{finding.what}{on_node}", place, tuple(pair for pair in details if pair[1]), badge)


def _changes(review: Review, *, several: bool) -> Iterator[Entry]:
    worst_first = (Action.UNKNOWN, Action.DELETE, Action.REPLACE, Action.UPDATE, Action.FORGET, Action.CREATE)
    order = {action: index for index, action in enumerate(worst_first)}
    # Of twenty helper resources nobody wants to know before the guests that they help.
    for change in sorted(review.changes, key=lambda one: (order.get(one.action, len(order)), not one.is_guest)):
        yield _change(change, several=several)


def _change(change: ReviewedChange, *, several: bool) -> Entry:
    notes = [*(["imported"] if change.imported else []), *([f"was {change.moved_from}"] if change.moved_from else [])]
    head = f"{SIGNS[change.action]} {change.label}" + (f" ({', '.join(notes)})" if notes else "")
    own = "" if change.label == change.address else change.address
    place = ": ".join(part for part in (change.stack if several else "", own) if part)
    return Entry(head, place, tuple(("", detail) for detail in change.details))


def _nodes(review: Review) -> tuple[tuple[str, ...], ...]:
    rows = [
        (
            row.node,
            _delta(row.guests),
            _delta(row.cores, at_least=row.at_least),
            _delta(row.memory, at_least=row.at_least),
        )
        for row in review.capacity.nodes
    ]
    return (("node", "guests", "cores", "memory, MiB"), *rows) if rows else ()


def _datastores(review: Review) -> tuple[tuple[str, ...], ...]:
    rows = [(row.node, row.datastore, _delta(row.disk, at_least=row.at_least)) for row in review.capacity.datastores]
    return (("node", "datastore", "disk, GiB"), *rows) if rows else ()


def _delta(amounts: tuple[float, float], *, at_least: bool = False) -> str:
    before, after = amounts
    more = "at least " if at_least else ""
    if before == after:
        return f"{more}{after:g}"
    return f"{before:g} → {more}{after:g} ({after - before:+g})"
