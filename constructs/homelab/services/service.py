"""What a service of the catalogue is, and what its scripts know about where they run.

A service is a folder below ``homelab.services``: ``__init__.py`` defines ``SERVICE``, ``install.sh.j2`` runs once in
the template, ``configure.sh.j2`` in every clone of it. Nothing else has to be touched to add one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

from homelab.config.container import Features
from homelab.services.settings import ReplicatedSettings, ServiceSettings

if TYPE_CHECKING:
    from homelab.provisioning.script import StoredSecret

Settings = TypeVar("Settings", bound=ServiceSettings)

FIRST_TEMPLATE = 900
FIRST_SERVICE = 200
FIRST_REPLICA = 210
NUMBERS = 19
"""How many services have numbers of the catalogue: 900 to 918, and 200 to 299 with their replicas."""
_WITHOUT_GAP = 9


@dataclass(frozen=True)
class ServicePort:
    """A port that a service listens on; ``web`` when a browser (or a proxy host) goes there."""

    number: int
    name: str
    protocol: Literal["tcp", "udp"] = "tcp"
    web: bool = False
    tls: bool = False


@dataclass(frozen=True)
class Reach:
    """Something outside of the services' network that a service asks: a rule for the router.

    ``destination`` is an address or the name of a host; ``port`` is None where the protocol has none.
    """

    destination: str
    reason: str
    port: int | None = None
    protocol: Literal["TCP", "UDP", "TCP/UDP", "ICMP"] = "TCP"


@dataclass(frozen=True)
class Size:
    """What a container gets: memory and swap in MiB, disk in GiB."""

    cores: int
    memory: int
    disk: int
    swap: int = 512


NESTING = Features()
BUILD_CORES = 2
BUILD_MEMORY = 2048
"""MiB that a template is built with, so that an installation is neither slow nor out of memory."""
BUILD_DISK = 8
"""GiB. Not the provider's default of 4: that it takes for nothing said, and does not see a clone of it grow."""


@dataclass(frozen=True)
class Download:
    """A file of a vendor that an installation needs, because no distribution packages it.

    Its checksum is in ``images.lock.json``: ``homelab images lock`` reads it from ``checksum_url``, the vendor's own
    checksum file.
    """

    name: str
    version: str
    url: str
    checksum_url: str


@dataclass(frozen=True)
class ContainerImage:
    """A container image that a service runs, where its vendor publishes nothing else.

    ``reference`` has the tag of one release; its digest is in ``images.lock.json``.
    """

    name: str
    reference: str


@dataclass(frozen=True)
class PinnedDownload:
    """A download as a script sees it; ``checksum`` is ``sha256:<hexadecimal>`` or ``sha512:<hexadecimal>``."""

    url: str
    version: str
    checksum: str | None

    @property
    def algorithm(self) -> str:
        """``sha256`` or ``sha512``; empty without a checksum. ``<algorithm>sum -c`` verifies it."""
        return (self.checksum or "").partition(":")[0]

    @property
    def hexadecimal(self) -> str:
        """The checksum without its algorithm; empty without one."""
        return (self.checksum or "").partition(":")[2]


class Checksums(Protocol):
    """Where checksums of downloads are looked up: the lock file."""

    def checksum_for(self, url: str) -> str | None:
        """``sha512:<hexadecimal>`` of what is downloaded from ``url``; None when it is not known."""

    def digest_for(self, reference: str) -> str | None:
        """``sha256:<hexadecimal>`` of the container image ``reference``; None when it is not known."""


@dataclass(frozen=True)
class Pinned:
    """What a template is built from besides the distribution's packages, as the lock file pins it."""

    downloads: Mapping[str, PinnedDownload]
    images: Mapping[str, str]
    """References of container images by name: with the digest where the lock file has one."""


def pinned(service: Service[Any], lock: Checksums) -> Pinned:
    """What the service ``service`` downloads, pinned by ``lock``."""
    return Pinned(
        {one.name: PinnedDownload(one.url, one.version, lock.checksum_for(one.url)) for one in service.downloads},
        {one.name: _with_digest(one.reference, lock.digest_for(one.reference)) for one in service.images},
    )


def _with_digest(reference: str, digest: str | None) -> str:
    return f"{reference}@{digest}" if digest and "@" not in reference else reference


@dataclass(frozen=True)
class Instance:
    """One container of a service: 0 is the primary, the replicas count from 1."""

    index: int
    vm_id: int
    hostname: str
    address: IPv4Address


@dataclass(frozen=True)
class EnabledService:
    """A service that the environment has, with its containers."""

    service: Service[Any]
    settings: ServiceSettings
    instances: tuple[Instance, ...]

    @property
    def address(self) -> IPv4Address:
        """The address of the primary."""
        return self.instances[0].address

    @property
    def web_port(self) -> ServicePort | None:
        """The first port with a web page."""
        return next((port for port in self.service.ports if port.web), None)

    @property
    def url(self) -> str | None:
        """Where a browser in the network finds its web page."""
        port = self.web_port
        return f"{'https' if port.tls else 'http'}://{self.address}:{port.number}" if port else None


@dataclass(frozen=True)
class ServiceNetwork:
    """The network of the services."""

    cidr: IPv4Network
    gateway: IPv4Address | None = None
    dns: tuple[IPv4Address, ...] = ()
    domain: str | None = None


@dataclass(frozen=True)
class MonitoredGuest:
    """Another guest of the environment with a static address."""

    name: str
    address: IPv4Address


