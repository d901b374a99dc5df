"""LXC containers."""

from cdktf import TerraformResourceLifecycle
from constructs import Construct

from homelab.config.container import ContainerSpec, MountPoint
from homelab.proxmox.guest_parts import define_parts
from homelab.proxmox.literal import literal
from homelab.proxmox.node_of_container import stays_on_its_node
from imports.proxmox.virtual_environment_container import (
    VirtualEnvironmentContainer,
    VirtualEnvironmentContainerClone,
    VirtualEnvironmentContainerCpu,
    VirtualEnvironmentContainerDevicePassthrough,
    VirtualEnvironmentContainerDisk,
    VirtualEnvironmentContainerFeatures,
    VirtualEnvironmentContainerInitialization,
    VirtualEnvironmentContainerInitializationDns,
    VirtualEnvironmentContainerInitializationIpConfig,
    VirtualEnvironmentContainerInitializationIpConfigIpv4,
    VirtualEnvironmentContainerInitializationUserAccount,
    VirtualEnvironmentContainerMemory,
    VirtualEnvironmentContainerMountPoint,
    VirtualEnvironmentContainerNetworkInterface,
    VirtualEnvironmentContainerOperatingSystem,
    VirtualEnvironmentContainerStartup,
    VirtualEnvironmentContainerWaitForIp,
)


class Container(VirtualEnvironmentContainer):
    """Defines an LXC container, made from a container template or cloned from a template container.

    Decided for you: unprivileged unless the spec says otherwise; mount points are part of backups; root logs in by
    key, no password is set; a clone has the keys of what it was cloned from, as Proxmox writes keys only into a new
    file system; the pool is a membership of its own, because the provider replaces a container whose pool changes;
    what it was made from and its keys are ignored after creation for the same reason; with ``protection`` Terraform
    refuses to destroy it, and so does Proxmox. With DHCP the apply waits for an address.

    Source: ``proxmox_virtual_environment_container``, ``proxmox_pool_membership``, and those of ``GuestFirewall``.
    """

    def __init__(self, scope: Construct, id_: str, *, spec: ContainerSpec) -> None:
        super().__init__(
            scope,
            id_,
            node_name=spec.node,
            vm_id=spec.vm_id,
            description=literal(spec.description),
            tags=list(spec.tags),
            start_on_boot=spec.start_on_boot and not spec.template,
            started=spec.started and not spec.template,
            startup=startup_of(spec),
            protection=spec.protection,
            template=spec.template or None,
            unprivileged=spec.unprivileged,
            timeout_create=1800,
            timeout_clone=1800,
            timeout_delete=300,
            clone=_clone(spec),
            operating_system=VirtualEnvironmentContainerOperatingSystem(
                template_file_id=spec.template_file_id, type=spec.os_type
            )
            if spec.template_file_id
            else None,
            cpu=VirtualEnvironmentContainerCpu(cores=spec.cores, units=spec.cpu_units),
            memory=VirtualEnvironmentContainerMemory(dedicated=spec.memory, swap=spec.swap),
            disk=_root_disk(spec),
            features=features_of(spec),
            mount_point=_mount_points(spec),
            device_passthrough=[VirtualEnvironmentContainerDevicePassthrough(path=path) for path in spec.devices]
            or None,
            network_interface=network_interfaces_of(spec),
            initialization=initialization_of(spec),
            wait_for_ip=VirtualEnvironmentContainerWaitForIp(ipv4=True) if _waits_for_address(spec) else None,
            lifecycle=_lifecycle(id_, spec),
        )
        self.spec = spec
        define_parts(self, spec)


def _waits_for_address(spec: ContainerSpec) -> bool:
    return spec.started and not spec.template and any(interface.static_address is None for interface in spec.interfaces)


def startup_of(spec: ContainerSpec) -> VirtualEnvironmentContainerStartup | None:
    """The ``startup`` block; None leaves order and delays to Proxmox."""
    startup = spec.startup
    if startup is None:
        return None
    return VirtualEnvironmentContainerStartup(
        order=startup.order, up_delay=startup.up_delay, down_delay=startup.down_delay
    )


