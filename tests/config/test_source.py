"""An environment file as plain data with places: what YAML says, what it can't say, and where it says it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from homelab.config.problems import InvalidEnvironment, Problem
from homelab.config.source import LARGEST_FILE, Source, read_source


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def of(text: str | bytes) -> Source:
        path = tmp_path / "dev.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_source(path)

    return of


def refused(read: Any, text: str | bytes) -> Problem:
    with pytest.raises(InvalidEnvironment) as caught:
        read(text)
    (problem,) = caught.value.problems
    assert problem.file.endswith("dev.yaml")
    return problem


VALUES = {
    "null": ("~", None),
    "nothing": ("", None),
    "true": ("true", True),
    "yes": ("yes", True),
    "on": ("On", True),
    "off": ("off", False),
    "quoted yes": ("'yes'", "yes"),
    "number": ("9100", 9100),
    "negative number": ("-5", -5),
    "hexadecimal number": ("0x1F", 31),
    "zero": ("0", 0),
    "quoted number": ("'9100'", "9100"),
    "number with a point": ("2.5", 2.5),
    "number beyond all numbers": ("9" * 5000, "9" * 5000),
    "number with _": ("1_000", "1_000"),
    "MAC address that YAML 1.1 reads as base 60": ("02:11:22:33:44:55", "02:11:22:33:44:55"),
    "port range that YAML 1.1 reads as base 60": ("22:53", "22:53"),
    "date": ("2026-01-31", "2026-01-31"),
    "moment": ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
    "address": ("10.0.0.1", "10.0.0.1"),
    "size": ("2GiB", "2GiB"),
    "number with a plain tag": ("!!str 12", "12"),
    "list": ("[1, a, null]", [1, "a", None]),
    "map": ("{a: {b: [c]}}", {"a": {"b": ["c"]}}),
}


@pytest.mark.parametrize(("text", "value"), VALUES.values(), ids=VALUES.keys())
def test_values(read: Any, text: str, value: Any) -> None:
    assert read(f"key: {text}\n").data == {"key": value}


@pytest.mark.parametrize("key", ["on", "123", "1.5", "~", "2026-01-31", "null"])
def test_keys_are_always_text(read: Any, key: str) -> None:
    assert read(f"{key}: 1\n").data == {key: 1}


def test_merge_keys_fill_in_what_is_not_written(read: Any) -> None:
    source = read("base: &b {a: 1, b: 2}\nmore: &m {b: 3, c: 4}\none: {<<: [*b, *m], a: 0}\ntwo:\n  <<: *m\n")
    assert source.data["one"] == {"a": 0, "b": 2, "c": 4}
    assert source.data["two"] == {"b": 3, "c": 4}
    assert source.problems == ()
    assert source.locate(("one", "c")) == (2, 20)


FILE = """\
vms:
  web:
    vm_id: 9100
    network: lan
    tags: [a, b]
  db:
    network: {name: lan, address: 10.0.0.1}
    disks:
      - 1
      - x: 2
