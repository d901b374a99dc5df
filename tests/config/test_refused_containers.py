"""What containers can't be."""

# ruff: noqa: E501 (what is said is compared as it is printed)

from pathlib import Path

import pytest

from tests.config.file_cases import aligned, said

CASES = {
    "container with two systems": (
        "containers: {dns: {os: debian-12, vm_id: 9200, clone_from: base}}",
        """
        14 error: containers.dns
            a container has one source, here: os and clone_from
            allowed:  os, image, template_file or clone_from; adopted for one that was there before
            fix:      write os: debian-12
        """,
    ),
    "container with no system": (
        "containers: {dns: {vm_id: 9200}}",
        """
        14 error: containers.dns
            a container has one source, here: none of them
            allowed:  os, image, template_file or clone_from; adopted for one that was there before
            fix:      write os: debian-12
        """,
    ),
    "container with an image and no type": (
        "containers: {dns: {vm_id: 9200, image: {url: 'https://example.org/x.tar.zst'}}}",
        """
        14 error: containers.dns
            image needs os_type
            allowed:  os_type with image or template_file only
            fix:      add or remove os_type
        """,
    ),
    "container with an image as machines have it": (
        "containers: {dns: {vm_id: 9200, image: debian-12}}",
        """
        40 error: containers.dns.image
            the name of a container's system is its os; image is a file of your own
            found:    debian-12
            allowed:  os: NAME, or image with url and checksum
            fix:      write os: debian-12
        """,
    ),
    "container with a template as machines have it": (
        "containers: {dns: {vm_id: 9200, template: base}}",
        """
        43 error: containers.dns.template
            template says whether the container is one; what it is made from is its os, or clone_from
            found:    base
            allowed:  true, false
            fix:      write clone_from: base, or os: debian-12
        """,
    ),
    "type of a known system": (
        "containers: {dns: {os: debian-12, vm_id: 9200, os_type: debian}}",
        """
        14 error: containers.dns
            os decides its own os_type
            allowed:  os_type with image or template_file only
            fix:      add or remove os_type
        """,
    ),
    "mount point with two sources": (
        "containers: {dns: {os: debian-12, vm_id: 9200, mount_points: {mp0: {path: /srv, size: 4GiB, host_path: /tank}}}}",
        """
        63 error: containers.dns.mount_points.mp0
            a mount point is either a new volume or a folder of the node
            allowed:  size or host_path
            fix:      set one of the two
        """,
    ),
    "mount points with a gap": (
        "containers: {dns: {os: debian-12, vm_id: 9200, mount_points: {mp1: {path: /srv, size: 4GiB}}}}",
        """
        14 error: containers.dns
            mount points are numbered without a gap
            allowed:  mp0
            fix:      call one of them mp0
        """,
    ),
    "mount point": (
        "containers: {dns: {os: debian-12, vm_id: 9200, mount_points: {srv: {path: /srv, size: 4GiB}}}}",
        """
        63 error: containers.dns.mount_points.srv
            this is not a mount point
            found:    srv
            allowed:  mp0, mp1, ... without a gap
            fix:      write mp0
        """,
    ),
    "path of a mount point": (
        "containers: {dns: {os: debian-12, vm_id: 9200, mount_points: {mp0: {path: srv, size: 4GiB}}}}",
        """
        75 error: containers.dns.mount_points.mp0.path
            this is not an absolute path
            found:    srv
            allowed:  a path that begins with / and has no : , or space
            fix:      write it like /srv/data
        """,
    ),
    "device": (
        "containers: {dns: {os: debian-12, vm_id: 9200, devices: [/etc/passwd]}}",
        """
        58 error: containers.dns.devices[0]
            this is not a device
            found:    /etc/passwd
            allowed:  a path below /dev
            fix:      write it like /dev/net/tun
        """,
    ),
    "template file": (
        "containers: {dns: {vm_id: 9200, os_type: debian, template_file: my.tar.zst}}",
        """
        65 error: containers.dns.template_file
            this is not a container template
            found:    my.tar.zst
            allowed:  DATASTORE:vztmpl/FILE
            fix:      write it like local:vztmpl/my.tar.zst
        """,
    ),
    "checksum": (
        "templates: {own: {vm_id: 9001, image: {url: 'https://example.org/x.qcow2', checksum: 'sha256:abc'}}}",
        """
        86 error: templates.own.image.checksum
            this is not a checksum
            found:    sha256:abc
            allowed:  sha256:, sha384: or sha512: and 64, 96 or 128 hexadecimal digits in small letters
            fix:      copy it from the vendor's checksum file and write its algorithm before it
        """,
    ),
    "url": (
        "templates: {own: {vm_id: 9001, image: {url: 'ftp://example.org/x.qcow2'}}}",
        """
        45 error: templates.own.image.url
            this is not an address for a download
            found:    ftp://example.org/x.qcow2
            allowed:  http:// or https://
            fix:      write it like https://example.org/image.qcow2
        """,
    ),
    "end of a token": (
        "access: {expires: 2027-02-30T00:00:00Z}",
        """
        19 error: access.expires
            this is not a moment in UTC
            found:    2027-02-30T00:00:00Z
            allowed:  YYYY-MM-DDTHH:MM:SSZ
            fix:      write 2027-01-01T00:00:00Z
        """,
    ),
    "user of another realm": (
        "access: {user: homelab}",
        """
        16 error: access.user
            this is not a user of Proxmox
            found:    homelab
            allowed:  NAME@pve or NAME@pam
            fix:      write it like homelab@pve
        """,
    ),
    "privilege": (
        "access: {privileges: [everything]}",
        """
        23 error: access.privileges[0]
            this is not a privilege
            found:    everything
            allowed:  a privilege in Proxmox's words
            fix:      write it like VM.Audit
        """,
    ),
    "range of VMIDs": (
        "policy: {vm_ids: {vms: {first: 9200, last: 9100}}}",
        """
        19 error: policy.vm_ids.vms
            the range ends before it begins
            allowed:  first not above last
            fix:      write first: 9100 and last: 9200
        """,
    ),
}


@pytest.mark.parametrize(("change", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(tmp_path: Path, change: str, text: str) -> None:
    assert said(tmp_path, change) == aligned(text)
