"""The container images that an environment's platforms run, so that the lock file can pin them by digest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from homelab.config.environment import Environment
from homelab.config.problems import Path
from homelab.config.service_containers import built_here


@dataclass(frozen=True, slots=True)
class UsedContainerImage:
    """A container image, and where the environment file names it."""

    path: Path
    reference: str


def _secrets(environment: Environment) -> Iterator[UsedContainerImage]:
    if environment.secrets is not None:
        for name, reference in environment.secrets.images.all().items():
            yield UsedContainerImage(("secrets", "images", name), reference)


def _services(environment: Environment) -> Iterator[UsedContainerImage]:
    for name, enabled in built_here(environment).items():
        for image in enabled.service.images:
            yield UsedContainerImage(("services", name), image.reference)


CONTRIBUTIONS: tuple[Callable[[Environment], Iterator[UsedContainerImage]], ...] = (_secrets, _services)
"""Who runs container images."""


def container_images(environment: Environment) -> Iterator[UsedContainerImage]:
    """Every container image of ``environment``, one that is used twice twice."""
    for contribute in CONTRIBUTIONS:
        yield from contribute(environment)
