"""Static addresses: inside their subnet, not taken by anything else, each once in a segment."""

# ruff: noqa: E501 (what is said is compared as it is printed)

import pytest

from tests.config.cases import expected, said

CASES = {
    "a free address": (
        (
            """
            networks: {lan: {dhcp: {range: 10.0.0.100-10.0.0.199}, reserved: [10.0.0.2, 10.0.0.4-10.0.0.9]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.53}}}
            """,
        ),
        "",
    ),
    "dhcp": (
        (
            """
            networks: {lan: {dhcp: {range: 10.0.0.100-10.0.0.199}, reserved: [10.0.0.2, 10.0.0.4-10.0.0.9]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: dhcp}}}
            """,
        ),
        "",
    ),
    "outside": (
        (
            """
            networks: {lan: {dhcp: {range: 10.0.0.100-10.0.0.199}, reserved: [10.0.0.2, 10.0.0.4-10.0.0.9]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.1.53}}}
            """,
        ),
        """
        error: containers.dns.network[0].address
            the address 10.0.1.53 is not in 10.0.0.0/24
            found:    10.0.1.53
            allowed:  10.0.0.1 to 10.0.0.254, but for gateway, reserved and DHCP addresses
            fix:      write 10.0.0.3
        """,
    ),
    "subnet itself": (
        (
            """
            networks: {lan: {dhcp: {range: 10.0.0.100-10.0.0.199}, reserved: [10.0.0.2, 10.0.0.4-10.0.0.9]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.0}}}
            """,
        ),
        """
        error: containers.dns.network[0].address
            the address 10.0.0.0 is the address of the subnet 10.0.0.0/24 itself
            found:    10.0.0.0
            allowed:  10.0.0.1 to 10.0.0.254, but for gateway, reserved and DHCP addresses
            fix:      write 10.0.0.3
        """,
    ),
    "broadcast": (
        (
            """
            networks: {lan: {dhcp: {range: 10.0.0.100-10.0.0.199}, reserved: [10.0.0.2, 10.0.0.4-10.0.0.9]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.255}}}
            """,
        ),
        """
        error: containers.dns.network[0].address
            the address 10.0.0.255 is the broadcast address of 10.0.0.0/24
            found:    10.0.0.255
            allowed:  10.0.0.1 to 10.0.0.254, but for gateway, reserved and DHCP addresses
            fix:      write 10.0.0.3
        """,
    ),
    "gateway": (
        (
            """
            networks: {lan: {dhcp: {range: 10.0.0.100-10.0.0.199}, reserved: [10.0.0.2, 10.0.0.4-10.0.0.9]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.1}}}
            """,
        ),
        """
        error: containers.dns.network[0].address
            the address 10.0.0.1 is the gateway's
            found:    10.0.0.1
            allowed:  10.0.0.1 to 10.0.0.254, but for gateway, reserved and DHCP addresses
            fix:      write 10.0.0.3
        """,
    ),
    "reserved address": (
        (
            """
            networks: {lan: {dhcp: {range: 10.0.0.100-10.0.0.199}, reserved: [10.0.0.2, 10.0.0.4-10.0.0.9]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.2}}}
            """,
        ),
        """
        error: containers.dns.network[0].address
            the address 10.0.0.2 is reserved
            found:    10.0.0.2
            allowed:  10.0.0.1 to 10.0.0.254, but for gateway, reserved and DHCP addresses
            fix:      write 10.0.0.3
        """,
    ),
    "reserved range": (
        (
            """
            networks: {lan: {dhcp: {range: 10.0.0.100-10.0.0.199}, reserved: [10.0.0.2, 10.0.0.4-10.0.0.9]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.9}}}
            """,
        ),
        """
        error: containers.dns.network[0].address
            the address 10.0.0.9 is reserved
            found:    10.0.0.9
            allowed:  10.0.0.1 to 10.0.0.254, but for gateway, reserved and DHCP addresses
            fix:      write 10.0.0.3
        """,
    ),
    "dhcp range": (
        (
            """
            networks: {lan: {dhcp: {range: 10.0.0.100-10.0.0.199}, reserved: [10.0.0.2, 10.0.0.4-10.0.0.9]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.100}}}
            """,
        ),
        """
        error: containers.dns.network[0].address
            the address 10.0.0.100 is in the DHCP range 10.0.0.100-10.0.0.199
            found:    10.0.0.100
            allowed:  10.0.0.1 to 10.0.0.254, but for gateway, reserved and DHCP addresses
            fix:      write 10.0.0.3
        """,
    ),
    "a replica runs into the dhcp range": (
        (
            """
            networks: {lan: {dhcp: {range: 10.0.0.100-10.0.0.199}, reserved: [10.0.0.2, 10.0.0.4-10.0.0.9]}}
            containers: {dns: {os: debian-12, vm_id: 9200, replicas: 4, network: {name: lan, address: 10.0.0.98}}}
            """,
        ),
        """
        error: containers.dns.network[0].address
            the address 10.0.0.100 of dns-3 is in the DHCP range 10.0.0.100-10.0.0.199
            found:    10.0.0.98
            allowed:  10.0.0.1 to 10.0.0.254, but for gateway, reserved and DHCP addresses
            fix:      write 10.0.0.10, 4 are free from there
        """,
    ),
    "second interface": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, network: [lan, {name: lan, address: 10.0.1.1}]}}
            """,
        ),
        """
        error: containers.dns.network[1].address
            the address 10.0.1.1 is not in 10.0.0.0/24
            found:    10.0.1.1
            allowed:  10.0.0.1 to 10.0.0.254, but for gateway, reserved and DHCP addresses
            fix:      write 10.0.0.2
        """,
    ),
    "from the VMID": (
        (
            """
            networks: {lan: {address_from: vm_id}}
            policy: {vm_ids: {containers: {first: 100, last: 254}}}
            containers: {dns: {os: debian-12, vm_id: 153, network: lan}}
            """,
        ),
        "",
    ),
    "a VMID that leaves the subnet": (
        (
            """
            networks: {lan: {address_from: vm_id}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan}}
            """,
        ),
        """
        error: containers.dns.vm_id
            VMID 9200 of dns leads to 10.0.35.240 in network lan, which is not in 10.0.0.0/24
            found:    9200
            allowed:  100 to 254
            fix:      choose another vm_id, or write the address: network: {name: lan, address: ...}
        """,
    ),
    "a VMID that leads to the broadcast address": (
        (
            """
            networks: {lan: {address_from: vm_id}}
            policy: {vm_ids: {containers: {first: 100, last: 999}}}
            containers: {dns: {os: debian-12, vm_id: 255, network: lan}}
            """,
        ),
        """
        error: containers.dns.vm_id
            VMID 255 of dns leads to 10.0.0.255 in network lan, which is the broadcast address of 10.0.0.0/24
            found:    255
            allowed:  100 to 254
            fix:      choose another vm_id, or write the address: network: {name: lan, address: ...}
        """,
    ),
    "a VMID beyond all addresses": (
        (
            """
            networks: {lan: {cidr: 255.255.255.0/24, gateway: 255.255.255.1, address_from: vm_id}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan}}
            """,
        ),
        """
        error: containers.dns.vm_id
            VMID 9200 of dns leads beyond the last address there is
            found:    9200
            allowed:  100 to 254
            fix:      choose another vm_id, or write the address: network: {name: lan, address: ...}
        """,
    ),
    "a VMID where the subnet is too small": (
        (
            """
            networks: {lan: {cidr: 10.0.0.0/28, address_from: vm_id}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan}}
            """,
        ),
        """
        error: containers.dns.vm_id
            VMID 9200 of dns leads to 10.0.35.240 in network lan, which is not in 10.0.0.0/28
            found:    9200
            allowed:  no VMID: the subnet ends before address 100
            fix:      choose another vm_id, or write the address: network: {name: lan, address: ...}
        """,
    ),
    "a written address in spite of the VMID": (
        (
            """
            networks: {lan: {address_from: vm_id}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.20}}}
            """,
        ),
        "",
    ),
    "twice": (
        (
            """
            containers:
              dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.2}}
              proxy: {os: debian-12, vm_id: 9201, network: {name: lan, address: 10.0.0.2}}
            """,
        ),
        """
        error: containers.proxy.network[0].address
            the address 10.0.0.2 of proxy is already that of containers.dns
            found:    10.0.0.2
            allowed:  an address that no other guest of the network has
            fix:      write 10.0.0.3
        """,
    ),
    "twice on one guest": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, network: [{name: lan, address: 10.0.0.2}, {name: lan, address: 10.0.0.2}]}}
            """,
        ),
        """
        error: containers.dns.network[1].address
            the address 10.0.0.2 of dns is already that of containers.dns
            found:    10.0.0.2
            allowed:  an address that no other guest of the network has
            fix:      write 10.0.0.3
        """,
    ),
    "replicas run into another guest": (
        (
            """
            containers:
              dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.3}}
              proxy: {os: debian-12, vm_id: 9201, replicas: 3, network: {name: lan, address: 10.0.0.2}}
            """,
        ),
        """
        error: containers.proxy.network[0].address
            the address 10.0.0.3 of proxy-2 is already that of containers.dns
            found:    10.0.0.2
            allowed:  an address that no other guest of the network has
            fix:      write 10.0.0.5, 3 are free from there
        """,
    ),
    "twice by VMID": (
        (
            """
            networks: {lan: {address_from: vm_id}}
            policy: {vm_ids: {containers: {first: 100, last: 254}}}
            containers:
              dns: {os: debian-12, vm_id: 120, network: {name: lan, address: 10.0.0.121}}
              proxy: {os: debian-12, vm_id: 121, network: lan}
            """,
        ),
        """
        error: containers.proxy.vm_id
            VMID 121 of proxy leads to 10.0.0.121, which is already that of containers.dns
            found:    121
            allowed:  an address that no other guest of the network has
            fix:      choose another vm_id
        """,
    ),
    "twice in two environments": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.2}}}
            """,
            """
            containers: {proxy: {os: debian-12, vm_id: 9201, network: {name: lan, address: 10.0.0.2}}}
            """,
        ),
        """
        two: error: containers.proxy.network[0].address
            the address 10.0.0.2 of proxy is already that of containers.dns of environment one
            found:    10.0.0.2
            allowed:  an address that no other guest of the network has
            fix:      write 10.0.0.3
        """,
    ),
    "another VLAN": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.2}}}
            """,
            """
            networks: {lan: {vlan: 20}}
            containers: {proxy: {os: debian-12, vm_id: 9201, network: {name: lan, address: 10.0.0.2}}}
            """,
        ),
        "",
    ),
    "an interface on another VLAN": (
        (
            """
            containers:
              dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.2}}
              proxy: {os: debian-12, vm_id: 9201, network: {name: lan, address: 10.0.0.2, vlan: 30}}
            """,
        ),
        "",
    ),
    "a subnet of two addresses": (
        (
            """
            networks: {lan: {cidr: 10.0.0.0/31, gateway: 10.0.0.0}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.1}}}
            """,
        ),
        "",
    ),
    "nothing left": (
        (
            """
            networks: {lan: {cidr: 10.0.0.0/30}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.2}}, proxy: {os: debian-12, vm_id: 9201, network: {name: lan, address: 10.0.0.2}}}
            """,
        ),
        """
        error: containers.proxy.network[0].address
            the address 10.0.0.2 of proxy is already that of containers.dns
            found:    10.0.0.2
            allowed:  an address that no other guest of the network has
            fix:      use a larger subnet: lan has no address left
        """,
    ),
}


@pytest.mark.parametrize(("changes", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: tuple[str, ...], text: str) -> None:
    assert said(*changes) == expected(text)
