"""Platforms and their phases: which stacks a word on the command line means.

The stacks of a platform are called ``<environment>-<platform>`` or ``<environment>-<platform>-<phase>``, those of
``services`` ``<environment>-service-<name>``. The phases are in the order of the stacks' dependencies; the services
have none, as they don't wait for one another.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

from operations.terraform.stacks import ON_REQUEST, Stack, StackError

PLATFORMS = ("secrets", "services", "logging", "monitoring", "tooling", "object-storage")
SERVICE = "service-"
"""What the names of services' stacks begin with."""


@dataclass(frozen=True)
class Range:
    """A part of a platform's phases; empty bounds are the first and the last."""

    first: str = ""
    last: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether it is all of them."""
        return not self.first and not self.last

    @property
    def options(self) -> str:
        """As it is written on the command line."""
        if self.first and self.first == self.last:
            return f" --only {self.first}"
        return (f" --from {self.first}" if self.first else "") + (f" --to {self.last}" if self.last else "")


def phase_of(stack: Stack, environment: str) -> tuple[str, str]:
    """The platform and the phase that a stack belongs to; empty ones for a stack of no platform."""
    short = stack.name.removeprefix(f"{environment}-")
    if short.startswith(SERVICE):
        return "services", ""
    for platform in PLATFORMS:
        if short == platform or short.startswith(f"{platform}-"):
            return platform, short.removeprefix(platform).removeprefix("-")
    return "", ""


def phases(stacks: Sequence[Stack], platform: str, environment: str) -> list[str]:
    """The phases of a platform in their order; none where it has but one stack, without a phase."""
    found = [phase for stack in stacks for name, phase in [phase_of(stack, environment)] if name == platform and phase]
    return list(dict.fromkeys(found))


def select_stacks(
    stacks: Sequence[Stack], words: Sequence[str], environment: str, part: Range | None = None
) -> list[Stack]:
    """The stacks that ``words`` name: platforms, or stacks with or without the environment, with ``*`` and ``?``.

    Without words that is all of them but those that need other credentials than the rest (`ON_REQUEST`).

    Args:
        part: which phases of the one platform that ``words`` name.

    Raises:
        StackError: a word names none, or there is no such phase.
    """
    if part is not None and not part.is_whole:
        return _phases_within(stacks, words, environment, part)
    if not words:
        return [stack for stack in stacks if stack.name.removeprefix(f"{environment}-") not in ON_REQUEST]
    chosen = {stack.name for word in words for stack in _named(stacks, word, environment)}
    return [stack for stack in stacks if stack.name in chosen]


def _named(stacks: Sequence[Stack], word: str, environment: str) -> list[Stack]:
    matching = [
        stack
        for stack in stacks
        if fnmatch.fnmatchcase(stack.name, word)
        or fnmatch.fnmatchcase(stack.name, f"{environment}-{word}")
        or phase_of(stack, environment)[0] == word
    ]
    if not matching:
        known = ", ".join(stack.name.removeprefix(f"{environment}-") for stack in stacks)
        platforms = list(dict.fromkeys(name for stack in stacks if (name := phase_of(stack, environment)[0])))
        also = f" Platforms: {', '.join(platforms)}." if platforms else ""
        raise StackError(
            f"No stack of {environment} is called {word}. There are: {known}.{also} A pattern may have * and ?."
        )
    return matching


def _phases_within(stacks: Sequence[Stack], words: Sequence[str], environment: str, part: Range) -> list[Stack]:
    if len(words) != 1 or words[0] not in PLATFORMS:
        raise StackError(
            f"phases are those of one platform\n    allowed:  {', '.join(PLATFORMS)}"
            f"\n    fix:      homelab deploy {PLATFORMS[0]} --environment {environment}{part.options}"
        )
    platform = words[0]
    known = phases(_named(stacks, platform, environment), platform, environment)
    for phase in (part.first, part.last):
        if phase and phase not in known:
            there = f"There are: {', '.join(known)}." if known else "It is deployed in one."
            raise StackError(f"{platform} has no phase {phase}. {there}")
    begin = known.index(part.first) if part.first else 0
    end = known.index(part.last) if part.last else len(known) - 1
    if begin > end:
        raise StackError(f"{part.first} comes after {part.last}: the phases of {platform} are {', '.join(known)}")
    wanted = {(platform, phase) for phase in known[begin : end + 1]}
    return [stack for stack in stacks if phase_of(stack, environment) in wanted]
