"""Checksums of images from a file server on loopback, with and without downloading them."""

import gzip
import hashlib

import pytest

from operations.images.fetching import Fetcher
from operations.images.requests import RequestedImage
from operations.images.resolving import ResolvedImage, ResolveError, resolve_image
from tests.operations.images.image_servers import FileServer

CONTENT = b"QFI\xfb" + b"disk image" * 200_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SHA512 = hashlib.sha512(CONTENT).hexdigest()

OLD = "debian-13-standard_13.1-2_amd64.tar.zst"
NEW = "debian-13-standard_13.6-1_amd64.tar.zst"


@pytest.fixture
def image(files: FileServer) -> RequestedImage:
    """A cloud image with a GNU checksum file that is right."""
    url = files.add("trixie/debian.qcow2", CONTENT)
    return RequestedImage("debian-13", url, files.add("trixie/SHA512SUMS", f"{SHA512}  debian.qcow2\n"))


def index_of(*templates: tuple[str, bytes]) -> str:
    return "\n".join(
        f"Package: {name.partition('_')[0]}\nLocation: system/{name}\n"
        f"sha512sum: {hashlib.sha512(content).hexdigest()}\n"
        for name, content in templates
    )


def template_request(files: FileServer, name: str, follow_series: bool = True) -> RequestedImage:
    return RequestedImage(
        "debian-13",
        files.url(f"system/{name}"),
        files.url("aplinfo-pve-9.dat.gz"),
        kind="container_template",
        follow_series=follow_series,
    )


def test_the_vendors_checksum_is_taken_without_touching_the_image(
    files: FileServer, image: RequestedImage, fetcher: Fetcher
) -> None:
    resolved = resolve_image(image, fetcher)
    assert (resolved.checksum, resolved.checksum_source) == (f"sha512:{SHA512}", image.checksum_url)
    assert (resolved.url, resolved.file_name, resolved.size) == (image.url, "debian.qcow2", None)
    assert files.count("trixie/debian.qcow2") == 0


def test_verify_downloads_and_compares(image: RequestedImage, fetcher: Fetcher) -> None:
    seen: list[tuple[str, int, int | None]] = []
    resolved = resolve_image(
        image, fetcher, verify=True, progress=lambda request, done, size: seen.append((request.name, done, size))
    )
    assert resolved.size == len(CONTENT)
    assert seen[-1] == ("debian-13", len(CONTENT), len(CONTENT))


def test_verify_uses_the_algorithm_of_the_checksum_file(files: FileServer, fetcher: Fetcher) -> None:
    sums = files.add("CHECKSUM", f"SHA256 (x.qcow2) = {SHA256}\n")
    request = RequestedImage("rocky-9", files.add("x.qcow2", CONTENT), sums)
    assert resolve_image(request, fetcher, verify=True).checksum == f"sha256:{SHA256}"


def test_verify_refuses_other_content(files: FileServer, image: RequestedImage, fetcher: Fetcher) -> None:
    files.add("trixie/debian.qcow2", CONTENT + b"!")
    with pytest.raises(ResolveError) as caught:
        resolve_image(image, fetcher, verify=True)
    assert SHA512 in str(caught.value)
    assert hashlib.sha512(CONTENT + b"!").hexdigest() in str(caught.value)


def test_a_broken_download_is_repeated_and_hashed_from_its_start(
    files: FileServer, image: RequestedImage, fetcher: Fetcher
) -> None:
    files.truncated["/trixie/debian.qcow2"] = 2
    assert resolve_image(image, fetcher, verify=True).size == len(CONTENT)


def test_a_download_that_stays_broken_is_an_error(files: FileServer, image: RequestedImage, fetcher: Fetcher) -> None:
    files.truncated["/trixie/debian.qcow2"] = 99
    with pytest.raises(ResolveError, match=r"debian\.qcow2: the connection fails"):
        resolve_image(image, fetcher, verify=True)


def test_an_image_that_is_gone_is_an_error(files: FileServer, image: RequestedImage, fetcher: Fetcher) -> None:
    (files.root / "trixie/debian.qcow2").unlink()
    with pytest.raises(ResolveError, match=r"debian\.qcow2: the server answers 404"):
        resolve_image(image, fetcher, verify=True)


def test_an_empty_image_is_an_error(files: FileServer, fetcher: Fetcher) -> None:
    empty = hashlib.sha256(b"").hexdigest()
    request = RequestedImage("x", files.add("x.img", b""), files.add("SUMS", f"{empty}  x.img"))
    with pytest.raises(ResolveError, match="the file is empty"):
        resolve_image(request, fetcher, verify=True)


@pytest.mark.usefixtures("image")
def test_images_behind_redirects_are_found(files: FileServer, fetcher: Fetcher) -> None:
    files.redirects = {"/latest/SUMS": "/trixie/SHA512SUMS", "/latest/debian.qcow2": "/trixie/debian.qcow2"}
    request = RequestedImage("debian", files.url("latest/debian.qcow2"), files.url("latest/SUMS"))
    resolved = resolve_image(request, fetcher, verify=True)
    assert (resolved.url, resolved.checksum) == (request.url, f"sha512:{SHA512}")


