"""Networks: gateways and ranges inside their subnet, and bridges and VLANs that the nodes have."""

# ruff: noqa: E501 (what is said is compared as it is printed)

import pytest

from tests.config.cases import expected, said

CASES = {
    "in order": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan}}
            """,
        ),
        "",
    ),
    "gateway outside": (
        (
            """
            networks: {lan: {gateway: 10.0.1.1}}
            """,
        ),
        """
        error: networks.lan.gateway
            the gateway is not in 10.0.0.0/24
            found:    10.0.1.1
            allowed:  10.0.0.1 to 10.0.0.254
            fix:      write the router's address in this network, such as 10.0.0.1
        """,
    ),
    "gateway is the subnet": (
        (
            """
            networks: {lan: {gateway: 10.0.0.0}}
            """,
        ),
        """
        error: networks.lan.gateway
            the gateway is the network or broadcast address of 10.0.0.0/24
            found:    10.0.0.0
            allowed:  10.0.0.1 to 10.0.0.254
            fix:      write the router's address in this network, such as 10.0.0.1
        """,
    ),
    "gateway is the broadcast address": (
        (
            """
            networks: {lan: {gateway: 10.0.0.255}}
            """,
        ),
        """
        error: networks.lan.gateway
            the gateway is the network or broadcast address of 10.0.0.0/24
            found:    10.0.0.255
            allowed:  10.0.0.1 to 10.0.0.254
            fix:      write the router's address in this network, such as 10.0.0.1
        """,
    ),
    "dhcp range outside": (
        (
            """
            networks: {lan: {dhcp: {range: 10.0.0.200-10.0.1.10}}}
            """,
        ),
        """
        error: networks.lan.dhcp.range
            the DHCP range leaves 10.0.0.0/24
            found:    10.0.0.200-10.0.1.10
            allowed:  10.0.0.1 to 10.0.0.254
            fix:      correct the range or cidr
        """,
    ),
    "dhcp range has the gateway": (
        (
            """
            networks: {lan: {dhcp: {range: 10.0.0.1-10.0.0.99}}}
            """,
        ),
        """
        error: networks.lan.dhcp.range
            the DHCP range has the gateway 10.0.0.1 in it
            found:    10.0.0.1-10.0.0.99
            allowed:  10.0.0.1 to 10.0.0.254
            fix:      begin the range after the gateway
        """,
    ),
    "reserved outside": (
        (
            """
            networks: {lan: {reserved: [10.0.0.2, 10.0.1.2]}}
            """,
        ),
        """
        error: networks.lan.reserved[1]
            the reserved address is not in 10.0.0.0/24
            found:    10.0.1.2
            allowed:  10.0.0.1 to 10.0.0.254
            fix:      correct or remove it
        """,
    ),
    "no such network": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, network: [lan, lann]}}
            """,
        ),
        """
        error: containers.dns.network[1].name
            there is no network lann
            found:    lann
            allowed:  lan
            fix:      did you mean lan?
        """,
    ),
    "no network at all": (
        (
            """
            networks: {lan: null}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan}}
            """,
        ),
        """
        error: containers.dns.network[0].name
            there is no network lan
            found:    lan
            allowed:  none is defined
            fix:      add it to networks: lan: {bridge: ..., cidr: ...}
        """,
    ),
    "overlap on one bridge": (
        (
            """
            networks: {dmz: {bridge: vmbr0, cidr: 10.0.0.128/25}}
            """,
        ),
        """
        error: networks.dmz.cidr
            the subnet 10.0.0.128/25 overlaps with 10.0.0.0/24 of networks.lan on the same bridge and VLAN
            found:    10.0.0.128/25
            allowed:  subnets that don't overlap
            fix:      choose another subnet, or use one network for both
        """,
    ),
    "overlap on another VLAN": (
        (
            """
            networks: {dmz: {bridge: vmbr0, vlan: 20, cidr: 10.0.0.0/24}}
            """,
        ),
        """
        warning: networks.dmz.cidr
            the subnet 10.0.0.0/24 overlaps with 10.0.0.0/24 of networks.lan, so routers can't tell them apart
            found:    10.0.0.0/24
            allowed:  subnets that don't overlap
            fix:      choose another subnet, or use one network for both
        """,
    ),
    "no such bridge on the guest's node": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan}}
            networks: {lan: {bridge: vmbr1}}
            """,
        ),
        """
        error: networks.lan.bridge
            node pve, where containers.dns is, has no bridge vmbr1
            found:    vmbr1
            allowed:  vmbr0
            fix:      did you mean vmbr0?
        """,
    ),
    "no such bridge on any node": (
        (
            """
            networks: {lan: {bridge: vmbr1}}
            """,
        ),
        """
        error: networks.lan.bridge
            no node has a bridge vmbr1
            found:    vmbr1
            allowed:  vmbr0
            fix:      did you mean vmbr0?
        """,
    ),
    "bridge on the other node only": (
        (
            """
            proxmox: {default_node: pve, nodes: {two: {cores: 4, memory: 8GiB, bridges: [vmbr1], datastores: {local-lvm: {}}}}}
            networks: {lan: {bridge: vmbr1}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan}}
            """,
        ),
        """
        error: networks.lan.bridge
            node pve, where containers.dns is, has no bridge vmbr1
            found:    vmbr1
            allowed:  vmbr0
            fix:      did you mean vmbr0?
        """,
    ),
    "bridge without VLANs": (
        (
            """
            proxmox: {nodes: {pve: {bridges: {vmbr0: {vlan_aware: false}}}}}
            networks: {lan: {vlan: 20}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan}}
            """,
        ),
        """
        error: networks.lan.vlan
            the bridge vmbr0 of node pve, where containers.dns is, takes no VLANs
            found:    20
            allowed:  no vlan, or a bridge with vlan_aware: true
            fix:      remove vlan, or make the bridge VLAN aware
        """,
    ),
    "VLAN does not reach the bridge": (
        (
            """
            proxmox: {nodes: {pve: {bridges: {vmbr0: {vlans: [10, 20]}}}}}
            networks: {lan: {vlan: 30}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan}}
            """,
        ),
        """
        error: networks.lan.vlan
            VLAN 30 does not reach the bridge vmbr0 of node pve, where containers.dns is
            found:    30
            allowed:  10, 20
            fix:      choose one of them, or add it to proxmox.nodes.pve.bridges.vmbr0.vlans
        """,
    ),
    "VLAN reaches the bridge": (
        (
            """
            proxmox: {nodes: {pve: {bridges: {vmbr0: {vlans: [10, 20]}}}}}
            networks: {lan: {vlan: 20}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan}}
            """,
        ),
        "",
    ),
    "VLAN of an interface": (
        (
            """
            proxmox: {nodes: {pve: {bridges: {vmbr0: {vlans: [10]}}}}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, vlan: 30}}}
            """,
        ),
        """
        error: containers.dns.network[0].vlan
            VLAN 30 does not reach the bridge vmbr0 of node pve, where containers.dns is
            found:    30
            allowed:  10
            fix:      choose one of them, or add it to proxmox.nodes.pve.bridges.vmbr0.vlans
        """,
    ),
    "environments agree": (
        (
            """
            networks: {lan: {vlan: 20}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan}}
            """,
            """
            networks: {lan: {vlan: 20}}
            containers: {web: {os: debian-12, vm_id: 9201}}
            """,
        ),
        "",
    ),
    "environments disagree about the subnet": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan}}
            """,
            """
            networks: {lan: {cidr: 10.0.0.0/16}}
            containers: {web: {os: debian-12, vm_id: 9201}}
            """,
        ),
        """
        two: warning: networks.lan.cidr
            networks.lan of environment one, on the same bridge and VLAN, has the cidr 10.0.0.0/24
            found:    10.0.0.0/16
            allowed:  the same in all environments of a cluster
            fix:      correct one of the two
        """,
    ),
    "environments disagree about the gateway": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan}}
            """,
            """
            networks: {home: {bridge: vmbr0, cidr: 10.0.0.0/24, gateway: 10.0.0.2}, lan: null}
            containers: {web: {os: debian-12, vm_id: 9201}}
            """,
        ),
        """
        two: warning: networks.home.gateway
            networks.lan of environment one, on the same bridge and VLAN, has the gateway 10.0.0.1
            found:    10.0.0.2
            allowed:  the same in all environments of a cluster
            fix:      correct one of the two
        """,
    ),
}


@pytest.mark.parametrize(("changes", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: tuple[str, ...], text: str) -> None:
    assert said(*changes) == expected(text)
