"""Datastores: declared on the node where they are needed, and for the content that goes there."""

# ruff: noqa: E501 (what is said is compared as it is printed)

import pytest

from tests.config.cases import expected, said

CASES = {
    "in order": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            vms: {web: {template: debian-12, vm_id: 9100}}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        "",
    ),
    "no such datastore": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, datastore: local-zfs}}
            """,
        ),
        """
        error: containers.dns.datastore
            node pve has no datastore local-zfs
            found:    local-zfs
            allowed:  local-lvm
            fix:      did you mean local-lvm?
        """,
    ),
    "default that the node lacks": (
        (
            """
            proxmox: {nodes: {pve: {datastores: {local-lvm: null, tank: {}}}}}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            vms: {web: {template: debian-12, vm_id: 9100}}
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            """,
        ),
        """
        error: templates.debian-12
            node pve has no datastore local-lvm, the default of templates.debian-12
            found:    local-lvm
            allowed:  tank
            fix:      set defaults.datastore to tank
        error: containers.dns
            node pve has no datastore local-lvm, the default of containers.dns
            found:    local-lvm
            allowed:  tank
            fix:      set defaults.datastore to tank
        """,
    ),
    "default that is written": (
        (
            """
            defaults: {datastore: tank}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        """
        error: defaults.datastore
            node pve has no datastore tank, the default of containers.dns
            found:    tank
            allowed:  local-lvm
            fix:      set defaults.datastore to local-lvm
        """,
    ),
    "datastore not for disks of virtual machines": (
        (
            """
            proxmox: {nodes: {pve: {datastores: {local-lvm: {content: [rootdir]}}}}}
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            vms: {web: {template: debian-12, vm_id: 9100}}
            """,
        ),
        """
        error: templates.debian-12
            the datastore local-lvm, the default of templates.debian-12, is not for disks of virtual machines
            found:    local-lvm
            allowed:  no datastore of pve takes images
            fix:      add images to its content, in Proxmox and in proxmox.nodes.pve.datastores.local-lvm.content
        """,
    ),
    "datastore not for containers": (
        (
            """
            proxmox: {nodes: {pve: {datastores: {local-lvm: {content: [images]}}}}}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        """
        error: containers.dns
            the datastore local-lvm, the default of containers.dns, is not for containers
            found:    local-lvm
            allowed:  no datastore of pve takes rootdir
            fix:      add rootdir to its content, in Proxmox and in proxmox.nodes.pve.datastores.local-lvm.content
        """,
    ),
    "written datastore not for containers": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, datastore: local}}
            """,
        ),
        """
        error: containers.dns.datastore
            the datastore local is not for containers
            found:    local
            allowed:  local-lvm
            fix:      add rootdir to its content, in Proxmox and in proxmox.nodes.pve.datastores.local.content, or set it to local-lvm
        """,
    ),
    "datastore not for disk images": (
        (
            """
            proxmox: {nodes: {pve: {datastores: {local: {content: [vztmpl, snippets]}}}}}
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            """,
        ),
        """
        error: templates.debian-12
            the datastore local, the default of templates.debian-12, is not for disk images to import
            found:    local
            allowed:  no datastore of pve takes import
            fix:      add import to its content, in Proxmox and in proxmox.nodes.pve.datastores.local.content
        """,
    ),
    "datastore not for container templates": (
        (
            """
            proxmox: {nodes: {pve: {datastores: {local: {content: [import, snippets]}}}}}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        """
        error: containers.dns
            the datastore local, the default of containers.dns, is not for container templates
            found:    local
            allowed:  no datastore of pve takes vztmpl
            fix:      add vztmpl to its content, in Proxmox and in proxmox.nodes.pve.datastores.local.content
        """,
    ),
    "datastore not for snippets": (
        (
            """
            proxmox: {nodes: {pve: {datastores: {local: {content: [import, vztmpl]}}}}}
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            """,
        ),
        """
        error: templates.debian-12
            the datastore local, the default of templates.debian-12, is not for cloud-init snippets
            found:    local
            allowed:  no datastore of pve takes snippets
            fix:      add snippets to its content, in Proxmox and in proxmox.nodes.pve.datastores.local.content
        """,
    ),
    "template without snippet": (
        (
            """
            proxmox: {nodes: {pve: {datastores: {local: {content: [import, vztmpl]}}}}}
            templates: {debian-12: {vm_id: 9000, image: debian-12, guest_agent: false}}
            """,
        ),
        "",
    ),
    "user data needs snippets": (
        (
            """
            proxmox: {nodes: {pve: {datastores: {local: {content: [import, vztmpl]}}}}}
            templates: {debian-12: {vm_id: 9000, image: debian-12, guest_agent: false}}
            vms: {web: {template: debian-12, vm_id: 9100, cloud_init: {user_data: "#cloud-config\\npackages: []\\n"}}}
            """,
        ),
        """
        error: vms.web
            the datastore local, the default of vms.web, is not for cloud-init snippets
            found:    local
            allowed:  no datastore of pve takes snippets
            fix:      add snippets to its content, in Proxmox and in proxmox.nodes.pve.datastores.local.content
        """,
    ),
    "snippets on the node of the clone": (
        (
            """
            proxmox: {default_node: pve, nodes: {two: {cores: 4, memory: 8GiB, datastores: {local: {content: [vztmpl]}, local-lvm: {}}}}}
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            vms: {web: {template: debian-12, vm_id: 9100, node: two}}
            """,
        ),
        """
        error: templates.debian-12
            the datastore local, the default of templates.debian-12, is not for cloud-init snippets
            found:    local
            allowed:  no datastore of two takes snippets
            fix:      add snippets to its content, in Proxmox and in proxmox.nodes.two.datastores.local.content
        """,
    ),
    "disk on no such datastore": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            vms: {web: {template: debian-12, vm_id: 9100, protection: true, disks: {scsi1: {size: 10GiB, datastore: tank}}}}
            """,
        ),
        """
        error: vms.web.disks.scsi1.datastore
            node pve has no datastore tank
            found:    tank
            allowed:  local-lvm
            fix:      set it to local-lvm
        """,
    ),
    "mount point on the wrong datastore": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, protection: true, mount_points: {mp0: {path: /srv, size: 10GiB, datastore: local}}}}
            """,
        ),
        """
        error: containers.dns.mount_points.mp0.datastore
            the datastore local is not for containers
            found:    local
            allowed:  local-lvm
            fix:      add rootdir to its content, in Proxmox and in proxmox.nodes.pve.datastores.local.content, or set it to local-lvm
        """,
    ),
    "template file on the wrong datastore": (
        (
            """
            containers: {dns: {template_file: 'local-lvm:vztmpl/my.tar.zst', os_type: debian, vm_id: 9200}}
            """,
        ),
        """
        error: containers.dns.template_file
            the datastore local-lvm is not for container templates
            found:    local-lvm
            allowed:  local
            fix:      add vztmpl to its content, in Proxmox and in proxmox.nodes.pve.datastores.local-lvm.content, or set it to local
        """,
    ),
    "image datastore that is written": (
        (
            """
            defaults: {image_datastore: nfs}
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            """,
        ),
        """
        error: defaults.image_datastore
            node pve has no datastore nfs, the default of templates.debian-12
            found:    nfs
            allowed:  local
            fix:      set defaults.image_datastore to local
        """,
    ),
}


@pytest.mark.parametrize(("changes", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: tuple[str, ...], text: str) -> None:
    assert said(*changes) == expected(text)
