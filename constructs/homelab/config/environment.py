"""One environment: everything that an environment file says."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator
from pydantic.json_schema import SkipJsonSchema

from homelab.config.container import Container
from homelab.config.firewall import ClusterFirewall
from homelab.config.guest import Dns, SshKey, UserName
from homelab.config.ha import HighAvailability
from homelab.config.model import Model
from homelab.config.names import DatastoreName, Key, NodeName, PoolName, Tag, VmId
from homelab.config.network import Network
from homelab.config.placement_policy import PlacementPolicy
from homelab.config.problems import Refused
from homelab.config.proxmox import Proxmox
from homelab.config.sdn import Sdn
from homelab.config.secrets import Secrets
from homelab.config.services import ServiceDefaults, Services
from homelab.config.state import LocalState, State
from homelab.config.text import Matching
from homelab.config.virtual_machine import Template, VirtualMachine

Reaction = Literal["error", "warning", "ignore"]
"""What a finding does: an error stops synthesis, a warning is shown."""


class Pool(Model):
    """A resource pool (API: ``/pools``)."""

    comment: str | None = Field(None, max_length=1024, description="What it is for.")
    create: bool = Field(True, description="false: it exists already, or another environment of the cluster makes it.")
    adopted: Literal[True] | None = Field(
        None, description="It was there before, and this environment takes it over with its comment."
    )


class Defaults(Model):
    """What guests get that say nothing else."""

    datastore: DatastoreName = Field("local-lvm", description="Datastore of disks.")
    image_datastore: DatastoreName = Field(
        "local", description="Datastore of downloaded images and container templates."
    )
    snippet_datastore: DatastoreName = Field("local", description="Datastore of cloud-init snippets.")
    ssh_keys: tuple[SshKey, ...] = Field((), description="Public SSH keys of every guest.")
    user: UserName | None = Field(None, description="Cloud-init user of virtual machines.")
    dns: Dns = Field(Dns(), description="DNS settings.")
    placement: Key | None = Field(
        None, description="The policy in `placement` of guests that name no node, templates aside."
    )


class VmIdRange(Model):
    """A range of VMIDs, both ends included."""

    first: VmId = Field(description="The first VMID.")
    last: VmId = Field(description="The last VMID.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first > self.last:
            raise Refused(
                "the range ends before it begins",
                allowed="first not above last",
                fix=f"write first: {self.last} and last: {self.first}",
            )
        return self


class VmIds(Model):
    """Which VMIDs are for what."""

    templates: VmIdRange = Field(VmIdRange(first=9000, last=9099), description="Templates: 9000 to 9099.")
    vms: VmIdRange = Field(VmIdRange(first=9100, last=9199), description="Virtual machines: 9100 to 9199.")
    containers: VmIdRange = Field(VmIdRange(first=9200, last=9999), description="Containers: 9200 to 9999.")
    services: VmIdRange = Field(VmIdRange(first=200, last=299), description="Services: 200 to 299.")
    service_templates: VmIdRange = Field(
        VmIdRange(first=900, last=999), description="Templates of services: 900 to 999."
    )


class OverCommit(Model):
    """What happens when guests are promised more than a node or datastore has."""

    memory: Reaction = Field("error", description="Guests' memory against the node's less what Proxmox keeps.")
    cores: Reaction = Field("warning", description="Guests' cores against the node's times `cores_ratio`.")
    disk: Reaction = Field("warning", description="Guests' disks against the datastore's size.")
    cores_ratio: float = Field(
        4.0, ge=1, le=100, description="Virtual cores for each thread of the node before it counts."
    )


class Policy(Model):
    """How strictly an environment is checked."""

    over_commit: OverCommit = Field(OverCommit(), description="More promised than there is.")
    unlocked_images: Reaction = Field(
        "warning", description="An image without checksum, neither in the file nor in the lock file."
    )
    vm_ids: VmIds = Field(VmIds(), description="Which VMIDs are for what.")


ProxmoxUser = Annotated[
    str, Matching(r"[A-Za-z0-9._-]+@(pam|pve)", "a user of Proxmox", "NAME@pve or NAME@pam", "homelab@pve")
]
AccessName = Annotated[
    str, Matching(r"[A-Za-z][A-Za-z0-9._-]+", "the name of a role or token", "a letter, then letters, digits, . _ -")
]
Privilege = Annotated[
    str, Matching(r"[A-Z][A-Za-z]+(\.[A-Z][A-Za-z]+)+", "a privilege", "a privilege in Proxmox's words", "VM.Audit")
]


def _moment(value: str) -> str:
    try:
        datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Refused(
            "this is not a moment in UTC", allowed="YYYY-MM-DDTHH:MM:SSZ", fix="write 2027-01-01T00:00:00Z"
        ) from None
    return value


Moment = Annotated[
    str,
    AfterValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2027-01-01T00:00:00Z"]}),
]


class Access(Model):
    """A role, user and API token with the least privileges for this very app; synthesizes ``<environment>-access``.

    That stack alone is applied as root@pam. The token's value is an output (sensitive) and is in the state.
    """

    user: ProxmoxUser = Field("homelab@pve", description="The user to make.")
    role: AccessName = Field("Homelab", description="The role to make.")
    token: AccessName = Field("terraform", description="Name of the user's API token.")
    expires: Moment | None = Field(
        None, description="When the token ends, such as 2027-01-01T00:00:00Z; never when left out."
    )
    privileges: tuple[Privilege, ...] = Field(
        (), description="Further privileges, besides those that this environment needs."
    )


class Environment(Model):
    """One environment. Keys of maps are identities: they become addresses in the state, so renaming one is a move."""

    name: Key = Field(description="The environment's name: the name of its file.")
    proxmox: Proxmox = Field(description="Where it is deployed.")
    state: State = Field(LocalState(), description="Where Terraform keeps its state.")
    defaults: Defaults = Field(Defaults(), description="What guests get that say nothing else.")
    policy: Policy = Field(Policy(), description="How strictly it is checked.")
    tags: tuple[Tag, ...] = Field((), description="Tags of every guest and template, besides the environment's name.")
    placement: dict[Key, PlacementPolicy] = Field({}, description="Policies that choose nodes for guests, by name.")
    placed: SkipJsonSchema[dict[str, NodeName]] = Field(
        {},
        description="Where placed guests are, by `vms.<key>` or `containers.<key>`: what `homelab place` has recorded "
        "beside the file, in NAME.placement.json.",
    )
    sdn: Sdn | None = Field(None, description="Software-defined networks; left alone when left out.")
    ha: HighAvailability = Field(HighAvailability(), description="Rules of high availability.")
    networks: dict[Key, Network] = Field({}, description="Networks by name.")
    pools: dict[PoolName, Pool] = Field({}, description="Resource pools by id.")
    firewall: ClusterFirewall | None = Field(None, description="The cluster's firewall; left alone when left out.")
    access: Access | None = Field(None, description="Role, user and token for this app.")
    templates: dict[Key, Template] = Field({}, description="Templates by name.")
    vms: dict[Key, VirtualMachine] = Field({}, description="Virtual machines by name.")
    containers: dict[Key, Container] = Field({}, description="Containers by name.")
    service_defaults: ServiceDefaults = Field(
        ServiceDefaults(), description="Network and datastores of services that say nothing else."
    )
    services: Services = Field(
        {}, description="Services of the catalogue by name; a list of names, or a map with their settings."
    )
    secrets: Secrets | None = Field(None, description="The secrets platform: Infisical on a Docker host.")
