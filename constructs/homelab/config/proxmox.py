"""The Proxmox VE that an environment is deployed to: endpoint, nodes, their capacity, bridges and datastores."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from homelab.config.model import Model
from homelab.config.names import BridgeName, DatastoreName, Key, NodeName, Port, Vlan
from homelab.config.problems import Refused
from homelab.config.text import Matching
from homelab.config.units import Gibibytes, Mebibytes

Content = Literal["images", "rootdir", "iso", "vztmpl", "import", "snippets", "backup"]
"""What a datastore may hold, in Proxmox's words (API: ``/storage/{storage}``, parameter ``content``)."""

StorageType = Literal[
    "btrfs",
    "cephfs",
    "cifs",
    "dir",
    "esxi",
    "iscsi",
    "iscsidirect",
    "lvm",
    "lvmthin",
    "nfs",
    "pbs",
    "rbd",
    "zfs",
    "zfspool",
]
"""What a datastore is, in Proxmox's words (API: ``/storage``, parameter ``type``)."""


def _endpoint(value: str) -> str:
    text = value.rstrip("/").removesuffix("/api2/json").rstrip("/")
    if not re.fullmatch(r"https://(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?", text):
        raise Refused(
            "this is not the address of a Proxmox API",
            allowed="https://HOST:PORT (the provider speaks HTTPS only)",
            fix="write https://pve.home.arpa:8006",
        )
    return text


class Datastore(Model):
    """Where a node keeps disks, images, templates, snippets or backups (Proxmox calls it storage)."""

    content: tuple[Content, ...] = Field(
        ("images", "rootdir"), description="What it may hold; Proxmox refuses the rest."
    )
    type: StorageType | None = Field(
        None, description="Its type in Proxmox; needed where only some types will do, as for replication."
    )
    size: Gibibytes | None = Field(None, description="Its capacity; needed to see that disks are over-committed.")
    shared: bool = Field(False, description="The same storage on every node that names it, such as NFS or Ceph.")


class Bridge(Model):
    """A Linux bridge or SDN vnet that guests connect to."""

    vlan_aware: bool = Field(True, description="Whether tagged interfaces may connect to it.")
    vlans: tuple[Vlan, ...] | None = Field(None, description="The VLANs that reach it; any when left out.")


def _bridges(value: Any) -> Any:
    named = isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)
    return {name: {} for name in value} if named else value


class Node(Model):
    """A Proxmox node: its capacity, its bridges and its datastores."""

    cores: int = Field(ge=1, le=1024, strict=True, description="CPU threads of the node.")
    memory: Mebibytes = Field(description="Memory of the node.")
    memory_reserved: Mebibytes = Field(
        2048, description="Memory kept for Proxmox itself (2GiB) and never given to guests."
    )
    bridges: Annotated[
        dict[BridgeName, Bridge],
        BeforeValidator(_bridges, json_schema_input_type=list[BridgeName] | dict[BridgeName, Bridge]),
    ] = Field(
        {"vmbr0": Bridge()}, description="Its bridges: a list of names, or a map that also says which VLANs reach them."
    )
    datastores: dict[DatastoreName, Datastore] = Field(
        min_length=1, description="Its datastores by their id in Proxmox."
    )
    address: str | None = Field(
        None, description="Host name or address for SSH uploads; the node's name when left out."
    )
    ssh_port: Port = Field(22, description="Port of the node's SSH server.")


class Ssh(Model):
    """How the provider reaches a node by SSH, which it needs to upload snippets (provider block ``ssh``).

    Keys and passwords are not written here: the SSH agent or ``PROXMOX_VE_SSH_PRIVATE_KEY`` and
    ``PROXMOX_VE_SSH_PASSWORD`` give them.
    """

    username: Annotated[
        str, Matching(r"[a-z_][a-z0-9_-]*", "a user name", "a-z or _ first, then also 0-9 and -", "root")
    ] = Field("root", description="User on the node; other than root it needs sudo.")
    agent: bool | None = Field(
        None, description="Take keys from the SSH agent; PROXMOX_VE_SSH_AGENT decides when left out."
    )


class Proxmox(Model):
    """One Proxmox node or cluster. Credentials come from ``PROXMOX_VE_*`` variables and never from the file."""

    endpoint: Annotated[str, AfterValidator(_endpoint)] = Field(
        description="Address of the API; /api2/json at its end is dropped.", examples=["https://pve.home.arpa:8006"]
    )
    version: Literal[8, 9] = Field(
        9, description="Proxmox VE's major version. Before 9 HA has groups in place of rules."
    )
    cluster: Key | None = Field(
        None,
        description="A name for the cluster. Environments with the same cluster (or the same endpoint) share VMIDs, "
        "names and addresses.",
    )
    authentication: Literal["api_token", "root_password"] = Field(
        "api_token",
        description="api_token: PROXMOX_VE_API_TOKEN, which can do less than root. root_password: root@pam with "
        "PROXMOX_VE_PASSWORD.",
    )
    insecure: bool = Field(
        False,
        description="Accept a certificate that can't be verified. Better: trust the node's CA with SSL_CERT_FILE.",
    )
    ssh: Ssh = Field(Ssh(), description="How snippets are uploaded.")
    nodes: dict[NodeName, Node] = Field(min_length=1, description="The nodes by name.")
    default_node: NodeName | None = Field(
        None, description="Where guests go that name no node; the only node when there is one."
    )
