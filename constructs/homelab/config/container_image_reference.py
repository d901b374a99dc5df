"""References to container images as people write them, brought to one form.

``postgres:15-alpine`` is ``docker.io/library/postgres:15-alpine``. The grammar is that of the distribution project,
which Docker and Podman use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DEFAULT_REGISTRY = "docker.io"
DEFAULT_TAG = "latest"
_DEFAULT_REGISTRY_ALIASES = {"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}
_PATH_PART = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_REGISTRY = re.compile(r"(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::[0-9]{1,5})?")


class ImageReferenceError(ValueError):
    """A text that is no reference to a container image; the message says which part and what is allowed."""


@dataclass(frozen=True, slots=True)
class ContainerImageReference:
    """A complete reference: every default filled in, so that equal images compare equal."""

    registry: str
    """Host with an optional port, such as ``docker.io`` or ``ghcr.io``."""
    repository: str
    """Path within the registry, such as ``library/postgres``."""
    tag: str | None
    """``latest`` when neither tag nor digest was written; None for a reference by digest alone."""
    digest: str | None
    """``sha256:<hex>`` when the reference pins its image by itself."""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"


def parse_container_image_reference(text: str) -> ContainerImageReference:
    """The complete reference that ``text`` stands for.

    The first part is a registry when it holds a dot or a colon or is ``localhost``; otherwise Docker Hub is meant, and
    there a name without a slash lies in ``library/``.

    Raises:
        ImageReferenceError: a part is missing or has characters that registries refuse.
    """
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise ImageReferenceError(
            f"container image {text!r}: the digest {digest!r} is not sha256: followed by 64 hexadecimal digits"
        )
    head, slash, tail = rest.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost"):
        registry, path = head.lower(), tail
    else:
        registry, path = DEFAULT_REGISTRY, rest
    if not _REGISTRY.fullmatch(registry):
        raise ImageReferenceError(
            f"container image {text!r}: {registry!r} is not a registry; write HOST or HOST:PORT, such as ghcr.io"
        )
    path, colon, tag = path.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise ImageReferenceError(
            f"container image {text!r}: the tag {tag!r} must be 1 to 128 letters, digits, '_', '.' or '-', "
            "and start with a letter, a digit or '_'"
        )
    if registry in _DEFAULT_REGISTRY_ALIASES:
        registry = DEFAULT_REGISTRY
    if registry == DEFAULT_REGISTRY and "/" not in path:
        path = f"library/{path}"
    if not all(_PATH_PART.fullmatch(part) for part in path.split("/")):
        raise ImageReferenceError(
            f"container image {text!r}: the name {path!r} must be lower-case letters and digits, "
            "separated by '.', '_' or '-' within a part and by '/' between parts"
        )
    return ContainerImageReference(registry, path, tag or (None if digest else DEFAULT_TAG), digest or None)


def normalise_container_image_reference(text: str) -> str:
    """``text`` with every default written out.

    Raises:
        ImageReferenceError: see `parse_container_image_reference`.
    """
    return str(parse_container_image_reference(text))
