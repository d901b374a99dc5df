"""What the checks look at, and the words that they share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Protocol

from homelab.config.environment import Environment
from homelab.config.expansion import ExpandedGuest, default_node, expand
from homelab.config.problems import Path, Problem
from homelab.config.proxmox import Node


class ImageChecksums(Protocol):
    """Where checksums of images are looked up: the lock file."""

    def checksum_for(self, url: str) -> str | None:
        """``sha512:<hex>`` of what is downloaded from ``url``; None when it is not known."""

    def digest_for(self, reference: str) -> str | None:
        """``sha256:<hex>`` of the container image ``reference``; None when it is not known."""


@dataclass(frozen=True)
class Subject:
    """An environment with its guests, which every check needs."""

    environment: Environment
    image_lock: ImageChecksums | None = None
    left_out: tuple[Path, ...] = ()
    """Entries with errors of their own, which ``environment`` lacks or has a stand-in for."""

    @cached_property
    def guests(self) -> tuple[ExpandedGuest, ...]:
        """Every guest, replicas counted up."""
        return tuple(expand(self.environment))

    @cached_property
    def first_guests(self) -> tuple[ExpandedGuest, ...]:
        """Every guest as the file has it: of replicas only the first."""
        firsts: dict[Path, ExpandedGuest] = {}
        for guest in self.guests:
            firsts.setdefault(guest.path, guest)
        return tuple(firsts.values())

    @cached_property
    def default_node(self) -> str | None:
        """The node of what names none."""
        return default_node(self.environment)

    def node(self, name: str | None) -> Node | None:
        """The node called ``name``; None where the environment has none of that name."""
        return self.environment.proxmox.nodes.get(name) if name else None


Findings = Iterator[tuple[Subject, Problem]]
"""Problems of several environments, each with the environment that it is reported for."""


def nearest(name: str, known: Iterable[str], otherwise: str) -> str:
    """The question whether the one of ``known`` that resembles ``name`` was meant; ``otherwise`` where none does."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else otherwise


def listed(names: Iterable[str], otherwise: str = "none is defined", most: int = 20) -> str:
    """``names`` with commas between them, ``most`` of them at most; ``otherwise`` when there are none."""
    all_names = list(names)
    text = ", ".join(all_names[:most])
    return f"{text} and {len(all_names) - most} more" if len(all_names) > most else text or otherwise


def written(path: Path) -> str:
    """``path`` as people write it."""
    return Problem(path, "").key_path


def seen_from(subject: Subject, other: Subject, path: Path) -> str:
    """The entry at ``path`` of ``other`` as a message for ``subject`` names it."""
    return written(path) if subject is other else f"{written(path)} of environment {other.environment.name}"
