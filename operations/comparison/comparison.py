"""The review of what changes between two revisions."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from operations.comparison.arguments import read_schemas
from operations.comparison.plans import arrivals_of, plan_between
from operations.comparison.revisions import Revision, RevisionError, synthesize_revision
from operations.comparison.state_moves import Arrivals, state_moves
from operations.review import AllowList, Review, review


@dataclass(frozen=True)
class Comparison:
    """Two revisions and the review of what leads from one to the other."""

    before: Revision
    after: Revision
    review: Review


def compare(
    before: str,
    after: str,
    environments: Sequence[str],
    *,
    root: Path,
    environ: Mapping[str, str],
    allow_list: AllowList | None = None,
    secrets: Iterable[str] = (),
) -> Comparison:
    """Synthesizes both revisions and reviews the difference, stack by stack.

    Args:
        environments: only these; all of both revisions when empty.
        environ: what the apps of the revisions may see.

    Raises:
        RevisionError: one of them can't be synthesized, or none has an environment that is named.
    """
    with tempfile.TemporaryDirectory(prefix="homelab-diff-") as folder, ThreadPoolExecutor(2) as threads:
        waiting = [
            threads.submit(
                synthesize_revision, name, environments, root=root, folder=_made(Path(folder) / place), environ=environ
            )
            for place, name in (("before", before), ("after", after))
        ]
        old, new = (synthesized.result() for synthesized in waiting)
        _check_names(environments, old, new)
        schemas = read_schemas(root / "schemas")
        moves = state_moves(old.stacks, new.stacks, {*old.environments, *new.environments})
        configurations = {name: stack.configuration for name, stack in old.stacks.items()}
        names = [*new.stacks, *(name for name in old.stacks if name not in new.stacks)]
        plans = [
            plan_between(
                name,
                configurations.get(name),
                new.stacks[name].configuration if name in new.stacks else None,
                schemas,
                arrivals_of(name, moves.get(name, Arrivals()), configurations, schemas),
            )
            for name in names
        ]
    return Comparison(old, new, review(plans, allow_list, secrets))


def _check_names(environments: Sequence[str], *revisions: Revision) -> None:
    """An environment may be new or gone; one that never was is a slip, and a green check that has looked at nothing."""
    known = {name for revision in revisions for name in revision.environments}
    if unknown := [name for name in environments if name not in known]:
        raise RevisionError(
            f"no environment is called {unknown[0]} in either revision\n"
            f"    allowed:  {', '.join(sorted(known)) or 'none: there is no file in environments'}"
        )


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
