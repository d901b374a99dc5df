"""YAML text as a tree of nodes that know their places: line and column of every key and value.

The tree is built from the parser's events and not with PyYAML's own composer, which crashes the interpreter on text
that is nested a few thousand levels deep. Anchors and aliases are followed; nothing is executed and no object is
constructed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

DEEPEST = 64
"""Levels of nesting that a file may have; an environment needs fewer than ten."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Scalar:
    """A text as it is written, not yet a number or anything else."""

    text: str
    plain: bool
    """Written without quotes, so that YAML may take it for a number, a date, ..."""
    tag: str | None
    line: int
    column: int


@dataclass(slots=True)
class Sequence:
    """A list."""

    items: list[Node]
    tag: str | None
    line: int
    column: int


@dataclass(slots=True)
class Mapping:
    """Keys with values, in the order of the file; a key that is there twice is there twice."""

    pairs: list[tuple[Node, Node]]
    tag: str | None
    line: int
    column: int


Node = Scalar | Sequence | Mapping


class MalformedYamlError(Exception):
    """Text that is not YAML, or YAML that no environment needs; with the place (from 1) and what to do."""

    def __init__(self, message: str, *, line: int = 0, column: int = 0, allowed: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.allowed = allowed
        self.fix = fix


def parse_nodes(text: str) -> Node | None:
    """The only document of ``text``; None when there is nothing but comments.

    Raises:
        MalformedYamlError: the text is not YAML, has more than one document, is nested too deep, or refers to itself.
    """
    try:
        return _document(_events(text))
    except yaml.reader.ReaderError as error:
        line, column = _line_and_column(text, error.position)
        raise MalformedYamlError(
            f"the character U+{_code_point(error):04X} is not allowed in YAML",
            line=line,
            column=column,
            allowed="printable characters",
            fix="remove it, or write it as an escape in double quotes",
        ) from None
    except yaml.MarkedYAMLError as error:
        raise _explained(error, text) from None


def _events(text: str) -> Iterator[Any]:
    loader = _Loader(text)
    try:
        while not isinstance(event := loader.get_event(), yaml.StreamEndEvent):
            yield event
    finally:
        loader.dispose()


class _Composer:
    """Makes nodes of events. What is open waits on a stack until its end."""

    def __init__(self) -> None:
        self.roots: list[Node] = []
        self.anchors: dict[str, Node | None] = {}
        self.open: list[tuple[Sequence | Mapping, list[Node], str | None]] = []

    def take(self, event: Any) -> None:
        """Take the next event.

        Raises:
            MalformedYamlError: it begins a second document, goes too deep, or is an alias that leads nowhere.
        """
        kind = type(event)
        if kind is yaml.ScalarEvent:
            mark = event.start_mark
            node = Scalar(event.value, event.implicit[0], event.tag, mark.line + 1, mark.column + 1)
            self._add(node, event.anchor)
        elif kind is yaml.MappingStartEvent:
            self._begin(Mapping([], event.tag, event.start_mark.line + 1, event.start_mark.column + 1), event.anchor)
        elif kind is yaml.SequenceStartEvent:
            self._begin(Sequence([], event.tag, event.start_mark.line + 1, event.start_mark.column + 1), event.anchor)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._end()
        elif kind is yaml.AliasEvent:
            self._add(_followed(event, self.anchors), None)
        elif kind is yaml.DocumentStartEvent and self.roots:
            raise MalformedYamlError(
                "a second document begins here",
                line=event.start_mark.line + 1,
                column=event.start_mark.column + 1,
                allowed="one document in a file: one file is one environment",
                fix="move what follows `---` to a file of its own",
            )

    def _begin(self, node: Sequence | Mapping, anchor: str | None) -> None:
        if len(self.open) == DEEPEST:
            raise MalformedYamlError(
                "the file is nested too deep",
                line=node.line,
                column=node.column,
                allowed=f"{DEEPEST} levels",
                fix="remove brackets or indentation",
            )
        if anchor:
            # None until it is closed: an alias inside would make a tree without end.
            self.anchors[anchor] = None
        self.open.append((node, [], anchor))

    def _end(self) -> None:
        node, children, anchor = self.open.pop()
        if isinstance(node, Mapping):
            node.pairs = list(zip(children[::2], children[1::2], strict=True))
        else:
            node.items = children
        self._add(node, anchor)

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self.anchors[anchor] = node
        (self.open[-1][1] if self.open else self.roots).append(node)


def _document(events: Iterator[Any]) -> Node | None:
    composer = _Composer()
    for event in events:
        composer.take(event)
    root = composer.roots[0] if composer.roots else None
    return None if isinstance(root, Scalar) and root.plain and root.text == "" else root


def _followed(event: Any, anchors: dict[str, Node | None]) -> Node:
    place = {"line": event.start_mark.line + 1, "column": event.start_mark.column + 1}
    if event.anchor not in anchors:
        raise MalformedYamlError(
            f"no anchor &{event.anchor} comes before this alias",
            **place,
            allowed=", ".join(f"*{name}" for name in anchors) or "no anchor is defined above",
            fix=f"write &{event.anchor} where the value is defined",
        )
    node = anchors[event.anchor]
    if node is None:
        raise MalformedYamlError(
            f"*{event.anchor} stands inside of what it refers to", **place, fix="write the value out instead"
        )
    return node


def _code_point(error: Any) -> int:
    return error.character if isinstance(error.character, int) else ord(error.character)


def _line_and_column(text: str, position: int) -> tuple[int, int]:
    # The C parser counts bytes of UTF-8 and the Python parser characters; a wrong guess beyond ASCII is off by a few
    # columns.
    before = text.encode()[:position].decode(errors="replace") if _Loader is not yaml.SafeLoader else text[:position]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


# First the words of libyaml, then those of the parser in Python where they differ.
_EXPLANATIONS = (
    (
        "mapping values are not allowed",
        "a `key: value` can't stand here",
        "indent keys of one level alike; put a text that has `: ` in quotes",
    ),
    ("could not find expected ':'", "a key without `:`, or a line that is indented wrongly", "write `key: value`"),
    (
        "did not find expected key",
        "a line is indented differently from those beside it",
        "indent all keys of one level alike",
    ),
    (
        "did not find expected '-' indicator",
        "a line is indented differently from the list's other entries",
        "begin each entry of the list with `- `",
    ),
    ("did not find expected ',' or ']'", "a `[` is not closed, or a comma is missing", "close the list with `]`"),
    ("did not find expected ',' or '}'", "a `{` is not closed, or a comma is missing", "close the map with `}`"),
    ("expected ',' or ']'", "a `[` is not closed, or a comma is missing", "close the list with `]`"),
    ("expected ',' or '}'", "a `{` is not closed, or a comma is missing", "close the map with `}`"),
    ("did not find expected node content", "a `[` or `{` is not closed", "close it; the file may also be cut off"),
    ("found unexpected end of stream", "a quote is not closed", "close the quote; the file may also be cut off"),
    ("block sequence entries are not allowed", "a `- ` can't stand here", "put the list on lines of its own"),
    (
        "expected <document start>",
        "a line is indented less than the first one",
        "begin every top-level key in the first column",
    ),
    ("expected alphabetic or numeric", "a value can't begin with & or *", "put the value in quotes"),
    (
        "block collection expected <block end>",
        "a line is indented differently from the list's other entries",
        "begin each entry of the list with `- `",
    ),
    (
        "expected <block end>",
        "a line is indented differently from those beside it",
        "indent all keys of one level alike",
    ),
    (
        "expected '<document start>'",
        "a line is indented less than the first one",
        "begin every top-level key in the first column",
    ),
    ("sequence entries are not allowed", "a `- ` can't stand here", "put the list on lines of its own"),
    ("expected the node content", "a `[` or `{` is not closed", "close it; the file may also be cut off"),
    ("found unknown escape character", "an escape that YAML doesn't know", "use single quotes for a text with \\"),
)


def _explained(error: yaml.MarkedYAMLError, text: str) -> MalformedYamlError:
    words = " ".join(str(part) for part in (error.context, error.problem) if part)
    # What is never closed is best shown where it opens; the parser notices it at the end of the file.
    unclosed = any(
        phrase in words for phrase in ("or ']'", "or '}'", "expected node content", "unexpected end of stream")
    )
    mark = (error.context_mark if unclosed else None) or error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    lines = text.split("\n")
    if line > len(lines):
        line, column = len(lines), len(lines[-1]) + 1
    written = lines[line - 1] if 0 < line <= len(lines) else ""
    if written[: len(written) - len(written.lstrip())].find("\t") >= 0 or written[column - 1 : column] == "\t":
        return MalformedYamlError(
            "a tab stands where YAML wants spaces",
            line=line,
            column=written.find("\t") + 1,
            allowed="spaces",
            fix="indent with spaces, two for each level",
        )
    if "cannot start any token" in words:
        character = written[column - 1 : column]
        return MalformedYamlError(
            f"a value can't begin with {character}", line=line, column=column, fix="put the value in quotes"
        )
    for phrase, message, fix in _EXPLANATIONS:
        if phrase in words:
            return MalformedYamlError(message, line=line, column=column, fix=fix)
    return MalformedYamlError(
        f"this is not YAML: {words}", line=line, column=column, fix="compare it with a file in environments/"
    )
