"""What can be asked for."""

import pytest

from homelab.config.container_image_reference import ImageReferenceError
from homelab.config.image_catalogue import container_template, disk_image
from operations.images.requests import (
    ImageRequestError,
    RequestedContainerImage,
    RequestedImage,
    request_for_container_template,
    request_for_disk_image,
)


def test_a_cloud_image_of_the_catalogue_keeps_its_two_names_apart() -> None:
    request = request_for_disk_image(disk_image("ubuntu-24.04"))
    assert request.vendor_file_name == "noble-server-cloudimg-amd64.img"
    assert request.datastore_file_name == "noble-server-cloudimg-amd64.qcow2"
    assert (request.kind, request.algorithm, request.follow_series) == ("disk", "sha256", False)
    assert request.checksum_url == "https://cloud-images.ubuntu.com/noble/current/SHA256SUMS"


def test_a_template_of_the_catalogue_follows_its_series() -> None:
    request = request_for_container_template(container_template("alpine-3.22"))
    assert (request.kind, request.algorithm, request.follow_series) == ("container_template", "sha512", True)
    assert request.checksum_url == "http://download.proxmox.com/images/aplinfo-pve-9.dat.gz"


def test_the_file_name_is_that_of_the_url_without_query_and_escapes() -> None:
    assert RequestedImage("mine", "https://x.test/a/mine%2D1.qcow2?token=1").datastore_file_name == "mine-1.qcow2"


@pytest.mark.parametrize(
    "url",
    ["ftp://x.test/a.img", "file:///a.img", "x.test/a.img", "https:///a.img", "https://u:p@x.test/a.img", "https://["],
)
def test_an_address_that_is_no_http_address_is_refused(url: str) -> None:
    with pytest.raises(ImageRequestError, match=r"image 'mine': the URL .* is not an http:// or https:// address"):
        RequestedImage("mine", url)
    with pytest.raises(ImageRequestError, match="image 'mine': the checksum URL"):
        RequestedImage("mine", "https://x.test/a.img", url)


@pytest.mark.parametrize(
    "url", ["https://x.test/", "https://x.test/..", "https://x.test/a%20b.img", "https://x.test/.a"]
)
def test_a_file_name_that_proxmox_does_not_take_is_refused(url: str) -> None:
    with pytest.raises(ImageRequestError, match="give it a file_name"):
        RequestedImage("mine", url)
    assert RequestedImage("mine", url, file_name="mine.qcow2").datastore_file_name == "mine.qcow2"


def test_an_address_with_a_line_break_is_refused() -> None:
    with pytest.raises(ImageRequestError):
        RequestedImage("mine", "https://x.test/a\nb/c.img")


def test_what_is_no_container_image_is_refused() -> None:
    with pytest.raises(ImageReferenceError):
        RequestedContainerImage("Not An Image")
