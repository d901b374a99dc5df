"""What it means in Proxmox when something that is no guest is destroyed, or destroyed and made anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from operations.review.findings import Severity
from operations.review.plan import Change


@dataclass(frozen=True)
class Loss:
    """What is lost with an object, and how bad that is."""

    noun: str
    severity: Severity
    destroyed: str
    replaced: str = ""
    replacing: Severity | None = None
    """How bad it is to make it anew, where that is another matter."""


_BLOCKED, _DANGER, _CHANGE = Severity.BLOCKED, Severity.DANGER, Severity.CHANGE
_PREFIXES = ("proxmox_virtual_environment_", "proxmox_")
_FILE = "Proxmox deletes the file; guests that were made from it keep their disks, new ones can't be made from it"
_FILE_ANEW = "Proxmox deletes the file and gets it again; guests that were made from it keep their disks"
_STORAGE = "Proxmox forgets the datastore: what is on it stays, and guests with disks there can't start"
_MAPPING = "guests that use it can't start"
_NAMED = "rules that name it fit nothing any more"
_NAMED_ANEW = "rules that name it fit nothing until it is there again"
_BRIDGE = "guests on it lose their network, and the node too if its own address is there"

_LOSSES: Mapping[str, Loss] = {
    "download_file": Loss("image", _DANGER, _FILE, _FILE_ANEW, _CHANGE),
    "oci_image": Loss("image", _DANGER, _FILE, _FILE_ANEW, _CHANGE),
    "storage_cifs": Loss("datastore", _DANGER, _STORAGE),
    "storage_directory": Loss("datastore", _DANGER, _STORAGE),
    "storage_lvm": Loss("datastore", _DANGER, _STORAGE),
    "storage_lvmthin": Loss("datastore", _DANGER, _STORAGE),
    "storage_nfs": Loss("datastore", _DANGER, _STORAGE),
    "storage_pbs": Loss("datastore", _DANGER, _STORAGE),
    "storage_zfspool": Loss("datastore", _DANGER, _STORAGE),
    "node_disk_zfs": Loss("ZFS pool", _BLOCKED, "Proxmox destroys the pool with everything on its disks"),
    "ceph_pool": Loss("Ceph pool", _BLOCKED, "Proxmox destroys the pool with every disk that is in it"),
    "network_linux_bridge": Loss("bridge", _DANGER, _BRIDGE),
    "network_linux_bond": Loss("bond", _DANGER, _BRIDGE),
    "network_linux_vlan": Loss("VLAN interface", _DANGER, _BRIDGE),
    "sdn_vnet": Loss("VNet", _DANGER, "guests on it lose their network"),
    "sdn_zone_simple": Loss("SDN zone", _DANGER, "guests on its VNets lose their network"),
    "sdn_zone_vlan": Loss("SDN zone", _DANGER, "guests on its VNets lose their network"),
    "sdn_zone_qinq": Loss("SDN zone", _DANGER, "guests on its VNets lose their network"),
    "sdn_zone_vxlan": Loss("SDN zone", _DANGER, "guests on its VNets lose their network"),
    "sdn_zone_evpn": Loss("SDN zone", _DANGER, "guests on its VNets lose their network"),
    "sdn_subnet": Loss("SDN subnet", _DANGER, "guests in it lose the gateway, SNAT and DHCP that it has"),
    "sdn_controller_evpn": Loss("SDN controller", _DANGER, "zones that use it lose the routes between nodes"),
    "sdn_fabric_openfabric": Loss("SDN fabric", _DANGER, "what is routed through it can't be reached"),
    "sdn_fabric_ospf": Loss("SDN fabric", _DANGER, "what is routed through it can't be reached"),
    "sdn_fabric_node_openfabric": Loss("node of an SDN fabric", _DANGER, "the node is no longer reached through it"),
    "sdn_fabric_node_ospf": Loss("node of an SDN fabric", _DANGER, "the node is no longer reached through it"),
    "sdn_applier": Loss(
        "SDN applier",
        _CHANGE,
        "changes of the SDN wait until somebody applies them",
        "Proxmox puts the changes of its SDN into force",
    ),
    "certificate": Loss(
        "certificate", _DANGER, "the node goes back to its own, which clients that check certificates refuse"
    ),
    "acme_certificate": Loss("ACME certificate", _DANGER, "it is no longer renewed"),
    "metrics_server": Loss("metrics server", _CHANGE, "Proxmox no longer sends measurements there"),
    "haresource": Loss("HA resource", _DANGER, "high availability no longer restarts the guest when its node fails"),
    "hagroup": Loss("HA group", _DANGER, "high availability may start its guests on any node"),
    "harule": Loss("HA rule", _DANGER, "Proxmox may put its guests on any node, also on one and the same"),
    "replication": Loss("replication job", _DANGER, "Proxmox deletes the replicas on the other node"),
    "user": Loss("user", _DANGER, "the user and the user's tokens stop working"),
    "user_token": Loss(
        "API token", _DANGER, "what uses the token is refused", "the token gets another value: what uses it is refused"
    ),
    "role": Loss("role", _DANGER, "everybody loses what the role allows"),
    "acl": Loss("permission", _DANGER, "user, group or token loses the permission", "", _CHANGE),
    "realm_ldap": Loss("realm", _DANGER, "its users can't log in"),
    "realm_openid": Loss("realm", _DANGER, "its users can't log in"),
    "pool": Loss("pool", _CHANGE, "guests stay; permissions and backup jobs by pool no longer reach them"),
    "pool_membership": Loss("pool membership", _CHANGE, "the guest stays, outside of the pool"),
    "group": Loss("group", _DANGER, "its members lose what it allows"),
    "cluster_firewall_security_group": Loss(
        "security group", _DANGER, "what its rules let in is cut off, what they kept out is judged by the other rules"
    ),
    "firewall_ipset": Loss("IP set", _CHANGE, _NAMED, _NAMED_ANEW),
    "firewall_alias": Loss("alias", _CHANGE, _NAMED, _NAMED_ANEW),
    "hardware_mapping_dir": Loss("mapping of a folder", _DANGER, _MAPPING),
    "hardware_mapping_pci": Loss("mapping of a PCI device", _DANGER, _MAPPING),
    "hardware_mapping_usb": Loss("mapping of a USB device", _DANGER, _MAPPING),
    "docker_container": Loss(
        "Docker container",
        _CHANGE,
        "what it serves is gone; its volumes stay",
        "what it serves is away until the new one runs; its volumes stay",
    ),
    "docker_volume": Loss("Docker volume", _BLOCKED, "Docker deletes the volume with all that is on it"),
    "aws_s3_bucket": Loss("S3 bucket", _BLOCKED, "the bucket goes with all that is in it, such as Terraform's state"),
    "aws_dynamodb_table": Loss("DynamoDB table", _DANGER, "Terraform can't lock its state any more"),
    "docker_image": Loss("Docker image", _CHANGE, "Docker removes it from its host; running containers stay"),
    "docker_network": Loss("Docker network", _DANGER, "containers on it no longer reach one another"),
    "aws_s3_bucket_versioning": Loss("versioning of the S3 bucket", _DANGER, "older states are no longer kept"),
    "aws_s3_bucket_public_access_block": Loss(
        "public access block of the S3 bucket", _DANGER, "the bucket, and secrets in its states, can be made public"
    ),
    "aws_s3_bucket_policy": Loss("policy of the S3 bucket", _DANGER, "what the policy forbids is allowed"),
    "aws_iam_policy": Loss("IAM policy", _DANGER, "who has it can no longer read or write the state"),
    "random_password": Loss(
        "generated password",
        _DANGER,
        "Terraform no longer knows it; where it was set it stays",
        "another password: what knows the old one is refused",
    ),
    "random_bytes": Loss(
        "generated key",
        _BLOCKED,
        "what was encrypted with it can't be read any more, unless the key is kept somewhere else",
    ),
    "random_id": Loss("generated id", _CHANGE, "", "another value, and whatever has it in its name is made anew"),
}
_WRITTEN = {
    **{word: word.upper() for word in ("acl", "acme", "apt", "aws", "dns", "evpn", "ha", "iam", "ospf", "s3", "sdn")},
    "docker": "Docker",
    "dynamodb": "DynamoDB",
    "openfabric": "OpenFabric",
}
"""How the words of a type are written that nobody writes in lower case."""
_SNIPPET = Loss(
    "snippet",
    _CHANGE,
    "the snippet is deleted: a guest that refers to it can't have its cloud-init drive made anew",
    "the snippet is uploaded anew; guests that exist keep what cloud-init did at their first boot",
)
_BACKUP_FILE = Loss("backup", _BLOCKED, "Proxmox deletes the backup")
_OTHER_FILE = Loss("file", _DANGER, _FILE, _FILE_ANEW, _CHANGE)


def loss_of(change: Change) -> Loss:
    """What is lost with the object that ``change`` destroys."""
    name = short_type(change.type)
    if name == "file":
        content = change.before.get("content_type")
        return {"snippets": _SNIPPET, "backup": _BACKUP_FILE}.get(str(content), _OTHER_FILE)
    return _LOSSES.get(name) or Loss(" ".join(_WRITTEN.get(word, word) for word in name.split("_")), _CHANGE, "")


def short_type(type_: str) -> str:
    """A Proxmox resource's type without the provider's prefix; other types as they are."""
    for prefix in _PREFIXES:
        if type_.startswith(prefix):
            return type_.removeprefix(prefix)
    return type_
