"""Memory, cores and disk: what guests are promised against what nodes and datastores have."""

# ruff: noqa: E501 (what is said is compared as it is printed)

import pytest

from tests.config.cases import expected, said

CASES = {
    "memory that fits": (
        (
            """
            containers:
              a: {os: debian-12, memory: 31GiB, vm_id: 9200}
              b: {os: debian-12, memory: 31GiB, vm_id: 9201}
            """,
        ),
        "",
    ),
    "too much memory": (
        (
            """
            containers:
              a: {os: debian-12, memory: 48GiB, vm_id: 9200}
              b: {os: debian-12, memory: 20GiB, vm_id: 9201}
            """,
        ),
        """
        error: proxmox.nodes.pve.memory
            guests are promised more than the memory of node pve, 64GiB less 2GiB for Proxmox: containers.a 48GiB + containers.b 20GiB = 68GiB of 62GiB
            found:    68GiB
            allowed:  62GiB in all
            fix:      make guests smaller or move them, or set policy.over_commit.memory to warning or ignore
        """,
    ),
    "too much memory as a warning": (
        (
            """
            policy: {over_commit: {memory: warning}}
            containers:
              a: {os: debian-12, memory: 48GiB, vm_id: 9200}
              b: {os: debian-12, memory: 20GiB, vm_id: 9201}
            """,
        ),
        """
        warning: proxmox.nodes.pve.memory
            guests are promised more than the memory of node pve, 64GiB less 2GiB for Proxmox: containers.a 48GiB + containers.b 20GiB = 68GiB of 62GiB
            found:    68GiB
            allowed:  62GiB in all
            fix:      make guests smaller or move them, or set policy.over_commit.memory to warning or ignore
        """,
    ),
    "too much memory ignored": (
        (
            """
            policy: {over_commit: {memory: ignore}}
            containers:
              a: {os: debian-12, memory: 48GiB, vm_id: 9200}
              b: {os: debian-12, memory: 20GiB, vm_id: 9201}
            """,
        ),
        "",
    ),
    "replicas": (
        (
            """
            containers:
              a: {os: debian-12, memory: 8GiB, vm_id: 9200, replicas: 8}
            """,
        ),
        """
        error: proxmox.nodes.pve.memory
            guests are promised more than the memory of node pve, 64GiB less 2GiB for Proxmox: containers.a 8 x 8GiB = 64GiB of 62GiB
            found:    64GiB
            allowed:  62GiB in all
            fix:      make guests smaller or move them, or set policy.over_commit.memory to warning or ignore
        """,
    ),
    "many guests": (
        (
            """
            containers:
              c0: {os: debian-12, memory: 20GiB, vm_id: 9200}
              c1: {os: debian-12, memory: 19GiB, vm_id: 9201}
              c2: {os: debian-12, memory: 18GiB, vm_id: 9202}
              c3: {os: debian-12, memory: 17GiB, vm_id: 9203}
              c4: {os: debian-12, memory: 16GiB, vm_id: 9204}
              c5: {os: debian-12, memory: 15GiB, vm_id: 9205}
              c6: {os: debian-12, memory: 14GiB, vm_id: 9206}
              c7: {os: debian-12, memory: 13GiB, vm_id: 9207}
            """,
        ),
        """
        error: proxmox.nodes.pve.memory
            guests are promised more than the memory of node pve, 64GiB less 2GiB for Proxmox: containers.c0 20GiB + containers.c1 19GiB + containers.c2 18GiB + containers.c3 17GiB + containers.c4 16GiB + 3 more 42GiB = 132GiB of 62GiB
            found:    132GiB
            allowed:  62GiB in all
            fix:      make guests smaller or move them, or set policy.over_commit.memory to warning or ignore
        """,
    ),
    "memory for Proxmox": (
        (
            """
            proxmox: {nodes: {pve: {memory_reserved: 40GiB}}}
            containers:
              a: {os: debian-12, memory: 32GiB, vm_id: 9200}
            """,
        ),
        """
        error: proxmox.nodes.pve.memory
            guests are promised more than the memory of node pve, 64GiB less 40GiB for Proxmox: containers.a 32GiB = 32GiB of 24GiB
            found:    32GiB
            allowed:  24GiB in all
            fix:      make guests smaller or move them, or set policy.over_commit.memory to warning or ignore
        """,
    ),
    "stopped guests don't count": (
        (
            """
            containers:
              a: {os: debian-12, memory: 48GiB, vm_id: 9200}
              b: {os: debian-12, memory: 20GiB, vm_id: 9201, started: false, start_on_boot: false}
            """,
        ),
        "",
    ),
    "stopped guests that start with the node count": (
        (
            """
            containers:
              a: {os: debian-12, memory: 48GiB, vm_id: 9200}
              b: {os: debian-12, memory: 20GiB, vm_id: 9201, started: false}
            """,
        ),
        """
        error: proxmox.nodes.pve.memory
            guests are promised more than the memory of node pve, 64GiB less 2GiB for Proxmox: containers.a 48GiB + containers.b 20GiB = 68GiB of 62GiB
            found:    68GiB
            allowed:  62GiB in all
            fix:      make guests smaller or move them, or set policy.over_commit.memory to warning or ignore
        """,
    ),
    "template containers don't count": (
        (
            """
            containers:
              a: {os: debian-12, memory: 48GiB, vm_id: 9200}
              b: {os: debian-12, memory: 20GiB, vm_id: 9201, template: true}
            """,
        ),
        "",
    ),
    "too many cores": (
        (
            """
            containers:
              a: {os: debian-12, memory: 1GiB, vm_id: 9200, replicas: 8, cores: 9}
            """,
        ),
        """
        warning: proxmox.nodes.pve.cores
            guests are promised more than the cores of node pve, 16 times cores_ratio 4: containers.a 8 x 9 = 72 of 64
            found:    72
            allowed:  64 in all
            fix:      make guests smaller or move them, or set policy.over_commit.cores to warning or ignore
        """,
    ),
    "too many cores by ratio": (
        (
            """
            policy: {over_commit: {cores: error, cores_ratio: 1}}
            containers:
              a: {os: debian-12, memory: 1GiB, vm_id: 9200, replicas: 2, cores: 9}
            """,
        ),
        """
        error: proxmox.nodes.pve.cores
            guests are promised more than the cores of node pve, 16 times cores_ratio 1: containers.a 2 x 9 = 18 of 16
            found:    18
            allowed:  16 in all
            fix:      make guests smaller or move them, or set policy.over_commit.cores to warning or ignore
        """,
    ),
    "more cores than the node": (
        (
            """
            containers:
              a: {os: debian-12, memory: 1GiB, vm_id: 9200, cores: 17}
            """,
        ),
        """
        error: containers.a.cores
            containers.a has more cores than node pve, and Proxmox would not start it
            found:    17
            allowed:  1 to 16
            fix:      write cores: 16 at most
        """,
    ),
    "more sockets than the node": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            vms: {web: {template: debian-12, vm_id: 9100, cores: 6, sockets: 3}}
            """,
        ),
        """
        error: vms.web.cores
            vms.web has more cores than node pve, and Proxmox would not start it
            found:    18
            allowed:  1 to 16
            fix:      write cores and sockets that make 16 at most
        """,
    ),
    "disks of everything": (
        (
            """
            proxmox: {nodes: {pve: {datastores: {local-lvm: {size: 100GiB}}}}}
            templates: {debian-12: {vm_id: 9000, image: debian-12, disk: 20GiB}}
            vms: {db: {template: debian-12, vm_id: 9100, disk: 30GiB, protection: true, disks: {scsi1: {size: 20GiB}}}}
            containers: {files: {os: debian-12, vm_id: 9200, disk: 21GiB, protection: true, mount_points: {mp0: {path: /srv, size: 10GiB}}}}
            """,
        ),
        """
        warning: proxmox.nodes.pve.datastores.local-lvm.size
            guests are promised more than node pve's datastore local-lvm: vms.db 30GiB + containers.files 21GiB + templates.debian-12 20GiB + vms.db.disks.scsi1 20GiB + containers.files.mount_points.mp0 10GiB = 101GiB of 100GiB
            found:    101GiB
            allowed:  100GiB in all
            fix:      make guests smaller or move them, or set policy.over_commit.disk to warning or ignore
        """,
    ),
    "a container clone has the disk of what it is cloned from": (
        (
            """
            proxmox: {nodes: {pve: {datastores: {local-lvm: {size: 100GiB}}}}}
            containers: {base: {os: debian-12, vm_id: 9200, template: true, disk: 60GiB}, copy: {clone_from: base, vm_id: 9201}}
            """,
        ),
        """
        warning: proxmox.nodes.pve.datastores.local-lvm.size
            guests are promised more than node pve's datastore local-lvm: containers.base 60GiB + containers.copy 60GiB = 120GiB of 100GiB
            found:    120GiB
            allowed:  100GiB in all
            fix:      make guests smaller or move them, or set policy.over_commit.disk to warning or ignore
        """,
    ),
    "disk on another datastore": (
        (
            """
            proxmox: {nodes: {pve: {datastores: {local-lvm: {size: 60GiB}, tank: {size: 10GiB}}}}}
            templates: {debian-12: {vm_id: 9000, image: debian-12, disk: 20GiB}}
            vms: {db: {template: debian-12, vm_id: 9100, disk: 30GiB, protection: true, disks: {scsi1: {size: 20GiB, datastore: tank}}}}
            """,
        ),
        """
        warning: proxmox.nodes.pve.datastores.tank.size
            guests are promised more than node pve's datastore tank: vms.db.disks.scsi1 20GiB = 20GiB of 10GiB
            found:    20GiB
            allowed:  10GiB in all
            fix:      make guests smaller or move them, or set policy.over_commit.disk to warning or ignore
        """,
    ),
    "a shared datastore is one": (
        (
            """
            proxmox:
              default_node: pve
              nodes:
                pve: {datastores: {nfs: {size: 50GiB, shared: true}}}
                two: {cores: 4, memory: 8GiB, datastores: {local: {content: [vztmpl]}, nfs: {size: 50GiB, shared: true}}}
            defaults: {datastore: nfs}
            containers:
              a: {os: debian-12, vm_id: 9200, disk: 30GiB}
              b: {os: debian-12, vm_id: 9201, disk: 30GiB, node: two}
            """,
        ),
        """
        warning: proxmox.nodes.pve.datastores.nfs.size
            guests are promised more than the shared datastore nfs: containers.a 30GiB + containers.b 30GiB = 60GiB of 50GiB
            found:    60GiB
            allowed:  50GiB in all
            fix:      make guests smaller or move them, or set policy.over_commit.disk to warning or ignore
        """,
    ),
    "datastores of two nodes are two": (
        (
            """
            proxmox:
              default_node: pve
              nodes:
                pve: {datastores: {nfs: {size: 50GiB}}}
                two: {cores: 4, memory: 8GiB, datastores: {local: {content: [vztmpl]}, nfs: {size: 50GiB}}}
            defaults: {datastore: nfs}
            containers:
              a: {os: debian-12, vm_id: 9200, disk: 30GiB}
              b: {os: debian-12, vm_id: 9201, disk: 30GiB, node: two}
            """,
        ),
        "",
    ),
    "environments of one cluster together": (
        (
            """
            containers:
              a: {os: debian-12, memory: 48GiB, vm_id: 9200}
            """,
            """
            containers:
              b: {os: debian-12, memory: 20GiB, vm_id: 9201}
            """,
        ),
        """
        one: error: proxmox.nodes.pve.memory
            guests are promised more than the memory of node pve, 64GiB less 2GiB for Proxmox: containers.a (one) 48GiB + containers.b (two) 20GiB = 68GiB of 62GiB
            found:    68GiB
            allowed:  62GiB in all
            fix:      make guests smaller or move them, or set policy.over_commit.memory to warning or ignore
        """,
    ),
    "the strictest environment decides": (
        (
            """
            policy: {over_commit: {memory: ignore}}
            containers:
              a: {os: debian-12, memory: 48GiB, vm_id: 9200}
            """,
            """
            policy: {over_commit: {memory: warning}}
            containers:
              b: {os: debian-12, memory: 20GiB, vm_id: 9201}
            """,
        ),
        """
        two: warning: proxmox.nodes.pve.memory
            guests are promised more than the memory of node pve, 64GiB less 2GiB for Proxmox: containers.a (one) 48GiB + containers.b (two) 20GiB = 68GiB of 62GiB
            found:    68GiB
            allowed:  62GiB in all
            fix:      make guests smaller or move them, or set policy.over_commit.memory to warning or ignore
        """,
    ),
    "environments that disagree about a node": (
        (
            """
            containers:
              a: {os: debian-12, memory: 4GiB, vm_id: 9200}
            """,
            """
            proxmox: {nodes: {pve: {memory: 128GiB}}}
            containers:
              b: {os: debian-12, memory: 2GiB, vm_id: 9201}
            """,
        ),
        """
        two: warning: proxmox.nodes.pve
            environment one says that node pve has 16 cores and 64GiB, here it has 16 and 128GiB
            allowed:  the same in all environments of a cluster
            fix:      correct one of the two
        """,
    ),
}


@pytest.mark.parametrize(("changes", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: tuple[str, ...], text: str) -> None:
    assert said(*changes) == expected(text)
