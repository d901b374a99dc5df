"""An environment with everything decided: what the stacks hand to the constructs.

Resolution trusts that the environment passed its checks. What two stacks must agree on, such as the VMID of a
template or the volume of an image, is computed here from the same source, so that no stack reads another one's state.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address
from typing import Any, Literal

from homelab.config import cloud_config
from homelab.config.container import Container, ContainerSettings, ContainerSpec
from homelab.config.environment import Environment
from homelab.config.expansion import ExpandedGuest, ExpandedInterface, default_node, expand, size_of_root
from homelab.config.firewall_names import known_names
from homelab.config.guest import Dns, InterfaceSpec
from homelab.config.ha_members import node_affinity_of, possible_nodes
from homelab.config.image import Image, ImageSpec
from homelab.config.image_catalogue import DiskImage, container_template, disk_image
from homelab.config.image_lock import ImageLock
from homelab.config.platform_containers import containers_by_key
from homelab.config.platform_images import container_images
from homelab.config.replication import ReplicationSpec
from homelab.config.service_containers import enabled_services
from homelab.config.virtual_machine import (
    Template,
    TemplateSettings,
    TemplateSpec,
    VirtualMachine,
    VirtualMachineSettings,
    VirtualMachineSpec,
)
from homelab.services.service import Pinned, pinned


@dataclass(frozen=True)
class ResolvedEnvironment:
    """The specs of everything that an environment makes, by key."""

    environment: Environment
    images: Mapping[str, ImageSpec]
    """Container templates to download, by name and node; disk images belong to their template."""
    templates: Mapping[str, TemplateSpec]
    virtual_machines: Mapping[str, VirtualMachineSpec]
    containers: Mapping[str, ContainerSpec]
    groups: Mapping[str, tuple[str, ...]]
    """The keys of the guests of each group, in the order of the file."""
    digests: Mapping[str, str | None]
    """The digest of each container image of the platforms, by its reference; None where it is not locked."""
    pinned: Mapping[str, Pinned]
    """What the templates of services download from vendors, by service."""


def resolve(environment: Environment, image_lock: ImageLock | None = None) -> ResolvedEnvironment:
    """Decide everything that ``environment`` leaves open; checksums come from ``image_lock``.

    Raises:
        LookupError: the environment names something that is not there, which its checks would have said.
    """
    return _Resolver(environment, image_lock or ImageLock.empty()).resolve()


class _Resolver:
    def __init__(self, environment: Environment, lock: ImageLock) -> None:
        self.environment = environment
        self.lock = lock
        self.images: dict[str, ImageSpec] = {}
        self.tags = {environment.name, *environment.tags}
        self.firewall_names = known_names(environment)
        self.fallback_node = default_node(environment)
        self.guests = tuple(expand(environment))
        self.containers = {key: defined.container for key, defined in containers_by_key(environment).items()}
        self.nodes = {guest.key: guest.node for guest in self.guests if guest.kind == "containers"}
        self.clone_nodes: dict[str, set[str]] = {}
        for guest in self.guests:
            if isinstance(guest.definition, VirtualMachine) and guest.node and guest.definition.template:
                nodes = self.clone_nodes.setdefault(guest.definition.template, set())
                # HA may start it on another node, and there it needs the same snippet.
                nodes |= {guest.node, *(self._recovery_nodes(guest) if guest.definition.ha else ())}

    def _recovery_nodes(self, guest: ExpandedGuest) -> set[str]:
        snippets = self.environment.defaults.snippet_datastore
        return {
            node
            for node in possible_nodes(self.environment, guest, self.guests)
            if snippets in self.environment.proxmox.nodes[node].datastores
        }

    def resolve(self) -> ResolvedEnvironment:
        groups: dict[str, list[str]] = {}
        virtual_machines: dict[str, VirtualMachineSpec] = {}
        containers: dict[str, ContainerSpec] = {}
        for guest in self.guests:
            groups.setdefault(guest.definition.group, []).append(guest.key)
            if isinstance(guest.definition, VirtualMachine):
                virtual_machines[guest.key] = self._virtual_machine(guest, guest.definition)
            else:
                containers[guest.key] = self._container(guest, guest.definition)
        return ResolvedEnvironment(
            environment=self.environment,
            images=self.images,
            templates=self._templates,
            virtual_machines=virtual_machines,
            containers=containers,
            groups={group: tuple(keys) for group, keys in groups.items()},
            digests={
                used.reference: self.lock.digest_for(used.reference) for used in container_images(self.environment)
            },
            pinned={
                name: pinned(enabled.service, self.lock) for name, enabled in enabled_services(self.environment).items()
            },
        )

    @cached_property
    def _templates(self) -> dict[str, TemplateSpec]:
        return {key: self._template(key, template) for key, template in self.environment.templates.items()}

    def _template(self, key: str, template: Template) -> TemplateSpec:
        defaults = self.environment.defaults
        node = template.node or self.fallback_node or ""
        known = disk_image(template.image) if isinstance(template.image, str) else None
        tags = tuple(sorted(template.tags)) if template.adopted else self._all_tags(template.tags)
        settings = _settings(TemplateSettings, template, tags=tags)
        return TemplateSpec.model_construct(
            **settings,
            name=key,
            node=node,
            datastore=template.datastore or defaults.datastore,
            snippet_datastore=defaults.snippet_datastore,
            snippet_prefix=self.environment.name,
            snippet_nodes=tuple(sorted({node, *self.clone_nodes.get(key, ())})),
            image=self._image(template.image, "import", node, owner=key) if template.image is not None else None,
            serial_device=_serial_device(template, known),
        )

    def _image(
        self, image: str | Image, content: Literal["import", "vztmpl"], node: str, owner: str | None = None
    ) -> ImageSpec:
        if isinstance(image, Image):
            url, file_name, checksum = image.url, image.stored_name, image.checksum
        else:
            entry = disk_image(image) if content == "import" else container_template(image)
            url, file_name, checksum = entry.url, entry.file_name, None
        pinned = self.lock.image_for(url) if checksum is None else None
        if pinned is not None:
            url, checksum = pinned.url, f"{pinned.algorithm}:{pinned.checksum}"
            file_name = pinned.file_name if not (isinstance(image, Image) and image.file_name) else file_name
        if not (isinstance(image, Image) and image.file_name):
            # Nobody may own another's file: destroying dev must leave prod's image alone, and one template the other's.
            file_name = "-".join(part for part in (self.environment.name, owner, file_name) if part)
        return ImageSpec(
            node=node,
            datastore=self.environment.defaults.image_datastore,
            content=content,
            url=url,
            file_name=file_name,
            checksum=checksum,
        )

    def _virtual_machine(self, guest: ExpandedGuest, definition: VirtualMachine) -> VirtualMachineSpec:
        if definition.template is None:
            return self._adopted_machine(guest, definition)
        template = self._templates[definition.template]
        source = self.environment.templates[definition.template]
        known = disk_image(source.image) if isinstance(source.image, str) else None
        defaults = self.environment.defaults
        cloud_init = definition.cloud_init
        settings = _settings(
            VirtualMachineSettings,
            definition,
            tags=self._all_tags(definition.tags),
            bios=definition.bios or template.bios,
            machine=definition.machine or template.machine,
            memory_minimum=definition.memory_minimum or definition.memory // 2,
        )
        return VirtualMachineSpec.model_construct(
            **settings,
            **self._identity(guest, cloud_init.dns, cloud_init.ssh_keys),
            template_vm_id=template.vm_id,
            template_node=template.node if template.node != guest.node else None,
            datastore=definition.datastore or defaults.datastore,
            snippet_datastore=defaults.snippet_datastore,
            agent=definition.agent if definition.agent is not None else template.guest_agent,
            serial_device=template.serial_device,
            user=cloud_init.user or defaults.user or source.user or (known.default_user if known else "debian"),
            user_data=cloud_config.user_data(cloud_init.user_data, guest.hostname) if cloud_init.user_data else None,
            user_data_file_name=f"{self.environment.name}-{guest.key}-user-data.yaml",
            vendor_data_file_id=template.vendor_data_file_id,
            ignore_cloud_init_changes=True,
        )

    def _adopted_machine(self, guest: ExpandedGuest, definition: VirtualMachine) -> VirtualMachineSpec:
        disks = definition.adopted.disks if definition.adopted else {}
        first = next(iter(disks.values()), None)
        settings = _settings(
            VirtualMachineSettings, definition, tags=tuple(sorted(definition.tags)), disk=first.size if first else 0
        )
        defaults = self.environment.defaults
        return VirtualMachineSpec.model_construct(
            **settings,
            **self._identity(guest, None, ()),
            adopted=definition.adopted,
            template_vm_id=None,
            template_node=None,
            datastore=definition.datastore or defaults.datastore,
            snippet_datastore=defaults.snippet_datastore,
            agent=bool(definition.agent),
            serial_device=False,
            user="",
            user_data=None,
            user_data_file_name="",
            vendor_data_file_id=None,
            ignore_cloud_init_changes=True,
        )

    def _container(self, guest: ExpandedGuest, definition: Container) -> ContainerSpec:
        node = guest.node or ""
        template_file_id = definition.template_file
        os_type: Any = definition.os_type
        unprivileged = definition.unprivileged
        clone_vm_id = clone_node = None
        if definition.os is not None:
            os_type = container_template(definition.os).os_type
            template_file_id = self._download(definition.os, definition.os, node)
        elif definition.image is not None:
            template_file_id = self._download(definition.image.stored_name, definition.image, node)
        elif definition.clone_from is not None:
            origin = self.containers[definition.clone_from]
            origin_node = self.nodes[definition.clone_from]
            clone_vm_id = origin.vm_id
            clone_node = origin_node if origin_node != node else None
            os_type = origin.os_type or (container_template(origin.os).os_type if origin.os else "unmanaged")
            unprivileged = origin.unprivileged
        return ContainerSpec.model_construct(
            **_settings(
                ContainerSettings,
                definition,
                tags=tuple(sorted(definition.tags)) if definition.adopted else self._all_tags(definition.tags),
                disk=size_of_root(self.environment, definition),
                unprivileged=unprivileged,
            ),
            **self._identity(guest, definition.dns, definition.ssh_keys),
            template_file_id=template_file_id,
            adopted=definition.adopted,
            os_type=os_type,
            clone_vm_id=clone_vm_id,
            clone_node=clone_node,
            full_clone=True,
            datastore=definition.datastore or self.environment.defaults.datastore,
        )

    def _download(self, name: str, image: str | Image, node: str) -> str:
        # With the node even where there is only one, so that a second one changes no address.
        name = f"{name}-{node}"
        if name not in self.images:
            self.images[name] = self._image(image, "vztmpl", node)
        return self.images[name].volume_id

    def _identity(self, guest: ExpandedGuest, dns: Dns | None, ssh_keys: tuple[str, ...]) -> dict[str, Any]:
        defaults = self.environment.defaults
        return {
            "vm_id": guest.vm_id,
            "hostname": guest.hostname,
            "node": guest.node,
            "interfaces": tuple(_interface(interface, guest.definition) for interface in guest.interfaces),
            "pool": guest.definition.pool,
            "ha": guest.definition.ha,
            "ha_group": self._ha_group(guest),
            "replication": _jobs(guest),
            "dns": dns or _network_dns(guest, defaults.dns),
            "ssh_keys": tuple(dict.fromkeys((*defaults.ssh_keys, *ssh_keys))),
            "firewall_names": self.firewall_names,
        }

    def _ha_group(self, guest: ExpandedGuest) -> str | None:
        if guest.definition.ha is None or self.environment.proxmox.version >= 9:
            return None
        found = node_affinity_of(self.environment, guest, self.guests)
        return found[0] if found else None

    def _all_tags(self, own: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(self.tags.union(own)))


def _jobs(guest: ExpandedGuest) -> tuple[ReplicationSpec, ...]:
    return tuple(
        ReplicationSpec.model_construct(**dict(job), job=number)
        for number, job in enumerate(guest.definition.replication)
        # Of replicas one may be on the very node that the others are copied to.
        if job.target != guest.node
    )


def _serial_device(template: Template, known: DiskImage | None) -> bool:
    if template.serial_device is not None:
        return template.serial_device
    return known is None or known.serial_device


def _settings(model: Any, source: Any, **decided: Any) -> dict[str, Any]:
    """The fields of ``model`` as ``source`` has them, but for what was ``decided``."""
    return {name: decided.get(name, getattr(source, name)) for name in model.model_fields}


def _interface(expanded: ExpandedInterface, definition: VirtualMachine | Container) -> InterfaceSpec:
    network = expanded.network
    if network is None:
        raise LookupError(expanded.network_name)
    interface = definition.network[int(expanded.path[-1])]
    return InterfaceSpec.model_construct(
        bridge=network.bridge,
        vlan=expanded.vlan,
        address=f"{expanded.address}/{network.cidr.prefixlen}" if expanded.address else "dhcp",
        # Two default routes in one guest are a mistake that shows up later: only the first interface gets the gateway.
        gateway=_gateway(expanded, network.gateway),
        mac=expanded.mac,
        mtu=network.mtu,
        firewall=expanded.firewall,
        rate_limit=interface.rate_limit,
        model=interface.model,
    )


def _gateway(expanded: ExpandedInterface, gateway: IPv4Address | None) -> IPv4Address | None:
    return gateway if expanded.address is not None and expanded.path[-1] == 0 else None


def _network_dns(guest: ExpandedGuest, fallback: Dns) -> Dns:
    network = guest.interfaces[0].network if guest.interfaces else None
    if network is None:
        return fallback
    return Dns(servers=network.dns or fallback.servers, domain=network.domain or fallback.domain)
