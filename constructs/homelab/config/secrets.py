"""The secrets platform: Infisical with PostgreSQL and Redis on a Docker host in a container."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from homelab.config.container import Container, Features
from homelab.config.container_image_reference import ImageReferenceError, parse_container_image_reference
from homelab.config.firewall import Allow, GuestFirewall, Peer
from homelab.config.guest import Dns, SshKey, Startup
from homelab.config.model import Model
from homelab.config.names import DatastoreName, Hostname, Ipv4Network, NodeName, PoolName, Port, Tag, VmId
from homelab.config.network import NetworkInterfaces
from homelab.config.problems import Refused
from homelab.config.secret_resources import ProjectSlug, SecretIdentity, SecretProject
from homelab.config.text import Matching
from homelab.config.units import Gibibytes, Mebibytes, Size, gibibytes_between, mebibytes_between

CONTAINER_KEY = "secrets"
"""Name of the host's container, in the state and among the guests."""
GROUP = "secrets-host"
"""The stack of the host's container."""
SSH_PORT = 22
WEB_PORT = 8080
"""The port that Infisical listens on inside its container."""
PEER_KEYS = ("ssh_from", "web_from")
"""The keys that say whom the rules of the host's firewall are for, in the order of the rules."""
LEAST_MEMORY_MIB = 2048

_EMAIL = Matching(
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+",
    "an email address",
    "NAME@DOMAIN",
    example="admin@example.com",
    longest=254,
)
_SITE_URL = Matching(
    r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?",
    "the address of a web site",
    "http:// or https:// and a host, with a port or without, and nothing after it",
    example="https://secrets.home.arpa",
)
_Label = Annotated[str, Field(min_length=1, max_length=64)]


def _pinned_image(value: str) -> str:
    try:
        reference = parse_container_image_reference(value)
    except ImageReferenceError as error:
        raise Refused(str(error), allowed="NAME:TAG, or NAME@sha256:...", fix="write postgres:15-alpine") from None
    tag = reference.tag
    written = re.search(r":[^/@]+(@|$)", value.rpartition("/")[2])
    if reference.digest is None and (written is None or tag in ("latest", "latest-postgres", "latest-fips")):
        raise Refused(
            "this image is another one every few days, and a database does not go back to an older release",
            allowed="an image with the tag of one release, or with a digest",
            fix="write the release, such as infisical/infisical:v0.167.2",
        )
    return value


PinnedImage = Annotated[str, AfterValidator(_pinned_image)]
"""A container image of one release: by its tag, which the lock file pins to a digest, or by a digest."""


class SecretsAdmin(Model):
    """Infisical's first administrator; the password is generated."""

    email: Annotated[str, _EMAIL] = Field(description="Email address, with which one logs in. No mail is sent to it.")


class SecretsImages(Model):
    """The container images. `homelab images lock` pins them by digest."""

    infisical: PinnedImage = Field(
        "infisical/infisical:v0.167.2",
        description="Infisical, v0.150 or later. From v0.160 to about v0.162.21 its bootstrap token is born dead, "
        "which the deployment knows how to mend.",
    )
    postgres: PinnedImage = Field("postgres:15-alpine", description="PostgreSQL, 14 or later.")
    redis: PinnedImage = Field("redis:7-alpine", description="Redis, 6.2 or later.")

    def all(self) -> dict[str, str]:
        """The images by the name of their container."""
        return {"postgres": self.postgres, "redis": self.redis, "infisical": self.infisical}


class MachineIdentity(Model):
    """The machine identity with which Terraform and others log in (Infisical: Universal Auth)."""

    name: _Label = Field("Terraform-Controller", description="Its name.")
    role: Literal["admin", "member", "no-access"] = Field("admin", description="Its role in the organization.")
    token_ttl: int = Field(
        7200, ge=60, le=7_776_000, strict=True, description="Life of its access tokens in seconds: two hours."
    )


