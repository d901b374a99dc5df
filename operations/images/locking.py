"""Compares what vendors and registries say with what is locked, and decides what the lock file becomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from homelab.config.container_image_reference import parse_container_image_reference
from homelab.config.image_lock import ImageLock, LockedContainerImage, LockedFile
from operations.images.fetching import Fetcher
from operations.images.requests import ImageRequestError, RequestedContainerImage, RequestedImage, file_name_of
from operations.images.resolving import (
    Progress,
    ResolveError,
    resolve_container_image,
    resolve_image,
)


class Status(StrEnum):
    """What became of one image."""

    ADDED = "added"
    """It was not locked."""
    UNCHANGED = "unchanged"
    """It is locked, and still what is served."""
    UPDATED = "updated"
    """It was locked to something else, and ``--update`` replaced that."""
    MOVED = "moved"
    """It is locked to something else than what is served now; the lock file keeps what it has."""
    PINNED = "pinned"
    """Its reference carries a digest, so that nothing is left to lock."""
    FAILED = "failed"
    """It could not be resolved; the lock file keeps what it has."""
    REMOVED = "removed"
    """It was locked and is not used any more; ``--prune`` took it out."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one image, for people and for ``--json``."""

    kind: str
    """``disk``, ``container_template`` or ``container_image``."""
    name: str
    key: str
    """The URL, or the complete reference: the key in the lock file."""
    status: Status
    locked: str | None = None
    """Checksum or digest in the lock file before."""
    served: str | None = None
    """Checksum or digest that was found."""
    message: str = ""


@dataclass(frozen=True, slots=True)
class LockResult:
    """The outcomes in the order of the requests, and the lock that they lead to."""

    outcomes: tuple[Outcome, ...]
    lock: ImageLock
    interrupted: bool = False


def without_repetitions(images: Sequence[RequestedImage]) -> tuple[RequestedImage, ...]:
    """``images`` with each URL once, under the first name that asks for it.

    Raises:
        ImageRequestError: two requests want one URL checked in different ways.
    """
    by_url: dict[str, RequestedImage] = {}
    for image in images:
        first = by_url.setdefault(image.url, image)
        for field in ("checksum_url", "algorithm", "datastore_file_name", "follow_series"):
            if getattr(first, field) != getattr(image, field):
                raise ImageRequestError(
                    f"images {first.name!r} and {image.name!r} have the URL {image.url}, but differ in {field}: "
                    f"{getattr(first, field)!r} and {getattr(image, field)!r}; write the same in both places"
                )
    return tuple(by_url.values())


@dataclass(frozen=True, slots=True)
class LockRun:
    """How one run locks: the means, what it may replace, and who is told."""

    fetcher: Fetcher
    update: bool = False
    """Replaces what is locked by what is served."""
    prune: bool = False
    """Removes what no request needs."""
    verify: bool = False
    """Downloads every image and compares it."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    progress: Progress | None = None
    report: Callable[[Outcome], None] = lambda _: None
    """Told each outcome as soon as it is there."""


def resolve_lock(
    lock: ImageLock,
    images: Sequence[RequestedImage],
    container_images: Sequence[RequestedContainerImage],
    run: LockRun,
) -> LockResult:
    """Resolves every request and reports each at once. A failure or an interruption loses nothing resolved before.

    Raises:
        ImageRequestError: requests contradict each other.
    """
    files = dict(lock.images)
    digests = dict(lock.container_images)
    outcomes: list[Outcome] = []

    def done(outcome: Outcome) -> None:
        outcomes.append(outcome)
        run.report(outcome)

    wanted_images = without_repetitions(images)
    references = {str(parse_container_image_reference(request.reference)): request for request in container_images}
    interrupted = False
    try:
        for image in wanted_images:
            outcome, entry = _lock_image(image, files.get(image.url), run)
            if entry:
                files[image.url] = entry
            done(outcome)
        for reference, request in references.items():
            outcome, digest = _lock_container_image(reference, request, digests.get(reference), run)
            if digest:
                digests[reference] = digest
            done(outcome)
    except KeyboardInterrupt:
        interrupted = True
    if run.prune and not interrupted:
        for url in sorted(files.keys() - {image.url for image in wanted_images}):
            unused = files.pop(url)
            done(Outcome("file", unused.file_name, url, Status.REMOVED, locked=unused.checksum))
        for reference in sorted(digests.keys() - references.keys()):
            locked = digests.pop(reference).digest
            done(Outcome("container_image", reference, reference, Status.REMOVED, locked=locked))
    return LockResult(tuple(outcomes), ImageLock(images=files, container_images=digests), interrupted)


def _lock_image(request: RequestedImage, locked: LockedFile | None, run: LockRun) -> tuple[Outcome, LockedFile | None]:
    """What became of ``request``, and its new entry; None where the lock keeps what it has."""

    def outcome(status: Status, served: str | None = None, message: str = "") -> Outcome:
        before = locked.checksum if locked else None
        return Outcome(request.kind, request.name, request.url, status, before, served, message)

    # A build of a series that is locked and still listed stays, although a newer one may be there.
    keep = file_name_of(locked.url or request.url) if locked and not run.update else None
    try:
        resolved = resolve_image(request, run.fetcher, keep=keep, verify=run.verify, progress=run.progress)
    except ResolveError as error:
        return outcome(Status.FAILED, message=str(error)), None
    entry = LockedFile(
        checksum=resolved.checksum,
        file_name=resolved.file_name,
        checksum_source=resolved.checksum_source,
        resolved_at=run.now(),
        url=None if resolved.url == request.url else resolved.url,
        size=resolved.size,
    )
    if locked is None:
        return outcome(Status.ADDED, entry.checksum, resolved.note), entry
    change = "; ".join(part for part in (_renamed(locked, entry), resolved.note) if part)
    if (locked.checksum, locked.url) != (entry.checksum, entry.url):
        status, replacement = (Status.UPDATED, entry) if run.update else (Status.MOVED, None)
        return outcome(status, entry.checksum, change), replacement
    if (locked.file_name, locked.checksum_source) != (entry.file_name, entry.checksum_source):
        # The bytes are the same: this needs nobody's decision.
        return outcome(Status.UPDATED, entry.checksum, change), entry
    return outcome(Status.UNCHANGED, entry.checksum), locked.model_copy(update={"size": entry.size or locked.size})


def _renamed(locked: LockedFile, found: LockedFile) -> str:
    if locked.file_name == found.file_name:
        return ""
    return f"{locked.file_name} is now {found.file_name}"


def _lock_container_image(
    reference: str, request: RequestedContainerImage, locked: LockedContainerImage | None, run: LockRun
) -> tuple[Outcome, LockedContainerImage | None]:
    """What became of ``request``, and its new entry; None where the lock keeps what it has."""

    def outcome(status: Status, served: str | None = None, message: str = "") -> Outcome:
        before = locked.digest if locked else None
        return Outcome("container_image", request.reference, reference, status, before, served, message)

    pinned = parse_container_image_reference(reference).digest
    if pinned:
        return outcome(Status.PINNED, pinned), None
    try:
        digest = resolve_container_image(request, run.fetcher)
    except ResolveError as error:
        return outcome(Status.FAILED, message=str(error)), None
    entry = LockedContainerImage(digest=digest, resolved_at=run.now())
    if locked is None:
        return outcome(Status.ADDED, digest), entry
    if locked.digest == digest:
        return outcome(Status.UNCHANGED, digest), None
    status, replacement = (Status.UPDATED, entry) if run.update else (Status.MOVED, None)
    return outcome(status, digest), replacement
