"""The least privileges with which an environment can be applied.

Source: the ``check`` permissions of the API calls that the provider makes for what the environment defines (Proxmox
VE 9).
"""

from homelab.config.environment import Environment
from homelab.config.guest import GuestReferences
from homelab.config.platform_containers import all_containers

_GUESTS = frozenset(
    {
        "Datastore.AllocateSpace",
        "Datastore.Audit",
        "SDN.Use",
        "Sys.Audit",
        "VM.Allocate",
        "VM.Audit",
        "VM.Clone",
        "VM.Config.CDROM",
        "VM.Config.CPU",
        "VM.Config.Cloudinit",
        "VM.Config.Disk",
        "VM.Config.HWType",
        "VM.Config.Memory",
        "VM.Config.Network",
        "VM.Config.Options",
        "VM.GuestAgent.Audit",
        "VM.Migrate",
        "VM.PowerMgmt",
    }
)
# query-url-metadata and download-url need Sys.AccessNetwork besides the right to store the result; removing a file
# that is neither a guest's nor a backup needs Datastore.Allocate, and so does looking up the folder that snippets go
# to.
_DOWNLOADS = frozenset({"Datastore.Allocate", "Datastore.AllocateTemplate", "Sys.AccessNetwork"})
_SNIPPETS = frozenset({"Datastore.Allocate", "Datastore.AllocateTemplate"})
_POOLS = frozenset({"Pool.Allocate", "Pool.Audit"})
_CLUSTER_FIREWALL = frozenset({"Sys.Modify"})
_HA = frozenset({"Sys.Audit", "Sys.Console"})
_REPLICATION = frozenset({"VM.Audit", "VM.Replicate"})
_SDN = frozenset({"SDN.Allocate", "SDN.Audit"})
_MAPPED_DEVICES = frozenset({"Mapping.Use"})


def required_privileges(environment: Environment) -> tuple[str, ...]:
    """The privileges on ``/`` that the environment's own stacks need, sorted; those of ``access.privileges`` are added.

    The access stack itself needs more (User.Modify, Permissions.Modify) and is applied as root@pam, once.
    """
    needed: set[str] = set(environment.access.privileges if environment.access else ())
    containers = [defined.container for defined in all_containers(environment)]
    if environment.templates or environment.vms or containers:
        needed |= _GUESTS
    if environment.templates or any(container.os or container.image for container in containers):
        needed |= _DOWNLOADS
    if environment.templates or any(vm.cloud_init.user_data for vm in environment.vms.values()):
        needed |= _SNIPPETS
    if environment.pools:
        needed |= _POOLS
    guests: list[GuestReferences] = [*environment.vms.values(), *containers]
    if environment.ha.rules or any(guest.ha for guest in guests):
        needed |= _HA
    if any(guest.replication for guest in guests):
        needed |= _REPLICATION
    if environment.sdn:
        needed |= _SDN
    if environment.firewall:
        needed |= _CLUSTER_FIREWALL
    if any(device.mapping for vm in environment.vms.values() for device in vm.pci_devices):
        needed |= _MAPPED_DEVICES
    return tuple(sorted(needed))