class Secrets(Model):
    """Infisical on a Docker host of its own; synthesizes the stacks ``<environment>-secrets-*``.

    The host is an unprivileged container with nesting, protected, reached over SSH with keys. Only SSH and the web port
    are open, to the named networks.
    """

    network: NetworkInterfaces = Field(description="The host's network, or its interfaces in order.")
    admin: SecretsAdmin = Field(description="The first administrator.")
    organization: _Label = Field("homelab", description="Name of the organization.")
    url: Annotated[str, _SITE_URL] | None = Field(
        None, description="How browsers reach it, such as through a proxy with TLS; http://ADDRESS:PORT when left out."
    )
    port: Port = Field(WEB_PORT, description="The host's port for the web interface and the API: 8080.")

    vm_id: VmId = Field(9900, description="The host's VMID.")
    os: str = Field("debian-12", description="Its container template from the catalogue: Debian or Alpine.")
    hostname: Hostname | None = Field(None, description="Another host name than `secrets`.")
    node: NodeName | None = Field(None, description="Its node; `proxmox.default_node` when left out.")
    pool: PoolName | None = Field(None, description="Its pool, one of `pools`.")
    cores: Annotated[int, Field(ge=1, le=64, strict=True)] = Field(2, description="CPU cores.")
    memory: Annotated[Mebibytes, mebibytes_between("64MiB", "128GiB")] = Field(
        4096, description="Memory: 4GiB, of which Infisical may take what 1GiB for the others leaves. 2GiB at least."
    )
    swap: Annotated[Mebibytes, mebibytes_between("0MiB", "128GiB")] = Field(512, description="Swap.")
    disk: Annotated[Gibibytes, gibibytes_between("8GiB", "4TiB")] = Field(16, description="Size of its file system.")
    datastore: DatastoreName | None = Field(None, description="Its datastore; `defaults.datastore` when left out.")
    ssh_keys: tuple[SshKey, ...] = Field((), description="Public keys of root, besides those of `defaults`.")
    dns: Dns | None = Field(None, description="Its DNS settings; those of its network and of `defaults` when left out.")
    tags: tuple[Tag, ...] = Field((), description="Further tags; the environment's own are added.")
    start_on_boot: bool = Field(True, description="Start with the node.")
    startup: Startup | None = Field(None, description="Order and delays at the node's start.")
    protection: bool = Field(True, description="Neither Proxmox nor Terraform removes the host or its data.")
    ssh_from: tuple[Peer, ...] = Field(
        (), description="Who may use SSH (port 22), the deploying machine among them; its network when left out."
    )
    web_from: tuple[Peer, ...] = Field((), description="Who may use the web port; its network when left out.")

    images: SecretsImages = Field(SecretsImages(), description="The container images.")
    docker_network: Ipv4Network = Field(
        "172.20.0.0/16",
        validate_default=True,
        description="Subnet of Docker's network on the host, which no other network may overlap.",
    )
    identity: MachineIdentity = Field(MachineIdentity(), description="The machine identity for Terraform.")
    projects: dict[ProjectSlug, SecretProject] = Field({}, description="Projects by slug, with what is in them.")
    identities: dict[str, SecretIdentity] = Field({}, description="Further machine identities by their names.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.network:
            raise Refused("the host needs a network", allowed="one of `networks`", fix="write network: lan")
        if self.port == SSH_PORT:
            raise Refused("port 22 is that of SSH", allowed="another port", fix="write port: 8080")
        for name, identity in self.identities.items():
            for project in identity.projects:
                if project not in self.projects:
                    raise Refused(
                        f"identity {name} has a role in the project {project}, which is not there",
                        allowed=", ".join(self.projects) or "no project is defined",
                        fix=f"add it to projects, or remove it from identities.{name}.projects",
                    )
        if self.identity.name in self.identities:
            raise Refused(
                f"{self.identity.name} is the identity that everything is set up with",
                allowed="another name in identities",
                fix="rename it there, or in identity.name",
            )
        return self

    def container(self) -> Container:
        """The host, as ``containers`` would have it."""
        own_network = self.network[0].name
        settings: dict[str, Any] = {
            name: getattr(self, name) for name in Container.model_fields if name in Secrets.model_fields
        }
        settings |= {"memory": Size.mib(self.memory), "swap": Size.mib(self.swap), "disk": Size.gib(self.disk)}
        return Container(
            **settings,
            group=GROUP,
            unprivileged=True,
            features=Features(nesting=True),
            description=f"Infisical of the organization {self.organization}",
            firewall=GuestFirewall(
                allow=(
                    Allow(port=str(SSH_PORT), from_=_peers(self.ssh_from, own_network), comment="SSH"),
                    Allow(port=str(self.port), from_=_peers(self.web_from, own_network), comment="Infisical"),
                )
            ),
        )


def _peers(named: tuple[str, ...], otherwise: str) -> str:
    return ",".join(named or (otherwise,))
