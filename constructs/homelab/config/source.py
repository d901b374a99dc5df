"""An environment file as plain data, with the place of every key and value.

Where YAML 1.1 and YAML 1.2 read a text differently, and a person means something else than either, the file decides
for the person: dates, ``22:53`` and ``1_000`` stay text, keys are always text, and a number that begins with 0 is
refused because it may be octal. Only ``yes``, ``no``, ``on`` and ``off`` are still true and false, as in every other
YAML file of a homelab.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any

from homelab.config.problems import InvalidEnvironment, Path, Problem
from homelab.config.yaml_nodes import DEEPEST, MalformedYamlError, Mapping, Node, Scalar, Sequence, parse_nodes

LARGEST_FILE = 8 * 1024 * 1024
"""Bytes that a file may have; ten thousand guests need two million."""

MOST_NODES = 1_000_000
"""Keys and values that a file may have once its aliases are written out."""

_RESTORE = "restore the file from version control, or copy a file from environments/ or examples/"
_TRUE = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"}
_FALSE = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"}
_NULL = {"", "~", "null", "Null", "NULL"}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17}|0x[0-9a-fA-F]{1,15})")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_TEXT_TAGS = {"!", "tag:yaml.org,2002:str"}


@dataclass(frozen=True)
class Source:
    """What one file says.

    ``data`` is plain dicts, lists and scalars; ``problems`` is what is wrong with the YAML itself.
    """

    file: str
    data: dict[str, Any]
    root: Mapping
    problems: tuple[Problem, ...] = ()

    def locate(self, path: Path) -> tuple[int, int]:
        """Line and column (from 1) of the value at ``path``; of its key where the value is a list or a map.

        A path that goes further than the file, such as to a default, leads to the last entry on the way that it has.
        """
        place: Node = self.root
        for key, node in self._walk(path):
            place = node if key is None or isinstance(node, Scalar) else key
        return place.line, place.column

    def locate_key(self, path: Path) -> tuple[int, int]:
        """Line and column (from 1) of the key that ``path`` ends with."""
        place = (self.root.line, self.root.column)
        for key, node in self._walk(path):
            place = (key.line, key.column) if key is not None else (node.line, node.column)
        return place

    def written(self, path: Path) -> str | None:
        """The text of the scalar at ``path`` as it is written, where it has no quotes; None for anything else."""
        steps = [node for _, node in self._walk(path)]
        node = steps[-1] if len(steps) == len(path) > 0 else self.root
        return node.text if isinstance(node, Scalar) and node.plain else None

    def shown_path(self, path: Path) -> Path:
        """``path`` as the file has it: without the ``[0]`` of a list that is written as its only entry."""
        data: Any = self.data
        shown: list[str | int] = []
        for part in path:
            if isinstance(data, str | int | float):
                break
            if isinstance(part, int) and isinstance(data, dict):
                continue
            shown.append(part)
            try:
                data = data[part]
            except (KeyError, IndexError, TypeError):
                data = None
        return tuple(shown)

    def place(self, problem: Problem) -> Problem:
        """``problem`` with the file, and with line and column unless it has them."""
        line, column = (problem.line, problem.column) if problem.line else self.locate(problem.path)
        return replace(problem, file=self.file, line=line, column=column, path=self.shown_path(problem.path))

    def _walk(self, path: Path) -> Iterator[tuple[Scalar | None, Node]]:
        node: Node = self.root
        for part in path:
            step: tuple[Scalar | None, Node] | None = None
            if isinstance(node, Mapping):
                if isinstance(part, int):
                    continue
                step = _entry(node, part)
            elif isinstance(node, Sequence):
                if isinstance(part, int):
                    step = (None, node.items[part]) if part < len(node.items) else None
                else:
                    named = (item for item in node.items if isinstance(item, Scalar) and item.text == part)
                    step = next(((None, item) for item in named), None)
            if step is None:
                return
            yield step
            node = step[1]


def read_source(path: FilePath) -> Source:
    """What the file at ``path`` says.

    Raises:
        InvalidEnvironment: nothing can be read from it: it is missing, unreadable, not UTF-8, not YAML, empty or no
        map.
    """
    text = _read_text(path)
    try:
        return _build(str(path), text)
    except MalformedYamlError as error:
        raise _invalid(
            path, error.message, line=error.line, column=error.column, allowed=error.allowed, fix=error.fix
        ) from None


def _read_text(path: FilePath) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise _invalid(
            path, "there is no such file", fix="check the name; environment files are in environments/"
        ) from None
    except IsADirectoryError:
        raise _invalid(path, "this is a folder", allowed="a YAML file", fix="name the files in it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _invalid(path, f"the file can't be read: {reason}", fix="check its owner and its mode") from None
    if len(content) > LARGEST_FILE:
        raise _invalid(
            path,
            "the file is too large",
            allowed=f"{LARGEST_FILE // 1024 // 1024} MiB",
            fix="split it into several environments",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise _invalid(
            path, "the file is not UTF-8 text", line=line, column=column, allowed="UTF-8", fix="save it as UTF-8"
        ) from None


def _invalid(
    path: FilePath, message: str, *, line: int = 0, column: int = 0, allowed: str = "", fix: str = ""
) -> InvalidEnvironment:
    return InvalidEnvironment(
        [Problem((), message, allowed=allowed, fix=fix, file=str(path), line=line, column=column)]
    )


def _build(file: str, text: str) -> Source:
    root = parse_nodes(text)
    if root is None:
        raise MalformedYamlError(
            "the file is empty, and nothing is planned from it: that would be a plan to destroy everything",
            line=1,
            column=1,
            fix=_RESTORE,
        )
    if not isinstance(root, Mapping):
        raise MalformedYamlError(
            "the file holds no environment, and nothing is planned from it",
            line=root.line,
            column=root.column,
            allowed="a map that begins with a key such as `proxmox:`",
            fix=_RESTORE,
        )
    construction = _Construction()
    data = construction.mapping(root, ())
    # A document in braces, such as JSON, can't be cut off unseen.
    if not text.endswith("\n") and not text.lstrip().startswith("{"):
        lines = text.split("\n")
        construction.problems.append(
            Problem(
                (),
                "the last line has no end, so the file may be cut off; what is missing would be destroyed",
                value=lines[-1].strip(),
                fix="check that the file is whole and end its last line with a newline",
                line=len(lines),
                column=len(lines[-1]) + 1,
            )
        )
    source = Source(file, data, root)
    return replace(source, problems=tuple(source.place(problem) for problem in construction.problems))


@dataclass
class _Construction:
    """Nodes become values here; what can't be one is a problem, and the rest goes on."""

    problems: list[Problem] = field(default_factory=list)
    count: int = 0

    def value(self, node: Node, path: Path) -> Any:
        self.count += 1
        if self.count > MOST_NODES or len(path) > DEEPEST:
            raise MalformedYamlError(
                "the file's aliases stand for too much",
                line=node.line,
                column=node.column,
                allowed=f"{MOST_NODES} keys and values, {DEEPEST} levels",
                fix="use fewer aliases inside of one another",
            )
        if isinstance(node, Scalar):
            return self.scalar(node, path)
        if isinstance(node, Mapping):
            return self.mapping(node, path)
        self.refuse_tag(node, path)
        return [self.value(item, (*path, index)) for index, item in enumerate(node.items)]

    def scalar(self, node: Scalar, path: Path) -> Any:
        text = node.text
        if not node.plain or node.tag is not None:
            self.refuse_tag(node, path)
            return text
        if text in _NULL:
            return None
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        first = text[0]
        if not (first in "+-." or first.isdigit()):
            return text
        if _INTEGER.fullmatch(text):
            return int(text, 0)
        if _FLOAT.fullmatch(text):
            return float(text)
        if _LEADING_ZERO.fullmatch(text):
            plain = text.lstrip("+-0o_") or "0"
            self.add(
                node,
                path,
                "a number that begins with 0 may be octal",
                text,
                fix=f'write {plain}, or "{text}" if it is a text',
            )
        return text

    def mapping(self, node: Mapping, path: Path) -> dict[str, Any]:
        self.refuse_tag(node, path)
        result: dict[str, Any] = {}
        places: dict[str, Scalar] = {}
        merged: list[tuple[Scalar, Node]] = []
        for key, value in node.pairs:
            if not isinstance(key, Scalar):
                self.add(
                    key,
                    path,
                    "this key is a list or a map",
                    allowed="a text",
                    fix="write a simple key, or put it in quotes",
                )
                continue
            if _is_merge(key):
                merged.append((key, value))
                continue
            name = key.text
            if name in places:
                first = places[name]
                self.add(
                    key,
                    (*path, name),
                    f"the key {name} is here twice, first in line {first.line}, column {first.column}",
                    allowed="each key once",
                    fix="remove one of the two, or give it another name",
                )
                continue
            places[name] = key
            result[name] = self.value(value, (*path, name))
        for key, value in merged:
            for name, inherited in self.inherited(key, value, path).items():
                result.setdefault(name, inherited)
        return result

    def inherited(self, key: Scalar, node: Node, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for source in node.items if isinstance(node, Sequence) else [node]:
            if isinstance(source, Mapping):
                for name, value in self.mapping(source, path).items():
                    values.setdefault(name, value)
            else:
                self.add(
                    key,
                    path,
                    "<< takes the entries of a map",
                    allowed="<<: *anchor, or a list of them",
                    fix="refer to the anchor of a map",
                )
        return values

    def refuse_tag(self, node: Node, path: Path) -> None:
        if node.tag is None or (isinstance(node, Scalar) and node.tag in _TEXT_TAGS):
            return
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        self.add(node, path, f"the tag {tag} has no meaning here", allowed="values without tags", fix="remove the tag")

    def add(self, node: Node, path: Path, message: str, value: Any = None, *, allowed: str = "", fix: str = "") -> None:
        problem = Problem(path, message, value, allowed, fix, line=node.line, column=node.column)
        # What an alias repeats is wrong once.
        if not any(
            (known.line, known.column, known.message) == (node.line, node.column, message) for known in self.problems
        ):
            self.problems.append(problem)


def _is_merge(key: Scalar) -> bool:
    return key.plain and key.text == "<<"


def _entry(node: Mapping, name: str) -> tuple[Scalar, Node] | None:
    merged: list[Node] = []
    for key, value in node.pairs:
        if isinstance(key, Scalar):
            if _is_merge(key):
                merged.extend(value.items if isinstance(value, Sequence) else [value])
            elif key.text == name:
                return key, value
    return next((found for value in merged if isinstance(value, Mapping) and (found := _entry(value, name))), None)
