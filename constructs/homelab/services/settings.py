"""What an environment file can say about a service, whichever it is."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from homelab.config.firewall import GuestFirewall
from homelab.config.guest import Startup
from homelab.config.image import Checksum, Url
from homelab.config.model import Model
from homelab.config.names import DatastoreName, Hostname, Ipv4Address, NodeName, PoolName, Tag, VmId
from homelab.config.network import StaticOrDhcp
from homelab.config.problems import Refused
from homelab.config.text import Matching
from homelab.config.units import Gibibytes, Mebibytes, gibibytes_between, mebibytes_between

MOST_REPLICAS = 9
"""An address of the catalogue ends in a multiple of ten; the replicas' follow it up to the next one."""

LONGEST_HOSTNAME = 63

ScriptVariable = Annotated[
    str,
    Matching(
        r"var_(?!ctid$|hostname$)[a-z0-9_]+",
        "a variable of a community script",
        "var_ and a-z, 0-9 or _, but var_ctid and var_hostname, which are the template's vm_id and the hostname",
        example="var_os",
    ),
]


class CommunityScript(Model):
    """A script of the Proxmox community that builds the template, instead of the catalogue's own.

    It runs as root on the node. The checksum is required because an address on a branch serves something else tomorrow.
    """

    url: Url = Field(description="Where the script is; a commit in the address rather than a branch.")
    checksum: Checksum = Field(description="Its checksum, sha256:<hexadecimal> or sha512:<hexadecimal>.")
    variables: dict[ScriptVariable, str] = Field(
        {}, description="Further var_* variables of the script; numbers, size, storage and network are set already."
    )


class ServiceTemplate(Model):
    """The template of a service: built once, cloned for each instance."""

    vm_id: VmId | None = Field(None, description="Another VMID than the catalogue's.")
    os: str | None = Field(None, description="Another container template of the image catalogue, such as debian-13.")
    datastore: DatastoreName | None = Field(
        None, description="Its datastore; `service_defaults.template_datastore` when left out."
    )
    disk: Annotated[Gibibytes, gibibytes_between("2GiB", "1TiB")] | None = Field(
        None, description="Size of its root file system."
    )
    address: StaticOrDhcp | None = Field(
        None, description="Its address while it is built; as `service_defaults.build_address` says when left out."
    )
    script: CommunityScript | None = Field(None, description="Build it with a community script.")


class ServiceSettings(Model):
    """Settings of every service. What is left out is as in the catalogue."""

    vm_id: VmId | None = Field(None, description="Another VMID than the catalogue's.")
    hostname: Hostname | None = Field(None, description="Another host name than the catalogue's.")
    address: Ipv4Address | None = Field(
        None, description="Another address than the catalogue's place in the network, such as .10 for postgresql."
    )
    node: NodeName | None = Field(None, description="The node; `proxmox.default_node` when left out.")
    cores: Annotated[int, Field(ge=1, le=64, strict=True)] | None = Field(None, description="CPU cores.")
    memory: Annotated[Mebibytes, mebibytes_between("64MiB", "128GiB")] | None = Field(None, description="Memory.")
    swap: Annotated[Mebibytes, mebibytes_between("0MiB", "128GiB")] | None = Field(None, description="Swap.")
    disk: Annotated[Gibibytes, gibibytes_between("2GiB", "4TiB")] | None = Field(
        None, description="Size of the root file system. It can grow and never shrink."
    )
    datastore: DatastoreName | None = Field(None, description="Its datastore; `service_defaults.datastore`.")
    pool: PoolName | None = Field(None, description="The pool, one of `pools`.")
    tags: tuple[Tag, ...] = Field((), description="Further tags.")
    start_on_boot: bool = Field(True, description="Start with the node.")
    startup: Startup | None = Field(None, description="Order and delays at the node's start.")
    protection: bool | None = Field(
        None,
        description="Neither Proxmox nor Terraform removes it. Left out: when it holds data and is no replica.",
    )
    firewall: GuestFirewall = Field(GuestFirewall(enabled=False), description="Its firewall; off when left out.")
    template: ServiceTemplate = Field(ServiceTemplate(), description="The template that it is cloned from.")

    def needs(self) -> tuple[str, ...]:
        """The services without which this one, as it is set, does not work; they are deployed before it."""
        return ()


class ReplicatedSettings(ServiceSettings):
    """Settings of a service whose further instances follow the first."""

    replicas: Annotated[int, Field(ge=0, le=MOST_REPLICAS, strict=True)] = Field(
        0, description="Further instances that follow the first: VMIDs from 210 on for postgresql, next addresses."
    )
    replica_vm_id: VmId | None = Field(None, description="VMID of the first replica; the others follow.")

    @model_validator(mode="after")
    def _replicas_have_names(self) -> Self:
        longest = LONGEST_HOSTNAME - len(f"-{MOST_REPLICAS}")
        if self.replicas and self.hostname is not None and len(self.hostname) > longest:
            raise Refused(
                f"the host name {self.hostname} is too long for replicas, which are called {self.hostname[:8]}...-1",
                allowed=f"at most {longest} characters with replicas",
                fix="choose a shorter hostname",
            )
        return self
