"""Images: known, of the right kind, each under its own name."""

# ruff: noqa: E501 (what is said is compared as it is printed)

import pytest

from tests.config.cases import expected, said

CASES = {
    "in the catalogue": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debian-12}}
            containers: {dns: {os: alpine-3.22, vm_id: 9200}}
            """,
        ),
        "",
    ),
    "no such cloud image": (
        (
            """
            templates: {debian-12: {vm_id: 9000, image: debain-12}}
            """,
        ),
        """
        error: templates.debian-12.image
            there is no cloud image debain-12 in the catalogue
            found:    debain-12
            allowed:  debian-12, debian-13, ubuntu-22.04, ubuntu-24.04, ubuntu-26.04, alma-9, rocky-9, fedora-43, fedora-44, arch, opensuse-leap-15.6, opensuse-leap-16.0, alpine-3.22, alpine-3.23
            fix:      did you mean debian-12?
        """,
    ),
    "no such container template": (
        (
            """
            containers: {dns: {os: windows, vm_id: 9200}}
            """,
        ),
        """
        error: containers.dns.os
            there is no container template windows in the catalogue
            found:    windows
            allowed:  debian-12, debian-13, ubuntu-22.04, ubuntu-24.04, ubuntu-26.04, alpine-3.22, alpine-3.23, alpine-3.24, alma-9, alma-10, rocky-9, rocky-10, fedora-43, arch, opensuse-leap-15.6, opensuse-leap-16.0
            fix:      choose one of them, or name your own with image
        """,
    ),
    "an image of one's own": (
        (
            """
            templates: {own: {vm_id: 9000, image: {url: 'https://example.org/own.qcow2'}}}
            """,
        ),
        "",
    ),
    "a container template of one's own": (
        (
            """
            containers: {dns: {image: {url: 'https://example.org/own.tar.zst'}, os_type: debian, vm_id: 9200}}
            """,
        ),
        "",
    ),
    "an image that Proxmox does not import": (
        (
            """
            templates: {own: {vm_id: 9000, image: {url: 'https://example.org/own.img'}}}
            """,
        ),
        """
        error: templates.own.image.file_name
            Proxmox takes no disk image with this name
            found:    own.img
            allowed:  a name that ends with .qcow2, .raw, .vmdk
            fix:      add file_name: own.qcow2
        """,
    ),
    "an image with a name": (
        (
            """
            templates: {own: {vm_id: 9000, image: {url: 'https://example.org/own.img', file_name: own.qcow2}}}
            """,
        ),
        "",
    ),
    "a container template that is none": (
        (
            """
            containers: {dns: {image: {url: 'https://example.org/own.qcow2'}, os_type: debian, vm_id: 9200}}
            """,
        ),
        """
        error: containers.dns.image.file_name
            Proxmox takes no container template with this name
            found:    own.qcow2
            allowed:  a name that ends with .tar.gz, .tar.xz, .tar.zst
            fix:      add file_name: own.tar.gz
        """,
    ),
    "one name for two images": (
        (
            """
            templates: {own: {vm_id: 9000, image: {url: 'https://example.org/one/own.qcow2'}}, other: {vm_id: 9001, image: {url: 'https://example.org/two/own.qcow2'}}}
            """,
        ),
        """
        error: templates.other.image.file_name
            another image is stored under the same name: https://example.org/one/own.qcow2
            found:    own.qcow2
            allowed:  a name of its own for each image
            fix:      add file_name with another name
        """,
    ),
    "one image for two templates": (
        (
            """
            templates: {own: {vm_id: 9000, image: {url: 'https://example.org/own.qcow2'}}, other: {vm_id: 9001, image: {url: 'https://example.org/own.qcow2'}}}
            """,
        ),
        "",
    ),
}


@pytest.mark.parametrize(("changes", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: tuple[str, ...], text: str) -> None:
    assert said(*changes) == expected(text)


URL = "https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-generic-amd64.qcow2"
SUM = "sha512:" + "ab" * 64
TEMPLATE = "templates: {debian-12: {vm_id: 9000, image: debian-12}, again: {vm_id: 9001, image: debian-12}}\n"


class Lock:
    """A lock file with the given checksums."""

    def __init__(self, **checksums: str) -> None:
        self.checksums = checksums

    def checksum_for(self, url: str) -> str | None:
        return self.checksums.get(url)

    def digest_for(self, reference: str) -> str | None:
        return self.checksums.get(reference)


def test_an_image_that_is_not_locked_is_said_once() -> None:
    assert said(TEMPLATE, image_lock=Lock()) == expected(
        f"""
        warning: templates.debian-12.image
            the image has no checksum, so whatever the server sends becomes your system
            found:    {URL}
            allowed:  an image with checksum, in the file or in the lock file
            fix:      run `homelab images lock`
        """
    )


def test_an_image_that_is_not_locked_is_an_error_by_policy() -> None:
    assert said("policy: {unlocked_images: error}\n" + TEMPLATE, image_lock=Lock()).startswith("error: templates")


def test_an_image_that_is_not_locked_is_ignored_by_policy() -> None:
    assert said("policy: {unlocked_images: ignore}\n" + TEMPLATE, image_lock=Lock()) == ""


def test_a_locked_image_is_fine() -> None:
    assert said(TEMPLATE, image_lock=Lock(**{URL: SUM})) == ""


def test_without_a_lock_file_nothing_is_said_about_locks() -> None:
    assert said(TEMPLATE) == ""


def test_a_checksum_in_the_file_needs_no_lock() -> None:
    own = f"templates: {{own: {{vm_id: 9000, image: {{url: 'https://example.org/own.qcow2', checksum: '{SUM}'}}}}}}"
    assert said(own, image_lock=Lock()) == ""


def test_a_container_template_is_locked_too() -> None:
    text = said("containers: {dns: {os: debian-12, vm_id: 9200}}", image_lock=Lock())
    assert text.startswith("warning: containers.dns.os\n    the image has no checksum")
