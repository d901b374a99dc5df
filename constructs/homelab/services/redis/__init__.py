"""Redis from the distribution's package, with a password, persistence, and replicas that follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from homelab.config.units import Mebibytes, mebibytes_between
from homelab.provisioning.script import StoredSecret
from homelab.services.service import Service, ServiceContext, ServicePort, Size
from homelab.services.settings import ReplicatedSettings

PORT = 6379
PASSWORD = StoredSecret("REDIS_PASSWORD", "redis/default", length=48)

MemoryPolicy = Literal[
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
]


class RedisSettings(ReplicatedSettings):
    """Redis: how much it holds, what happens when that is full, and how it keeps its data."""

    maxmemory: Annotated[Mebibytes, mebibytes_between("16MiB", "128GiB")] | None = Field(
        None, description="Memory for data; three quarters of the container's when left out."
    )
    maxmemory_policy: MemoryPolicy = Field(
        "noeviction",
        description="What happens when it is full: noeviction refuses writes (queues need that), the others drop keys.",
    )
    append_only: bool = Field(
        True, description="Write each change to disk at most a second later; else a snapshot now and then."
    )


def _variables(context: ServiceContext[RedisSettings]) -> Mapping[str, Any]:
    settings = context.settings
    memory = settings.memory or SERVICE.size.memory
    return {"port": PORT, "maxmemory": settings.maxmemory or memory * 3 // 4}


def _secrets(_: ServiceContext[RedisSettings]) -> tuple[StoredSecret, ...]:
    return (PASSWORD,)


SERVICE = Service(
    name="redis",
    title="Redis",
    description="A key-value store with a password, kept on disk, and replicas that follow.",
    number=1,
    hostname="redis-cache",
    size=Size(cores=1, memory=1024, disk=8),
    settings=RedisSettings,
    ports=(ServicePort(PORT, "redis"),),
    configure_variables=_variables,
    secrets=_secrets,
)
