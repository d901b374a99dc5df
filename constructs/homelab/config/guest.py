"""What virtual machines and containers have in common."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from homelab.config.firewall import GuestFirewall
from homelab.config.ha import HaResource, HaSetting
from homelab.config.model import Model
from homelab.config.names import (
    BridgeName,
    DatastoreName,
    Domain,
    Hostname,
    Ipv4Address,
    Key,
    MacAddress,
    NodeName,
    PoolName,
    Tag,
    Vlan,
    VmId,
)
from homelab.config.problems import Refused
from homelab.config.replication import Replications, ReplicationSpec
from homelab.config.text import Matching

_SSH_KEY = re.compile(
    r"(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)"
    r" [A-Za-z0-9+/]+=*( .*)?"
)


def _ssh_key(value: str) -> str:
    if "PRIVATE KEY" in value:
        raise Refused("this is a private key", allowed="a public key", fix="put the contents of the .pub file here")
    if not _SSH_KEY.fullmatch(value.strip()):
        raise Refused(
            "this is not a public SSH key", allowed="one line: type, key and comment", fix="copy ~/.ssh/id_ed25519.pub"
        )
    return value.strip()


UserName = Annotated[
    str,
    Matching(r"[a-z_][a-z0-9_-]{0,31}", "a user name", "a-z or _ first, then also 0-9 and -, 1 to 32 in all", "debian"),
]
"""The name of a user inside a guest."""

SshKey = Annotated[str, AfterValidator(_ssh_key)]
"""A public SSH key, one line as in ``id_ed25519.pub``."""


class Startup(Model):
    """When a guest starts with its node (provider: block ``startup``)."""

    order: int = Field(ge=0, le=100_000, strict=True, description="Low numbers start first and stop last.")
    up_delay: int | None = Field(
        10, ge=0, strict=True, description="Seconds to wait before the next guest starts; null is Proxmox's default."
    )
    down_delay: int | None = Field(
        10, ge=0, strict=True, description="Seconds to wait before the next guest stops; null is Proxmox's default."
    )


class Dns(Model):
    """The DNS settings of a guest."""

    servers: tuple[Ipv4Address, ...] = Field((), description="Addresses of DNS servers.")
    domain: Domain | None = Field(None, description="Search domain.")


class GuestSettings(Model):
    """Settings that need no other entry of the environment to be understood."""

    description: str | None = Field(None, max_length=8192, description="Notes in Proxmox.")
    tags: tuple[Tag, ...] = Field((), description="Further tags; the environment's own are added.")
    start_on_boot: bool = Field(True, description="Start with the node.")
    started: bool = Field(True, description="Whether it runs; false keeps it stopped.")
    startup: Startup | None = Field(None, description="Order and delays at the node's start.")
    protection: bool = Field(
        False,
        description="Neither Proxmox nor Terraform removes the guest or its disks. For everything that holds data.",
    )
    firewall: GuestFirewall = Field(GuestFirewall(enabled=False), description="Its firewall; off when left out.")


class GuestReferences(Model):
    """Settings that name other entries of the environment."""

    vm_id: VmId = Field(description="Its VMID. The first of several with `replicas`; the others follow.")
    hostname: Hostname | None = Field(None, description="Another host name than its key; not together with `replicas`.")
    node: NodeName | None = Field(
        None,
        description="The node; as `placement` says, or `proxmox.default_node` when left out. Another one is a live "
        "migration of a virtual machine; a container is moved with `homelab migrate`.",
    )
    placement: Key | None = Field(
        None, description="The policy in `placement` that chooses the node; `defaults.placement` when left out."
    )
    ha: HaSetting = Field(None, description="High availability: true, or how; off when left out.")
    replication: Replications = Field((), description="Nodes that get copies of its disks; datastores must be ZFS.")
    group: Key = Field("guests", description="The stack that it belongs to: one state of its own for each group.")
    replicas: Annotated[int, Field(ge=1, le=99, strict=True)] | None = Field(
        None, description="How many: <key>-1, <key>-2, ..., VMIDs and static addresses count up."
    )
    pool: PoolName | None = Field(None, description="The pool, one of `pools`.")

    @model_validator(mode="after")
    def _one_way_to_a_node(self) -> Self:
        if self.node is not None and self.placement is not None:
            raise Refused(
                "a guest is either on a node or placed by a policy",
                allowed="node or placement",
                fix=f"remove node, or placement: {self.placement}",
            )
        return self


class InterfaceSpec(Model):
    """A network interface, everything decided."""

    bridge: BridgeName
    vlan: Vlan | None = None
    address: Annotated[str, Field(pattern=r"^([0-9.]+/[0-9]{1,2}|dhcp)$")] = Field(
        "dhcp", description="Address with prefix length, or dhcp."
    )
    gateway: Ipv4Address | None = None
    mac: MacAddress | None = None
    mtu: int | None = None
    firewall: bool = False
    rate_limit: float | None = Field(None, description="MB/s")
    model: Literal["virtio", "e1000", "e1000e", "rtl8139", "vmxnet3"] = "virtio"

    @property
    def static_address(self) -> str | None:
        """The address without its prefix length; None with DHCP."""
        return None if self.address == "dhcp" else self.address.partition("/")[0]


class GuestSpec(Model):
    """What identifies a guest, everything decided."""

    vm_id: VmId
    hostname: Hostname
    node: NodeName
    interfaces: tuple[InterfaceSpec, ...] = ()
    pool: PoolName | None = None
    ha: HaResource | None = None
    ha_group: str | None = Field(None, description="Its HA group; Proxmox VE 8 only, 9 has rules.")
    replication: tuple[ReplicationSpec, ...] = ()
    dns: Dns = Dns()
    ssh_keys: tuple[SshKey, ...] = ()
    firewall_names: dict[str, str] = Field(
        {}, description="What names in firewall rules stand for, such as a network for its subnet."
    )


DiskFormat = Literal["raw", "qcow2", "vmdk"]
DATASTORE: DatastoreName = "local-lvm"
"""Where guests' disks go when nothing else is said, as in a fresh Proxmox installation."""