bridges: [vmbr0, vmbr1]
"""


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        (("vms",), (1, 1), (1, 1)),
        (("vms", "web"), (2, 3), (2, 3)),
        (("vms", "web", "vm_id"), (3, 12), (3, 5)),
        (("vms", "web", "network", 0, "name"), (4, 14), (4, 5)),
        (("vms", "web", "tags", 1), (5, 15), (5, 15)),
        (("vms", "db", "network", 0, "address"), (7, 35), (7, 26)),
        (("vms", "db", "disks", 1, "x"), (10, 12), (10, 9)),
        (("bridges", "vmbr1"), (11, 18), (11, 18)),
        (("vms", "web", "memory"), (2, 3), (2, 3)),
        (("vms", "web", "tags", 7), (5, 5), (5, 5)),
        (("nothing",), (1, 1), (1, 1)),
        ((), (1, 1), (1, 1)),
    ],
)
def test_places(read: Any, path: tuple[str | int, ...], value: tuple[int, int], key: tuple[int, int]) -> None:
    source = read(FILE)
    assert source.locate(path) == value
    assert source.locate_key(path) == key


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (("vms", "db", "network", 0, "address"), ("vms", "db", "network", "address")),
        (("vms", "web", "network", 0, "name"), ("vms", "web", "network")),
        (("vms", "db", "disks", 1, "x"), ("vms", "db", "disks", 1, "x")),
        (("vms", "web", "memory"), ("vms", "web", "memory")),
    ],
)
def test_a_path_is_shown_as_it_is_written(read: Any, path: tuple[str | int, ...], shown: tuple[str | int, ...]) -> None:
    assert read(FILE).shown_path(path) == shown


def test_the_words_of_a_plain_scalar(read: Any) -> None:
    source = read("a: on\nb: 'on'\nc: [x]\n")
    assert [source.written((key,)) for key in ("a", "b", "c", "d")] == ["on", None, None, None]


PROBLEMS = {
    "a key twice": (
        "a: 1\nb: 2\na: 3\n",
        (
            3,
            1,
            "a",
            "the key a is here twice, first in line 1, column 1",
            "remove one of the two, or give it another name",
        ),
    ),
    "a key twice, once in quotes": (
        "a: {x: 1, 'x': 2}\n",
        (
            1,
            11,
            "a.x",
            "the key x is here twice, first in line 1, column 5",
            "remove one of the two, or give it another name",
        ),
    ),
    "a number that begins with 0": (
        "a: 0100\n",
        (1, 4, "a", "a number that begins with 0 may be octal", 'write 100, or "0100" if it is a text'),
    ),
    "an octal number of YAML 1.2": (
        "a: 0o17\n",
        (1, 4, "a", "a number that begins with 0 may be octal", 'write 17, or "0o17" if it is a text'),
    ),
    "a list as key": (
        "? [a]\n: 1\n",
        (1, 3, "", "this key is a list or a map", "write a simple key, or put it in quotes"),
    ),
    "a tag": ("a: !secret x\n", (1, 4, "a", "the tag !secret has no meaning here", "remove the tag")),
    "a tag of Python": (
        "a: !!python/object:os.system {}\n",
        (1, 4, "a", "the tag !!python/object:os.system has no meaning here", "remove the tag"),
    ),
    "a merge of a text": ("a: {<<: x}\n", (1, 5, "a", "<< takes the entries of a map", "refer to the anchor of a map")),
    "no end of the last line": (
        "a: 1\nb: 22",
        (
            2,
            6,
            "",
            "the last line has no end, so the file may be cut off; what is missing would be destroyed",
            "check that the file is whole and end its last line with a newline",
        ),
    ),
}


@pytest.mark.parametrize(("text", "problem"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_problems_of_the_text(read: Any, text: str, problem: tuple[int, int, str, str, str]) -> None:
    (found,) = read(text).problems
    assert (found.line, found.column, found.key_path, found.message, found.fix) == problem


def test_what_an_alias_repeats_is_said_once(read: Any) -> None:
    assert len(read("a: &x {b: 01}\nc: *x\nd: *x\n").problems) == 1


EMPTY = "the file is empty, and nothing is planned from it: that would be a plan to destroy everything"
NO_ENVIRONMENT = "the file holds no environment, and nothing is planned from it"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", EMPTY),
        ("\n\n", EMPTY),
        ("# nothing\n", EMPTY),
        ("---\n", EMPTY),
        ("\ufeff", EMPTY),
        ("just a text\n", NO_ENVIRONMENT),
        ("- a\n- b\n", NO_ENVIRONMENT),
        ("12\n", NO_ENVIRONMENT),
    ],
)
def test_a_file_without_environment_is_an_error(read: Any, text: str, message: str) -> None:
    problem = refused(read, text)
    assert (problem.line, problem.column, problem.message) == (1, 1, message)
    assert "restore the file from version control" in problem.fix


def test_malformed_yaml_is_an_error_with_its_place(read: Any) -> None:
    problem = refused(read, "a:\n  b: [1\n")
    assert (problem.line, problem.column) == (2, 6)
    assert problem.message == "a `[` is not closed, or a comma is missing"
    assert problem.fix == "close the list with `]`"


def test_text_that_is_not_utf8_is_an_error_with_its_place(read: Any) -> None:
    problem = refused(read, b"a: 1\nb: \xff\n")
    assert (problem.line, problem.column, problem.message, problem.fix) == (
        2,
        4,
        "the file is not UTF-8 text",
        "save it as UTF-8",
    )


def test_utf16_is_an_error(read: Any) -> None:
    assert refused(read, "a: 1\n".encode("utf-16")).message == "the file is not UTF-8 text"


def test_a_byte_order_mark_is_no_part_of_the_first_key(read: Any) -> None:
    assert read("\ufeffa: 1\n".encode()).data == {"a": 1}


def test_windows_line_ends(read: Any) -> None:
    source = read("a: 1\r\nb: 2\r\n")
    assert source.data == {"a": 1, "b": 2}
    assert source.locate(("b",)) == (2, 4)


def test_a_file_that_is_too_large_is_an_error(read: Any) -> None:
    problem = refused(read, b"#" * (LARGEST_FILE + 1))
    assert (problem.message, problem.allowed) == ("the file is too large", "8 MiB")


def test_aliases_that_stand_for_billions_are_an_error(read: Any) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 10)]
    problem = refused(read, "\n".join(lines) + "\n")
    assert problem.message == "the file's aliases stand for too much"
    assert problem.allowed == "1000000 keys and values, 64 levels"


def test_aliases_of_empty_lists_that_stand_for_billions_are_an_error(read: Any) -> None:
    lines = ["a0: &a0 []"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 10)]
    assert refused(read, "\n".join(lines) + "\n").message == "the file's aliases stand for too much"


def test_aliases_that_nest_deeper_and_deeper_are_an_error(read: Any) -> None:
    lines = ["a0: &a0 x", *(f"a{level}: &a{level} [[*a{level - 1}]]" for level in range(1, 2000))]
    assert refused(read, "\n".join(lines) + "\n").message == "the file's aliases stand for too much"


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidEnvironment) as caught:
        read_source(tmp_path / "none.yaml")
    (problem,) = caught.value.problems
    assert problem.message == "there is no such file"


def test_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidEnvironment) as caught:
        read_source(tmp_path)
    (problem,) = caught.value.problems
    assert problem.message == "this is a folder"


def test_a_name_that_no_file_can_have_is_an_error() -> None:
    with pytest.raises(InvalidEnvironment) as caught:
        read_source(Path("a\0b.yaml"))
    (problem,) = caught.value.problems
    assert problem.message == "the file can't be read: embedded null byte"


plain = st.text("abcdefgxyz", min_size=1, max_size=8)
data = st.dictionaries(
    plain,
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(max_size=20),
        lambda children: st.lists(children, max_size=4) | st.dictionaries(plain, children, max_size=4),
        max_leaves=12,
    ),
    min_size=1,
    max_size=5,
)


@given(data)
def test_what_pyyaml_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, value: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("yaml") / "dev.yaml"
    path.write_text(yaml.safe_dump(value))
    source = read_source(path)
    assert source.data == value
    assert source.problems == ()


def test_a_document_in_braces_needs_no_last_newline_to_be_whole(tmp_path: Path) -> None:
    file = tmp_path / "dev.yaml"
    file.write_text('{"tags": ["home"]}')
    assert read_source(file).problems == ()
