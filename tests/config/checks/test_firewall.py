"""Firewall rules: every name in them stands for something."""

# ruff: noqa: E501 (what is said is compared as it is printed)

import pytest

from tests.config.cases import expected, said

CASES = {
    "network, alias, ipset, address, subnet, range": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {allow: [{port: 22, from: lan}, {port: 80, from: nas}, {port: 81, from: +trusted}, {port: 82, from: 10.0.0.7}, {port: 83, from: 10.0.0.0/8}, {port: 84, from: 10.0.0.3-10.0.0.7}, {port: 85, from: 'fd00::/8'}, {port: 86, from: 'lan,10.1.0.0/16'}, {port: 87, from: +dc/trusted}, {port: 88, from: dc/nas}]}}}
            """,
        ),
        "",
    ),
    "a filter of addresses that only DHCP knows": (
        (
            """
            firewall: {enabled: true, ipsets: {management: {addresses: [lan]}}}
            networks: {lan: {dhcp: {range: 10.0.0.100-10.0.0.199}}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {ip_filter: true}}}
            """,
        ),
        """
        error: containers.dns.firewall.ip_filter
            Proxmox lets net0 send from no address, as it does not know the one that DHCP gives it
            found:    true
            allowed:  true with static addresses on every filtered interface
            fix:      remove ip_filter, or give the interface an address, or write firewall: false for it
        """,
    ),
    "a filter of static addresses, and of none where nothing is filtered": (
        (
            """
            firewall: {enabled: true, ipsets: {management: {addresses: [lan]}}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: [{name: lan, address: 10.0.0.53}, {name: lan, firewall: false}], firewall: {ip_filter: true}}}
            """,
        ),
        "",
    ),
    "names that Proxmox has itself": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {allow: [{port: 22, from: local_network}, {port: 80, from: +guest/mine}]}}}
            """,
        ),
        "",
    ),
    "no such name": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {allow: [{port: 22, from: lann}]}}}
            """,
        ),
        """
        error: containers.dns.firewall.allow[0].from
            lann is no network, no alias and no address
            found:    lann
            allowed:  lan, nas, local_network
            fix:      did you mean lan?
        """,
    ),
    "name of an IP set without plus": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {allow: [{port: 22, from: trusted}]}}}
            """,
        ),
        """
        error: containers.dns.firewall.allow[0].from
            trusted is no network, no alias and no address
            found:    trusted
            allowed:  lan, nas, local_network
            fix:      did you mean +trusted?
        """,
    ),
    "no such IP set": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {allow: [{port: 22, from: +trustet}]}}}
            """,
        ),
        """
        error: containers.dns.firewall.allow[0].from
            there is no IP set trustet
            found:    +trustet
            allowed:  +management, +trusted
            fix:      did you mean +trusted?
        """,
    ),
    "not an address": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {allow: [{port: 22, from: 10.0.0.300}]}}}
            """,
        ),
        """
        error: containers.dns.firewall.allow[0].from
            10.0.0.300 is no network, no alias and no address
            found:    10.0.0.300
            allowed:  lan, nas, local_network
            fix:      add it to networks or to firewall.aliases, or write an address
        """,
    ),
    "range that ends before it begins": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {allow: [{port: 22, from: 10.0.0.9-10.0.0.3}]}}}
            """,
        ),
        """
        error: containers.dns.firewall.allow[0].from
            10.0.0.9-10.0.0.3 is no network, no alias and no address
            found:    10.0.0.9-10.0.0.3
            allowed:  lan, nas, local_network
            fix:      add it to networks or to firewall.aliases, or write an address
        """,
    ),
    "alias among several": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {allow: [{port: 22, from: 'lan,nas'}]}}}
            """,
        ),
        """
        error: containers.dns.firewall.allow[0].from
            nas can't be one of several
            found:    lan,nas
            allowed:  addresses, subnets and networks, or one alias or IP set alone
            fix:      write one rule for each, or put the addresses into an IP set
        """,
    ),
    "IP set among several": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {allow: [{port: 22, from: 'lan,+trusted'}]}}}
            """,
        ),
        """
        error: containers.dns.firewall.allow[0].from
            +trusted can't be one of several
            found:    lan,+trusted
            allowed:  addresses, subnets and networks, or one alias or IP set alone
            fix:      write one rule for each, or put the addresses into an IP set
        """,
    ),
    "destination": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {rules: [{direction: out, action: DROP, destination: nowhere}]}}}
            """,
        ),
        """
        error: containers.dns.firewall.rules[0].destination
            nowhere is no network, no alias and no address
            found:    nowhere
            allowed:  lan, nas, local_network
            fix:      add it to networks or to firewall.aliases, or write an address
        """,
    ),
    "no such interface": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {rules: [{protocol: tcp, port: 22, interface: net1}]}}}
            """,
        ),
        """
        error: containers.dns.firewall.rules[0].interface
            the guest has no interface net1
            found:    net1
            allowed:  net0
            fix:      choose one of them
        """,
    ),
    "its interface": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {rules: [{protocol: tcp, port: 22, interface: net0}]}}}
            """,
        ),
        "",
    ),
    "macros": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {rules: [{macro: SSH}, {macro: dns}]}}}
            """,
        ),
        "",
    ),
    "no such macro": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {rules: [{macro: SHH}]}}}
            """,
        ),
        """
        warning: containers.dns.firewall.rules[0].macro
            Proxmox VE 9 has no macro SHH
            found:    SHH
            allowed:  Amanda, Auth, BGP, BitTorrent, BitTorrent32, Ceph, Citrix, CVS, DAAP, DCC, DHCPfwd, DHCPv6, Distcc, DNS, Finger, FTP, Git, GNUnet, GRE, HKP, HTTP, HTTPS, ICPV2, ICQ, IMAP, IMAPS, IPIP, IPsec, IPsecah, IPsecnat, IRC, Jetdirect, L2TP, LDAP, LDAPS, Mail, MDNS, MSNP, MSSQL, Munin, MySQL, NeighborDiscovery, NNTP, NNTPS, NTP, OpenVPN, OSPF, PCA, Ping, PMG, POP3, POP3S, PostgreSQL, PPtP, Printer, Razor, Rdate, RDP, RIP, RNDC, Rsync, SANE, SixXS, SMB, SMBswat, SMTP, SMTPS, SNMP, SPAMD, SPICEproxy, Squid, SSH, Submission, SVN, Syslog, Telnet, Telnets, TFTP, Time, Trcrt, VNC, VNCL, Web, Webcache, Webmin, Whois
            fix:      did you mean SSH?
        """,
    ),
    "rule of the cluster": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
              rules: [{protocol: tcp, port: 22, source: lan}, {protocol: tcp, port: 8006, source: home}]
            """,
        ),
        """
        error: firewall.rules[1].source
            home is no network, no alias and no address
            found:    home
            allowed:  lan, nas, local_network
            fix:      add it to networks or to firewall.aliases, or write an address
        """,
    ),
    "IP set in an IP set": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [+management]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            """,
        ),
        """
        error: firewall.ipsets.trusted.addresses[0]
            an IP set holds no other set
            found:    +management
            allowed:  addresses, subnets, networks and aliases
            fix:      write its members here
        """,
    ),
    "unknown member of an IP set": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [nass]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            """,
        ),
        """
        error: firewall.ipsets.trusted.addresses[0]
            nass is no network, no alias and no address
            found:    nass
            allowed:  lan, nas, local_network
            fix:      did you mean nas?
        """,
    ),
    "alias like a network": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {lan: {cidr: 10.0.0.0/24}, nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            """,
        ),
        """
        error: firewall.aliases.lan
            the name lan is also that of a network, which rules would take
            found:    lan
            allowed:  a name that no network has
            fix:      remove the alias: the network's name already stands for its subnet
        """,
    ),
    "names of another environment's firewall": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            """,
            """
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {groups: [web], allow: [{port: 22, from: +trusted}]}}}
            """,
        ),
        "",
    ),
    "names that no environment's firewall has": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            """,
            """
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {groups: [ssh], allow: [{port: 22, from: +untrusted}]}}}
            """,
        ),
        """
        two: error: containers.dns.firewall.allow[0].from
            there is no IP set untrusted
            found:    +untrusted
            allowed:  +management, +trusted
            fix:      did you mean +trusted?
        two: error: containers.dns.firewall.groups[0]
            there is no security group ssh
            found:    ssh
            allowed:  web
            fix:      add it to firewall.groups: ssh: {rules: [...]}
        """,
    ),
    "cluster's firewall owned twice": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            """,
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            """,
        ),
        """
        two: error: firewall
            environment one already owns the cluster's firewall; each would undo the other's settings
            allowed:  one environment of a cluster has `firewall:`
            fix:      move both into one environment
        """,
    ),
    "firewalls of two clusters": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            """,
            """
            proxmox: {endpoint: 'https://other.home.arpa:8006'}

            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            """,
        ),
        "",
    ),
}


@pytest.mark.parametrize(("changes", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: tuple[str, ...], text: str) -> None:
    assert said(*changes) == expected(text)
