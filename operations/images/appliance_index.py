"""Proxmox' appliance index (``aplinfo-pve-9.dat``, also gzipped): stanzas of ``Field: value`` between empty lines."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from urllib.parse import urljoin

from operations.images.requests import file_name_of, is_http_url

MAX_INDEX_BYTES = 64 * 1024 * 1024
"""The largest index that is unpacked."""
_GZIP_MAGIC = b"\x1f\x8b"
_SHA512 = re.compile(r"[0-9a-f]{128}")
_TEMPLATE_FILE = re.compile(
    r"(?P<series>[A-Za-z0-9][A-Za-z0-9.-]*)_(?P<version>[A-Za-z0-9][A-Za-z0-9.-]*)_(?P<architecture>[a-z0-9]+)"
    r"\.tar\.(?:gz|xz|zst|bz2)"
)


class ApplianceIndexError(Exception):
    """An index that can't be read, or does not say which file and checksum a template has."""


@dataclass(frozen=True, slots=True)
class Appliance:
    """One template that the index offers."""

    series: str
    """Such as ``debian-13-standard``."""
    version: str
    architecture: str
    file_name: str
    url: str
    checksum: str
    """``sha512:<hex>``; empty where the index gives none."""


def read_appliance_index(content: bytes, index_url: str) -> list[Appliance]:
    """The templates of the index ``content``; relative locations are below the folder of ``index_url``.

    Stanzas without an http(s) location or with a file name of another form, such as news, are not templates.

    Raises:
        ApplianceIndexError: it can't be unpacked, or has no template.
    """
    text = _unpack(content).decode("utf-8", errors="replace")
    found = []
    for stanza in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")):
        fields = _fields(stanza)
        url = urljoin(index_url, fields.get("location", ""))
        match = _TEMPLATE_FILE.fullmatch(file_name_of(url))
        if match and is_http_url(url):
            digest = fields.get("sha512sum", "").lower()
            found.append(
                Appliance(
                    series=match["series"],
                    version=match["version"],
                    architecture=match["architecture"],
                    file_name=match[0],
                    url=url,
                    checksum=f"sha512:{digest}" if _SHA512.fullmatch(digest) else "",
                )
            )
    if not found:
        raise ApplianceIndexError(f"it is not an appliance index; it begins with {text.strip()[:60]!r}")
    return found


def find_appliance(index: list[Appliance], file_name: str) -> Appliance:
    """The template ``file_name`` of the index.

    Raises:
        ApplianceIndexError: it is not listed, has no sha512 checksum, or is listed with different ones.
    """
    builds = _builds_of_series(index, file_name)
    same = {(build.url, build.checksum): build for build in builds if build.file_name == file_name}
    if not same:
        raise ApplianceIndexError(f"it does not list {file_name}; the newest of that series is {builds[-1].file_name}")
    if len(same) > 1:
        raise ApplianceIndexError(f"it lists {file_name} {len(same)} times, with different addresses or checksums")
    (appliance,) = same.values()
    if not appliance.checksum:
        raise ApplianceIndexError(f"it has no sha512 checksum for {file_name}")
    return appliance


def find_in_series(index: list[Appliance], file_name: str, keep: str | None = None) -> Appliance:
    """The template ``keep`` if the index lists it, or else the newest build of the series that ``file_name`` is of.

    Raises:
        ApplianceIndexError: the series has no build, or the build is refused as `find_appliance` does.
    """
    builds = _builds_of_series(index, file_name)
    kept = next((build for build in builds if build.file_name == keep), None)
    return find_appliance(index, (kept or builds[-1]).file_name)


def _builds_of_series(index: list[Appliance], file_name: str) -> list[Appliance]:
    """The builds of the same series and architecture, oldest first; never empty."""
    wanted = _TEMPLATE_FILE.fullmatch(file_name)
    if not wanted:
        raise ApplianceIndexError(
            f"{file_name!r} is not the name of a template; it must be like debian-13-standard_13.1-2_amd64.tar.zst"
        )
    series, architecture = wanted["series"], wanted["architecture"]
    builds = [build for build in index if (build.series, build.architecture) == (series, architecture)]
    if not builds:
        raise ApplianceIndexError(f"it lists no {series} for {architecture}")
    return sorted(builds, key=lambda build: _version_key(build.version))


def _unpack(content: bytes) -> bytes:
    if not content.startswith(_GZIP_MAGIC):
        return content
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        data = unpacker.decompress(content, MAX_INDEX_BYTES)
    except zlib.error as error:
        raise ApplianceIndexError(f"it can't be unpacked: {error}") from None
    if not unpacker.eof:
        full = len(data) >= MAX_INDEX_BYTES
        raise ApplianceIndexError(f"it unpacks to more than {MAX_INDEX_BYTES} bytes" if full else "it is cut off")
    return data


def _fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in stanza.splitlines():
        name, colon, value = line.partition(":")
        # A line that begins with a space continues the description above it.
        if colon and not line[:1].isspace():
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
