"""VMIDs: each once in a cluster, and in the range that is meant for them."""

import pytest

from tests.config.cases import expected, said

CASES = {
    "once each": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            vms: {web: {template: debian-12, vm_id: 9100}}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        "",
    ),
    "two guests": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            vms: {web: {template: debian-12, vm_id: 9100}, db: {template: debian-12, vm_id: 9100}}
            """,
        ),
        """
        error: vms.db.vm_id
            VMID 9100 of db is already that of vms.web
            found:    9100
            allowed:  a number that nothing else in the cluster has
            fix:      write vm_id: 9101
        """,
    ),
    "template and container": (
        (
            """
            policy: {vm_ids: {templates: {first: 9000, last: 9300}}}
            templates: {debian-12: {vm_id: 9200, image: debian-12}}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        """
        error: containers.dns.vm_id
            VMID 9200 of dns is already that of templates.debian-12
            found:    9200
            allowed:  a number that nothing else in the cluster has
            fix:      write vm_id: 9201
        """,
    ),
    "replicas of one run into another": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12}}

            vms:
              web: {template: debian-12, vm_id: 9100, replicas: 5}
              db: {template: debian-12, vm_id: 9103, replicas: 2}
            """,
        ),
        """
        error: vms.db.vm_id
            VMID 9103 of db-1 is already that of vms.web (web-4)
            found:    9103
            allowed:  a number that nothing else in the cluster has
            fix:      write vm_id: 9105, 2 are free from there
        """,
    ),
    "no number left": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12}}

            policy: {vm_ids: {vms: {first: 9100, last: 9101}}}
            vms: {web: {template: debian-12, vm_id: 9100, replicas: 2}, db: {template: debian-12, vm_id: 9101}}
            """,
        ),
        """
        error: vms.db.vm_id
            VMID 9101 of db is already that of vms.web (web-2)
            found:    9101
            allowed:  a number that nothing else in the cluster has
            fix:      widen policy.vm_ids.vms, which has no number left
        """,
    ),
    "another environment of the cluster": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
            """
            containers: {proxy: {os: debian-12, vm_id: 9200}}
            """,
        ),
        """
        two: error: containers.proxy.vm_id
            VMID 9200 of proxy is already that of containers.dns of environment one
            found:    9200
            allowed:  a number that nothing else in the cluster has
            fix:      write vm_id: 9201
        """,
    ),
    "another cluster": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
            """
            proxmox: {endpoint: 'https://other.home.arpa:8006'}
            containers: {proxy: {os: debian-12, vm_id: 9200}}
            """,
        ),
        "",
    ),
    "one cluster by two endpoints": (
        (
            """
            proxmox: {cluster: home}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
            """
            proxmox: {cluster: home, endpoint: 'https://other.home.arpa:8006'}
            containers: {proxy: {os: debian-12, vm_id: 9200}}
            """,
        ),
        """
        two: error: containers.proxy.vm_id
            VMID 9200 of proxy is already that of containers.dns of environment one
            found:    9200
            allowed:  a number that nothing else in the cluster has
            fix:      write vm_id: 9201
        """,
    ),
    "template outside of its range": (
        (
            """
            templates: {debian-12: {vm_id: 8999, image: debian-12}}
            """,
        ),
        """
        error: templates.debian-12.vm_id
            VMID 8999 of debian-12 is outside of the range for templates
            found:    8999
            allowed:  9000 to 9099
            fix:      write vm_id: 9000, or widen policy.vm_ids.templates
        """,
    ),
    "virtual machine outside of its range": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            vms: {web: {template: debian-12, vm_id: 9200}}
            """,
        ),
        """
        error: vms.web.vm_id
            VMID 9200 of web is outside of the range for vms
            found:    9200
            allowed:  9100 to 9199
            fix:      write vm_id: 9100, or widen policy.vm_ids.vms
        """,
    ),
    "container outside of its range": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 100}}
            """,
        ),
        """
        error: containers.dns.vm_id
            VMID 100 of dns is outside of the range for containers
            found:    100
            allowed:  9200 to 9999
            fix:      write vm_id: 9200, or widen policy.vm_ids.containers
        """,
    ),
    "replicas leave the range": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            vms: {web: {template: debian-12, vm_id: 9198, replicas: 3}}
            """,
        ),
        """
        error: vms.web.vm_id
            VMID 9200 of web-3 is outside of the range for vms
            found:    9200
            allowed:  9100 to 9199
            fix:      write vm_id: 9100, 3 are free from there, or widen policy.vm_ids.vms
        """,
    ),
    "range of one's own": (
        (
            """
            policy: {vm_ids: {containers: {first: 100, last: 199}}}
            containers: {dns: {os: debian-12, vm_id: 100}}
            """,
        ),
        "",
    ),
    "template container in either range": (
        (
            """
            containers:
              base: {os: debian-12, vm_id: 9050, template: true}
              other: {os: debian-12, vm_id: 9201, template: true}
            """,
        ),
        "",
    ),
    "beyond the largest": (
        (
            """
            policy: {vm_ids: {containers: {first: 999999998, last: 999999999}}}
            containers: {dns: {os: debian-12, vm_id: 999999998, replicas: 3}}
            """,
        ),
        """
        error: containers.dns.replicas
            the VMID of dns-3 would be 1000000000
            found:    3
            allowed:  VMIDs up to 999999999
            fix:      begin with a lower vm_id
        error: containers.dns.vm_id
            VMID 1000000000 of dns-3 is outside of the range for containers
            found:    1000000000
            allowed:  999999998 to 999999999
            fix:      widen policy.vm_ids.containers
        """,
    ),
}


@pytest.mark.parametrize(("changes", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: tuple[str, ...], text: str) -> None:
    assert said(*changes) == expected(text)
