"""In how many requests, and in which order, secrets are written.

Infisical takes requests of up to 1 MiB, answers larger ones with an error that says nothing, and has to encrypt and
version each secret before it answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

from bootstrap.desired import Prompted, Secret
from bootstrap.values import LARGEST_VALUE_BYTES, Values

MOST_SECRETS = 100
MOST_BYTES = LARGEST_VALUE_BYTES
"""Of values and comments in a request, which JSON makes twice as long where all of them are quotes."""

_REFERENCE = re.compile(r"\$\{(?:[^}]*\.)?([^}.]+)\}")

Item = TypeVar("Item")


def batches(items: Sequence[Item], size: Callable[[Item], int]) -> Iterator[list[Item]]:
    """`items` in as few parts as fit into a request each, in their order; one that is too large is a part of its own.

    Args:
        items: what is to be written.
        size: how much of a request one takes, in bytes.
    """
    batch: list[Item] = []
    total = 0
    for item in items:
        own = size(item)
        if batch and (len(batch) == MOST_SECRETS or total + own > MOST_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += own
    if batch:
        yield batch


def in_order(secrets: Sequence[Secret], values: Values) -> list[Secret]:
    """`secrets` so that each comes after those that its value refers to; in their own order where that can't be.

    Raises:
        UsageError: a value can't be had.
    """
    # What somebody is to be asked for is not known yet, and can refer to all others.
    ordered = sorted(secrets, key=lambda one: isinstance(one.value, Prompted))
    before = TopologicalSorter[int]()
    for index, secret in enumerate(ordered):
        value = values.wanted(secret)
        names = set(_REFERENCE.findall(value.get_secret_value())) if value else set()
        before.add(index, *(other for other, one in enumerate(ordered) if one.name in names and other != index))
    try:
        return [ordered[index] for index in before.static_order()]
    except CycleError:
        return ordered
