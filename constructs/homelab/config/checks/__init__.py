"""What must hold between the entries of an environment, and between the environments of a cluster.

Each module has one subject. ``check`` of a module looks at one environment; ``check_cluster`` at all environments of
one cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from homelab.config.checks import (
    access,
    addresses,
    capacity,
    container_images,
    datastores,
    firewall,
    ha,
    identity,
    images,
    lockout,
    networks,
    organisation,
    placed,
    placement,
    replication,
    root_only,
    sdn,
    secrets,
    services,
    state,
    templates,
    vm_ids,
)
from homelab.config.checks.subject import Findings, ImageChecksums, Subject
from homelab.config.environment import Environment
from homelab.config.problems import InvalidEnvironment, Path, Problem, errors_of, render

__all__ = ["ImageChecksums", "check_environment", "check_environments", "without_errors"]

ENVIRONMENT_CHECKS: tuple[Callable[[Subject], Iterator[Problem]], ...] = (
    placement.check,
    placed.check,
    networks.check,
    vm_ids.check,
    identity.check,
    datastores.check,
    templates.check,
    images.check,
    container_images.check,
    root_only.check,
    services.check,
    capacity.check,
    organisation.check,
    ha.check,
    replication.check,
    sdn.check,
    access.check,
    state.check,
    secrets.check,
)
CLUSTER_CHECKS: tuple[Callable[[Sequence[Subject]], Findings], ...] = (
    vm_ids.check_cluster,
    identity.check_cluster,
    addresses.check_cluster,
    networks.check_cluster,
    firewall.check_cluster,
    lockout.check_cluster,
    capacity.check_cluster,
    organisation.check_cluster,
    ha.check_cluster,
    sdn.check_cluster,
    access.check_cluster,
)


def check_environment(environment: Environment, image_lock: ImageChecksums | None = None) -> list[Problem]:
    """Everything that is wrong between the entries of ``environment``."""
    return check_environments([environment], image_lock)[0]


def check_environments(
    environments: Sequence[Environment],
    image_lock: ImageChecksums | None = None,
    left_out: Sequence[tuple[Path, ...]] = (),
) -> list[list[Problem]]:
    """What is wrong with each of ``environments``, also with respect to the others where they share a cluster.

    ``left_out`` names for each environment the entries with errors of their own, which it lacks or has a stand-in for.
    """
    pairs = zip(environments, left_out or [()] * len(environments), strict=True)
    subjects = [Subject(environment, image_lock, entries) for environment, entries in pairs]
    found: dict[int, list[Problem]] = {
        id(subject): [problem for check in ENVIRONMENT_CHECKS for problem in check(subject)] for subject in subjects
    }
    for cluster in _clusters(subjects):
        for check_cluster in CLUSTER_CHECKS:
            for subject, problem in check_cluster(cluster):
                found[id(subject)].append(problem)
    for subject, problem in state.check_all(subjects):
        found[id(subject)].append(problem)
    return [list(services.in_words_of_the_file(subject.environment, found[id(subject)])) for subject in subjects]


def without_errors(environments: Sequence[Environment], image_lock: ImageChecksums | None = None) -> list[Environment]:
    """``environments`` as they are, when their checks find no error: for those that Python builds.

    Raises:
        InvalidEnvironment: they find one. Each error is a note of it, so that Python prints them all.
    """
    problems = [problem for found in check_environments(environments, image_lock) for problem in found]
    if errors := errors_of(problems):
        invalid = InvalidEnvironment(problems)
        for error in errors:
            invalid.add_note(render(error))
        raise invalid
    return list(environments)


def _clusters(subjects: Sequence[Subject]) -> list[list[Subject]]:
    """The subjects grouped by cluster: those with the same ``proxmox.cluster`` or the same endpoint belong together."""
    clusters: list[tuple[set[str], list[Subject]]] = []
    for subject in subjects:
        proxmox = subject.environment.proxmox
        marks = {f"endpoint {proxmox.endpoint.lower()}"} | (
            {f"cluster {proxmox.cluster}"} if proxmox.cluster else set()
        )
        members = [subject]
        apart = []
        for other_marks, others in clusters:
            if other_marks & marks:
                marks |= other_marks
                members = [*others, *members]
            else:
                apart.append((other_marks, others))
        clusters = [*apart, (marks, members)]
    return [members for _, members in clusters]