@pytest.mark.parametrize(
    ("sums", "problem"),
    [
        (f"{SHA512}  other.qcow2\n", "SUMS: it has no checksum for x.qcow2; it lists other.qcow2"),
        (f"{SHA512}  x.qcow2\n{'0' * 128}  x.qcow2\n", "SUMS: it has 2 different sha512 checksums"),
        ("<html>Sign in to the network</html>", "SUMS: it is not a checksum file"),
    ],
)
def test_a_checksum_file_that_does_not_say_it_is_named(
    files: FileServer, fetcher: Fetcher, sums: str, problem: str
) -> None:
    request = RequestedImage("x", files.add("x.qcow2", CONTENT), files.add("SUMS", sums))
    with pytest.raises(ResolveError, match=problem):
        resolve_image(request, fetcher)


def test_a_checksum_file_that_is_gone_is_named(files: FileServer, fetcher: Fetcher) -> None:
    request = RequestedImage("x", files.add("x.qcow2", CONTENT), files.url("SUMS"))
    with pytest.raises(ResolveError, match=f"^{files.url('SUMS')}: the server answers 404"):
        resolve_image(request, fetcher)


def test_an_image_without_checksum_file_is_locked_by_its_download_only(files: FileServer, fetcher: Fetcher) -> None:
    request = RequestedImage("mine", files.add("mine.qcow2", CONTENT))
    with pytest.raises(ResolveError, match=r"no checksum file is known for it.*--verify"):
        resolve_image(request, fetcher)
    resolved = resolve_image(request, fetcher, verify=True)
    assert (resolved.checksum, resolved.checksum_source) == (f"sha512:{SHA512}", request.url)
    assert "no vendor's" in resolved.note


def test_a_checksum_that_came_without_tls_says_so(image: RequestedImage, fetcher: Fetcher) -> None:
    assert "plain http" in resolve_image(image, fetcher).note


def test_a_template_moves_to_the_newest_of_its_series(files: FileServer, fetcher: Fetcher) -> None:
    files.add("aplinfo-pve-9.dat.gz", gzip.compress(index_of((OLD, b"old"), (NEW, b"new")).encode()))
    resolved = resolve_image(template_request(files, OLD), fetcher)
    assert resolved == ResolvedImage(
        url=files.url(f"system/{NEW}"),
        file_name=NEW,
        checksum=f"sha512:{hashlib.sha512(b'new').hexdigest()}",
        checksum_source=files.url("aplinfo-pve-9.dat.gz"),
        note=resolved.note,
    )


def test_a_template_that_is_kept_stays(files: FileServer, fetcher: Fetcher) -> None:
    files.add("aplinfo-pve-9.dat.gz", gzip.compress(index_of((OLD, b"old"), (NEW, b"new")).encode()))
    resolved = resolve_image(template_request(files, OLD), fetcher, keep=OLD)
    assert (resolved.file_name, resolved.url) == (OLD, files.url(f"system/{OLD}"))


def test_a_template_that_was_asked_for_exactly_does_not_move(files: FileServer, fetcher: Fetcher) -> None:
    files.add("aplinfo-pve-9.dat.gz", index_of((OLD, b"old"), (NEW, b"new")))
    resolved = resolve_image(template_request(files, OLD, follow_series=False), fetcher)
    assert resolved.file_name == OLD
    with pytest.raises(ResolveError, match=f"does not list .*13.0-1.*; the newest of that series is {NEW}"):
        resolve_image(template_request(files, "debian-13-standard_13.0-1_amd64.tar.zst", follow_series=False), fetcher)


def test_a_moved_template_is_verified_where_it_is(files: FileServer, fetcher: Fetcher) -> None:
    files.add("aplinfo-pve-9.dat.gz", index_of((NEW, b"new")))
    files.add(f"system/{NEW}", b"new")
    assert resolve_image(template_request(files, OLD), fetcher, verify=True).size == 3
    assert files.count(f"system/{OLD}") == 0


def test_the_index_is_read_once_for_all_templates(files: FileServer, fetcher: Fetcher) -> None:
    other = "alpine-3.22-default_20250617_amd64.tar.xz"
    files.add("aplinfo-pve-9.dat.gz", index_of((NEW, b"new"), (other, b"alpine")))
    resolve_image(template_request(files, NEW), fetcher)
    resolve_image(template_request(files, other), fetcher)
    assert files.count("aplinfo-pve-9.dat.gz") == 1


def test_a_template_can_have_a_plain_checksum_file(files: FileServer, fetcher: Fetcher) -> None:
    request = RequestedImage(
        "nixos",
        files.add("rootfs.tar.xz", CONTENT),
        files.add("SHA256SUMS", f"{SHA256}  rootfs.tar.xz"),
        kind="container_template",
        file_name="nixos-rootfs.tar.xz",
    )
    resolved = resolve_image(request, fetcher)
    assert (resolved.file_name, resolved.checksum) == ("nixos-rootfs.tar.xz", f"sha256:{SHA256}")
