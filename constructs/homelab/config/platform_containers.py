"""Every container of an environment: those it lists, and those that its platforms are made of.

A platform adds its containers here, so that checks, capacity, firewall, privileges, image locks and resolution treat
them as they treat any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from homelab.config.container import Container
from homelab.config.environment import Environment
from homelab.config.problems import Path
from homelab.config.secrets import CONTAINER_KEY as SECRETS_CONTAINER
from homelab.config.service_containers import service_containers


@dataclass(frozen=True, slots=True)
class DefinedContainer:
    """A container, and where the environment file says what it is like."""

    path: Path
    """Keys of its settings are looked for below: ``("containers", "dns")`` has ``vm_id``, ``network`` and so on."""
    key: str
    """Its name: that of its resource in the state, and its host name where it has no other."""
    container: Container


def _listed(environment: Environment) -> Iterator[DefinedContainer]:
    for key, container in environment.containers.items():
        yield DefinedContainer(("containers", key), key, container)


def _secrets(environment: Environment) -> Iterator[DefinedContainer]:
    if environment.secrets is not None:
        yield DefinedContainer(("secrets",), SECRETS_CONTAINER, environment.secrets.container())


def _services(environment: Environment) -> Iterator[DefinedContainer]:
    for defined in service_containers(environment):
        yield DefinedContainer(defined.path, defined.key, defined.container)


CONTRIBUTIONS: tuple[Callable[[Environment], Iterator[DefinedContainer]], ...] = (_listed, _secrets, _services)
"""Who defines containers, in the order in which they are numbered and shown."""


def all_containers(environment: Environment) -> Iterator[DefinedContainer]:
    """Every container of ``environment``, replicas not counted up."""
    for contribute in CONTRIBUTIONS:
        yield from contribute(environment)


def containers_by_key(environment: Environment) -> dict[str, DefinedContainer]:
    """Every container by its key; of two with one key, which a check reports, the first."""
    found: dict[str, DefinedContainer] = {}
    for defined in all_containers(environment):
        found.setdefault(defined.key, defined)
    return found


def container_called(environment: Environment, key: str) -> Container | None:
    """The container with the key ``key``; None where there is none."""
    # Those of the file first: a thousand clones must not count all containers a thousand times.
    if key in environment.containers:
        return environment.containers[key]
    return next((defined.container for defined in all_containers(environment) if defined.key == key), None)
