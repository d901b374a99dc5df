"""The secrets platform: a host that can carry it, that can be reached, and that no subnet of it hides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

from homelab.config.checks.subject import Subject
from homelab.config.image_catalogue import CONTAINER_TEMPLATES
from homelab.config.problems import Path, Problem
from homelab.config.secret_resources import desired_resources
from homelab.config.secrets import LEAST_MEMORY_MIB, Secrets
from homelab.config.state import LocalState
from homelab.config.units import format_mebibytes

_SYSTEMS = ("debian", "alpine")
_LARGEST_DOCUMENT = 120_000
"""Bytes of the document of projects, percent-encoded as it travels in an environment variable of 128 KiB at most."""


def check(subject: Subject) -> Iterator[Problem]:
    """The host has a system, memory, keys and subnets with which the platform works."""
    secrets = subject.environment.secrets
    if secrets is not None:
        yield from _host(subject, secrets)
        yield from _subnets(subject, secrets)
        yield from _resources(subject, secrets)


def _host(subject: Subject, secrets: Secrets) -> Iterator[Problem]:
    fitting = [name for name, template in CONTAINER_TEMPLATES.items() if template.os_type in _SYSTEMS]
    if secrets.os in CONTAINER_TEMPLATES and secrets.os not in fitting:
        yield Problem(
            ("secrets", "os"),
            "the Docker host is set up on Debian or Alpine",
            value=secrets.os,
            allowed=", ".join(fitting),
            fix="write os: debian-12",
        )
    if secrets.memory < LEAST_MEMORY_MIB:
        yield Problem(
            ("secrets", "memory"),
            "Infisical with its database does not start in so little memory",
            value=format_mebibytes(secrets.memory),
            allowed=f"{format_mebibytes(LEAST_MEMORY_MIB)} or more",
            fix="write memory: 4GiB, or remove it",
        )
    if not (secrets.ssh_keys or subject.environment.defaults.ssh_keys):
        yield Problem(
            ("secrets", "ssh_keys"),
            "root of the Docker host has no key, and Terraform reaches the engine over SSH",
            allowed="at least one public key",
            fix="add ssh_keys here or in defaults, with the key of the deploying machine",
            refers_to=("defaults",),
        )


def _subnets(subject: Subject, secrets: Secrets) -> Iterator[Problem]:
    for name, network in subject.environment.networks.items():
        if network.cidr.overlaps(secrets.docker_network):
            yield Problem(
                ("secrets", "docker_network"),
                f"Docker's network on the host overlaps with {network.cidr} of networks.{name}, "
                "which the host could then not reach",
                value=str(secrets.docker_network),
                allowed="a subnet that no network of the environment has",
                fix="write docker_network: 172.31.240.0/24, or another free one",
                refers_to=("networks", name),
            )


def _resources(subject: Subject, secrets: Secrets) -> Iterator[Problem]:
    environment = subject.environment
    document = quote(json.dumps(desired_resources(environment.name, secrets.projects, secrets.identities)))
    if len(document) > _LARGEST_DOCUMENT:
        yield Problem(
            ("secrets", "projects"),
            f"the projects make a document of {len(document)} bytes",
            allowed=f"{_LARGEST_DOCUMENT} bytes",
            fix="move projects into a second document, which `python -m bootstrap resources --file` takes",
        )
    state = environment.state
    if not (isinstance(state, LocalState) and state.directory.startswith("/")):
        return
    for path in _sops(secrets):
        yield Problem(
            path,
            "files of sops are found from the folder of the state, and that is an absolute one here",
            value=state.directory,
            allowed="sops with a state folder relative to the project",
            fix="write state: {directory: state}, or give the value by from_environment",
            refers_to=("state",),
        )


def _sops(secrets: Secrets) -> Iterator[Path]:
    for project, one in secrets.projects.items():
        for slug, environment in one.environments.items():
            for folder, named in environment.folders.items():
                for name, secret in named.items():
                    if secret.sops is not None:
                        place = ("secrets", "projects", project, "environments", slug, "folders", folder, name, "sops")
                        yield place
