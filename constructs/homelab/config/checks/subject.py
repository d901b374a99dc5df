"""What the checks look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Protocol

from homelab.config.environment import Environment
from homelab.config.expansion import ExpandedGuest, default_node, expand
from homelab.config.problems import Problem


class ImageChecksums(Protocol):
    """Where checksums of images are looked up: the lock file."""

    def checksum_for(self, url: str) -> str | None:
        """``sha512:<hex>`` of what is downloaded from ``url``; None when it is not known."""


@dataclass(frozen=True)
class Subject:
    """An environment with its guests, which every check needs."""

    environment: Environment
    image_lock: ImageChecksums | None = None

    @cached_property
    def guests(self) -> tuple[ExpandedGuest, ...]:
        """Every guest, replicas counted up."""
        return tuple(expand(self.environment))

    @cached_property
    def default_node(self) -> str | None:
        """The node of what names none."""
        return default_node(self.environment)


Findings = Iterator[tuple[Subject, Problem]]
"""Problems of several environments, each with the environment that it is reported for."""


def nearest(name: str, known: Iterable[str], otherwise: str) -> str:
    """ "did you mean ...?" with the one of ``known`` that resembles ``name``; ``otherwise`` where none does."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else otherwise


def listed(names: Iterable[str], otherwise: str = "none is defined") -> str:
    """``names`` with commas between them, the first twenty; ``otherwise`` when there are none."""
    all_names = list(names)
    text = ", ".join(all_names[:20])
    return f"{text} and {len(all_names) - 20} more" if len(all_names) > 20 else text or otherwise
