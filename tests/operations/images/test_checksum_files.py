"""Checksum files in the formats that the catalogue's vendors publish."""

import pytest

from operations.images.checksum_files import ChecksumFileError, checksum_of

A256, B256 = "a1" * 32, "b2" * 32
A512, B512 = "c3" * 64, "d4" * 64

DEBIAN = f"{B512}  debian-13-generic-amd64.json\n{A512}  debian-13-generic-amd64.qcow2\n"
UBUNTU = f"{B256} *noble-server-cloudimg-amd64-root.tar.xz\n{A256} *noble-server-cloudimg-amd64.img\n"
ROCKY = f"# Rocky-9.qcow2: 645988352 bytes\nSHA256 (Rocky-9.qcow2) = {A256}\n"
FEDORA = f"""-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

# Fedora-Cloud-44.qcow2: 583000064 bytes
SHA256 (Fedora-Cloud-44.qcow2) = {A256}
SHA256 (Fedora-Cloud-44-UKI.qcow2) = {B256}
-----BEGIN PGP SIGNATURE-----

iQIzBAEBCAAdFiEE
=abcd
-----END PGP SIGNATURE-----
"""
LEAP = f"{A256} openSUSE-Leap.qcow2\n"
ALPINE = f"{A512}\n"


@pytest.mark.parametrize(
    ("text", "file_name", "checksum"),
    [
        (DEBIAN, "debian-13-generic-amd64.qcow2", f"sha512:{A512}"),
        (UBUNTU, "noble-server-cloudimg-amd64.img", f"sha256:{A256}"),
        (ROCKY, "Rocky-9.qcow2", f"sha256:{A256}"),
        (FEDORA, "Fedora-Cloud-44.qcow2", f"sha256:{A256}"),
        (LEAP, "openSUSE-Leap.qcow2", f"sha256:{A256}"),
        (ALPINE, "nocloud_alpine.qcow2", f"sha512:{A512}"),
        (f"SHA512 (x.img) = {A512}", "x.img", f"sha512:{A512}"),
        (f"SHA-512 (x.img) = {A512}", "x.img", f"sha512:{A512}"),
        (f"{A256}\tx.img", "x.img", f"sha256:{A256}"),
        (f"{A256}  ./images/x.img\r\n", "x.img", f"sha256:{A256}"),
        (f"\ufeff{A256}  x.img", "x.img", f"sha256:{A256}"),
        (f"{A256.upper()}  x.img", "x.img", f"sha256:{A256}"),
        (f"{A256}  x y.img", "x y.img", f"sha256:{A256}"),
        (f"{A256}  x.img\n{A256}  x.img\n", "x.img", f"sha256:{A256}"),
    ],
)
def test_the_checksum_of_exactly_this_file_is_found(text: str, file_name: str, checksum: str) -> None:
    assert checksum_of(text, file_name) == checksum


def test_the_strongest_is_taken_and_a_wanted_algorithm_before_it() -> None:
    both = f"SHA256 (x.img) = {A256}\nSHA512 (x.img) = {A512}\n"
    assert checksum_of(both, "x.img") == f"sha512:{A512}"
    assert checksum_of(both, "x.img", "sha256") == f"sha256:{A256}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{A256}  y.img\n{B256}  x.img.asc\n", "no checksum for x.img; it lists y.img, x.img.asc"),
        (f"{A256}  x.img\n{B256}  x.img\n", "2 different sha256 checksums for x.img"),
        (f"{A256}  a/x.img\n{B256}  b/x.img\n", "2 different sha256 checksums for x.img"),
        (f"{A512}\n{B512}\n", "no checksum for x.img"),
        (f"{A256}\n{B256}  y.img\n", "no checksum for x.img; it lists y.img"),
        (f"{'ab' * 16}  x.img", "only md5 for x.img; needed is sha512 or sha256"),
        (f"{'ab' * 20}  x.img", "only sha1 for x.img"),
        (f"{A256[:-1]}  x.img", "only 63 digits for x.img"),
        (f"SHA512 (x.img) = {A256}", "only 64 digits for x.img"),
        (f"MD5 (x.img) = {A256}", "only 64 digits for x.img"),
        ("<html><body>Not found</body></html>", "not a checksum file; it begins with '<html>"),
        ("", "not a checksum file; it begins with ''"),
    ],
)
def test_what_does_not_say_one_strong_checksum_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ChecksumFileError) as caught:
        checksum_of(text, "x.img")
    assert problem in str(caught.value)


def test_a_wanted_algorithm_that_is_missing_is_not_replaced() -> None:
    with pytest.raises(ChecksumFileError, match=r"only sha256 for x.img; needed is sha512"):
        checksum_of(f"{A256}  x.img", "x.img", "sha512")


def test_the_names_nearest_to_the_missing_one_are_shown_first() -> None:
    many = "".join(f"{A256}  unrelated-{number}.iso\n" for number in range(50)) + f"{A256}  debian-13-amd64.qcow2\n"
    with pytest.raises(ChecksumFileError, match=r"it lists debian-13-amd64.qcow2 and others"):
        checksum_of(many, "debian-14-amd64.qcow2")
