"""Containers on a Docker engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cdktf import ITerraformDependable
from cdktf_cdktf_provider_docker.container import Container as DockerContainer
from cdktf_cdktf_provider_docker.container import (
    ContainerHealthcheck,
    ContainerLabels,
    ContainerNetworksAdvanced,
    ContainerPorts,
    ContainerUpload,
    ContainerVolumes,
)
from constructs import Construct

from homelab.docker.image import Image
from homelab.docker.network import Network
from homelab.docker.volume import Volume

_LOG_FILES = {"max-size": "10m", "max-file": "3"}


@dataclass(frozen=True)
class HealthCheck:
    """How the engine finds out whether a container works. It runs inside; its words are visible to all on the host."""

    command: tuple[str, ...]
    """Program and arguments; no shell."""
    start_period_seconds: int
    """How long failures don't count after the start."""
    wait_seconds: int
    """How long an apply waits until the container is healthy."""
    interval_seconds: int = 5
    timeout_seconds: int = 5
    retries: int = 6


@dataclass(frozen=True)
class Port:
    """A port of the host that leads into a container."""

    internal: int
    external: int
    address: str
    """The address of the host on which it is open."""


@dataclass(frozen=True)
class File:
    """A file that is put into the container before it starts. Its text is in the state."""

    path: str
    text: str
    permissions: str = "0644"


class Container(DockerContainer):
    """Defines a container that keeps running, and waits until it is healthy.

    Decided for you: it starts again unless somebody stopped it; its log is three files of 10 MB; it has no port but
    those that are named; a change of almost anything makes it anew, so what must last is in volumes.

    Args:
        name: its name on the engine.
        image: what it runs.
        network: the network it is on, under ``alias`` for the others.
        health: how its health is checked.
        memory_mib: its limit of memory; swap beyond that is not allowed.
        environment: environment variables; secrets as expressions. Whoever may use the engine can read them, other
            users and other containers can't.
        command: arguments of the image's entry point, without secrets: process lists show them.
        files: files put inside.
        volumes: volumes by the path where they appear.
        ports: ports of the host.
        labels: labels besides those of the image.
        stop_seconds: how long it may take to stop before it is killed.
        after: what has to be there, and healthy, before.

    Source: ``docker_container``.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        image: Image,
        network: Network,
        alias: str,
        health: HealthCheck,
        memory_mib: int,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = (),
        files: Sequence[File] = (),
        volumes: Mapping[str, Volume] | None = None,
        ports: Sequence[Port] = (),
        labels: Mapping[str, str] | None = None,
        stop_seconds: int = 30,
        after: Sequence[ITerraformDependable] = (),
    ) -> None:
        super().__init__(
            scope,
            id_,
            name=name,
            image=image.image_id,
            hostname=alias,
            restart="unless-stopped",
            env=[f"{key}={value}" for key, value in (environment or {}).items()] or None,
            command=list(command) or None,
            memory=memory_mib,
            memory_swap=memory_mib,
            stop_timeout=stop_seconds,
            destroy_grace_seconds=stop_seconds,
            log_driver="json-file",
            log_opts=_LOG_FILES,
            networks_advanced=[ContainerNetworksAdvanced(name=network.name, aliases=[alias])],
            volumes=[
                ContainerVolumes(container_path=path, volume_name=volume.name, read_only=False)
                for path, volume in (volumes or {}).items()
            ]
            or None,
            ports=[
                ContainerPorts(internal=port.internal, external=port.external, ip=port.address, protocol="tcp")
                for port in ports
            ]
            or None,
            upload=[ContainerUpload(file=file.path, content=file.text, permissions=file.permissions) for file in files]
            or None,
            labels=[ContainerLabels(label=label, value=value) for label, value in (labels or {}).items()] or None,
            healthcheck=ContainerHealthcheck(
                test=["CMD", *health.command],
                interval=_duration(health.interval_seconds),
                timeout=_duration(health.timeout_seconds),
                start_period=_duration(health.start_period_seconds),
                retries=health.retries,
            ),
            wait=True,
            wait_timeout=health.wait_seconds,
            depends_on=list(after) or None,
        )
        # Left out, the provider reads 0 back and calls that a change made by hand. The binding has no name for it.
        self.add_override("networks_advanced.0.gw_priority", 0)


def _duration(seconds: int) -> str:
    """``seconds`` as the provider reads them back: another form of the same would be a change in every plan."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s" if minutes else f"{rest}s"
