"""Security groups: those that are named are there, and what is in them stands for something."""

import pytest

from tests.config.cases import expected, said

CASES = {
    "no such group": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {groups: [internal]}}}
            """,
        ),
        """
        error: containers.dns.firewall.groups[0]
            there is no security group internal
            found:    internal
            allowed:  web
            fix:      add it to firewall.groups: internal: {rules: [...]}
        """,
    ),
    "no such group in a rule": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80}]}}
            containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {rules: [{group: webb}]}}}
            """,
        ),
        """
        error: containers.dns.firewall.rules[0].group
            there is no security group webb
            found:    webb
            allowed:  web
            fix:      did you mean web?
        """,
    ),
    "rule of a group": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {web: {rules: [{protocol: tcp, port: 80, source: home}]}}
            """,
        ),
        """
        error: firewall.groups.web.rules[0].source
            home is no network, no alias and no address
            found:    home
            allowed:  lan, nas, local_network
            fix:      add it to networks or to firewall.aliases, or write an address
        """,
    ),
    "group in a group": (
        (
            """
            firewall:
              enabled: true
              ipsets: {management: {addresses: [lan]}, trusted: {addresses: [10.0.0.9]}}
              aliases: {nas: {cidr: 10.0.0.8}}
              groups: {all: {rules: [{group: web}]}, web: {rules: [{protocol: tcp, port: 80}]}}
            """,
        ),
        """
        error: firewall.groups.all.rules[0].group
            a security group holds no other group
            found:    web
            allowed:  rules without group
            fix:      write the rules of web here, or name both groups in the guest
        """,
    ),
}


@pytest.mark.parametrize(("changes", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: tuple[str, ...], text: str) -> None:
    assert said(*changes) == expected(text)
