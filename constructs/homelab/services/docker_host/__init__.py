"""A Docker host: the distribution's engine and Compose, for containers of your own."""

from __future__ import annotations

from homelab.config.container import Features
from homelab.services.service import Service, Size
from homelab.services.settings import ServiceSettings


class DockerHostSettings(ServiceSettings):
    """The Docker host. The engine listens on its socket alone, so that only root in the container reaches it."""


SERVICE = Service(
    name="docker-host",
    title="Docker",
    description="A host for containers of your own, with Compose.",
    number=8,
    hostname="docker-host",
    size=Size(cores=2, memory=2048, disk=16),
    settings=DockerHostSettings,
    features=Features(nesting=True, keyctl=True),
)
