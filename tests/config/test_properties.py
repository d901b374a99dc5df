"""What holds for every environment: nothing crashes, nothing is lost, and order means nothing."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from homelab.config.checks import check_environment
from homelab.config.environment import Environment
from homelab.config.loading import check_files, load_environment
from homelab.config.problems import InvalidEnvironment, Problem, Severity, render
from tests.strategies import environment_models, valid_environments

slow = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("environments")


def errors(problems: list[Problem]) -> list[str]:
    return [render(problem) for problem in problems if problem.severity is Severity.ERROR]


def load_or_problems(path: Path) -> Environment | tuple[Problem, ...]:
    """Either of the two things that a file may lead to; anything else is a crash and fails the test."""
    try:
        return load_environment(path)
    except InvalidEnvironment as error:
        problems = error.problems
    assert problems
    for problem in problems:
        assert problem.file == str(path)
        assert problem.message
        assert all(line.isprintable() for line in render(problem).split("\n"))
    return problems


@given(st.text())
@example("vms: {}")
@example("a: &a [*a]\n")
@example("? ? ?\n")
@example("\x85\u2028\n")
@settings(deadline=None)
def test_any_text_is_an_environment_or_has_problems(folder: Path, text: str) -> None:
    path = folder / "any.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    load_or_problems(path)


@given(st.binary())
@settings(deadline=None)
def test_any_bytes_are_an_environment_or_have_problems(folder: Path, content: bytes) -> None:
    path = folder / "any.yaml"
    path.write_bytes(content)
    load_or_problems(path)


words = st.sampled_from(
    [
        "a:",
        "b",
        "-",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&",
        "*",
        "!",
        "|",
        ">",
        "'",
        '"',
        "%",
        "@",
        "`",
        "#",
        "~",
        "<<",
        "yes",
        "0",
        "010",
        "1e3",
        ".inf",
        "null",
        "vms",
        "templates",
        "proxmox",
        "nodes",
        "name",
    ]
)


@given(st.lists(words | st.sampled_from(["\n", "\n  ", " ", "\t", ": ", "- ", "&x ", "*x "])).map("".join))
@settings(deadline=None)
def test_any_yaml_is_an_environment_or_has_problems(folder: Path, text: str) -> None:
    path = folder / "any.yaml"
    path.write_text(text + "\n", encoding="utf-8")
    load_or_problems(path)


scalars: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=10) | st.just("2GiB")
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything in ``data``."""
    found = [path] if path else []
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in children:
        found += places(value, (*path, key))
    return found


def replaced(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy: Any = dict(data) if isinstance(data, dict) else list(data)
    copy[path[0]] = replaced(data[path[0]], path[1:], value)
    return copy


@given(valid_environments(), anything, st.integers(min_value=0))
@slow
def test_any_value_in_any_place_is_taken_or_has_problems(
    folder: Path, data: dict[str, Any], value: Any, place: int
) -> None:
    every = places(data)
    path = folder / "any.yaml"
    broken = replaced(data, every[place % len(every)], value)
    path.write_text(yaml.safe_dump(broken, allow_unicode=True), encoding="utf-8")
    load_or_problems(path)


@given(valid_environments())
@slow
def test_a_valid_environment_has_no_errors_read_from_its_file(folder: Path, data: dict[str, Any]) -> None:
    path = folder / "valid.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
    assert errors(check_files([path])) == []


@given(environment_models())
@slow
def test_a_valid_environment_has_no_errors_built_in_python(environment: Environment) -> None:
    assert errors(check_environment(environment)) == []


@given(environment_models())
@slow
def test_what_is_written_out_is_read_back(environment: Environment) -> None:
    assert Environment.model_validate(environment.model_dump(mode="json", by_alias=True)) == environment


@given(environment_models())
@slow
def test_only_what_was_set_is_enough(environment: Environment) -> None:
    short = environment.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert Environment.model_validate(short) == environment


@given(valid_environments(), st.randoms(use_true_random=False))
@slow
def test_the_order_of_keys_means_nothing(data: dict[str, Any], random: Random) -> None:
    def shuffled(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        items = list(value.items())
        random.shuffle(items)
        return {key: shuffled(inner) for key, inner in items}

    first, second = (Environment.model_validate({**version, "name": "dev"}) for version in (data, shuffled(data)))
    assert first == second
