"""A review as Markdown for a comment on a pull request, in pieces that the comment's limit allows.

GitHub takes 65,536 characters. Each piece begins with a marker that doesn't show, by which the next run finds and
replaces it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from operations.review.judgement import Review, Verdict
from operations.review.rendering.outline import Entry, Section, headline, sections, summary

LIMIT = 65_000
"""Characters of one piece, at most one less."""
_SIGNS = {Verdict.NOTHING: "✅", Verdict.CHANGES: "📝", Verdict.BLOCKED: "⛔"}
_BADGES = {"blocked": "⛔ **blocked** ", "allowed": "🔓 **allowed** "}
_SPECIAL = re.compile(r"[\\`*_{}\[\]|~<>&@#$]|^[-+=]|^\d+(?=[.)])|(?<=[a-z]):(?=//)|(?<=www)\.", re.IGNORECASE)
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"} | {sign: f"&#{ord(sign)};" for sign in "@#$:."}


def as_markdown(review: Review, key: str = "homelab", limit: int = LIMIT, *, title: str = "Plan review") -> list[str]:
    """The review in one or more pieces, each below ``limit`` characters.

    Args:
        key: tells this review's comments from those of another one on the same pull request.
        limit: for other places than GitHub; at least 20,000, as one entry has to fit.
        title: what was reviewed.
    """
    packing = _Packing(limit - 300)
    packing.add(f"## {_SIGNS[review.verdict]} {escaped(title)}: {headline(review).lower()}")
    packing.add("")
    packing.add(f"**{escaped(summary(review))}**")
    if len(review.stacks) > 1:
        packing.add("")
        packing.add(f"Plans: {_joined(review.stacks)}")
    for section in sections(review):
        packing.section(section)
    pieces = packing.finish()
    return [f"{marker(key, index)}\n{_part(index, len(pieces))}{piece}" for index, piece in enumerate(pieces, 1)]


def _joined(stacks: Sequence[str]) -> str:
    shown = ", ".join(code(stack) for stack in stacks[:50])
    return f"{shown} and {len(stacks) - 50} more" if len(stacks) > 50 else shown


def marker(key: str, part: int) -> str:
    """The line that finds a piece again."""
    return f"<!-- homelab-review {re.sub(r'[^A-Za-z0-9._/]+', '-', key)[:100].strip('-')} {part} -->"


def _part(index: int, pieces: int) -> str:
    return f"_Part {index} of {pieces}_\n\n" if pieces > 1 else ""


def escaped(words: str) -> str:
    """``words`` as Markdown that shows just them: no mention, no link, no HTML."""
    return _SPECIAL.sub(_harmless, words)


def _harmless(match: re.Match[str]) -> str:
    found = match[0]
    return f"{found}&#8203;" if found.isdigit() else _ENTITIES.get(found, f"\\{found}")


def code(words: str) -> str:
    """``words`` as a code span."""
    longest = max((len(run) for run in re.findall("`+", words)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {words} {fence}" if longest else f"`{words}`"


@dataclass
class _Packing:
    """Fills pieces line by line, and opens again in the next what the limit closed."""

    limit: int
    pieces: list[str] = field(default_factory=list)
    _lines: list[str] = field(default_factory=list)
    _size: int = 0
    _opening: tuple[str, ...] = ()
    _closing: tuple[str, ...] = ()

    def add(self, *lines: str) -> None:
        """Add lines that stay together."""
        size = sum(len(line) + 1 for line in lines)
        if self._lines and self._size + size + sum(len(line) + 1 for line in self._closing) > self.limit:
            opening = self._opening
            self._break()
            self._put(*opening)
        self._put(*lines)

    def section(self, section: Section) -> None:
        """Add a section with its heading, folded where it is meant to be."""
        number = f" ({len(section.entries)})" if section.entries else ""
        title = f"{section.title}{number}"
        if section.folded:
            opening: tuple[str, ...] = ("", f"<details><summary>{escaped(title)}</summary>", "")
            closing: tuple[str, ...] = ("", "</details>")
        else:
            opening, closing = ("", f"### {escaped(title)}", ""), ()
        if section.table:
            opening = (*opening, *_table_head(section.table[0]))
        self.add(*opening)
        self._opening, self._closing = opening[1:], closing
        for entry in section.entries:
            self.add(*_entry(entry))
        for row in section.table[1:]:
            self.add(_row(row))
        self._put(*closing)
        self._opening, self._closing = (), ()

    def finish(self) -> list[str]:
        """The pieces."""
        self._closing = ()
        self._break()
        return self.pieces

    def _put(self, *lines: str) -> None:
        self._lines += lines
        self._size += sum(len(line) + 1 for line in lines)

    def _break(self) -> None:
        self.pieces.append("\n".join([*self._lines, *self._closing]).strip("\n"))
        self._lines, self._size = [], 0


DETAILS = 60
"""How many changed arguments of one object are listed."""


def _entry(entry: Entry) -> Iterator[str]:
    place = f" — {code(entry.place)}" if entry.place and entry.place != entry.head else ""
    sign, _, rest = entry.head.partition(" ")
    head = f"{code(sign)} {escaped(rest)}" if len(sign) == 1 and rest else escaped(entry.head)
    yield f"- {_BADGES.get(entry.badge, '')}{head}{place}"
    for word, sentence in entry.details[:DETAILS]:
        yield f"  - {word}: {escaped(sentence)}" if word else f"  - {code(sentence)}"
    if len(entry.details) > DETAILS:
        yield f"  - and {len(entry.details) - DETAILS} more"


def _table_head(row: Sequence[str]) -> tuple[str, str]:
    return _row(row), "|" + " --- |" * len(row)


def _row(row: Sequence[str]) -> str:
    return "| " + " | ".join(escaped(cell) for cell in row) + " |"
