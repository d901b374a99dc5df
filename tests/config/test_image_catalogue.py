"""The catalogue keeps the rules that Proxmox and the provider set."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import pytest

from homelab.config.image_catalogue import (
    CONTAINER_TEMPLATES,
    DISK_IMAGES,
    ContainerOsType,
    ContainerTemplate,
    DiskImage,
    UnknownImageError,
    container_template,
    disk_image,
)

PROJECT = Path(__file__).parents[2]

each_disk_image = pytest.mark.parametrize("image", DISK_IMAGES.values(), ids=lambda image: image.name)
each_template = pytest.mark.parametrize("template", CONTAINER_TEMPLATES.values(), ids=lambda template: template.name)


@each_disk_image
def test_a_cloud_image_can_be_imported(image: DiskImage) -> None:
    assert image.file_name.endswith(".qcow2")
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", image.file_name)


@each_disk_image
def test_a_cloud_image_and_its_checksums_come_over_tls_from_one_vendor(image: DiskImage) -> None:
    url, checksum_url = urlsplit(image.url), urlsplit(image.checksum_url)
    assert url.scheme == checksum_url.scheme == "https"
    assert url.netloc == checksum_url.netloc
    assert url.path.rpartition("/")[0] == checksum_url.path.rpartition("/")[0]


@each_disk_image
def test_a_cloud_image_keeps_its_vendors_name(image: DiskImage) -> None:
    vendor_name = image.url.rpartition("/")[2]
    assert image.file_name.removesuffix(".qcow2") == vendor_name.removesuffix(".qcow2").removesuffix(".img")


@each_disk_image
def test_the_checksum_file_is_named_for_its_algorithm(image: DiskImage) -> None:
    file_name = image.checksum_url.rpartition("/")[2].lower()
    other = {"sha256": "sha512", "sha512": "sha256"}[image.algorithm]
    assert other not in file_name


def test_exactly_debian_and_ubuntu_need_a_serial_device() -> None:
    needing = {image.os_family for image in DISK_IMAGES.values() if image.serial_device}
    others = {image.os_family for image in DISK_IMAGES.values() if not image.serial_device}
    assert needing == {"debian", "ubuntu"}
    assert others == {"alma", "alpine", "arch", "fedora", "opensuse", "rocky"}


def test_no_two_images_share_a_file_in_the_datastore() -> None:
    files = [image.file_name for image in DISK_IMAGES.values()]
    files += [template.file_name for template in CONTAINER_TEMPLATES.values()]
    assert len(files) == len(set(files))


@each_template
def test_a_template_is_one_that_proxmox_takes(template: ContainerTemplate) -> None:
    assert re.fullmatch(r"[a-z0-9.-]+_[0-9.-]+_amd64\.tar\.(gz|xz|zst)", template.file_name)
    assert template.url == f"http://download.proxmox.com/images/system/{template.file_name}"
    assert template.os_type in get_args(ContainerOsType)


@pytest.mark.parametrize(
    ("name", "os_type"),
    [
        ("debian-13", "debian"),
        ("ubuntu-24.04", "ubuntu"),
        ("alpine-3.22", "alpine"),
        ("alma-9", "centos"),
        ("rocky-9", "centos"),
        ("fedora-43", "fedora"),
        ("arch", "archlinux"),
        ("opensuse-leap-15.6", "opensuse"),
    ],
)
def test_every_distribution_has_the_type_that_sets_it_up(name: str, os_type: str) -> None:
    assert container_template(name).os_type == os_type


def test_a_name_of_both_catalogues_is_the_same_distribution() -> None:
    families = {"archlinux": {"arch"}, "centos": {"alma", "rocky"}}
    for name in DISK_IMAGES.keys() & CONTAINER_TEMPLATES.keys():
        os_type = CONTAINER_TEMPLATES[name].os_type
        assert DISK_IMAGES[name].os_family in families.get(os_type, {os_type})


def test_an_unknown_name_is_answered_with_the_nearest_and_all() -> None:
    with pytest.raises(UnknownImageError, match=r"no cloud image 'debian-31'.*did you mean 'debian-13'.*rocky-9"):
        disk_image("debian-31")
    with pytest.raises(UnknownImageError, match="no container template 'slackware' in the catalogue; Known: debian-12"):
        container_template("slackware")


def test_the_catalogue_can_not_be_changed_at_run_time() -> None:
    with pytest.raises(TypeError):
        DISK_IMAGES["mine"] = disk_image("debian-13")  # type: ignore[index]


def test_the_catalogue_and_the_lock_load_neither_network_nor_cdktf() -> None:
    program = (
        "import json, sys, homelab.config.image_catalogue, homelab.config.image_lock; "
        "print(json.dumps(sorted(sys.modules)))"
    )
    output = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        text=True,
        env={"PYTHONPATH": str(PROJECT / "constructs")},
    ).stdout
    roots = {name.partition(".")[0] for name in json.loads(output)}
    assert "homelab" in roots
    assert not roots & {"httpx", "requests", "aiohttp", "http", "cdktf", "jsii", "constructs"}
