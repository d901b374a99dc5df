"""Templates, and what is cloned from them."""

# ruff: noqa: E501 (what is said is compared as it is printed)

import pytest

from tests.config.cases import expected, said

CASES = {
    "in order": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12, disk: 10GiB}}
            vms: {web: {template: debian-12, vm_id: 9100}}
            """,
        ),
        "",
    ),
    "no such template": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12, disk: 10GiB}}
            vms: {web: {template: debian-13, vm_id: 9100}}
            """,
        ),
        """
        error: vms.web.template
            there is no template debian-13
            found:    debian-13
            allowed:  debian-12
            fix:      did you mean debian-12?
        """,
    ),
    "no template at all": (
        (
            """
            vms: {web: {template: debian-12, vm_id: 9100}}
            """,
        ),
        """
        error: vms.web.template
            there is no template debian-12
            found:    debian-12
            allowed:  none is defined
            fix:      add it to templates: debian-12: {vm_id: ..., image: ...}
        """,
    ),
    "disk smaller than the template's": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12, disk: 10GiB}}
            vms: {web: {template: debian-12, vm_id: 9100, disk: 8GiB}}
            """,
        ),
        """
        error: vms.web.disk
            the disk is smaller than that of templates.debian-12; a clone's can only be larger
            found:    8GiB
            allowed:  10GiB or more
            fix:      write disk: 10GiB
        """,
    ),
    "linked clone": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12, disk: 10GiB}}
            vms: {web: {template: debian-12, vm_id: 9100, full_clone: false}}
            """,
        ),
        "",
    ),
    "linked clone on another datastore": (
        (
            """
            proxmox: {nodes: {pve: {datastores: {tank: {}}}}}
            templates: {debian-12: {vm_id: 9000, image: debian-12, disk: 10GiB}}
            vms: {web: {template: debian-12, vm_id: 9100, full_clone: false, datastore: tank}}
            """,
        ),
        """
        error: vms.web.full_clone
            a linked clone is on its template's datastore local-lvm, not on tank
            found:    false
            allowed:  true, or the template's datastore
            fix:      write datastore: local-lvm
        """,
    ),
    "linked clone on another node": (
        (
            """
            proxmox: {default_node: pve, nodes: {two: {cores: 4, memory: 8GiB, datastores: {local: {content: [vztmpl, import, snippets]}, local-lvm: {}}}}}
            templates: {debian-12: {vm_id: 9000, image: debian-12, disk: 10GiB}}
            vms: {web: {template: debian-12, vm_id: 9100, full_clone: false, node: two}}
            """,
        ),
        """
        error: vms.web.full_clone
            a linked clone is on its template's node pve, not on two
            found:    false
            allowed:  true, or the template's node, or a shared datastore
            fix:      write full_clone: true, or node: pve
        """,
    ),
    "full clone on another node": (
        (
            """
            proxmox: {default_node: pve, nodes: {two: {cores: 4, memory: 8GiB, datastores: {local: {content: [vztmpl, import, snippets]}, local-lvm: {}}}}}
            templates: {debian-12: {vm_id: 9000, image: debian-12, disk: 10GiB}}
            vms: {web: {template: debian-12, vm_id: 9100, node: two}}
            """,
        ),
        "",
    ),
    "other firmware than the template": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12, disk: 10GiB}}
            vms: {web: {template: debian-12, vm_id: 9100, bios: ovmf}}
            """,
        ),
        """
        error: vms.web.bios
            the template's disk is made for seabios and may not start with ovmf
            found:    ovmf
            allowed:  seabios
            fix:      remove bios, or set it in templates.debian-12
        """,
    ),
    "PCI Express on an old machine": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12, disk: 10GiB}}
            vms: {web: {template: debian-12, vm_id: 9100, machine: pc, pci_devices: [{mapping: gpu}]}}
            """,
        ),
        """
        error: vms.web.pci_devices[0].pcie
            PCI Express needs the machine type q35
            found:    true
            allowed:  false with machine pc
            fix:      write pcie: false
        """,
    ),
    "PCI on an old machine": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12, disk: 10GiB}}
            vms: {web: {template: debian-12, vm_id: 9100, machine: pc, pci_devices: [{mapping: gpu, pcie: false}]}}
            """,
        ),
        "",
    ),
    "container from a template container": (
        (
            """
            containers: {base: {os: debian-12, vm_id: 9201, template: true}, web: {clone_from: base, vm_id: 9202}}
            """,
        ),
        "",
    ),
    "no such template container": (
        (
            """
            containers: {base: {os: debian-12, vm_id: 9201, template: true}, web: {clone_from: bass, vm_id: 9202}}
            """,
        ),
        """
        error: containers.web.clone_from
            there is no container bass
            found:    bass
            allowed:  base
            fix:      did you mean base?
        """,
    ),
    "container that is no template": (
        (
            """
            containers: {base: {os: debian-12, vm_id: 9201}, web: {clone_from: base, vm_id: 9202}}
            """,
        ),
        """
        error: containers.web.clone_from
            containers.base is not a template
            found:    base
            allowed:  no container is a template
            fix:      add template: true to containers.base
        """,
    ),
    "container clone with a smaller disk": (
        (
            """
            containers: {base: {os: debian-12, vm_id: 9201, template: true}, web: {clone_from: base, vm_id: 9202, disk: 4GiB}}
            """,
        ),
        """
        error: containers.web.disk
            the disk is smaller than that of containers.base; a clone's can only be larger
            found:    4GiB
            allowed:  8GiB or more
            fix:      write disk: 8GiB
        """,
    ),
    "container clone of itself": (
        (
            """
            containers: {a: {clone_from: b, vm_id: 9200, template: true}, b: {clone_from: a, vm_id: 9201, template: true}}
            """,
        ),
        """
        error: containers.a.clone_from
            the container is, in the end, a clone of itself
            found:    b
            allowed:  a template with a system of its own
            fix:      write os: debian-12
        error: containers.b.clone_from
            the container is, in the end, a clone of itself
            found:    a
            allowed:  a template with a system of its own
            fix:      write os: debian-12
        """,
    ),
    "container clone on another node": (
        (
            """
            proxmox: {default_node: pve, nodes: {two: {cores: 4, memory: 8GiB, datastores: {local: {content: [vztmpl, import, snippets]}, local-lvm: {}}}}}
            containers: {base: {os: debian-12, vm_id: 9201, template: true}, web: {clone_from: base, vm_id: 9202, node: two}}
            """,
        ),
        """
        error: containers.web.clone_from
            Proxmox clones a container to another node only from shared storage; containers.base is on pve, this on two
            found:    base
            allowed:  a template container of two, or one on a shared datastore
            fix:      write node: pve
        """,
    ),
    "a container clone that begins smaller than it is to be": (
        (
            "containers: {base: {os: debian-12, vm_id: 9201, template: true}, web: {clone_from: base, vm_id: 9202, disk: 10GiB}}",
        ),
        """
        warning: containers.web.disk
            a clone is made with the disk of containers.base and grows to its own size with the second apply
            found:    10GiB
            allowed:  8GiB, or two applies
            fix:      remove disk, or apply twice the first time; or make the disk of containers.base larger
        """,
    ),
    "a container clone has its template's disk": (
        (
            "containers: {base: {os: debian-12, vm_id: 9201, template: true, disk: 16GiB}, web: {clone_from: base, vm_id: 9202}}",
        ),
        "",
    ),
    "a container clone that is less privileged than its template": (
        (
            """
            proxmox: {authentication: root_password}
            containers: {base: {os: debian-12, vm_id: 9201, template: true, unprivileged: false}, web: {clone_from: base, vm_id: 9202, unprivileged: true}}
            """,
        ),
        """
        error: containers.web.unprivileged
            a clone is as privileged as containers.base
            found:    true
            allowed:  false
            fix:      remove unprivileged
        """,
    ),
    "container clone on another node from shared storage": (
        (
            """
            proxmox: {default_node: pve, nodes: {pve: {datastores: {local-lvm: {shared: true}}}, two: {cores: 4, memory: 8GiB, datastores: {local: {content: [vztmpl, import, snippets]}, local-lvm: {}}}}}
            containers: {base: {os: debian-12, vm_id: 9201, template: true}, web: {clone_from: base, vm_id: 9202, node: two}}
            """,
        ),
        "",
    ),
    "several template containers": (
        (
            """
            containers: {base: {os: debian-12, vm_id: 9200, template: true, replicas: 2}}
            """,
        ),
        """
        error: containers.base.replicas
            a template container is one
            found:    2
            allowed:  no replicas
            fix:      remove replicas; replicas belong to its clones
        """,
    ),
}


@pytest.mark.parametrize(("changes", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: tuple[str, ...], text: str) -> None:
    assert said(*changes) == expected(text)
