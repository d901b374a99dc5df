"""Tags, pools and groups: how guests are sorted, in Proxmox and in Terraform."""

# ruff: noqa: E501 (what is said is compared as it is printed)

import pytest

from tests.config.cases import expected, said

CASES = {
    "in order": (
        (
            """
            tags: [home]
            pools: {infra: {}, infra/dns: {}}
            containers: {dns: {os: debian-12, vm_id: 9200, pool: infra/dns, group: infra, tags: [dns]}}
            """,
        ),
        "",
    ),
    "tag of an environment twice": (
        (
            """
            tags: [home, lab, home]
            containers: {dns: {os: debian-12, vm_id: 9200, tags: []}}
            """,
        ),
        """
        warning: tags[2]
            the tag home is here twice
            found:    home
            allowed:  each tag once
            fix:      remove one
        """,
    ),
    "tag of a guest twice": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, tags: [dns, dns]}}
            """,
        ),
        """
        warning: containers.dns.tags[1]
            the tag dns is here twice
            found:    dns
            allowed:  each tag once
            fix:      remove one
        """,
    ),
    "tag of a template twice": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12, tags: [a, b, b]}}
            """,
        ),
        """
        warning: templates.debian-12.tags[2]
            the tag b is here twice
            found:    b
            allowed:  each tag once
            fix:      remove one
        """,
    ),
    "no such pool": (
        (
            """
            pools: {infra: {}}
            containers: {dns: {os: debian-12, vm_id: 9200, pool: infras}}
            """,
        ),
        """
        error: containers.dns.pool
            there is no pool infras
            found:    infras
            allowed:  infra
            fix:      did you mean infra?
        """,
    ),
    "no pool at all": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, pool: infra}}
            """,
        ),
        """
        error: containers.dns.pool
            there is no pool infra
            found:    infra
            allowed:  none is defined
            fix:      add it to pools: infra: {}
        """,
    ),
    "pool in no pool": (
        (
            """
            pools: {infra/dns: {}}
            containers: {dns: {os: debian-12, vm_id: 9200, pool: infra/dns}}
            """,
        ),
        """
        error: pools.infra/dns
            the pool infra, in which it lies, is not declared
            found:    infra/dns
            allowed:  infra/dns
            fix:      add infra: {} to pools, with create: false when it exists already
        """,
    ),
    "pool in no pool that is there already": (
        (
            """
            pools: {infra/dns: {create: false}}
            containers: {dns: {os: debian-12, vm_id: 9200, pool: infra/dns}}
            """,
        ),
        "",
    ),
    "pool made twice": (
        (
            """
            pools: {infra: {}}
            containers: {dns: {os: debian-12, vm_id: 9200, pool: infra}}
            """,
            """
            pools: {infra: {}}
            """,
        ),
        """
        two: error: pools.infra
            environment one makes the pool infra already
            found:    infra
            allowed:  create: true in one environment of a cluster
            fix:      add create: false here
        """,
    ),
    "pool made once": (
        (
            """
            pools: {infra: {}}
            containers: {dns: {os: debian-12, vm_id: 9200, pool: infra}}
            """,
            """
            pools: {infra: {create: false}}
            """,
        ),
        "",
    ),
    "group templates": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, group: templates}}
            """,
        ),
        """
        error: containers.dns.group
            the stack one-templates is not for guests
            found:    templates
            allowed:  any name but access, cluster, ha, sdn, state-backend, templates, or secrets- first
            fix:      choose another group
        """,
    ),
    "group state-backend": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, group: state-backend}}
            """,
        ),
        """
        error: containers.dns.group
            the stack one-state-backend is not for guests
            found:    state-backend
            allowed:  any name but access, cluster, ha, sdn, state-backend, templates, or secrets- first
            fix:      choose another group
        """,
    ),
    "data without protection": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            vms: {db: {template: debian-12, vm_id: 9100, disks: {scsi1: {size: 10GiB}}}}
            containers: {dns: {os: debian-12, vm_id: 9200, mount_points: {mp0: {path: /srv, size: 4GiB}}}}
            """,
        ),
        """
        warning: vms.db
            vms.db keeps data (scsi1), and nothing stops Terraform from destroying it
            allowed:  protection: true, or guests without disks of their own
            fix:      add protection: true
        warning: containers.dns
            containers.dns keeps data (mp0), and nothing stops Terraform from destroying it
            allowed:  protection: true, or guests without disks of their own
            fix:      add protection: true
        """,
    ),
    "data with protection": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, protection: true, mount_points: {mp0: {path: /srv, size: 4GiB}}}}
            """,
        ),
        "",
    ),
}


@pytest.mark.parametrize(("changes", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: tuple[str, ...], text: str) -> None:
    assert said(*changes) == expected(text)
