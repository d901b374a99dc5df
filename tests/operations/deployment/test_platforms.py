"""Which stacks a word on the command line means: platforms, their phases, patterns."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.deployment.platforms import Range, phases, select_stacks
from operations.terraform.stacks import Stack, StackError

NAMES = [
    "lab-access",
    "lab-secrets-host",
    "lab-secrets-infisical",
    "lab-secrets-identity",
    "lab-service-gitea",
    "lab-service-redis",
    "lab-web",
    "lab-web-extra",
]
STACKS = [Stack(name, Path(name)) for name in NAMES]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["secrets"], ["secrets-host", "secrets-infisical", "secrets-identity"]),
        (["services"], ["service-gitea", "service-redis"]),
        (["service-gitea"], ["service-gitea"]),
        # A group is no platform: others whose names begin with its name are not meant.
        (["web"], ["web"]),
        (["lab-web", "services"], ["service-gitea", "service-redis", "web"]),
        (["*-host"], ["secrets-host"]),
        ([], [name.removeprefix("lab-") for name in NAMES[1:]]),
    ],
)
def test_words_name_platforms_and_stacks(words: list[str], expected: list[str]) -> None:
    assert [stack.name for stack in select_stacks(STACKS, words, "lab")] == [f"lab-{name}" for name in expected]


def test_phases_are_in_the_order_of_the_stacks() -> None:
    assert phases(STACKS, "secrets", "lab") == ["host", "infisical", "identity"]
    assert phases(STACKS, "services", "lab") == []


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Range("infisical"), ["infisical", "identity"]),
        (Range("", "infisical"), ["host", "infisical"]),
        (Range("infisical", "infisical"), ["infisical"]),
    ],
)
def test_a_part_of_the_phases(part: Range, expected: list[str]) -> None:
    chosen = select_stacks(STACKS, ["secrets"], "lab", part)
    assert [stack.name for stack in chosen] == [f"lab-secrets-{phase}" for phase in expected]


@pytest.mark.parametrize(
    ("words", "part", "message"),
    [
        (["secrets"], Range("nowhere"), r"secrets has no phase nowhere\. There are: host, infisical, identity\."),
        (["secrets"], Range("identity", "host"), "identity comes after host: the phases of secrets are host, inf"),
        (["services"], Range("", "gitea"), r"services has no phase gitea\. It is deployed in one\."),
        ([], Range("host"), "phases are those of one platform"),
        (["web"], Range("host"), "homelab deploy secrets --environment lab --from host"),
        (["monitoring"], None, r"is called monitoring\. There are: access, .*\. Platforms: secrets, services\."),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(words: list[str], part: Range | None, message: str) -> None:
    with pytest.raises(StackError, match=message):
        select_stacks(STACKS, words, "lab", part)


def test_a_part_is_written_as_its_options() -> None:
    assert Range().options == ""
    assert Range("a", "b").options == " --from a --to b"
    assert Range("a", "a").options == " --only a"
