"""The appliance index of Proxmox."""

import gzip

import pytest

from operations.images.appliance_index import (
    ApplianceIndexError,
    find_appliance,
    find_in_series,
    read_appliance_index,
)

INDEX_URL = "http://download.example.org/images/aplinfo-pve-9.dat.gz"


def digest(number: int) -> str:
    return f"{number:0128x}"


def stanza(file_name: str, number: int, **fields: str) -> str:
    package, version, _ = file_name.split("_")
    lines = {
        "Package": package,
        "Version": version,
        "Type": "lxc",
        "OS": package.rpartition("-")[0],
        "Section": "system",
        "Architecture": "amd64",
        "Location": f"system/{file_name}",
        "Infopage": "https://pve.proxmox.com/wiki/Linux_Container",
        "md5sum": "0" * 32,
        "sha512sum": digest(number),
        "Description": "A container\n Sha512sum: of nothing, this is the description.\n .\n More of it",
    } | fields
    return "".join(f"{name}: {value}\n" for name, value in lines.items() if value)


DEBIAN_13_1 = "debian-13-standard_13.1-2_amd64.tar.zst"
DEBIAN_13_6 = "debian-13-standard_13.6-1_amd64.tar.zst"
DEBIAN_13_10 = "debian-13-standard_13.10-1_amd64.tar.zst"
ARM = "debian-13-standard_13.11-1_arm64.tar.zst"
MAIL = "proxmox-mail-gateway-9.0-standard_9.0-1_amd64.tar.zst"
NEWS = "Package: pve-web-news\nVersion: 9.0-1\nType: lxc\nOS: none\nSection: system\nDescription: News\n"
INDEX = "\n".join(
    [NEWS, stanza(DEBIAN_13_6, 6), stanza(DEBIAN_13_10, 10), stanza(DEBIAN_13_1, 1), stanza(ARM, 11), stanza(MAIL, 99)]
)


def test_gzipped_and_plain_say_the_same() -> None:
    plain = read_appliance_index(INDEX.encode(), INDEX_URL)
    assert plain == read_appliance_index(gzip.compress(INDEX.encode()), INDEX_URL)
    assert [entry.file_name for entry in plain] == [DEBIAN_13_6, DEBIAN_13_10, DEBIAN_13_1, ARM, MAIL]


def test_a_template_has_its_address_beside_the_index_and_its_own_checksum() -> None:
    found = find_appliance(read_appliance_index(INDEX.encode(), INDEX_URL), DEBIAN_13_6)
    assert found.url == f"http://download.example.org/images/system/{DEBIAN_13_6}"
    assert found.checksum == f"sha512:{digest(6)}"


def test_an_absolute_location_is_kept() -> None:
    elsewhere = f"https://mirror.example.org/{DEBIAN_13_6}"
    index = read_appliance_index(stanza(DEBIAN_13_6, 6, Location=elsewhere).encode(), INDEX_URL)
    assert find_appliance(index, DEBIAN_13_6).url == elsewhere


def test_a_location_that_nodes_can_not_download_is_no_template() -> None:
    text = "\n".join([stanza(DEBIAN_13_6, 6), stanza(DEBIAN_13_10, 10, Location=f"ftp://x.test/{DEBIAN_13_10}")])
    assert find_in_series(read_appliance_index(text.encode(), INDEX_URL), DEBIAN_13_1).file_name == DEBIAN_13_6


def test_windows_line_ends_and_spaces_between_stanzas_change_nothing() -> None:
    odd = INDEX.replace("\n\n", "\n  \n").replace("\n", "\r\n")
    assert read_appliance_index(odd.encode(), INDEX_URL) == read_appliance_index(INDEX.encode(), INDEX_URL)


def test_the_newest_of_a_series_is_found_by_number_and_for_its_architecture() -> None:
    index = read_appliance_index(INDEX.encode(), INDEX_URL)
    assert find_in_series(index, DEBIAN_13_1).file_name == DEBIAN_13_10
    assert find_in_series(index, "debian-13-standard_13.0-1_amd64.tar.zst").file_name == DEBIAN_13_10


def test_a_locked_build_is_kept_while_it_is_listed() -> None:
    index = read_appliance_index(INDEX.encode(), INDEX_URL)
    assert find_in_series(index, DEBIAN_13_1, keep=DEBIAN_13_6).file_name == DEBIAN_13_6
    gone = "debian-13-standard_13.2-1_amd64.tar.zst"
    assert find_in_series(index, DEBIAN_13_1, keep=gone).file_name == DEBIAN_13_10


def test_dates_are_compared_as_numbers_too() -> None:
    old, new = "alpine-3.22-default_20250617_amd64.tar.xz", "alpine-3.22-default_20251001_amd64.tar.xz"
    index = read_appliance_index("\n".join([stanza(new, 2), stanza(old, 1)]).encode(), INDEX_URL)
    assert find_in_series(index, old).file_name == new


@pytest.mark.parametrize(
    ("text", "file_name", "problem"),
    [
        (
            INDEX,
            "debian-13-standard_13.2-1_amd64.tar.zst",
            f"not list debian-13-.* newest of that series is {DEBIAN_13_10}",
        ),
        (INDEX, "debian-12-standard_12.1-1_amd64.tar.zst", "lists no debian-12-standard for amd64"),
        (INDEX, "proxmox-mail-gateway-9.0-standard_9.0-1_arm64.tar.zst", "lists no proxmox-mail-.* for arm64"),
        (INDEX, "debian.img", "'debian.img' is not the name of a template"),
        (stanza(DEBIAN_13_6, 6, sha512sum=""), DEBIAN_13_6, "no sha512 checksum"),
        (stanza(DEBIAN_13_6, 6, sha512sum="abc"), DEBIAN_13_6, "no sha512 checksum"),
        (f"{stanza(DEBIAN_13_6, 6)}\n{stanza(DEBIAN_13_6, 7)}", DEBIAN_13_6, "2 times, with different"),
    ],
)
def test_what_the_index_does_not_say_clearly_is_refused(text: str, file_name: str, problem: str) -> None:
    index = read_appliance_index(text.encode(), INDEX_URL)
    with pytest.raises(ApplianceIndexError, match=problem):
        find_appliance(index, file_name)


def test_a_stanza_that_is_there_twice_is_one_template() -> None:
    index = read_appliance_index(f"{stanza(DEBIAN_13_6, 6)}\n{stanza(DEBIAN_13_6, 6)}".encode(), INDEX_URL)
    assert find_appliance(index, DEBIAN_13_6).checksum == f"sha512:{digest(6)}"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not an appliance index; it begins with ''"),
        (b"<html>blocked by a proxy</html>", "not an appliance index; it begins with '<html>blocked"),
        (gzip.compress(INDEX.encode())[:-20], "it is cut off"),
        (b"\x1f\x8bnot really gzip", "can't be unpacked"),
        (gzip.compress(b"\0" * (64 * 1024 * 1024 + 1)), "unpacks to more than 67108864 bytes"),
    ],
)
def test_what_is_no_index_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(ApplianceIndexError, match=problem):
        read_appliance_index(content, INDEX_URL)
