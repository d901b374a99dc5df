"""Redis from the distribution's package, with a password, persistence, and replicas that follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from homelab.config.problems import Refused
from homelab.config.units import Mebibytes, mebibytes_between
from homelab.provisioning.script import StoredSecret
from homelab.services.service import Service, ServiceContext, ServicePort, Size
from homelab.services.settings import ReplicatedSettings

PORT = 6379
SIZE = Size(cores=1, memory=1024, disk=8)
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

    @property
    def memory_mib(self) -> int:
        """The container's memory."""
        return self.memory or SIZE.memory

    @model_validator(mode="after")
    def _data_fit(self) -> Self:
        if self.maxmemory is not None and self.maxmemory >= self.memory_mib:
            raise Refused(
                f"maxmemory {self.maxmemory}MiB leaves Redis none of the container's {self.memory_mib}MiB: the kernel "
                "would end it before it is full",
                allowed=f"less than {self.memory_mib}MiB",
                fix="give the container more memory, or leave maxmemory out for three quarters of it",
            )
        return self


def _variables(context: ServiceContext[RedisSettings]) -> Mapping[str, Any]:
    settings = context.settings
    return {"port": PORT, "maxmemory": settings.maxmemory or settings.memory_mib * 3 // 4}


def _secrets(_: ServiceContext[RedisSettings]) -> tuple[StoredSecret, ...]:
    return (PASSWORD,)


SERVICE = Service(
    name="redis",
    title="Redis",
    description="A key-value store with a password, kept on disk, and replicas that follow.",
    number=1,
    hostname="redis-cache",
    size=SIZE,
    settings=RedisSettings,
    ports=(ServicePort(PORT, "redis"),),
    configure_variables=_variables,
    secrets=_secrets,
)
