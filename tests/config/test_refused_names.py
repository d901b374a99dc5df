"""Sizes, names, numbers and addresses that Proxmox does not take."""

# ruff: noqa: E501 (what is said is compared as it is printed)

from pathlib import Path

import pytest

from tests.config.file_cases import aligned, said

CASES = {
    "size without unit": (
        "vms: {web: {template: debian-12, vm_id: 9100, memory: 2048}}",
        """
        55 error: vms.web.memory
            the unit is missing
            found:    2048
            allowed:  a whole number with a unit: MiB, GiB or TiB
            fix:      write 2048MiB or 2048GiB
        """,
    ),
    "size with an unknown unit": (
        "vms: {web: {template: debian-12, vm_id: 9100, memory: 2GB}}",
        """
        55 error: vms.web.memory
            the unit 'GB' is not known
            found:    2GB
            allowed:  a whole number with a unit: MiB, GiB or TiB
            fix:      write 2GiB
        """,
    ),
    "size that is none": (
        "vms: {web: {template: debian-12, vm_id: 9100, disk: large}}",
        """
        53 error: vms.web.disk
            this is not a size
            found:    large
            allowed:  a whole number with a unit: MiB, GiB or TiB
            fix:      write it as 512MiB or 20GiB
        """,
    ),
    "size out of range": (
        "vms: {web: {template: debian-12, vm_id: 9100, memory: 64MiB}}",
        """
        55 error: vms.web.memory
            the size is out of range
            found:    64MiB
            allowed:  128MiB to 128GiB
            fix:      choose a size from 128MiB to 128GiB
        """,
    ),
    "disk that is no whole number of GiB": (
        "vms: {web: {template: debian-12, vm_id: 9100, disk: 20500MiB}}",
        """
        53 error: vms.web.disk
            Proxmox sizes disks in whole GiB
            found:    20500MiB
            allowed:  a whole number of GiB
            fix:      write 21GiB
        """,
    ),
    "disk out of range": (
        "vms: {web: {template: debian-12, vm_id: 9100, disk: 3GiB}}",
        """
        53 error: vms.web.disk
            the size is out of range
            found:    3GiB
            allowed:  4GiB to 4TiB
            fix:      choose a size from 4GiB to 4TiB
        """,
    ),
    "key with capitals": (
        "vms: {Web: {template: debian-12, vm_id: 9100}}",
        """
        7 error: vms.Web
            this is not a key
            found:    Web
            allowed:  a letter, then a-z, 0-9 and -, not - last, 1 to 63 in all
            fix:      write web
        """,
    ),
    "key with a number first": (
        "vms: {9100: {template: debian-12, vm_id: 9100}}",
        """
        7 error: vms.9100
            this is not a key
            found:    9100
            allowed:  a letter, then a-z, 0-9 and -, not - last, 1 to 63 in all
            fix:      choose another name
        """,
    ),
    "host name": (
        "vms: {web: {template: debian-12, vm_id: 9100, hostname: web_1}}",
        """
        57 error: vms.web.hostname
            this is not a host name
            found:    web_1
            allowed:  1 to 63 of a-z, 0-9 and -, neither first nor last a - (RFC 1123)
            fix:      write web-1
        """,
    ),
    "tag": (
        "vms: {web: {template: debian-12, vm_id: 9100, tags: [ok, 'expires:2026-01-31']}}",
        """
        58 error: vms.web.tags[1]
            this is not a tag
            found:    expires:2026-01-31
            allowed:  a-z, 0-9 and _ first, then also - + . (Proxmox shows capitals but stores none)
            fix:      write expires-2026-01-31
        """,
    ),
    "tag with capitals": (
        "vms: {web: {template: debian-12, vm_id: 9100, tags: [Web]}}",
        """
        54 error: vms.web.tags[0]
            this is not a tag
            found:    Web
            allowed:  a-z, 0-9 and _ first, then also - + . (Proxmox shows capitals but stores none)
            fix:      write web
        """,
    ),
    "bridge": (
        "networks: {lan: {bridge: vmbr-0, cidr: 10.0.0.0/24}}",
        """
        26 error: networks.lan.bridge
            this is not a bridge
            found:    vmbr-0
            allowed:  a letter, then letters, digits and _, 2 to 15 in all, such as vmbr0
            fix:      choose another name
        """,
    ),
    "bridge in a list": (
        "proxmox: {endpoint: 'https://pve:8006', nodes: {pve: {cores: 1, memory: 2GiB, bridges: [vmbr0, 0vmbr], datastores: {local: {content: [import, snippets]}, local-lvm: {}}}}}",
        """
        96 error: proxmox.nodes.pve.bridges[1]
            this is not a bridge
            found:    0vmbr
            allowed:  a letter, then letters, digits and _, 2 to 15 in all, such as vmbr0
            fix:      choose another name
        """,
    ),
    "datastore": (
        "vms: {web: {template: debian-12, vm_id: 9100, datastore: local lvm}}",
        """
        58 error: vms.web.datastore
            this is not a datastore id
            found:    local lvm
            allowed:  a letter, then letters, digits, _ . -, no _ . - last
            fix:      write local-lvm
        """,
    ),
    "VLAN": (
        "networks: {lan: {bridge: vmbr0, cidr: 10.0.0.0/24, vlan: 4095}}",
        """
        58 error: networks.lan.vlan
            this is too large
            found:    4095
            allowed:  1 to 4094
            fix:      choose a number: 1 to 4094
        """,
    ),
    "subnet without prefix": (
        "networks: {lan: {bridge: vmbr0, cidr: 10.0.0.0}}",
        """
        39 error: networks.lan.cidr
            the prefix length is missing
            found:    10.0.0.0
            allowed:  an IPv4 subnet with prefix length
            fix:      write 10.0.0.0/24
        """,
    ),
    "address instead of a subnet": (
        "networks: {lan: {bridge: vmbr0, cidr: 10.0.0.1/24}}",
        """
        39 error: networks.lan.cidr
            this is an address inside a subnet, not a subnet
            found:    10.0.0.1/24
            allowed:  the subnet's first address
            fix:      write 10.0.0.0/24
        """,
    ),
    "subnet that is none": (
        "networks: {lan: {bridge: vmbr0, cidr: home}}",
        """
        39 error: networks.lan.cidr
            this is not a subnet
            found:    home
            allowed:  an IPv4 subnet with prefix length
            fix:      write 192.168.3.0/24
        """,
    ),
    "address with prefix": (
        "vms: {web: {template: debian-12, vm_id: 9100, network: {name: lan, address: 10.0.0.5/24}}}",
        """
        77 error: vms.web.network.address
            10.0.0.5/24 is not an IPv4 address
            found:    10.0.0.5/24
            allowed:  four numbers from 0 to 255
            fix:      write 10.0.0.5; the prefix length comes from the network
        """,
    ),
    "address that is none": (
        "vms: {web: {template: debian-12, vm_id: 9100, network: {name: lan, address: 10.0.0.300}}}",
        """
        77 error: vms.web.network.address
            10.0.0.300 is not an IPv4 address
            found:    10.0.0.300
            allowed:  four numbers from 0 to 255
            fix:      write 192.168.3.10
        """,
    ),
    "range that is none": (
        "networks: {lan: {bridge: vmbr0, cidr: 10.0.0.0/24, dhcp: {range: 10.0.0.100}}}",
        """
        66 error: networks.lan.dhcp.range
            this is not a range of addresses
            found:    10.0.0.100
            allowed:  first-last
            fix:      write 192.168.3.100-192.168.3.199
        """,
    ),
    "range with a wrong address": (
        "networks: {lan: {bridge: vmbr0, cidr: 10.0.0.0/24, dhcp: {range: 10.0.0.100-10.0.0.300}}}",
        """
        66 error: networks.lan.dhcp.range
            10.0.0.300 is not an IPv4 address
            found:    10.0.0.100-10.0.0.300
            allowed:  four numbers from 0 to 255
            fix:      write 192.168.3.10
        """,
    ),
    "range that ends before it begins": (
        "networks: {lan: {bridge: vmbr0, cidr: 10.0.0.0/24, dhcp: {range: 10.0.0.199-10.0.0.100}}}",
        """
        66 error: networks.lan.dhcp.range
            the range ends before it begins
            found:    10.0.0.199-10.0.0.100
            allowed:  first-last
            fix:      write 10.0.0.100-10.0.0.199
        """,
    ),
    "reserved range that is none": (
        "networks: {lan: {bridge: vmbr0, cidr: 10.0.0.0/24, reserved: [10.0.0.5-]}}",
        """
        63 error: networks.lan.reserved[0]
            this is not an IPv4 address
            found:    10.0.0.5-
            allowed:  four numbers from 0 to 255
            fix:      write 192.168.3.10
        """,
    ),
    "MAC address": (
        "vms: {web: {template: debian-12, vm_id: 9100, network: {name: lan, mac: 'BC:24:11'}}}",
        """
        73 error: vms.web.network.mac
            this is not a MAC address
            found:    BC:24:11
            allowed:  six pairs of hexadecimal digits
            fix:      write "BC:24:11:00:00:01"
        """,
    ),
    "MAC address of many": (
        "vms: {web: {template: debian-12, vm_id: 9100, network: {name: lan, mac: '01:00:5E:00:00:01'}}}",
        """
        73 error: vms.web.network.mac
            this is a multicast MAC address
            found:    01:00:5E:00:00:01
            allowed:  an even first pair
            fix:      start it with "BC:24:11" or "02"
        """,
    ),
}


@pytest.mark.parametrize(("change", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(tmp_path: Path, change: str, text: str) -> None:
    assert said(tmp_path, change) == aligned(text)
