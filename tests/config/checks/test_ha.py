"""High availability: what is said about guests that no other node can start, and about rules."""

# ruff: noqa: E501 (what is said is compared as it is printed)

import pytest

from tests.config.cluster_cases import cluster, problems

CASES = {
    "as it should be": ("", []),
    "rules": (
        """
        ha:
          rules:
            apart: {type: resource-affinity, affinity: negative, guests: [web]}
            home: {type: node-affinity, guests: [dns], nodes: {one: 2, two: 1}}
        """,
        [],
    ),
    "disks of one node": (
        "containers: {dns: {datastore: tank}}",
        ["error containers.dns.ha: the disks of dns are on tank of one alone, and no other node can start it"],
    ),
    "disks of one node, replicated": ("containers: {dns: {datastore: tank, replication: two}}", []),
    "stopped by one and started by the other": (
        "containers: {dns: {started: false}}",
        [
            "error containers.dns.ha.state: Terraform sees to it that dns does not run (started: false), and HA to the opposite"
        ],
    ),
    "stopped by both": ("containers: {dns: {started: false, ha: {state: stopped}}}", []),
    "a template container": (
        "containers: {dns: {template: true}}",
        ["error containers.dns.ha: a template container never runs"],
    ),
    "one node": (
        "proxmox: {nodes: {two: null, three: null}}\ncontainers: {web: {node: one}}",
        ["error containers.dns.ha: HA moves guests to another node, and there is none"],
    ),
    "two votes": (
        "proxmox: {nodes: {three: null}}",
        [
            "warning containers.dns.ha: a cluster of two votes has no majority when one node fails, and HA then does nothing"
        ],
    ),
    "two nodes and a QDevice": ("proxmox: {nodes: {three: null}}\nha: {qdevice: true}", []),
    "a node without the bridge": (
        "proxmox: {nodes: {three: {bridges: [vmbr1]}}}",
        [
            "warning containers.dns.ha: HA may choose nodes that can't start dns: three: it has no bridge vmbr0",
            "warning containers.web.ha: HA may choose nodes that can't start web-1: three: it has no bridge vmbr0",
        ],
    ),
    "a node without the bridge that a strict rule leaves out": (
        """
        proxmox: {nodes: {three: {bridges: [vmbr1]}}}
        ha: {rules: {both: {type: node-affinity, strict: true, guests: [dns, web], nodes: [one, two]}}}
        """,
        [],
    ),
    "no other node that could": (
        "ha: {rules: {here: {type: node-affinity, strict: true, guests: [dns], nodes: [one]}}}",
        ["error containers.dns.ha: no other node can start dns: its rule and replication leave none"],
    ),
    "a folder of the node": (
        """
        proxmox: {authentication: root_password}
        containers: {dns: {protection: true, mount_points: {mp0: {path: /srv, host_path: /srv}}}}
        """,
        ["warning containers.dns.mount_points: containers.dns uses /srv of its node, which Proxmox does not move"],
    ),
    "user data on one node": (
        """
        templates: {debian: {vm_id: 9000, image: debian-12, guest_agent: false}}
        vms: {app: {template: debian, vm_id: 9100, ha: true, cloud_init: {user_data: "#cloud-config\\n{}"}}}
        """,
        [
            "error vms.app.ha: no other node can start app: two: its user data is on local of one alone; three: its user data is on local of one alone"
        ],
    ),
    "failback before Proxmox VE 9": (
        "proxmox: {version: 8}\ncontainers: {dns: {ha: {failback: false}}}",
        ["error containers.dns.ha.failback: Proxmox VE 8 has no failback for a guest"],
    ),
    "a rule about nobody": (
        "ha: {rules: {home: {type: node-affinity, guests: [dnss], nodes: [one]}}}",
        ["error ha.rules.home.guests[0]: there is no guest dnss"],
    ),
    "a rule about a guest that HA does not know": (
        """
        containers: {dns: {ha: false}}
        ha: {rules: {home: {type: node-affinity, guests: [dns], nodes: [one]}}}
        """,
        ["error ha.rules.home.guests[0]: dns is not under HA, and Proxmox takes no rule about it"],
    ),
    "a rule with no such node": (
        "ha: {rules: {home: {type: node-affinity, guests: [dns], nodes: [one, tow]}}}",
        ["error ha.rules.home.nodes.tow: there is no node tow"],
    ),
    "a rule that moves a guest at once": (
        "ha: {rules: {home: {type: node-affinity, strict: true, guests: [dns], nodes: [two, three]}}}",
        ["warning ha.rules.home: dns is made on one, and the rule moves it away at once"],
    ),
    "two rules about where": (
        """
        ha:
          rules:
            first: {type: node-affinity, guests: [dns], nodes: [one]}
            second: {type: node-affinity, guests: [dns, web], nodes: [two]}
        """,
        ["error ha.rules.second.guests: dns is in the node-affinity rule first already, and Proxmox follows neither"],
    ),
    "one of two rules is switched off": (
        """
        ha:
          rules:
            first: {type: node-affinity, enabled: false, guests: [dns], nodes: [one]}
            second: {type: node-affinity, guests: [dns, web], nodes: [two]}
        """,
        [],
    ),
    "together and apart": (
        """
        ha:
          rules:
            apart: {type: resource-affinity, affinity: negative, guests: [web]}
            together: {type: resource-affinity, affinity: positive, guests: [web-1, web-2, dns]}
        """,
        [
            "error ha.rules.together: web-1, web-2 shall be together by one of the rules apart and together, and apart by the other"
        ],
    ),
    "more apart than there are nodes": (
        """
        containers: {web: {replicas: 4}}
        ha: {rules: {apart: {type: resource-affinity, affinity: negative, guests: [web]}}}
        """,
        ["error ha.rules.apart.guests: 4 guests can't each be on another one of 3 nodes"],
    ),
    "one guest with itself": (
        "ha: {rules: {apart: {type: resource-affinity, affinity: negative, guests: [dns]}}}",
        ["error ha.rules.apart.guests: the rule is about one guest only"],
    ),
    "together where strict rules leave no common node": (
        """
        proxmox: {nodes: {four: {cores: 4, memory: 8GiB, bridges: [vmbr0], datastores: {local: {content: [vztmpl]}, shared: {shared: true}}}}}
        ha:
          rules:
            here: {type: node-affinity, strict: true, guests: [dns], nodes: [one, four]}
            there: {type: node-affinity, strict: true, guests: [web], nodes: [two, three]}
            together: {type: resource-affinity, affinity: positive, guests: [dns, web-1]}
        """,
        ["error ha.rules.together.guests: strict node-affinity rules leave these guests no common node"],
    ),
    "priorities beside a resource affinity": (
        """
        ha:
          rules:
            home: {type: node-affinity, guests: [web], nodes: {two: 2, three: 1}}
            apart: {type: resource-affinity, affinity: negative, guests: [web]}
        """,
        [
            "warning ha.rules.home.nodes: web-1, web-2 are in a resource affinity rule too, which Proxmox may not follow together with nodes of different priorities"
        ],
    ),
    "resource affinity before Proxmox VE 9": (
        "proxmox: {version: 8}\nha: {rules: {apart: {type: resource-affinity, affinity: negative, guests: [web]}}}",
        ["error ha.rules.apart.type: Proxmox VE 8 has no resource affinity"],
    ),
}


@pytest.mark.parametrize(("changes", "said"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: str, said: list[str]) -> None:
    assert problems(cluster(changes)) == said


def test_a_rule_is_there_once_in_a_cluster() -> None:
    rule = "ha: {rules: {home: {type: node-affinity, guests: [%s], nodes: [one]}}}"
    first = cluster(rule % "dns")
    second = cluster(
        """
        containers: {dns: null, web: null, app: {os: debian-12, vm_id: 9300, ha: true, network: lan}}
        """
        + rule % "app",
        name="other",
    )

    assert "error ha.rules.home: environment one has a rule home already" in problems(first, second)