def _root_disk(spec: ContainerSpec) -> VirtualEnvironmentContainerDisk:
    # Proxmox's defaults. What is left out the provider switches off when it grows the disk: the copies of replication
    # lack it from then on. A clone has what its template has, and that may come from elsewhere.
    default = True if spec.clone_vm_id is None and not spec.template else None
    return VirtualEnvironmentContainerDisk(datastore_id=spec.datastore, size=spec.disk, acl=default, replicate=default)


def _clone(spec: ContainerSpec) -> VirtualEnvironmentContainerClone | None:
    if spec.clone_vm_id is None:
        return None
    return VirtualEnvironmentContainerClone(
        vm_id=spec.clone_vm_id,
        node_name=spec.clone_node,
        datastore_id=spec.datastore if spec.full_clone else None,
        full=spec.full_clone,
    )


def features_of(spec: ContainerSpec) -> VirtualEnvironmentContainerFeatures:
    """The ``features`` block."""
    features = spec.features
    # Only root@pam may set the others, and saying false counts as setting.
    return VirtualEnvironmentContainerFeatures(
        nesting=features.nesting,
        keyctl=features.keyctl or None,
        fuse=features.fuse or None,
        mknod=features.mknod or None,
        mount=list(features.mount) or None,
    )


def _mount_points(spec: ContainerSpec) -> list[VirtualEnvironmentContainerMountPoint] | None:
    points = sorted(spec.mount_points.items(), key=lambda item: int(item[0].removeprefix("mp")))
    return [_mount_point(point, spec.datastore) for _, point in points] or None


def _mount_point(point: MountPoint, datastore: str) -> VirtualEnvironmentContainerMountPoint:
    return VirtualEnvironmentContainerMountPoint(
        path=point.path,
        volume=point.host_path or point.datastore or datastore,
        size=f"{point.size}G" if point.size is not None else None,
        backup=point.backup if point.host_path is None else None,
        read_only=point.read_only or None,
        shared=point.shared or None,
    )


def network_interfaces_of(spec: ContainerSpec) -> list[VirtualEnvironmentContainerNetworkInterface] | None:
    """The ``network_interface`` blocks in order; None without any."""
    return [
        VirtualEnvironmentContainerNetworkInterface(
            name=f"eth{index}",
            bridge=interface.bridge,
            vlan_id=interface.vlan,
            firewall=interface.firewall,
            mac_address=interface.mac,
            mtu=interface.mtu,
            rate_limit=interface.rate_limit,
        )
        for index, interface in enumerate(spec.interfaces)
    ] or None


def initialization_of(spec: ContainerSpec) -> VirtualEnvironmentContainerInitialization:
    """The ``initialization`` block."""
    dns = spec.dns
    return VirtualEnvironmentContainerInitialization(
        hostname=spec.hostname,
        dns=VirtualEnvironmentContainerInitializationDns(
            servers=[str(server) for server in dns.servers] or None, domain=dns.domain
        )
        if dns.servers or dns.domain
        else None,
        ip_config=[
            VirtualEnvironmentContainerInitializationIpConfig(
                ipv4=VirtualEnvironmentContainerInitializationIpConfigIpv4(
                    address=interface.address, gateway=str(interface.gateway) if interface.gateway else None
                )
            )
            for interface in spec.interfaces
        ]
        or None,
        user_account=VirtualEnvironmentContainerInitializationUserAccount(keys=[literal(key) for key in spec.ssh_keys])
        if _has_own_keys(spec)
        else None,
    )


def _has_own_keys(spec: ContainerSpec) -> bool:
    return bool(spec.ssh_keys) and spec.clone_vm_id is None


def _lifecycle(id_: str, spec: ContainerSpec) -> TerraformResourceLifecycle:
    ignored = ["clone" if spec.clone_vm_id is not None else "operating_system", "pool_id", "node_name"]
    if _has_own_keys(spec):
        ignored.append("initialization[0].user_account")
    return TerraformResourceLifecycle(
        ignore_changes=ignored, prevent_destroy=spec.protection or None, postcondition=stays_on_its_node(id_, spec)
    )
