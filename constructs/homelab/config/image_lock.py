"""The lock file ``images.lock.json``: which bytes every image must have, as ``homelab images lock`` found them.

Synthesis asks it through `ImageLock.image_for`, `ImageLock.checksum_for` and `ImageLock.digest_for`. None of them gives
away when an entry was resolved, so locking again without a change changes no synthesized file.

The file is JSON: entries of files by the URL that the configuration or the catalogue names, container images by their
complete reference. It belongs into version control, beside the folder of the environments.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    field_validator,
)

from homelab.config.container_image_reference import (
    normalise_container_image_reference,
    parse_container_image_reference,
)

LOCK_FILE_NAME = "images.lock.json"
LOCK_VERSION: Literal[1] = 1

Checksum = Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$")]
Digest = Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+/\S*$")]


def _utc_text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


ResolvedAt = Annotated[AwareDatetime, PlainSerializer(_utc_text)]


class ImageLockError(Exception):
    """A lock file that can't be used; the message names the file, the place, what is allowed and the next step."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        listed = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(
            f"{path} is not a usable image lock file:\n{listed}\n"
            "Restore it from version control, or move it away and run `homelab images lock`."
        )
        self.path = path
        self.problems = problems


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LockedFile(_Entry):
    """What a cloud image or a container template must be."""

    checksum: Checksum
    """``sha512:<hex>`` or ``sha256:<hex>`` of the file."""
    file_name: FileName
    """The name the file gets in the datastore."""
    checksum_source: Url
    """The vendor's checksum file; the image's own URL where the checksum was computed from a download."""
    resolved_at: ResolvedAt
    """When the checksum was read, in UTC."""
    url: Url | None = None
    """Where the file is downloaded from when that is not the URL that was asked for: a newer build of a series."""
    size: Annotated[int, Field(gt=0)] | None = None
    """Bytes, where the file was downloaded to verify it."""


class LockedContainerImage(_Entry):
    """What a tag of a container image pointed to."""

    digest: Digest
    """``sha256:<hex>`` of the manifest or of the index of manifests."""
    resolved_at: ResolvedAt
    """When the registry was asked, in UTC."""


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """What synthesis needs of a locked file, and nothing that changes by locking again."""

    url: str
    file_name: str
    algorithm: str
    checksum: str
    """Hexadecimal digits without the algorithm, as ``proxmox_download_file.checksum`` takes them."""


class ImageLock(_Entry):
    """The content of a lock file."""

    version: Literal[1] = LOCK_VERSION
    images: dict[Url, LockedFile] = {}
    container_images: dict[str, LockedContainerImage] = {}

    @field_validator("container_images")
    @classmethod
    def _references_are_complete(cls, value: dict[str, LockedContainerImage]) -> dict[str, LockedContainerImage]:
        for reference in value:
            complete = normalise_container_image_reference(reference)
            if complete != reference:
                raise ValueError(f"{reference!r} is not written out; it must be {complete!r}")
        return value

    @classmethod
    def empty(cls) -> ImageLock:
        """A lock in which nothing is locked."""
        return cls()

    def image_for(self, url: str) -> PinnedFile | None:
        """What to download for ``url``, or None when it is not locked."""
        entry = self.images.get(url)
        if entry is None:
            return None
        algorithm, _, checksum = entry.checksum.partition(":")
        return PinnedFile(entry.url or url, entry.file_name, algorithm, checksum)

    def checksum_for(self, url: str) -> str | None:
        """``sha512:<hex>`` or ``sha256:<hex>`` of what is downloaded for ``url``, or None when it is not locked."""
        entry = self.images.get(url)
        return entry.checksum if entry else None

    def digest_for(self, reference: str) -> str | None:
        """The digest of a container image, or None when it is not locked. One that carries a digest keeps it.

        Raises:
            ImageReferenceError: ``reference`` is no container image.
        """
        parsed = parse_container_image_reference(reference)
        if parsed.digest:
            return parsed.digest
        entry = self.container_images.get(str(parsed))
        return entry.digest if entry else None

    def to_json(self) -> str:
        """The text of the lock file: sorted, so that equal locks are equal bytes."""
        data = self.model_dump(mode="json", exclude_none=True)
        return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read_image_lock(path: Path) -> ImageLock:
    """The lock at ``path``; an empty one when there is no such file.

    Raises:
        ImageLockError: the file can't be read, is not JSON, has a key twice, or an entry that is not allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ImageLock.empty()
    except UnicodeDecodeError as error:
        raise ImageLockError(path, [f"it is not UTF-8 text (byte {error.start})"]) from None
    except OSError as error:
        raise ImageLockError(path, [f"it can't be read: {error.strerror}"]) from None
    try:
        return ImageLock.model_validate(_current_version(_parse_json(text)))
    except _UnusableError as error:
        raise ImageLockError(path, [str(error)]) from None
    except ValidationError as error:
        raise ImageLockError(path, [_problem(detail) for detail in error.errors(include_url=False)]) from None


def default_lock_path(project_root: Path) -> Path:
    """Where the lock file lies unless another path is given: in the project, beside ``environments/``."""
    return project_root / LOCK_FILE_NAME


class _UnusableError(Exception):
    pass


def _parse_json(text: str) -> Any:
    if not text.strip():
        raise _UnusableError("it is empty")
    try:
        return json.loads(text, object_pairs_hook=_unique_keys)
    except json.JSONDecodeError as error:
        raise _UnusableError(f"line {error.lineno}, column {error.colno}: {error.msg}") from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _UnusableError(f"the key {key!r} is there twice")
        found[key] = value
    return found


def _current_version(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise _UnusableError(f"it must be a JSON object, not {type(data).__name__}")
    if "version" not in data:
        raise _UnusableError(f"the version is missing; it must be {LOCK_VERSION}")
    version = data["version"]
    if version != LOCK_VERSION or isinstance(version, bool):
        raise _UnusableError(f"version {version!r} is not known; this homelab reads {LOCK_VERSION}. Update homelab.")
    return data


def _problem(detail: Any) -> str:
    place = " > ".join(str(part) for part in detail["loc"] if part != "[key]")
    value = detail["input"]
    shown = "" if isinstance(value, (dict, list)) else f" (got {value!r})"
    return f"{place}: {detail['msg']}{shown}"
