"""What only root@pam with a password may set, while an API token is used."""

# ruff: noqa: E501 (what is said is compared as it is printed)

import pytest

from tests.config.cases import expected, said

CASES = {
    "nesting": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, features: {nesting: true}}}
            """,
        ),
        "",
    ),
    "keyctl": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, features: {keyctl: true}}}
            """,
        ),
        """
        error: containers.dns.features.keyctl
            the feature keyctl may be set by root@pam with a password only, and an API token is used
            found:    true
            allowed:  anything with proxmox.authentication: root_password
            fix:      remove keyctl; or set proxmox.authentication: root_password
        """,
    ),
    "fuse": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, features: {fuse: true}}}
            """,
        ),
        """
        error: containers.dns.features.fuse
            the feature fuse may be set by root@pam with a password only, and an API token is used
            found:    true
            allowed:  anything with proxmox.authentication: root_password
            fix:      remove fuse; or set proxmox.authentication: root_password
        """,
    ),
    "mknod": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, features: {mknod: true}}}
            """,
        ),
        """
        error: containers.dns.features.mknod
            the feature mknod may be set by root@pam with a password only, and an API token is used
            found:    true
            allowed:  anything with proxmox.authentication: root_password
            fix:      remove mknod; or set proxmox.authentication: root_password
        """,
    ),
    "mount": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, features: {mount: [nfs, cifs]}}}
            """,
        ),
        """
        error: containers.dns.features.mount
            mounting file systems may be set by root@pam with a password only, and an API token is used
            found:    nfs, cifs
            allowed:  anything with proxmox.authentication: root_password
            fix:      remove mount; or set proxmox.authentication: root_password
        """,
    ),
    "privileged with nesting": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, unprivileged: false}}
            """,
        ),
        """
        error: containers.dns.unprivileged
            a feature of a privileged container, here nesting, may be set by root@pam with a password only, and an API token is used
            found:    false
            allowed:  anything with proxmox.authentication: root_password
            fix:      remove unprivileged: false, or write features: {nesting: false}; or set proxmox.authentication: root_password
        """,
    ),
    "privileged without nesting": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, unprivileged: false, features: {nesting: false}}}
            """,
        ),
        "",
    ),
    "folder of the node": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, mount_points: {mp0: {path: /srv, host_path: /tank/srv}}}}
            """,
        ),
        """
        error: containers.dns.mount_points.mp0.host_path
            a folder of the node inside a container may be set by root@pam with a password only, and an API token is used
            found:    /tank/srv
            allowed:  anything with proxmox.authentication: root_password
            fix:      use a volume: size instead of host_path; or set proxmox.authentication: root_password
        """,
    ),
    "devices": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200, devices: [/dev/net/tun, /dev/dri/renderD128]}}
            """,
        ),
        """
        error: containers.dns.devices
            a device of the node inside a container may be set by root@pam with a password only, and an API token is used
            found:    /dev/net/tun, /dev/dri/renderD128
            allowed:  anything with proxmox.authentication: root_password
            fix:      remove devices; or set proxmox.authentication: root_password
        """,
    ),
    "CPU affinity": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            vms: {web: {template: debian-12, vm_id: 9100, cpu_affinity: 0-3}}
            """,
        ),
        """
        error: vms.web.cpu_affinity
            CPU affinity may be set by root@pam with a password only, and an API token is used
            found:    0-3
            allowed:  anything with proxmox.authentication: root_password
            fix:      remove cpu_affinity; or set proxmox.authentication: root_password
        """,
    ),
    "PCI device by id": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            vms: {web: {template: debian-12, vm_id: 9100, pci_devices: [{mapping: gpu}, {id: "0000:01:00.0"}]}}
            """,
        ),
        """
        error: vms.web.pci_devices[1].id
            a PCI device by its id may be set by root@pam with a password only, and an API token is used
            found:    0000:01:00.0
            allowed:  anything with proxmox.authentication: root_password
            fix:      make a hardware mapping in Proxmox and name it in mapping; or set proxmox.authentication: root_password
        """,
    ),
    "all of it as root": (
        (
            """
            proxmox: {authentication: root_password}
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            vms: {web: {template: debian-12, vm_id: 9100, cpu_affinity: 0-3, pci_devices: [{id: "0000:01:00.0"}]}}
            containers: {dns: {os: debian-12, vm_id: 9200, unprivileged: false, features: {keyctl: true, fuse: true, mknod: true, mount: [nfs]}, devices: [/dev/net/tun], mount_points: {mp0: {path: /srv, host_path: /tank/srv}}}}
            """,
        ),
        "",
    ),
}


@pytest.mark.parametrize(("changes", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: tuple[str, ...], text: str) -> None:
    assert said(*changes) == expected(text)
