"""A review as plain text, for a terminal or a log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from operations.review.judgement import Review
from operations.review.rendering.outline import Entry, Section, headline, sections, summary


def as_text(review: Review) -> str:
    """The whole review; ends without a newline."""
    lines = [f"{headline(review).upper()}: {summary(review)}"]
    if len(review.stacks) > 1:
        lines.append(f"plans: {', '.join(review.stacks)}")
    for section in sections(review):
        lines += ["", section.title, *_body(section)]
    return "\n".join(lines)


def _body(section: Section) -> Iterator[str]:
    for entry in section.entries:
        yield from _entry(entry)
    if section.table:
        yield from _table(section.table)


def _entry(entry: Entry) -> Iterator[str]:
    badge = f"[{entry.badge}] " if entry.badge else ""
    place = f"  {entry.place}" if entry.place and entry.place != entry.head else ""
    yield f"  {badge}{entry.head}{place}"
    for word, sentence in entry.details:
        yield f"      {word + ':':<13}{sentence}" if word else f"      {sentence}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
