"""The containers that services are made of: a template for each, and an instance or several."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any, Literal

from homelab.config.container import Container, Features
from homelab.config.environment import Environment
from homelab.config.problems import Path
from homelab.services.registry import services
from homelab.services.service import EnabledService, Instance, Service
from homelab.services.settings import LONGEST_HOSTNAME, ReplicatedSettings, ServiceSettings

TAG = "service"
TEMPLATE_TAG = "service-template"
_TEMPLATE_SUFFIX = "-template"


@dataclass(frozen=True, slots=True)
class ServiceContainer:
    """A container of a service, in the words in which an environment file would define it."""

    path: Path
    key: str
    container: Container


def stack_name(service: str) -> str:
    """The stack of a service, and the group of its containers."""
    return f"service-{service}"


def template_key(service: str) -> str:
    """The key of a service's template."""
    return f"{stack_name(service)}-template"


def instance_key(service: str, index: int) -> str:
    """The key of a service's primary (0) or of a replica."""
    return stack_name(service) if index == 0 else f"{stack_name(service)}-{index}"


def replica_of_service(path: Path, key: str) -> bool:
    """Whether the container ``key``, defined at ``path``, is one that follows a service's first."""
    return path[0] == "services" and len(path) == 2 and key != stack_name(str(path[1]))


def enabled_services(environment: Environment) -> dict[str, EnabledService]:
    """The services of ``environment`` with their instances, in the order of the catalogue.

    Where the network of the services is missing, which a check reports, addresses count from 0.0.0.0.
    """
    network = environment.networks.get(environment.service_defaults.network)
    cidr = network.cidr if network else None
    return {
        name: EnabledService(services()[name], settings, tuple(_instances(services()[name], settings, cidr)))
        for name, settings in environment.services.items()
    }


def built_here(environment: Environment) -> dict[str, EnabledService]:
    """The services whose template the catalogue's own scripts build, and not one of the community."""
    return {
        name: enabled
        for name, enabled in enabled_services(environment).items()
        if enabled.settings.template.script is None
    }


def _instances(service: Service[Any], settings: ServiceSettings, cidr: IPv4Network | None) -> Iterator[Instance]:
    hostname = settings.hostname or service.hostname
    address = settings.address or _counted(cidr.network_address if cidr else IPv4Address(0), service.host)
    yield Instance(0, settings.vm_id or service.vm_id, hostname, address)
    if isinstance(settings, ReplicatedSettings):
        first = settings.replica_vm_id or service.replica_vm_id
        for index in range(1, settings.replicas + 1):
            yield Instance(index, first + index - 1, f"{hostname}-{index}", _counted(address, index))


def _counted(address: IPv4Address, offset: int) -> IPv4Address:
    return IPv4Address(min(int(address) + offset, 2**32 - 1))


def service_containers(environment: Environment) -> Iterator[ServiceContainer]:
    """The templates and instances of every service of ``environment``."""
    for name, enabled in enabled_services(environment).items():
        yield ServiceContainer(
            ("services", name, "template"), template_key(name), _template(environment, enabled, enabled.settings)
        )
        for instance in enabled.instances:
            container = _instance(environment, enabled, enabled.settings, instance)
            yield ServiceContainer(("services", name), instance_key(name, instance.index), container)


def template_disk(enabled: EnabledService) -> int:
    """The size in GiB of a template's root file system, and the least of its clones."""
    return enabled.settings.template.disk or enabled.service.build.disk


def template_os(enabled: EnabledService) -> str:
    """The container template of the image catalogue that a template is made from."""
    return enabled.settings.template.os or enabled.service.os


def _template(environment: Environment, enabled: EnabledService, settings: ServiceSettings) -> Container:
    service, template, defaults = enabled.service, settings.template, environment.service_defaults
    address: IPv4Address | Literal["dhcp"] | None = template.address
    if address is None:
        first = defaults.build_address
        address = first if first == "dhcp" else _counted(IPv4Address(first), service.number)
    return Container.model_validate(
        {
            "vm_id": template.vm_id or service.template_vm_id,
            "hostname": _template_hostname(settings.hostname or service.hostname),
            "description": f"{service.title}: template, built by homelab",
            "tags": (*settings.tags, TEMPLATE_TAG),
            "os": template_os(enabled),
            "node": settings.node,
            "pool": settings.pool,
            "group": stack_name(service.name),
            "network": _network(environment, defaults.build_network or defaults.network, address),
            "datastore": template.datastore or defaults.template_datastore,
            "cores": service.build.cores,
            "memory": f"{service.build.memory}MiB",
            "swap": f"{service.build.swap}MiB",
            "disk": f"{template_disk(enabled)}GiB",
            "features": _features(environment, service),
            "template": True,
        }
    )


def _template_hostname(hostname: str) -> str:
    return f"{hostname[: LONGEST_HOSTNAME - len(_TEMPLATE_SUFFIX)].rstrip('-')}{_TEMPLATE_SUFFIX}"


def _instance(
    environment: Environment, enabled: EnabledService, settings: ServiceSettings, instance: Instance
) -> Container:
    service, size, defaults = enabled.service, enabled.service.size, environment.service_defaults
    protected = service.holds_data and instance.index == 0
    return Container.model_validate(
        {
            "vm_id": instance.vm_id,
            "hostname": instance.hostname,
            "description": service.title if instance.index == 0 else f"{service.title}: replica {instance.index}",
            "tags": (*settings.tags, TAG),
            "clone_from": template_key(service.name),
            "node": settings.node,
            "pool": settings.pool,
            "group": stack_name(service.name),
            "network": _network(environment, defaults.network, instance.address),
            "datastore": settings.datastore or defaults.datastore,
            "cores": settings.cores or size.cores,
            "memory": f"{settings.memory or size.memory}MiB",
            "swap": f"{size.swap if settings.swap is None else settings.swap}MiB",
            "disk": f"{settings.disk or max(size.disk, template_disk(enabled))}GiB",
            "features": _features(environment, service),
            "start_on_boot": settings.start_on_boot,
            "startup": settings.startup,
            "protection": protected if settings.protection is None else settings.protection,
            "firewall": settings.firewall,
        }
    )


def _network(environment: Environment, name: str, address: IPv4Address | str) -> tuple[dict[str, Any], ...]:
    # A network that is missing is reported once and not for each container.
    return ({"name": name, "address": address},) if name in environment.networks else ()


def _features(environment: Environment, service: Service[Any]) -> Features:
    # With an API token Proxmox lets nobody set more; what needs more says so in its documentation.
    if environment.proxmox.authentication == "root_password":
        return service.features
    return Features(nesting=service.features.nesting)
