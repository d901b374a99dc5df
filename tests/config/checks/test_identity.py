"""Host names and MAC addresses: each once in a cluster. Keys of replicas: no two guests with the same."""

# ruff: noqa: E501 (what is said is compared as it is printed)

import pytest

from tests.config.cases import expected, said

CASES = {
    "names and addresses of their own": (
        (
            """
            containers:
              dns: {os: debian-12, vm_id: 9200, network: {name: lan, mac: "BC:24:11:00:00:01"}}
              proxy: {os: debian-12, vm_id: 9201, network: {name: lan, mac: "BC:24:11:00:00:02"}}
            """,
        ),
        "",
    ),
    "host name like another's key": (
        (
            """
            containers:
              dns: {os: debian-12, vm_id: 9200}
              proxy: {os: debian-12, vm_id: 9201, hostname: dns}
            """,
        ),
        """
        error: containers.proxy.hostname
            the host name dns is already that of containers.dns
            found:    dns
            allowed:  a name that no other guest of the cluster has
            fix:      choose another hostname
        """,
    ),
    "virtual machine and container with one key": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            vms: {web: {template: debian-12, vm_id: 9100}}
            containers: {web: {os: debian-12, vm_id: 9200}}
            """,
        ),
        """
        error: containers.web
            the host name web is already that of vms.web
            found:    web
            allowed:  a name that no other guest of the cluster has
            fix:      add hostname: one-web, or rename it
        """,
    ),
    "another environment": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
            """
            containers: {dns: {os: debian-12, vm_id: 9201}}
            """,
        ),
        """
        two: error: containers.dns
            the host name dns is already that of containers.dns of environment one
            found:    dns
            allowed:  a name that no other guest of the cluster has
            fix:      add hostname: two-dns, or rename it
        """,
    ),
    "key like a replica": (
        (
            """
            containers:
              web: {os: debian-12, vm_id: 9200, replicas: 2}
              web-2: {os: debian-12, vm_id: 9210, hostname: other}
            """,
        ),
        """
        error: containers.web-2
            web-2 is also the name of a replica of containers.web
            found:    web-2
            allowed:  a key that no replica has
            fix:      rename one of the two
        """,
    ),
    "replicas with a host name": (
        (
            """
            containers: {web: {os: debian-12, vm_id: 9200, replicas: 1, hostname: www}}
            """,
        ),
        """
        error: containers.web.hostname
            replicas would all have the same host name
            found:    www
            allowed:  replicas are called web-1, web-2, ...
            fix:      remove hostname, or replicas
        """,
    ),
    "replica with too long a name": (
        (
            """
            containers: {aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: {os: debian-12, vm_id: 9200, replicas: 2}}
            """,
        ),
        """
        error: containers.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
            the name aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-2 is too long
            found:    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-2
            allowed:  63 characters, the number included
            fix:      shorten the key
        """,
    ),
    "one MAC address": (
        (
            """
            containers:
              dns: {os: debian-12, vm_id: 9200, network: {name: lan, mac: "bc-24-11-00-00-01"}}
              proxy: {os: debian-12, vm_id: 9201, network: [{name: lan}, {name: lan, mac: "BC:24:11:00:00:01"}]}
            """,
        ),
        """
        error: containers.proxy.network[1].mac
            this is already the MAC address of containers.dns
            found:    BC:24:11:00:00:01
            allowed:  an address that no other interface has
            fix:      remove mac, and Proxmox chooses one
        """,
    ),
    "one MAC address in two environments": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, mac: "BC:24:11:00:00:01"}}}
            """,
            """
            containers: {proxy: {os: debian-12, vm_id: 9201, network: {name: lan, mac: "BC:24:11:00:00:01"}}}
            """,
        ),
        """
        two: error: containers.proxy.network[0].mac
            this is already the MAC address of containers.dns of environment one
            found:    BC:24:11:00:00:01
            allowed:  an address that no other interface has
            fix:      remove mac, and Proxmox chooses one
        """,
    ),
    "a MAC address stays with the first replica": (
        (
            """
            containers: {web: {os: debian-12, vm_id: 9200, replicas: 3, network: {name: lan, mac: "BC:24:11:00:00:01"}}}
            """,
        ),
        "",
    ),
}


@pytest.mark.parametrize(("changes", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: tuple[str, ...], text: str) -> None:
    assert said(*changes) == expected(text)
