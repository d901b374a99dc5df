"""Services: their network is there, what their templates download is locked, and their stacks are theirs alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from homelab.config.checks.subject import Subject, listed, nearest
from homelab.config.environment import Environment
from homelab.config.problems import Path, Problem, Severity
from homelab.config.service_containers import built_here, stack_name

_DEFAULTS = "service_defaults"
_USUAL_NETWORK = "{bridge: vmbr2, cidr: 10.0.30.0/24, gateway: 10.0.30.1, dns: [192.168.10.2]}"


def check(subject: Subject) -> Iterator[Problem]:
    """Everything about services that containers in general have not."""
    if not subject.environment.services:
        return
    yield from _networks(subject)
    yield from _needs(subject)
    yield from _downloads(subject)
    yield from _groups(subject)


def _networks(subject: Subject) -> Iterator[Problem]:
    networks, defaults = subject.environment.networks, subject.environment.service_defaults
    for key, name in (("network", defaults.network), ("build_network", defaults.build_network)):
        if name is not None and name not in networks:
            yield Problem(
                (_DEFAULTS, key),
                f"the services' network {name} is not there",
                value=name,
                allowed=listed(networks),
                fix=nearest(name, networks, f"add it to networks, such as {name}: {_USUAL_NETWORK}"),
                refers_to=("networks", name),
            )


def _needs(subject: Subject) -> Iterator[Problem]:
    chosen = subject.environment.services
    for name, settings in chosen.items():
        for needed in settings.needs():
            if needed not in chosen:
                yield Problem(
                    ("services", name),
                    f"{name} as it is set needs the service {needed}, which the environment does not have",
                    allowed=f"services with {needed}, or other settings of {name}",
                    fix=f"add {needed} to services",
                    refers_to=("services", needed),
                )


def _downloads(subject: Subject) -> Iterator[Problem]:
    reaction = subject.environment.policy.unlocked_images
    lock = subject.image_lock
    if lock is None or reaction == "ignore":
        return
    for name, enabled in built_here(subject.environment).items():
        for download in enabled.service.downloads:
            if lock.checksum_for(download.url) is None:
                yield Problem(
                    ("services", name),
                    f"the download {download.name} has no checksum, and its script installs nothing unverified",
                    value=download.url,
                    allowed="a download with a checksum in the lock file",
                    fix="run `homelab images lock`",
                    severity=Severity(reaction),
                )


def _groups(subject: Subject) -> Iterator[Problem]:
    groups = {stack_name(name): name for name in subject.environment.services}
    seen: set[Path] = set()
    for guest in subject.first_guests:
        owner = groups.get(guest.definition.group)
        if owner is not None and guest.path[0] != "services" and guest.path not in seen:
            seen.add(guest.path)
            yield Problem(
                (*guest.path, "group"),
                f"the stack {guest.definition.group} is that of the service {owner}",
                value=guest.definition.group,
                allowed="a group of another name",
                fix="choose another group",
                refers_to=("services", owner),
            )


def in_words_of_the_file(environment: Environment, problems: Iterable[Problem]) -> Iterator[Problem]:
    """``problems`` at the keys with which a file says it, where a service's container got it from elsewhere.

    What all services have from one key is said once.
    """
    seen: set[tuple[Path, str]] = set()
    for problem in problems:
        path = _written(environment, problem.path)
        if path[:1] not in {("services",), (_DEFAULTS,)}:
            yield problem
        elif (path, problem.message) not in seen:
            seen.add((path, problem.message))
            yield problem if path == problem.path else replace(problem, path=path)


def _written(environment: Environment, path: Path) -> Path:
    if path[:1] != ("services",) or len(path) < 3:
        return path
    service, keys = path[:2], path[2:]
    settings, defaults = environment.services[str(path[1])], environment.service_defaults
    if keys[0] == "template":
        found: dict[Path, Path] = {("node",): (*service, "node"), ("pool",): (*service, "pool")}
        if settings.template.datastore is None:
            found[("datastore",)] = (_DEFAULTS, "template_datastore")
        network = "build_network" if defaults.build_network else "network"
        address = (*service, "template", "address") if settings.template.address else (_DEFAULTS, "build_address")
        keys = keys[1:]
    else:
        found = {} if settings.datastore else {("datastore",): (_DEFAULTS, "datastore")}
        network, address = "network", (*service, "address")
    if keys[:1] == ("network",):
        return address if keys[2:] == ("address",) else (_DEFAULTS, network)
    return found.get(keys, path)
