"""Environment files become environments, or problems with their places: all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from homelab.config.checks import ImageChecksums, check_environments
from homelab.config.environment import Environment
from homelab.config.names import Key
from homelab.config.placement_record import PlacementRecordError, read_placement_record
from homelab.config.problems import InvalidEnvironment, Path, Problem, Refused, errors_of
from homelab.config.pruning import entry_of, without
from homelab.config.schema_problems import refusals_of
from homelab.config.source import Source, read_source

_KEY: TypeAdapter[str] = TypeAdapter(Key)
_CONTENT = ("templates", "vms", "containers", "secrets", "services", "pools", "firewall", "access")


@dataclass(frozen=True)
class Loaded:
    """Environments that can be synthesized, and what is worth a warning about them."""

    environments: tuple[Environment, ...]
    warnings: tuple[Problem, ...]


def load_environment(path: FilePath, image_lock: ImageChecksums | None = None) -> Environment:
    """The environment that the file at ``path`` describes; it is called like the file.

    With ``image_lock``, images are looked up there, as ``policy.unlocked_images`` says.

    Raises:
        InvalidEnvironment: the file has errors. It holds all of them, each with file, line and column, and the
        warnings.
    """
    return load_environments([path], image_lock).environments[0]


def load_environments(paths: Sequence[FilePath], image_lock: ImageChecksums | None = None) -> Loaded:
    """The environments of the files at ``paths``, checked each by itself and together where they share a cluster.

    Raises:
        InvalidEnvironment: a file has errors, as for ``load_environment``.
    """
    drafts, problems = _check(paths, image_lock)
    if errors_of(problems):
        raise InvalidEnvironment(problems)
    return Loaded(tuple(draft.environment for draft in drafts if draft.environment is not None), tuple(problems))


def read_environment(path: FilePath) -> Environment:
    """The environment that the file at ``path`` describes, held against the models and nothing else.

    For what has to happen before all checks can pass, such as deciding where guests go.

    Raises:
        InvalidEnvironment: an entry of the file is wrong by itself.
    """
    draft = _read(path)
    if draft.environment is None or errors_of(draft.problems):
        raise InvalidEnvironment(draft.problems)
    return draft.environment


def check_files(paths: Sequence[FilePath], image_lock: ImageChecksums | None = None) -> list[Problem]:
    """Everything that is wrong with the files at ``paths``, in the order of files, lines and columns."""
    return _check(paths, image_lock)[1]


@dataclass
class _Draft:
    """A file on its way to an environment. ``left_out`` are the entries with errors that ``environment`` lacks."""

    problems: list[Problem]
    source: Source | None = None
    environment: Environment | None = None
    left_out: tuple[Path, ...] = ()


def _check(paths: Sequence[FilePath], image_lock: ImageChecksums | None) -> tuple[list[_Draft], list[Problem]]:
    drafts = [_read(path) for path in paths]
    whole = [(draft, draft.source, draft.environment) for draft in drafts if draft.source and draft.environment]
    left_out = [draft.left_out for draft, _, _ in whole]
    findings = check_environments([environment for _, _, environment in whole], image_lock, left_out)
    for (draft, source, _), found in zip(whole, findings, strict=True):
        draft.problems += [source.place(problem) for problem in found if not _concerns(problem, draft.left_out)]
    return drafts, [
        problem
        for draft in drafts
        for problem in sorted(draft.problems, key=lambda problem: (problem.line, problem.column))
    ]


def _read(path: FilePath) -> _Draft:
    try:
        source = read_source(path)
    except InvalidEnvironment as error:
        return _Draft(list(error.problems))
    name, name_problems = _name(path, source)
    placed, placed_problems = _placed(path, source)
    others = (*name_problems, *placed_problems, *_emptiness(source))
    problems = [*source.problems, *(source.place(problem) for problem in others)]
    reported = {problem.path for problem in problems}
    left_out = {entry_of(problem.path) for problem in problems if problem.path}
    data: dict[str, Any] = {**source.data, "name": name, "placed": placed}
    first = True
    while True:
        try:
            environment = Environment.model_validate(data)
        except ValidationError as error:
            refusals = list(refusals_of(error, source))
        else:
            return _Draft(problems, source, environment, tuple(left_out))
        if first:
            problems += [source.place(refusal.problem) for refusal in refusals if refusal.problem.path not in reported]
            first = False
            spoilt = left_out | {path for refusal in refusals for path in refusal.spoils}
        else:
            # Leaving one entry out can make another incomplete, such as a map that may not be empty; it isn't
            # reported a second time.
            spoilt = {path for refusal in refusals for path in refusal.spoils} - left_out
        if not spoilt:
            return _Draft(problems, source)
        left_out |= spoilt
        data = {**without(source.data, left_out), "name": name, "placed": placed}


def _name(path: FilePath, source: Source) -> tuple[str, list[Problem]]:
    problems: list[Problem] = []
    if "name" in source.data:
        fix = "remove the key; rename the file to rename the environment"
        problems.append(
            Problem(("name",), "an environment is called like its file", source.data["name"], path.stem, fix)
        )
    try:
        return _KEY.validate_python(path.stem), problems
    except ValidationError as error:
        reason = error.errors()[0].get("ctx", {}).get("error")
        allowed = reason.allowed if isinstance(reason, Refused) else ""
        message = "the file's name is the environment's name, and this is none"
        problems.append(Problem((), message, path.stem, allowed, "rename the file, such as to dev.yaml"))
        return "unnamed", problems


def _placed(path: FilePath, source: Source) -> tuple[dict[str, str], list[Problem]]:
    problems: list[Problem] = []
    if "placed" in source.data:
        fix = "remove the key; `homelab place` records places beside the file"
        problems.append(Problem(("placed",), "where guests are is not written here", fix=fix))
    try:
        return read_placement_record(path), problems
    except PlacementRecordError as error:
        problems.append(Problem((), error.message, allowed=error.allowed, fix=error.fix))
        return {}, problems


def _emptiness(source: Source) -> list[Problem]:
    known = Environment.model_fields
    if any(source.data.get(key) not in (None, {}, []) for key in _CONTENT) or any(
        key not in known for key in source.data
    ):
        return []
    return [
        Problem(
            (),
            "the environment is empty, and nothing is planned from it: that would be a plan to destroy everything",
            allowed=f"at least one of {', '.join(_CONTENT)}",
            fix="add a guest; to remove an environment, run `homelab destroy` and delete the file",
        )
    ]


def _concerns(problem: Problem, left_out: Iterable[Path]) -> bool:
    """Whether ``problem`` comes from what was left out, whose own errors are reported already."""
    named = problem.refers_to
    return bool(named) and any(
        named[: len(entry)] == entry or (named == entry[:-1] and entry == entry_of(entry)) for entry in left_out
    )
