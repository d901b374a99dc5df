"""Infisical with its database and queue on a Docker engine."""

from collections.abc import Mapping
from typing import TypeVar

from cdktf import DataResource, Fn, TerraformResource, TerraformResourceLifecycle
from constructs import Construct

from homelab.config.secrets import WEB_PORT, Secrets
from homelab.credentials import Key, Password, Suffix
from homelab.docker.container import Container, File, HealthCheck, Port
from homelab.docker.image import Image
from homelab.docker.network import Network
from homelab.docker.volume import Volume
from homelab.proxmox.address import address_of

Resource = TypeVar("Resource", bound=TerraformResource)

POSTGRES_MEMORY_MIB = 512
REDIS_MEMORY_MIB = 128
SYSTEM_MEMORY_MIB = 384
"""What of the host's memory is left to its own system and the Docker engine."""
LARGEST_HEAP_MIB = 2048
DATABASE = "infisical"
_POSTGRES_SETTINGS = {
    "shared_buffers": "64MB",
    "work_mem": "4MB",
    "maintenance_work_mem": "32MB",
    "effective_cache_size": "128MB",
}
_REDIS_CONFIGURATION = "/usr/local/etc/redis/redis.conf"


class Infisical(Construct):
    """Defines Infisical, its PostgreSQL and its Redis, with credentials of their own.

    Decided for you: only the web port is open, on ``listen_address``; PostgreSQL and Redis are reachable on the
    containers' own network alone; Redis has a password, throws nothing away and keeps its queues on disk; credentials
    and volumes can't be destroyed by Terraform, since without the encryption key and the database every secret is lost;
    no password is in an argument list; Infisical starts when both are healthy, and the apply ends when it is.

    Args:
        settings: the platform's settings.
        site_url: the address by which browsers reach it, or an expression.
        listen_address: the host's address on which the web port is open.
        digests: the digest of each image by its reference; None where it is not locked.
        labels: labels of every container.

    Attributes:
        container: Infisical's own container.
        database_user: PostgreSQL's login, an expression like those that follow.
        postgres_password: its password.
        redis_password: that of Redis.
        encryption_key: with which everything in the database is encrypted.
        auth_secret: with which tokens are signed.

    Source: resources of ``kreuzwerker/docker`` and ``hashicorp/random``, and ``terraform_data``.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Secrets,
        site_url: str,
        listen_address: str,
        digests: Mapping[str, str | None],
        labels: Mapping[str, str],
    ) -> None:
        super().__init__(scope, id_)
        self._labels = labels
        self._images = {
            name: _named(Image(self, f"{name}-image", reference=reference, digest=digests.get(reference)))
            for name, reference in settings.images.all().items()
        }
        self._network = _named(Network(self, "network", name="infisical", subnet=str(settings.docker_network)))
        postgres_password = _named(Password(self, "postgres-password", length=32))
        redis_password = _named(Password(self, "redis-password", length=32))
        # A name of its own for each password: then two logins can live beside each other while one is replaced.
        self.database_user = f"infisical_{_named(Suffix(self, 'database-login', length=4)).hex}"
        self.postgres_password, self.redis_password = postgres_password.result, redis_password.result
        self.encryption_key = _named(Key(self, "encryption-key", length=16)).hex
        # The document calls it the key that signs tokens; Infisical's name for it is AUTH_SECRET.
        self.auth_secret = _named(Password(self, "jwt-signing-key", length=32)).result
        postgres = self._postgres(postgres_password)
        redis = self._redis(redis_password)
        limit = infisical_memory_mib(settings.memory)
        self.container = _named(
            Container(
                self,
                "infisical",
                name="infisical",
                image=self._images["infisical"],
                network=self._network,
                alias="infisical",
                memory_mib=limit,
                environment={
                    "NODE_OPTIONS": f"--max-old-space-size={heap_mib(limit)}",
                    "DB_CONNECTION_URI": f"postgres://{self.database_user}:{self.postgres_password}@postgres:5432/{DATABASE}",
                    "REDIS_URL": f"redis://default:{self.redis_password}@redis:6379",
                    "ENCRYPTION_KEY": self.encryption_key,
                    "AUTH_SECRET": self.auth_secret,
                    "SITE_URL": site_url,
                    "PORT": str(WEB_PORT),
                    "TELEMETRY_ENABLED": "false",
                    "LEGACY_IDENTITY_ACCESS_TOKEN_EXPIRATION_ENFORCED_AT": self._moment_of_deployment(),
                },
                ports=[Port(internal=WEB_PORT, external=settings.port, address=listen_address)],
                labels=labels,
                # Nothing listens before all migrations ran. It says nothing of the database, and hangs without Redis.
                health=HealthCheck(
                    command=("curl", "-fsS", "--max-time", "5", f"http://127.0.0.1:{WEB_PORT}/api/status"),
                    start_period_seconds=300,
                    wait_seconds=600,
                    timeout_seconds=8,
                ),
                after=[postgres, redis],
            )
        )

    def _postgres(self, password: Password) -> Container:
        return _named(
            Container(
                self,
                "postgres",
                name="infisical-postgres",
                image=self._images["postgres"],
                network=self._network,
                alias="postgres",
                memory_mib=POSTGRES_MEMORY_MIB,
                environment={
                    "POSTGRES_USER": self.database_user,
                    "POSTGRES_DB": DATABASE,
                    "POSTGRES_PASSWORD": password.result,
                },
                command=["postgres", *(f"--{name}={value}" for name, value in _POSTGRES_SETTINGS.items())],
                volumes={
                    "/var/lib/postgresql/data": _named(Volume(self, "postgres-data", name="infisical_postgres_data"))
                },
                labels=self._labels,
                # Over TCP: while the database is made for the first time, the server answers on its socket alone.
                health=HealthCheck(
                    command=("pg_isready", "-q", "-h", "127.0.0.1", "-U", self.database_user, "-d", DATABASE),
                    start_period_seconds=60,
                    wait_seconds=180,
                ),
                stop_seconds=60,
            )
        )

    def _redis(self, password: Password) -> Container:
        configuration = f"requirepass {password.result}\nappendonly yes\nmaxmemory 48mb\nmaxmemory-policy noeviction\n"
        return _named(
            Container(
                self,
                "redis",
                name="infisical-redis",
                image=self._images["redis"],
                network=self._network,
                alias="redis",
                memory_mib=REDIS_MEMORY_MIB,
                # In a file: an argument could be read by every process of the host.
                command=["redis-server", _REDIS_CONFIGURATION],
                files=[File(path=_REDIS_CONFIGURATION, text=configuration)],
                # For redis-cli in the health check, which would otherwise need the password as an argument.
                environment={"REDISCLI_AUTH": password.result},
                volumes={"/data": _named(Volume(self, "redis-data", name="infisical_redis_data"))},
                labels=self._labels,
                # It exits with 0 also where the server refuses; what it then prints is no PONG.
                health=HealthCheck(
                    command=("sh", "-c", "redis-cli ping | grep -qx PONG"),
                    start_period_seconds=30,
                    wait_seconds=120,
                ),
            )
        )

    def _moment_of_deployment(self) -> str:
        """When this was first deployed: an expression.

        Infisical from v0.160 on refuses the token that its own bootstrap makes, once 90 days have passed since a day
        that lies in the past; this moves that day.
        """
        moment = DataResource(
            self,
            "deployed-at",
            input={"moment": Fn.plantimestamp()},
            lifecycle=TerraformResourceLifecycle(ignore_changes=["input"]),
        )
        return f"${{{address_of(_named(moment))}.output.moment}}"


def _named(resource: Resource) -> Resource:
    """``resource``, called in the state as it is here: a stack has one Infisical, and people look for its parts."""
    resource.override_logical_id(resource.node.id)
    return resource


def infisical_memory_mib(host_memory_mib: int) -> int:
    """The limit of memory of Infisical's own container on a host with ``host_memory_mib``."""
    return host_memory_mib - POSTGRES_MEMORY_MIB - REDIS_MEMORY_MIB - SYSTEM_MEMORY_MIB


def heap_mib(limit_mib: int) -> int:
    """The limit of Node's heap in a container with ``limit_mib``: three quarters, the image's own limit at most."""
    return min(LARGEST_HEAP_MIB, limit_mib * 3 // 4)
