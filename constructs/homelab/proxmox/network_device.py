"""Network interfaces of virtual machines, in the one form that the provider accepts from JSON."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from cdktf import IResolvable, Token

from homelab.config.guest import InterfaceSpec


@cache
def _null() -> IResolvable:
    # The only value that cdktf writes as JSON null; None is dropped.
    return Token.null_value()


def network_devices(interfaces: Sequence[InterfaceSpec]) -> list[dict[str, Any]]:
    """``interfaces`` as the override for ``network_device`` of ``proxmox_virtual_environment_vm``.

    The attribute is a list of objects rather than blocks: Terraform wants all eleven keys in every object, and the bindings leave out
    those that are not set. Keys without a value are null, and so is ``enabled``, which is deprecated.
    """
    return [
        {
            "bridge": interface.bridge,
            "disconnected": False,
            "enabled": _null(),
            "firewall": interface.firewall,
            "mac_address": interface.mac or _null(),
            "model": "virtio",
            "mtu": interface.mtu or _null(),
            "queues": _null(),
            "rate_limit": interface.rate_limit or _null(),
            "trunks": _null(),
            "vlan_id": interface.vlan or _null(),
        }
        for interface in interfaces
    ]
