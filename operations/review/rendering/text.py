"""A review as plain text, for a terminal or a log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from operations.review.judgement import Review
from operations.review.rendering.outline import Entry, Section, headline, sections, summary


def as_text(review: Review, most: int | None = None) -> str:
    """The whole review; ends without a newline.

    Args:
        most: how many entries of a section that is only for who wants to know are written; what is destroyed, blocked
            or dangerous always is.
    """
    lines = [f"{headline(review).upper()}: {summary(review)}"]
    if len(review.stacks) > 1:
        lines.append(f"plans: {', '.join(review.stacks)}")
    for section in sections(review):
        lines += ["", section.title, *_body(section, most if section.folded else None)]
    return "\n".join(lines)


def _body(section: Section, most: int | None) -> Iterator[str]:
    for entry in section.entries[:most]:
        yield from _entry(entry)
    if most is not None and len(section.entries) > most:
        yield f"  … and {len(section.entries) - most} more"
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
