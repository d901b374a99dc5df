"""``homelab images lock``: resolves the images that environments use and keeps the lock file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from homelab.config.image_lock import ImageLockError, read_image_lock
from operations.images.fetching import Fetcher, RetryPolicy, make_client
from operations.images.lock_file import write_image_lock
from operations.images.locking import LockResult, LockRun, Status, resolve_lock
from operations.images.reporting import DownloadProgress, print_outcome, print_summary, refusal_as_json, result_as_json
from operations.images.requests import ImageRequestError, RequestedContainerImage, RequestedImage

EXIT_OK = 0
EXIT_SOME_FAILED = 1
"""Something could not be resolved, or is served with other content and ``--update`` was not given."""
EXIT_USAGE = 2
"""The options or requests contradict each other, or the lock file is broken. Nothing was fetched or written."""
EXIT_NOT_LOCKED = 3
"""Of ``--check``: something that is used is not locked or has moved."""
EXIT_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class LockOptions:
    """The options of the command."""

    update: bool = False
    """Takes what is served now in place of what is locked, and the newest build of every series."""
    prune: bool = False
    """Removes entries that no request needs."""
    verify: bool = False
    """Downloads every image and compares it with the vendor's checksum."""
    check: bool = False
    """Writes nothing; answers with the exit code whether all that is used is locked and still served."""
    json: bool = False
    """Prints one JSON document to standard output instead of lines."""


def lock_images(
    images: Sequence[RequestedImage],
    container_images: Sequence[RequestedContainerImage],
    lock_path: Path,
    options: LockOptions,
    console: Console,
    *,
    retry: RetryPolicy | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> int:
    """Locks ``images`` and ``container_images`` in the file at ``lock_path`` and returns the exit code.

    Entries of other images stay unless ``options.prune``. The file is written once, at the end, whole or not at all,
    and only when something changed; what could not be resolved keeps what it had. All output goes to ``console``.

    Raises:
        Nothing that a user can cause: mistakes are printed and give `EXIT_USAGE` or `EXIT_SOME_FAILED`.
    """
    contradiction = _contradiction(images, container_images, options)
    if contradiction:
        return _refuse(contradiction, EXIT_USAGE, lock_path, options, console)
    try:
        lock = read_image_lock(lock_path)
        with make_client() as client, _progress(options, console) as progress:
            run = LockRun(
                Fetcher(client, retry),
                update=options.update,
                prune=options.prune,
                verify=options.verify,
                now=now,
                progress=progress,
                report=lambda outcome: None if options.json else print_outcome(console, outcome, options.check),
            )
            result = resolve_lock(lock, images, container_images, run)
    except (ImageLockError, ImageRequestError) as error:
        return _refuse(str(error), EXIT_USAGE, lock_path, options, console)
    exit_code = _exit_code(result, options)
    written = False
    if not options.check and result.lock != lock:
        try:
            written = write_image_lock(lock_path, result.lock)
        except OSError as error:
            message = f"{lock_path} can't be written: {error.strerror}. It is as it was; run the same command again."
            return _refuse(message, EXIT_SOME_FAILED, lock_path, options, console)
    if options.json:
        console.out(result_as_json(result, str(lock_path), written, exit_code), highlight=False)
    else:
        print_summary(console, result, str(lock_path), written, options.check)
    return exit_code


def _progress(options: LockOptions, console: Console) -> AbstractContextManager[DownloadProgress | None]:
    return DownloadProgress(console) if options.verify and not options.json else nullcontext()


def _contradiction(
    images: Sequence[RequestedImage], container_images: Sequence[RequestedContainerImage], options: LockOptions
) -> str:
    if options.check and (options.update or options.prune):
        return "--check writes nothing, so it can't be combined with --update or --prune; leave one of them out"
    if options.prune and not images and not container_images:
        return "--prune would remove every entry, because no image is used; name the environments, or delete the file"
    return ""


def _refuse(message: str, exit_code: int, lock_path: Path, options: LockOptions, console: Console) -> int:
    if options.json:
        console.out(refusal_as_json(message, str(lock_path), exit_code), highlight=False)
    else:
        console.out(message, style="bold red", highlight=False)
    return exit_code


def _exit_code(result: LockResult, options: LockOptions) -> int:
    if result.interrupted:
        return EXIT_INTERRUPTED
    outcomes = result.outcomes
    unlocked = {Status.ADDED, Status.FAILED}
    if options.check and any(
        outcome.status is Status.MOVED or (outcome.status in unlocked and outcome.locked is None)
        for outcome in outcomes
    ):
        return EXIT_NOT_LOCKED
    if any(outcome.status in (Status.FAILED, Status.MOVED) for outcome in outcomes):
        return EXIT_SOME_FAILED
    return EXIT_OK
