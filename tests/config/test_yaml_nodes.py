"""YAML text as a tree of nodes: places, anchors, and what is no YAML for an environment."""

import pytest
import yaml

from homelab.config import yaml_nodes
from homelab.config.yaml_nodes import DEEPEST, MalformedYamlError, Mapping, Scalar, Sequence, parse_nodes


def refused(text: str) -> tuple[int, int, str, str]:
    with pytest.raises(MalformedYamlError) as caught:
        parse_nodes(text)
    error = caught.value
    return error.line, error.column, error.message, error.fix


def test_every_node_knows_its_place() -> None:
    root = parse_nodes("a: 1\nb:\n  - x\n  - {c: 'd'}\n")
    assert isinstance(root, Mapping)
    (_, one), (key, items) = root.pairs
    assert isinstance(items, Sequence)
    first, second = items.items
    assert [(node.line, node.column) for node in (one, key, items, first, second)] == [
        (1, 4),
        (2, 1),
        (3, 3),
        (3, 5),
        (4, 5),
    ]


def test_quoted_and_plain_scalars_differ() -> None:
    root = parse_nodes("a: 1\nb: '1'\n")
    assert isinstance(root, Mapping)
    assert [(value.text, value.plain) for _, value in root.pairs if isinstance(value, Scalar)] == [
        ("1", True),
        ("1", False),
    ]


def test_an_alias_is_the_node_of_its_anchor() -> None:
    root = parse_nodes("a: &x {b: 1}\nc: *x\n")
    assert isinstance(root, Mapping)
    assert root.pairs[0][1] is root.pairs[1][1]


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "---\n...\n", "%YAML 1.1\n---\n"])
def test_nothing_but_comments_is_no_node(text: str) -> None:
    assert parse_nodes(text) is None


@pytest.mark.parametrize("character", ["[", "{a: "])
def test_nesting_has_an_end(character: str) -> None:
    line, column, message, _ = refused(character * 100_000)
    assert (line, message) == (1, "the file is nested too deep")
    assert column == DEEPEST * len(character) + 1


def test_nesting_by_indentation_has_an_end() -> None:
    text = "".join(f"{' ' * depth}a:\n" for depth in range(200))
    assert refused(text)[2] == "the file is nested too deep"


MALFORMED = {
    "a second colon": ("a: b: c\n", (1, 5, "a `key: value` can't stand here")),
    "a tab": ("a:\n\tb: 1\n", (2, 1, "a tab stands where YAML wants spaces")),
    "a tab after a space": ("a:\n  b: 1\n  \tc: 2\n", (3, 3, "a tab stands where YAML wants spaces")),
    "an open list": ("a:\n  - [1, 2\nb: 3\n", (2, 5, "a `[` is not closed, or a comma is missing")),
    "an open map": ("a: {b: 1\nc: 2\n", (1, 4, "a `{` is not closed, or a comma is missing")),
    "an open bracket at the end": ("a: [", (1, 5, "a `[` or `{` is not closed")),
    "an open quote": ("a: 'x\nb: 1\n", (1, 4, "a quote is not closed")),
    "a line without colon": ("a: 1\nb\nc: 2\n", (3, 1, "a key without `:`, or a line that is indented wrongly")),
    "a cut off line": ("a: 1\nb\n", (3, 1, "a key without `:`, or a line that is indented wrongly")),
    "other indentation": (
        "a:\n  b: 1\n c: 2\n",
        (3, 2, "a line is indented differently from those beside it"),
    ),
    "a key among entries": (
        "a:\n  - 1\n  b: 2\n",
        (3, 3, "a line is indented differently from the list's other entries"),
    ),
    "less indentation than the first line": (
        "  a: 1\nb: 2\n",
        (2, 1, "a line is indented less than the first one"),
    ),
    "a list on the key's line": ("a: - b\n", (1, 4, "a `- ` can't stand here")),
    "an at sign": ("a: @b\n", (1, 4, "a value can't begin with @")),
    "a percent sign": ("a: %b\n", (1, 4, "a value can't begin with %")),
    "an escape": ('a: "\\d"\n', (1, 5, "an escape that YAML doesn't know")),
    "no anchor": ("a: *x\n", (1, 4, "no anchor &x comes before this alias")),
    "an anchor in itself": ("a: &x [1, *x]\n", (1, 11, "*x stands inside of what it refers to")),
    "two documents": ("a: 1\n---\nb: 2\n", (2, 1, "a second document begins here")),
    "two empty documents": ("---\n---\n", (2, 1, "a second document begins here")),
    "a control character": ("a: é\x01\n", (1, 5, "the character U+0001 is not allowed in YAML")),
}


@pytest.mark.parametrize(("text", "error"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_text_is_explained_with_its_place(text: str, error: tuple[int, int, str]) -> None:
    *place_and_message, fix = refused(text)
    assert tuple(place_and_message) == error
    assert fix


def test_what_is_not_known_keeps_the_parsers_words() -> None:
    assert refused("%YAML 9.0\n---\na: 1\n")[2].startswith("this is not YAML: ")


@pytest.mark.parametrize(("text", "error"), MALFORMED.values(), ids=MALFORMED.keys())
def test_the_parser_in_python_says_the_same(
    text: str, error: tuple[int, int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_nodes, "_Loader", yaml.SafeLoader)
    line, _, message, _ = refused(text)
    assert (line, message) == (error[0], error[2])
