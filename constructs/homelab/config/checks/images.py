"""Images: known, of the right kind, each under its own name, and locked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from homelab.config.checks.subject import Subject, nearest
from homelab.config.image import IMPORT_ENDINGS, TEMPLATE_ENDINGS, Image
from homelab.config.image_catalogue import CONTAINER_TEMPLATES, DISK_IMAGES
from homelab.config.problems import Path, Problem, Severity
from homelab.config.virtual_machine import VirtualMachine

Kind = Literal["import", "vztmpl"]
_ENDINGS: dict[Kind, tuple[str, ...]] = {"import": IMPORT_ENDINGS[:3], "vztmpl": TEMPLATE_ENDINGS}


@dataclass(frozen=True, slots=True)
class _Use:
    """An image that an entry names."""

    path: Path
    image: str | Image
    kind: Kind
    node: str | None


def _uses(subject: Subject) -> Iterator[_Use]:
    for key, template in subject.environment.templates.items():
        if template.image is not None:
            yield _Use(("templates", key, "image"), template.image, "import", template.node or subject.default_node)
    for guest in subject.first_guests:
        path, container = guest.path, guest.definition
        if isinstance(container, VirtualMachine):
            continue
        if container.os is not None:
            yield _Use((*path, "os"), container.os, "vztmpl", guest.node)
        elif container.image is not None:
            yield _Use((*path, "image"), container.image, "vztmpl", guest.node)


def check(subject: Subject) -> Iterator[Problem]:
    """Every image is in the catalogue or a file that Proxmox takes, and has a checksum."""
    urls_by_file: dict[tuple[str | None, str], str] = {}
    unlocked: set[str] = set()
    for use in _uses(subject):
        if isinstance(use.image, str):
            entry = (DISK_IMAGES if use.kind == "import" else CONTAINER_TEMPLATES).get(use.image)
            if entry is None:
                yield _unknown(use, use.image)
                continue
            url, checksum = entry.url, None
        else:
            url, checksum = use.image.url, use.image.checksum
            yield from _own_file(use, use.image, urls_by_file)
        if url not in unlocked and _is_unlocked(subject, url, checksum):
            unlocked.add(url)
            yield _without_checksum(subject, use, url)


def _unknown(use: _Use, name: str) -> Problem:
    catalogue: Mapping[str, object] = DISK_IMAGES if use.kind == "import" else CONTAINER_TEMPLATES
    what, own = (
        ("cloud image", "image: {url: ..., checksum: ...}") if use.kind == "import" else ("container template", "image")
    )
    return Problem(
        use.path,
        f"there is no {what} {name} in the catalogue",
        value=name,
        allowed=", ".join(catalogue),
        fix=nearest(name, catalogue, f"choose one of them, or name your own with {own}"),
    )


def _own_file(use: _Use, image: Image, urls_by_file: dict[tuple[str | None, str], str]) -> Iterator[Problem]:
    name = image.stored_name
    endings = _ENDINGS[use.kind]
    if not name.endswith(endings):
        yield Problem(
            (*use.path, "file_name"),
            f"Proxmox takes no {'disk image' if use.kind == 'import' else 'container template'} with this name",
            value=name,
            allowed=f"a name that ends with {', '.join(endings)}",
            fix=f"add file_name: {name.partition('.')[0] or 'image'}{endings[0]}",
        )
    other = urls_by_file.setdefault((use.node, name), image.url)
    if other != image.url:
        yield Problem(
            (*use.path, "file_name"),
            f"another image is stored under the same name: {other}",
            value=name,
            allowed="a name of its own for each image",
            fix="add file_name with another name",
        )


def _is_unlocked(subject: Subject, url: str, checksum: str | None) -> bool:
    lock = subject.image_lock
    ignored = subject.environment.policy.unlocked_images == "ignore"
    return not ignored and lock is not None and checksum is None and lock.checksum_for(url) is None


def _without_checksum(subject: Subject, use: _Use, url: str) -> Problem:
    return Problem(
        use.path,
        "the image has no checksum, so whatever the server sends becomes your system",
        value=url,
        allowed="an image with checksum, in the file or in the lock file",
        fix="run `homelab images lock`",
        severity=Severity(subject.environment.policy.unlocked_images),
    )
