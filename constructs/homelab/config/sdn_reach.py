"""Vnets as bridges: on which nodes guests can be connected to them."""

from __future__ import annotations

from homelab.config.environment import Environment
from homelab.config.sdn import Vnet


def vnet_of(environment: Environment, bridge: str) -> Vnet | None:
    """The vnet of this environment that is the bridge of that name; None where it is another bridge."""
    return environment.sdn.vnets.get(bridge) if environment.sdn is not None else None


def vnet_nodes(environment: Environment, bridge: str) -> tuple[str, ...]:
    """The nodes that have the vnet called ``bridge``: those of its zone; none where there is no such vnet."""
    vnet = vnet_of(environment, bridge)
    if vnet is None or environment.sdn is None:
        return ()
    zone = environment.sdn.zones.get(vnet.zone)
    return (zone.nodes if zone else ()) or tuple(environment.proxmox.nodes)


def vnet_reaches(environment: Environment, bridge: str, node: str) -> bool:
    """Whether the bridge is a vnet of this environment that ``node`` has."""
    return node in vnet_nodes(environment, bridge)
