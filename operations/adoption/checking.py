"""An adoption held against the checks of the environment: what they refuse is not adopted, and its reason is kept."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from homelab.config.loading import check_files
from homelab.config.problems import Problem, errors_of, render
from operations.adoption.adopting import Adoption, Wishes, adopt
from operations.adoption.documents import environment_text
from operations.adoption.reading import FoundCluster


class AdoptionError(Exception):
    """What was read makes no environment; the message says why."""


def checked(cluster: FoundCluster, wishes: Wishes, *, name: str, others: Sequence[Path]) -> Adoption:
    """The adoption of ``cluster`` as environment ``name``, without the guests that the checks refuse.

    Args:
        others: the other environment files of the project, with which it may share the cluster.

    Raises:
        AdoptionError: something else than a guest is refused.
    """
    skipped = dict(wishes.skipped)
    with tempfile.TemporaryDirectory(prefix="homelab-adopt-") as folder:
        path = Path(folder) / f"{name}.yaml"
        while True:
            adoption = adopt(
                cluster,
                Wishes(wishes.endpoint, wishes.insecure, wishes.networks, skipped, wishes.other_pools, wishes.firewall),
            )
            path.write_text(environment_text(adoption, endpoint=wishes.endpoint, report="-"), encoding="utf-8")
            errors = [problem for problem in errors_of(check_files([*others, path])) if problem.file == str(path)]
            if not errors:
                return adoption
            _skip(adoption, errors, skipped)


def _skip(adoption: Adoption, errors: Sequence[Problem], skipped: dict[int, str]) -> None:
    numbers: dict[tuple[str | int, ...], int] = {
        (entry.section, entry.key): entry.guest.vm_id for entry in adoption.entries
    }
    before = len(skipped)
    for problem in errors:
        number = numbers.get(problem.path[:2])
        if number is not None:
            place = ".".join(str(part) for part in problem.path[2:])
            skipped.setdefault(number, f"{place}: {problem.message}" if place else problem.message)
    if len(skipped) == before:
        raise AdoptionError("\n".join(_without_place(problem) for problem in errors))


def _without_place(problem: Problem) -> str:
    return render(problem).replace(f"{problem.place} ", "")
