"""What guests, their disks and their images can't be."""

# ruff: noqa: E501 (what is said is compared as it is printed)

from pathlib import Path

import pytest

from tests.config.file_cases import aligned, said

CASES = {
    "endpoint without TLS": (
        "proxmox: {endpoint: 'http://pve:8006', nodes: {pve: {cores: 1, memory: 4GiB, datastores: {local: {content: [import, snippets]}, local-lvm: {}}}}}",
        """
        21 error: proxmox.endpoint
            this is not the address of a Proxmox API
            found:    http://pve:8006
            allowed:  https://HOST:PORT (the provider speaks HTTPS only)
            fix:      write https://pve.home.arpa:8006
        """,
    ),
    "endpoint with a password": (
        "proxmox: {endpoint: 'https://root:hunter2@pve:8006', nodes: {pve: {cores: 1, memory: 4GiB, datastores: {local: {content: [import, snippets]}, local-lvm: {}}}}}",
        """
        21 error: proxmox.endpoint
            this is not the address of a Proxmox API
            found:    https://***@pve:8006
            allowed:  https://HOST:PORT (the provider speaks HTTPS only)
            fix:      write https://pve.home.arpa:8006
        """,
    ),
    "private key": (
        "vms: {web: {template: debian-12, vm_id: 9100, cloud_init: {ssh_keys: ['-----BEGIN OPENSSH PRIVATE KEY-----']}}}",
        """
        71 error: vms.web.cloud_init.ssh_keys[0]
            this is a private key
            allowed:  a public key
            fix:      put the contents of the .pub file here
        """,
    ),
    "SSH key": (
        "vms: {web: {template: debian-12, vm_id: 9100, cloud_init: {ssh_keys: [my-key]}}}",
        """
        71 error: vms.web.cloud_init.ssh_keys[0]
            this is not a public SSH key
            found:    my-key
            allowed:  one line: type, key and comment
            fix:      copy ~/.ssh/id_ed25519.pub
        """,
    ),
    "user data without header": (
        "vms: {web: {template: debian-12, vm_id: 9100, cloud_init: {user_data: 'packages: []'}}}",
        """
        71 error: vms.web.cloud_init.user_data
            this is not cloud-init data
            found:    packages: []
            allowed:  a text whose first line is #cloud-config
            fix:      write it like #cloud-config
        """,
    ),
    "boot disk among the others": (
        "vms: {web: {template: debian-12, vm_id: 9100, disks: {scsi0: {size: 4GiB}}}}",
        """
        55 error: vms.web.disks.scsi0
            scsi0 is the boot disk
            found:    scsi0
            allowed:  scsi1-scsi30, virtio0-virtio15, sata0-sata5
            fix:      use `disk` for its size
        """,
    ),
    "disk interface": (
        "vms: {web: {template: debian-12, vm_id: 9100, disks: {sata6: {size: 4GiB}}}}",
        """
        55 error: vms.web.disks.sata6
            this is not a disk interface
            found:    sata6
            allowed:  scsi1-scsi30, virtio0-virtio15, sata0-sata5
            fix:      write scsi1
        """,
    ),
    "PCI device without either": (
        "vms: {web: {template: debian-12, vm_id: 9100, pci_devices: [{}]}}",
        """
        61 error: vms.web.pci_devices[0]
            a device is given by its mapping or by its id
            allowed:  mapping or id
            fix:      set one of the two
        """,
    ),
    "least memory above memory": (
        "vms: {web: {template: debian-12, vm_id: 9100, memory: 1GiB, memory_minimum: 2GiB}}",
        """
        7 error: vms.web
            memory_minimum is more than memory
            allowed:  128MiB to 1GiB, the guest's memory
            fix:      lower memory_minimum, or raise memory
        """,
    ),
}


@pytest.mark.parametrize(("change", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(tmp_path: Path, change: str, text: str) -> None:
    assert said(tmp_path, change) == aligned(text)
