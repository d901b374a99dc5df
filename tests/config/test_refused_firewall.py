"""What firewalls, access and ranges can't be."""

from pathlib import Path

import pytest

from tests.config.file_cases import aligned, said

CASES = {
    "port": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {allow: [{port: 70000}]}}}",
        """
        73 error: vms.web.firewall.allow[0].port
            70000 is no port and no range
            found:    70000
            allowed:  ports from 1 to 65535, ranges as first:last, several with commas
            fix:      choose ports from 1 to 65535
        """,
    ),
    "port zero": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {allow: [{port: 0}]}}}",
        """
        73 error: vms.web.firewall.allow[0].port
            0 is no port and no range
            found:    0
            allowed:  ports from 1 to 65535, ranges as first:last, several with commas
            fix:      choose ports from 1 to 65535
        """,
    ),
    "port range that ends before it begins": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {allow: [{port: '90:80'}]}}}",
        """
        73 error: vms.web.firewall.allow[0].port
            the range 90:80 ends before it begins
            found:    90:80
            allowed:  ports from 1 to 65535, ranges as first:last, several with commas
            fix:      write 80:90
        """,
    ),
    "port range with three ends": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {allow: [{port: '1:2:3'}]}}}",
        """
        73 error: vms.web.firewall.allow[0].port
            1:2:3 is no port and no range
            found:    1:2:3
            allowed:  ports from 1 to 65535, ranges as first:last, several with commas
            fix:      choose ports from 1 to 65535
        """,
    ),
    "port by name": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {allow: [{port: ssh}]}}}",
        """
        73 error: vms.web.firewall.allow[0].port
            these are no ports
            found:    ssh
            allowed:  ports from 1 to 65535, ranges as first:last, several with commas
            fix:      write 22, "80,443" or "1514:1518"
        """,
    ),
    "tcp without port": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {allow: [{from: lan}]}}}",
        """
        66 error: vms.web.firewall.allow[0]
            tcp needs a port
            allowed:  a port, a range first:last, or several with commas
            fix:      add port: 22
        """,
    ),
    "icmp with port": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {allow: [{protocol: icmp, port: 22}]}}}",
        """
        66 error: vms.web.firewall.allow[0]
            icmp has no ports
            fix:      remove port
        """,
    ),
    "port without protocol": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {rules: [{port: 22}]}}}",
        """
        66 error: vms.web.firewall.rules[0]
            ports need a protocol that has ports
            allowed:  tcp, udp or sctp
            fix:      add protocol: tcp
        """,
    ),
    "macro with port": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {rules: [{macro: SSH, protocol: tcp, port: 22}]}}}",
        """
        66 error: vms.web.firewall.rules[0]
            a macro brings its own protocol and ports
            fix:      remove either macro or protocol and port
        """,
    ),
    "group with an action": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {rules: [{group: web, action: DROP}]}}}",
        """
        66 error: vms.web.firewall.rules[0]
            a rule with a group has no action
            fix:      keep only group, interface, comment and enabled
        """,
    ),
    "peer": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {allow: [{port: 22, from: 'lan; drop'}]}}}",
        """
        83 error: vms.web.firewall.allow[0].from
            this is not a peer
            found:    lan; drop
            allowed:  a network, an address, a subnet, a range, an alias or +ipset; several with commas
            fix:      write it like 10.0.0.0/8
        """,
    ),
    "alias": (
        "firewall: {input_policy: ACCEPT, aliases: {nas: {cidr: nas.home.arpa}}}",
        """
        56 error: firewall.aliases.nas.cidr
            this is not an address or subnet
            found:    nas.home.arpa
            allowed:  an address, or a subnet with prefix length
            fix:      write 10.0.0.0/8
        """,
    ),
    "alias of an address in a subnet": (
        "firewall: {input_policy: ACCEPT, aliases: {nas: {cidr: 10.0.0.8/24}}}",
        """
        56 error: firewall.aliases.nas.cidr
            this is an address inside a subnet, not a subnet
            found:    10.0.0.8/24
            allowed:  the subnet's first address
            fix:      write 10.0.0.0/24
        """,
    ),
    "too long a group": (
        "firewall: {input_policy: ACCEPT, groups: {a-group-with-a-long-name: {rules: [{macro: SSH}]}}}",
        """
        43 error: firewall.groups.a-group-with-a-long-name
            this is not a firewall name
            found:    a-group-with-a-long-name
            allowed:  a letter, then letters, digits, - and _, 2 to 18 in all
            fix:      write a-group-with-a-lon
        """,
    ),
    "rate of logs": (
        "firewall: {input_policy: ACCEPT, log_rate: 5}",
        """
        44 error: firewall.log_rate
            a text belongs here, and YAML reads this as a number
            found:    5
            allowed:  Log lines after the burst
            fix:      write it like 1/second
        """,
    ),
}


@pytest.mark.parametrize(("change", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(tmp_path: Path, change: str, text: str) -> None:
    assert said(tmp_path, change) == aligned(text)
