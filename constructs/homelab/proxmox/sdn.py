"""Software-defined networks of the cluster."""

import hashlib
from collections.abc import Mapping
from typing import Any

from cdktf import TerraformResource, TerraformResourceLifecycle
from constructs import Construct

from homelab.config import sdn
from homelab.proxmox.address import address_of
from homelab.proxmox.literal import literal
from imports.proxmox.sdn_applier import SdnApplier
from imports.proxmox.sdn_controller_evpn import SdnControllerEvpn
from imports.proxmox.sdn_subnet import SdnSubnet, SdnSubnetDhcpRange
from imports.proxmox.sdn_vnet import SdnVnet
from imports.proxmox.sdn_zone_evpn import SdnZoneEvpn
from imports.proxmox.sdn_zone_qinq import SdnZoneQinq
from imports.proxmox.sdn_zone_simple import SdnZoneSimple
from imports.proxmox.sdn_zone_vlan import SdnZoneVlan
from imports.proxmox.sdn_zone_vxlan import SdnZoneVxlan


class SoftwareDefinedNetwork(Construct):
    """Defines zones, vnets, subnets and EVPN controllers, and puts them into force.

    Decided for you: Proxmox keeps changes of its SDN pending until somebody applies them, so every change here is
    followed by an apply on all nodes. It applies whatever else is pending too. What is removed is applied when it is
    gone, by the ``finalizer``: it is called after the names of all there is, so that another set of names is another
    one, and it is destroyed after everything that depends on it.

    Args:
        settings: what there is to be.

    Source: ``proxmox_sdn_zone_*``, ``proxmox_sdn_vnet``, ``proxmox_sdn_subnet``, ``proxmox_sdn_controller_evpn``,
    ``proxmox_sdn_applier``. The token needs SDN.Allocate and SDN.Audit.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: sdn.Sdn) -> None:
        super().__init__(scope, id_)
        names = [*settings.controllers, *settings.zones]
        names += [f"{name}/{cidr}" for name, vnet in settings.vnets.items() for cidr in ("", *vnet.subnets)]
        digest = hashlib.sha256(" ".join(sorted(names)).encode()).hexdigest()[:8]
        self._last = SdnApplier(self, f"finalizer-{digest}", on_create=False)
        controllers = {name: self._controller(name, value) for name, value in sorted(settings.controllers.items())}
        zones = {name: self._zone(name, zone, controllers) for name, zone in sorted(settings.zones.items())}
        vnets = {name: self._vnet(name, vnet, zones[vnet.zone]) for name, vnet in sorted(settings.vnets.items())}
        subnets = [
            self._subnet(name, str(cidr), subnet, vnets[name])
            for name, vnet in sorted(settings.vnets.items())
            for cidr, subnet in sorted(vnet.subnets.items())
        ]
        made: list[TerraformResource] = [*controllers.values(), *zones.values(), *vnets.values(), *subnets]
        SdnApplier(
            self,
            "applier",
            depends_on=made,
            lifecycle=TerraformResourceLifecycle(replace_triggered_by=[address_of(resource) for resource in made]),
        )

    def _controller(self, name: str, settings: sdn.EvpnController) -> TerraformResource:
        peers = [str(peer) for peer in settings.peers]
        return SdnControllerEvpn(
            self, f"controller-{name}", id=name, asn=settings.asn, peers=peers, depends_on=[self._last]
        )

    def _zone(self, name: str, zone: sdn.Zone, controllers: Mapping[str, TerraformResource]) -> TerraformResource:
        common: dict[str, Any] = {
            "id": name,
            "nodes": list(zone.nodes) or None,
            "mtu": zone.mtu,
            "ipam": zone.ipam,
            "dns": zone.dns,
            "reverse_dns": zone.reverse_dns,
            "dns_zone": zone.dns_zone,
            "depends_on": [self._last],
        }
        construct = f"zone-{name}"
        match zone:
            case sdn.SimpleZone():
                return SdnZoneSimple(self, construct, **common, dhcp=zone.dhcp)
            case sdn.VlanZone():
                return SdnZoneVlan(self, construct, **common, bridge=zone.bridge)
            case sdn.VxlanZone():
                return SdnZoneVxlan(self, construct, **common, peers=[str(peer) for peer in zone.peers])
            case sdn.QinqZone():
                return SdnZoneQinq(
                    self,
                    construct,
                    **common,
                    bridge=zone.bridge,
                    service_vlan=zone.service_vlan,
                    service_vlan_protocol=zone.service_vlan_protocol,
                )
            case sdn.EvpnZone():
                common["depends_on"].append(controllers[zone.controller])
                return SdnZoneEvpn(
                    self,
                    construct,
                    **common,
                    controller=zone.controller,
                    vrf_vxlan=zone.vrf_vxlan,
                    exit_nodes=list(zone.exit_nodes) or None,
                    primary_exit_node=zone.primary_exit_node,
                    exit_nodes_local_routing=zone.exit_nodes_local_routing,
                    advertise_subnets=zone.advertise_subnets,
                    disable_arp_nd_suppression=zone.disable_arp_nd_suppression,
                    rt_import=zone.rt_import,
                )

    def _vnet(self, name: str, vnet: sdn.Vnet, zone: TerraformResource) -> TerraformResource:
        return SdnVnet(
            self,
            f"vnet-{name}",
            id=name,
            zone=vnet.zone,
            tag=vnet.tag,
            alias=literal(vnet.alias),
            vlan_aware=vnet.vlan_aware,
            isolate_ports=vnet.isolate_ports,
            depends_on=[zone, self._last],
        )

    def _subnet(self, vnet: str, cidr: str, subnet: sdn.Subnet, vnet_resource: TerraformResource) -> TerraformResource:
        first, _, last = (subnet.dhcp_range or "").partition("-")
        return SdnSubnet(
            self,
            f"subnet-{vnet}-{cidr.replace('.', '-').replace('/', '-')}",
            vnet=vnet,
            cidr=cidr,
            gateway=str(subnet.gateway) if subnet.gateway else None,
            snat=subnet.snat,
            dhcp_range=SdnSubnetDhcpRange(start_address=first.strip(), end_address=last.strip())
            if subnet.dhcp_range
            else None,
            dhcp_dns_server=str(subnet.dhcp_dns_server) if subnet.dhcp_dns_server else None,
            dns_zone_prefix=subnet.dns_zone_prefix,
            depends_on=[vnet_resource, self._last],
        )
