"""Vendors' checksum files: GNU (``HASH  file``, ``HASH *file``), BSD (``SHA256 (file) = HASH``) and a lone hash.

Lines that are none of these are skipped: comments with sizes, and the armour of files that are signed in place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

ALGORITHM_BY_HEX_DIGITS = {64: "sha256", 128: "sha512"}
_WEAK_HEX_DIGITS = {32: "md5", 40: "sha1"}
_ALGORITHMS_STRONGEST_FIRST = ("sha512", "sha256")

_GNU = re.compile(r"(?P<digest>[0-9a-fA-F]{32,128})[ \t]+\*?(?P<file>\S.*)")
_BSD = re.compile(r"(?P<tag>[A-Za-z0-9-]+) \((?P<file>.+)\) = (?P<digest>[0-9a-fA-F]{32,128})")
_LONE = re.compile(r"(?P<digest>[0-9a-fA-F]{32,128})")


class ChecksumFileError(Exception):
    """A checksum file that does not say what one file's checksum is; the message says what it does say."""


@dataclass(frozen=True, slots=True)
class ChecksumEntry:
    """One line of a checksum file."""

    digest: str
    """Hexadecimal digits in lower case."""
    file_name: str | None
    """Without folders; None for a lone hash."""
    algorithm: str
    """``md5`` and ``sha1`` are read so that a refusal can name them; ``""`` for lengths of no known algorithm."""


def parse_checksum_file(text: str) -> list[ChecksumEntry]:
    """Every entry of ``text``, in its order."""
    return [entry for line in text.lstrip("\ufeff").splitlines() if (entry := _parse_line(line.strip()))]


def checksum_of(text: str, file_name: str, algorithm: str | None = None) -> str:
    """``sha512:<hex>`` or ``sha256:<hex>`` that the checksum file ``text`` gives for ``file_name``.

    A lone hash counts for any name when it is all that the file holds. ``algorithm`` takes only its own entries;
    without it the strongest is taken.

    Raises:
        ChecksumFileError: there is no entry, only md5 or sha1, or entries that contradict each other.
    """
    entries = parse_checksum_file(text)
    if not entries:
        raise ChecksumFileError(f"it is not a checksum file; it begins with {text.strip()[:60]!r}")
    matching = [entry for entry in entries if entry.file_name == file_name]
    if not matching and len(entries) == 1 and entries[0].file_name is None:
        matching = entries
    if not matching:
        raise ChecksumFileError(_missing(file_name, entries))
    wanted = (algorithm,) if algorithm else _ALGORITHMS_STRONGEST_FIRST
    for candidate in wanted:
        digests = sorted({entry.digest for entry in matching if entry.algorithm == candidate})
        if len(digests) > 1:
            raise ChecksumFileError(
                f"it has {len(digests)} different {candidate} checksums for {file_name}: {', '.join(digests)}"
            )
        if digests:
            return f"{candidate}:{digests[0]}"
    found = ", ".join(sorted({entry.algorithm or f"{len(entry.digest)} digits" for entry in matching}))
    raise ChecksumFileError(f"it has only {found} for {file_name}; needed is {' or '.join(wanted)}")


def _parse_line(line: str) -> ChecksumEntry | None:
    if match := _BSD.fullmatch(line):
        algorithm = _algorithm(match["digest"])
        # A tag that does not fit its digest is no statement about either.
        return _entry(match["digest"], match["file"], algorithm if _tag(match["tag"]) == algorithm else "")
    if match := _GNU.fullmatch(line):
        return _entry(match["digest"], match["file"], _algorithm(match["digest"]))
    if match := _LONE.fullmatch(line):
        return _entry(match["digest"], None, _algorithm(match["digest"]))
    return None


def _entry(digest: str, path: str | None, algorithm: str) -> ChecksumEntry:
    return ChecksumEntry(digest.lower(), path.rpartition("/")[2] if path else None, algorithm)


def _algorithm(digest: str) -> str:
    return ALGORITHM_BY_HEX_DIGITS.get(len(digest)) or _WEAK_HEX_DIGITS.get(len(digest), "")


def _tag(text: str) -> str:
    return text.lower().replace("-", "")


def _missing(file_name: str, entries: list[ChecksumEntry]) -> str:
    names = list(dict.fromkeys(entry.file_name for entry in entries if entry.file_name))
    near = get_close_matches(file_name, names, n=3, cutoff=0.6) or names[:3]
    listed = f"; it lists {', '.join(near)}" + (" and others" if len(names) > len(near) else "") if near else ""
    return f"it has no checksum for {file_name}{listed}"
