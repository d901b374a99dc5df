"""Network interfaces of virtual machines, in the one form that the provider accepts from JSON."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from cdktf import IResolvable, Token

from homelab.config.guest import InterfaceSpec
from imports.proxmox.virtual_environment_vm import VirtualEnvironmentVmNetworkDevice


class _Null(NamedTuple):
    """JSON null, as the types that the bindings ask for. cdktf drops None and writes this."""

    raw: IResolvable
    string: str
    number: float


@cache
def _null() -> _Null:
    null = Token.null_value()
    return _Null(null, Token.as_string(null), Token.as_number(null))


def network_devices(interfaces: Sequence[InterfaceSpec]) -> list[VirtualEnvironmentVmNetworkDevice]:
    """``interfaces`` as ``network_device`` of ``proxmox_virtual_environment_vm``.

    The attribute is a list of objects rather than blocks: Terraform wants all eleven keys in every object, and the
    bindings leave out those that are not set. Keys without a value are null, and so is ``enabled``, which is
    deprecated.
    """
    null = _null()
    return [
        VirtualEnvironmentVmNetworkDevice(
            bridge=interface.bridge,
            disconnected=False,
            enabled=null.raw,
            firewall=interface.firewall,
            mac_address=interface.mac or null.string,
            model=interface.model,
            mtu=interface.mtu or null.number,
            queues=null.number,
            rate_limit=interface.rate_limit or null.number,
            trunks=null.string,
            vlan_id=interface.vlan or null.number,
        )
        for interface in interfaces
    ]