@dataclass(frozen=True)
class InstallContext(Generic[Settings]):
    """What an installation in a template knows: nothing about any instance."""

    settings: Settings
    downloads: Mapping[str, PinnedDownload]
    """The service's downloads by name."""
    images: Mapping[str, str]
    """References of the service's container images by name, with their digest where it is locked."""


@dataclass(frozen=True)
class ServiceContext(Generic[Settings]):
    """What the configuration of one instance knows. Pure: computed from the environment file alone."""

    settings: Settings
    instance: Instance
    instances: tuple[Instance, ...]
    """The primary and the replicas of this service."""
    network: ServiceNetwork
    services: Mapping[str, EnabledService]
    """Every service of the environment by name, in the order of the catalogue; also this one."""
    guests: tuple[MonitoredGuest, ...]
    """The environment's other guests with static addresses."""

    @property
    def index(self) -> int:
        """0 for the primary, 1 for the first replica."""
        return self.instance.index

    @property
    def is_primary(self) -> bool:
        """Whether this is the one that replicas follow."""
        return self.instance.index == 0

    @property
    def primary(self) -> Instance:
        """The instance that replicas follow."""
        return self.instances[0]

    @property
    def replicas(self) -> tuple[Instance, ...]:
        """The instances that follow the primary."""
        return self.instances[1:]

    @property
    def address(self) -> IPv4Address:
        """Its own address."""
        return self.instance.address

    @property
    def hostname(self) -> str:
        """Its own host name."""
        return self.instance.hostname


def _no_install_variables(_: InstallContext[Any]) -> Mapping[str, Any]:
    return {}


def _no_configure_variables(_: ServiceContext[Any]) -> Mapping[str, Any]:
    return {}


def _reaches_nothing(_: ServiceContext[Any]) -> tuple[Reach, ...]:
    return ()


def _no_secrets(_: ServiceContext[Any]) -> tuple[StoredSecret, ...]:
    return ()


@dataclass(frozen=True)
class Service(Generic[Settings]):
    """A service of the catalogue.

    ``number`` is its place in the catalogue and decides its numbers: service 0 has template 900, VMID 200, address
    .10 and replicas 210, 211, ... with .11, .12, ...; service 1 has 901, 201, .20 and 220, ... . No two services share
    a number, however many replicas they have.
    """

    name: str
    """Its key in ``services:``, and the name of its folder with - for _."""
    title: str
    description: str
    """One sentence: what a user gets."""
    number: int
    hostname: str
    size: Size
    settings: type[Settings]
    ports: tuple[ServicePort, ...] = ()
    os: str = "debian-12"
    """A container template of the image catalogue."""
    features: Features = NESTING
    """Only root@pam with a password may set others than nesting."""
    holds_data: bool = True
    """Whether losing the container loses something: it is protected, unless the settings say otherwise."""
    after: tuple[str, ...] = ()
    """Services that must be there before this one is configured, where the environment has them. What depends on its
    settings is in their `needs`."""
    downloads: tuple[Download, ...] = ()
    images: tuple[ContainerImage, ...] = ()
    build_size: Size | None = None
    """What the template is built with; two cores, 2 GiB of memory and 8 GiB of disk at least when None. Its disk is
    also the smallest that an instance can have."""
    install_variables: Callable[[InstallContext[Settings]], Mapping[str, Any]] = _no_install_variables
    """Variables of ``install.sh.j2`` besides ``service``, ``settings``, ``downloads`` and ``images``."""
    configure_variables: Callable[[ServiceContext[Settings]], Mapping[str, Any]] = _no_configure_variables
    """Variables of ``configure.sh.j2`` besides ``service``, ``settings`` and ``context``."""
    secrets: Callable[[ServiceContext[Settings]], tuple[StoredSecret, ...]] = _no_secrets
    """The secrets that ``configure.sh.j2`` sees as shell variables."""
    reaches: Callable[[ServiceContext[Settings]], tuple[Reach, ...]] = _reaches_nothing
    """What it asks in other networks besides names, time and the web: the router's checklist has a rule for each."""
    install_timeout_seconds: int = 1800
    configure_timeout_seconds: int = 900

    def __post_init__(self) -> None:
        if not 0 <= self.number < NUMBERS:
            raise ValueError(f"service {self.name}: number {self.number} is not from 0 to {NUMBERS - 1}")

    @property
    def package(self) -> str:
        """The package that holds its scripts."""
        return f"homelab.services.{self.name.replace('-', '_')}"

    @property
    def build(self) -> Size:
        """What the template is built with."""
        size = self.size
        return self.build_size or Size(
            max(BUILD_CORES, size.cores), max(BUILD_MEMORY, size.memory), max(BUILD_DISK, size.disk)
        )

    @property
    def template_vm_id(self) -> int:
        """VMID of its template."""
        return FIRST_TEMPLATE + self.number

    @property
    def vm_id(self) -> int:
        """VMID of its primary: 200 to 208, then the numbers that replicas leave free: 209, 219, 229, ..."""
        if self.number < _WITHOUT_GAP:
            return FIRST_SERVICE + self.number
        return FIRST_SERVICE + _WITHOUT_GAP + 10 * (self.number - _WITHOUT_GAP)

    @property
    def host(self) -> int:
        """The primary's place in the network: 10 for .10."""
        return 10 * (self.number + 1)

    @property
    def replica_vm_id(self) -> int:
        """VMID of its first replica."""
        return FIRST_REPLICA + 10 * self.number

    @property
    def replicated(self) -> bool:
        """Whether further instances can follow the first."""
        return issubclass(self.settings, ReplicatedSettings)
