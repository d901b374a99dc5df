"""Nodes: that what is placed on one names one that is there."""

# ruff: noqa: E501 (what is said is compared as it is printed)

import pytest

from tests.config.cases import expected, said

CASES = {
    "the only node": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        "",
    ),
    "a node by name": (
        (
            """
            proxmox: {nodes: {two: {cores: 4, memory: 8GiB, datastores: {local: {content: [vztmpl, import, snippets]}, local-lvm: {}}}}}
            containers: {dns: {os: debian-12, vm_id: 9200, node: two}}
            """,
        ),
        "",
    ),
    "a default node": (
        (
            """
            proxmox: {default_node: two, nodes: {two: {cores: 4, memory: 8GiB, datastores: {local: {content: [vztmpl, import, snippets]}, local-lvm: {}}}}}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        "",
    ),
    "several nodes and no default": (
        (
            """
            proxmox: {nodes: {two: {cores: 4, memory: 8GiB, datastores: {local: {content: [vztmpl, import, snippets]}, local-lvm: {}}}}}
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            containers: {dns: {os: debian-12, vm_id: 9200}, web: {os: debian-12, vm_id: 9201, node: two}}
            """,
        ),
        """
        error: templates.debian-12.node
            templates.debian-12 and 1 more name no node, and there is no default
            allowed:  pve, two
            fix:      add proxmox.default_node: pve, or node to each of them
        """,
    ),
    "no such node": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, node: pve1}}
            """,
        ),
        """
        error: containers.dns.node
            there is no node pve1
            found:    pve1
            allowed:  pve
            fix:      did you mean pve?
        """,
    ),
    "no such default node": (
        (
            """
            proxmox: {default_node: prox}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        """
        error: proxmox.default_node
            there is no node prox
            found:    prox
            allowed:  pve
            fix:      add it to proxmox.nodes: prox: {cores: ..., memory: ..., datastores: ...}
        """,
    ),
    "template on no such node": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12, node: elsewhere}}
            """,
        ),
        """
        error: templates.debian-12.node
            there is no node elsewhere
            found:    elsewhere
            allowed:  pve
            fix:      add it to proxmox.nodes: elsewhere: {cores: ..., memory: ..., datastores: ...}
        """,
    ),
    "certificate not verified": (
        (
            """
            proxmox: {insecure: true}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        """
        warning: proxmox.insecure
            the certificate of the endpoint is not verified, so anybody in between can read the token
            found:    true
            allowed:  false
            fix:      remove it, and set SSL_CERT_FILE to the node's /etc/pve/pve-root-ca.pem
        """,
    ),
}


@pytest.mark.parametrize(("changes", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: tuple[str, ...], text: str) -> None:
    assert said(*changes) == expected(text)
