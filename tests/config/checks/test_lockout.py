"""Firewalls that shut people out: of the nodes, or of a guest. And firewalls that do nothing."""

# ruff: noqa: E501 (what is said is compared as it is printed)

import pytest

from tests.config.cases import expected, said

CASES = {
    "management set": (
        (
            """
            firewall: {enabled: true, ipsets: {management: {addresses: [lan]}}}
            """,
        ),
        "",
    ),
    "nothing lets anybody in": (
        (
            """
            firewall: {enabled: true}
            """,
        ),
        """
        error: firewall
            input_policy DROP would shut you out of the nodes: nothing lets port 8006 (the web interface and the API) in
            allowed:  an IP set `management`, or a rule that accepts tcp 8006
            fix:      add firewall.ipsets.management: {addresses: [...]} with your own network, or the rule {protocol: tcp, port: 8006, source: ...}
        error: firewall
            input_policy DROP would shut you out of the nodes: nothing lets port 22 (SSH) in
            allowed:  an IP set `management`, or a rule that accepts tcp 22
            fix:      add firewall.ipsets.management: {addresses: [...]} with your own network, or the rule {protocol: tcp, port: 22, source: ...}
        """,
    ),
    "disabled": (
        (
            """
            firewall: {enabled: false}
            """,
        ),
        "",
    ),
    "policy accepts": (
        (
            """
            firewall: {enabled: true, input_policy: ACCEPT}
            """,
        ),
        "",
    ),
    "rules for both": (
        (
            """
            firewall: {enabled: true, rules: [{protocol: tcp, port: '22,8006', source: lan}]}
            """,
        ),
        "",
    ),
    "range covers both": (
        (
            """
            firewall: {enabled: true, rules: [{protocol: tcp, port: '1:65535'}]}
            """,
        ),
        "",
    ),
    "everything accepted": (
        (
            """
            firewall: {enabled: true, rules: [{action: ACCEPT}]}
            """,
        ),
        "",
    ),
    "only SSH": (
        (
            """
            firewall: {enabled: true, rules: [{macro: SSH}]}
            """,
        ),
        """
        error: firewall
            input_policy DROP would shut you out of the nodes: nothing lets port 8006 (the web interface and the API) in
            allowed:  an IP set `management`, or a rule that accepts tcp 8006
            fix:      add firewall.ipsets.management: {addresses: [...]} with your own network, or the rule {protocol: tcp, port: 8006, source: ...}
        """,
    ),
    "only the web interface": (
        (
            """
            firewall: {enabled: true, input_policy: REJECT, rules: [{protocol: tcp, port: 8006}]}
            """,
        ),
        """
        error: firewall
            input_policy REJECT would shut you out of the nodes: nothing lets port 22 (SSH) in
            allowed:  an IP set `management`, or a rule that accepts tcp 22
            fix:      add firewall.ipsets.management: {addresses: [...]} with your own network, or the rule {protocol: tcp, port: 22, source: ...}
        """,
    ),
    "UDP is not enough": (
        (
            """
            firewall: {enabled: true, rules: [{protocol: udp, port: '22,8006'}]}
            """,
        ),
        """
        error: firewall
            input_policy DROP would shut you out of the nodes: nothing lets port 8006 (the web interface and the API) in
            allowed:  an IP set `management`, or a rule that accepts tcp 8006
            fix:      add firewall.ipsets.management: {addresses: [...]} with your own network, or the rule {protocol: tcp, port: 8006, source: ...}
        error: firewall
            input_policy DROP would shut you out of the nodes: nothing lets port 22 (SSH) in
            allowed:  an IP set `management`, or a rule that accepts tcp 22
            fix:      add firewall.ipsets.management: {addresses: [...]} with your own network, or the rule {protocol: tcp, port: 22, source: ...}
        """,
    ),
    "outgoing is not enough": (
        (
            """
            firewall: {enabled: true, rules: [{direction: out}]}
            """,
        ),
        """
        error: firewall
            input_policy DROP would shut you out of the nodes: nothing lets port 8006 (the web interface and the API) in
            allowed:  an IP set `management`, or a rule that accepts tcp 8006
            fix:      add firewall.ipsets.management: {addresses: [...]} with your own network, or the rule {protocol: tcp, port: 8006, source: ...}
        error: firewall
            input_policy DROP would shut you out of the nodes: nothing lets port 22 (SSH) in
            allowed:  an IP set `management`, or a rule that accepts tcp 22
            fix:      add firewall.ipsets.management: {addresses: [...]} with your own network, or the rule {protocol: tcp, port: 22, source: ...}
        """,
    ),
    "disabled rule is not enough": (
        (
            """
            firewall: {enabled: true, rules: [{enabled: false}]}
            """,
        ),
        """
        error: firewall
            input_policy DROP would shut you out of the nodes: nothing lets port 8006 (the web interface and the API) in
            allowed:  an IP set `management`, or a rule that accepts tcp 8006
            fix:      add firewall.ipsets.management: {addresses: [...]} with your own network, or the rule {protocol: tcp, port: 8006, source: ...}
        error: firewall
            input_policy DROP would shut you out of the nodes: nothing lets port 22 (SSH) in
            allowed:  an IP set `management`, or a rule that accepts tcp 22
            fix:      add firewall.ipsets.management: {addresses: [...]} with your own network, or the rule {protocol: tcp, port: 22, source: ...}
        """,
    ),
    "group lets in": (
        (
            """
            firewall: {enabled: true, groups: {admin: {rules: [{protocol: tcp, port: '22,8006'}]}}, rules: [{group: admin}]}
            """,
        ),
        "",
    ),
    "rule that drops first": (
        (
            """
            firewall: {enabled: true, ipsets: {management: {addresses: [lan]}}, rules: [{action: DROP, protocol: tcp}, {protocol: tcp, port: '22,8006'}]}
            """,
        ),
        """
        error: firewall.rules
            a rule would shut you out of the nodes: it drops port 8006 (the web interface and the API) for everybody
            allowed:  a rule that accepts tcp 8006 before the one that drops it
            fix:      write {protocol: tcp, port: 8006, source: ...} before it
        error: firewall.rules
            a rule would shut you out of the nodes: it drops port 22 (SSH) for everybody
            allowed:  a rule that accepts tcp 22 before the one that drops it
            fix:      write {protocol: tcp, port: 22, source: ...} before it
        """,
    ),
    "rule that drops in spite of the policy": (
        (
            """
            firewall: {enabled: true, input_policy: ACCEPT, rules: [{action: REJECT, protocol: tcp, port: 22}]}
            """,
        ),
        """
        error: firewall.rules
            a rule would shut you out of the nodes: it drops port 22 (SSH) for everybody
            allowed:  a rule that accepts tcp 22 before the one that drops it
            fix:      write {protocol: tcp, port: 22, source: ...} before it
        """,
    ),
    "rule that drops for some": (
        (
            """
            firewall: {enabled: true, rules: [{action: DROP, source: 10.9.0.0/16}, {protocol: tcp, port: '22,8006'}]}
            """,
        ),
        "",
    ),
    "guest that lets SSH in": (
        (
            """
            firewall: {enabled: true, ipsets: {management: {addresses: [lan]}}, groups: {ssh: {rules: [{protocol: tcp, port: 22}]}, web: {rules: [{protocol: tcp, port: 80}]}}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, ssh_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBase64 me@home'], firewall: {allow: [{port: 22}]}}}
            """,
        ),
        "",
    ),
    "guest that lets SSH in by a group": (
        (
            """
            firewall: {enabled: true, ipsets: {management: {addresses: [lan]}}, groups: {ssh: {rules: [{protocol: tcp, port: 22}]}, web: {rules: [{protocol: tcp, port: 80}]}}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, ssh_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBase64 me@home'], firewall: {groups: [ssh]}}}
            """,
        ),
        "",
    ),
    "guest that lets SSH in by a rule": (
        (
            """
            firewall: {enabled: true, ipsets: {management: {addresses: [lan]}}, groups: {ssh: {rules: [{protocol: tcp, port: 22}]}, web: {rules: [{protocol: tcp, port: 80}]}}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, ssh_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBase64 me@home'], firewall: {rules: [{macro: ssh}]}}}
            """,
        ),
        "",
    ),
    "guest that lets SSH in by policy": (
        (
            """
            firewall: {enabled: true, ipsets: {management: {addresses: [lan]}}, groups: {ssh: {rules: [{protocol: tcp, port: 22}]}, web: {rules: [{protocol: tcp, port: 80}]}}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, ssh_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBase64 me@home'], firewall: {input_policy: ACCEPT}}}
            """,
        ),
        "",
    ),
    "guest that never lets SSH in": (
        (
            """
            firewall: {enabled: true, ipsets: {management: {addresses: [lan]}}, groups: {ssh: {rules: [{protocol: tcp, port: 22}]}, web: {rules: [{protocol: tcp, port: 80}]}}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, ssh_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBase64 me@home'], firewall: {allow: [{port: 80}], groups: [web]}}}
            """,
        ),
        """
        warning: containers.dns.firewall
            containers.dns has SSH keys, and its firewall never lets port 22 in
            allowed:  any rules; this is only likely to be forgotten
            fix:      add allow: [{port: 22, from: ...}]
        """,
    ),
    "guest that drops SSH": (
        (
            """
            firewall: {enabled: true, ipsets: {management: {addresses: [lan]}}, groups: {ssh: {rules: [{protocol: tcp, port: 22}]}, web: {rules: [{protocol: tcp, port: 80}]}}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, ssh_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBase64 me@home'], firewall: {input_policy: ACCEPT, rules: [{action: DROP, protocol: tcp, port: '20:25'}]}}}
            """,
        ),
        """
        warning: containers.dns.firewall
            containers.dns has SSH keys, and its firewall never lets port 22 in
            allowed:  any rules; this is only likely to be forgotten
            fix:      add allow: [{port: 22, from: ...}]
        """,
    ),
    "guest without keys": (
        (
            """
            firewall: {enabled: true, ipsets: {management: {addresses: [lan]}}, groups: {ssh: {rules: [{protocol: tcp, port: 22}]}, web: {rules: [{protocol: tcp, port: 80}]}}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan,  firewall: {allow: [{port: 80}]}}}
            """,
        ),
        "",
    ),
    "guest with the keys of all": (
        (
            """
            defaults: {ssh_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBase64 me@home']}
            firewall: {enabled: true, ipsets: {management: {addresses: [lan]}}, groups: {ssh: {rules: [{protocol: tcp, port: 22}]}, web: {rules: [{protocol: tcp, port: 80}]}}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan,  firewall: {allow: [{port: 80}]}}}
            """,
        ),
        """
        warning: containers.dns.firewall
            containers.dns has SSH keys, and its firewall never lets port 22 in
            allowed:  any rules; this is only likely to be forgotten
            fix:      add allow: [{port: 22, from: ...}]
        """,
    ),
    "virtual machine with keys": (
        (
            """
            firewall: {enabled: true, ipsets: {management: {addresses: [lan]}}, groups: {ssh: {rules: [{protocol: tcp, port: 22}]}, web: {rules: [{protocol: tcp, port: 80}]}}}
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            vms: {web: {template: debian-12, vm_id: 9100, network: lan, cloud_init: {ssh_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBase64 me@home']}, firewall: {}}}
            """,
        ),
        """
        warning: vms.web.firewall
            vms.web has SSH keys, and its firewall never lets port 22 in
            allowed:  any rules; this is only likely to be forgotten
            fix:      add allow: [{port: 22, from: ...}]
        """,
    ),
    "guest whose interface is not filtered": (
        (
            """
            firewall: {enabled: true, ipsets: {management: {addresses: [lan]}}, groups: {ssh: {rules: [{protocol: tcp, port: 22}]}, web: {rules: [{protocol: tcp, port: 80}]}}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, firewall: false}, ssh_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBase64 me@home'], firewall: {allow: [{port: 80}]}}}
            """,
        ),
        "",
    ),
    "DHCP that does not pass": (
        (
            """
            firewall: {enabled: true, ipsets: {management: {addresses: [lan]}}, groups: {ssh: {rules: [{protocol: tcp, port: 22}]}, web: {rules: [{protocol: tcp, port: 80}]}}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, ssh_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBase64 me@home'], firewall: {dhcp: false, allow: [{port: 22}]}}}
            """,
        ),
        """
        warning: containers.dns.firewall.dhcp
            the guest gets its address by DHCP, which its firewall does not let pass
            found:    false
            allowed:  true, or a static address
            fix:      remove dhcp: false
        """,
    ),
    "no DHCP with a static address": (
        (
            """
            firewall: {enabled: true, ipsets: {management: {addresses: [lan]}}, groups: {ssh: {rules: [{protocol: tcp, port: 22}]}, web: {rules: [{protocol: tcp, port: 80}]}}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.9}, ssh_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBase64 me@home'], firewall: {dhcp: false, allow: [{port: 22}]}}}
            """,
        ),
        "",
    ),
    "no cluster firewall at hand": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, ssh_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBase64 me@home'], firewall: {allow: [{port: 22}]}}}
            """,
        ),
        """
        warning: containers.dns.firewall
            containers.dns has a firewall, but no environment given here owns the cluster's, and without it no guest is filtered
            allowed:  firewall.enabled: true in one environment of the cluster
            fix:      set it there, or check that environment together with this one
        """,
    ),
    "several without cluster firewall": (
        (
            """
            containers: {a: {os: debian-12, vm_id: 9200, network: lan, firewall: {}}, b: {os: debian-12, vm_id: 9201, network: lan, firewall: {}}}
            """,
        ),
        """
        warning: containers.a.firewall
            containers.a and 1 more have a firewall, but no environment given here owns the cluster's, and without it no guest is filtered
            allowed:  firewall.enabled: true in one environment of the cluster
            fix:      set it there, or check that environment together with this one
        """,
    ),
    "groups of a firewall that is not at hand": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, ssh_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBase64 me@home'], firewall: {groups: [whatever]}}}
            """,
        ),
        """
        warning: containers.dns.firewall
            containers.dns has a firewall, but no environment given here owns the cluster's, and without it no guest is filtered
            allowed:  firewall.enabled: true in one environment of the cluster
            fix:      set it there, or check that environment together with this one
        """,
    ),
    "cluster firewall that is off": (
        (
            """
            firewall: {enabled: false, ipsets: {management: {addresses: [lan]}}, groups: {ssh: {rules: [{protocol: tcp, port: 22}]}, web: {rules: [{protocol: tcp, port: 80}]}}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, ssh_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBase64 me@home'], firewall: {allow: [{port: 22}]}}}
            """,
        ),
        """
        warning: containers.dns.firewall
            containers.dns has a firewall, but the cluster's is not enabled, and without it no guest is filtered
            allowed:  firewall.enabled: true in one environment of the cluster
            fix:      set it there, or check that environment together with this one
        """,
    ),
    "cluster firewall in another environment": (
        (
            """
            firewall: {enabled: true, ipsets: {management: {addresses: [lan]}}, groups: {ssh: {rules: [{protocol: tcp, port: 22}]}, web: {rules: [{protocol: tcp, port: 80}]}}}
            """,
            """
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, ssh_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBase64 me@home'], firewall: {allow: [{port: 22}]}}}
            """,
        ),
        "",
    ),
}


@pytest.mark.parametrize(("changes", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: tuple[str, ...], text: str) -> None:
    assert said(*changes) == expected(text)
