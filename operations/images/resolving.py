"""From a request to what the lock file will say: reads the vendor's checksum file, and downloads where asked to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from homelab.config.container_image_reference import parse_container_image_reference
from operations.images.appliance_index import ApplianceIndexError, find_appliance, find_in_series, read_appliance_index
from operations.images.checksum_files import ChecksumFileError, checksum_of
from operations.images.fetching import Fetcher, FetchError
from operations.images.registry import RegistryError, resolve_digest
from operations.images.requests import RequestedContainerImage, RequestedImage

Progress = Callable[[RequestedImage, int, int | None], None]
"""Told while an image is downloaded: which, bytes so far, and all its bytes where the server says so."""

_INDEX_SUFFIXES = (".dat", ".dat.gz")


class ResolveError(Exception):
    """An image that could not be resolved; the message names the address, what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class ResolvedImage:
    """What the vendor says, and what was downloaded where it was."""

    url: str
    """Where to download; differs from the request's where a series has a newer build."""
    file_name: str
    checksum: str
    checksum_source: str
    size: int | None = None
    note: str = ""
    """What the user should know about how far this can be trusted."""


def resolve_image(
    request: RequestedImage,
    fetcher: Fetcher,
    *,
    keep: str | None = None,
    verify: bool = False,
    progress: Progress | None = None,
) -> ResolvedImage:
    """The checksum that the vendor publishes for ``request``; with ``verify`` the image is downloaded and compared.

    A request that follows its series gives the newest build, or the one named ``keep`` as long as it is listed.
    An image without a checksum file is only resolved with ``verify``, and then has the checksum of what was downloaded.

    Raises:
        ResolveError: the checksum can't be had or is contradicted by the image.
    """
    try:
        if request.checksum_url is None:
            return _from_download(request, verify, fetcher, progress)
        resolved = _from_vendor(request, request.checksum_url, keep, fetcher)
        return _verified(request, resolved, fetcher, progress) if verify else resolved
    except FetchError as error:
        raise ResolveError(str(error)) from None


def resolve_container_image(request: RequestedContainerImage, fetcher: Fetcher) -> str:
    """``sha256:<hex>`` of the manifest or index that the reference names now.

    Raises:
        ResolveError: the registry does not say.
    """
    reference = parse_container_image_reference(request.reference)
    try:
        return resolve_digest(reference, fetcher)
    except RegistryError as error:
        raise ResolveError(f"{reference}: {error}") from None
    except FetchError as error:
        raise ResolveError(str(error)) from None


def _from_vendor(request: RequestedImage, checksum_url: str, keep: str | None, fetcher: Fetcher) -> ResolvedImage:
    content = fetcher.small_file(checksum_url).body
    note = "" if checksum_url.startswith("https:") else "the checksum was read over plain http, which anybody can alter"
    try:
        if checksum_url.partition("?")[0].endswith(_INDEX_SUFFIXES):
            index = read_appliance_index(content, checksum_url)
            name = request.vendor_file_name
            found = find_in_series(index, name, keep) if request.follow_series else find_appliance(index, name)
            renamed = found.file_name != name
            return ResolvedImage(
                # An index that lists exactly what was asked for does not redirect the download.
                url=found.url if renamed else request.url,
                file_name=found.file_name if renamed else request.datastore_file_name,
                checksum=found.checksum,
                checksum_source=checksum_url,
                note=note,
            )
        checksum = checksum_of(content.decode("utf-8", errors="replace"), request.vendor_file_name, request.algorithm)
    except (ChecksumFileError, ApplianceIndexError) as error:
        raise ResolveError(f"{checksum_url}: {error}") from None
    return ResolvedImage(request.url, request.datastore_file_name, checksum, checksum_url, note=note)


def _from_download(request: RequestedImage, verify: bool, fetcher: Fetcher, progress: Progress | None) -> ResolvedImage:
    if not verify:
        raise ResolveError(
            f"{request.url}: no checksum file is known for it; write the vendor's checksum or checksum_url into the "
            "environment file, or lock it with --verify, which downloads it and takes the checksum of what arrives"
        )
    algorithm = request.algorithm or "sha512"
    digest, size = _download(request, request.url, algorithm, fetcher, progress)
    return ResolvedImage(
        request.url,
        request.datastore_file_name,
        f"{algorithm}:{digest}",
        request.url,
        size,
        "the checksum is that of this download, no vendor's",
    )


def _verified(
    request: RequestedImage, resolved: ResolvedImage, fetcher: Fetcher, progress: Progress | None
) -> ResolvedImage:
    algorithm, _, expected = resolved.checksum.partition(":")
    digest, size = _download(request, resolved.url, algorithm, fetcher, progress)
    if digest != expected:
        raise ResolveError(
            f"{resolved.url}: the {size} bytes downloaded have {algorithm} {digest}, but {resolved.checksum_source} "
            f"says {expected}; the vendor may be replacing the file right now: try again later"
        )
    return replace(resolved, size=size)


def _download(
    request: RequestedImage, url: str, algorithm: str, fetcher: Fetcher, progress: Progress | None
) -> tuple[str, int]:
    digest = hashlib.new(algorithm)

    def start(announced: int | None) -> Callable[[bytes], None]:
        nonlocal digest
        digest = hashlib.new(algorithm)
        received = 0

        def take(chunk: bytes) -> None:
            nonlocal received
            digest.update(chunk)
            received += len(chunk)
            if progress:
                progress(request, received, announced)

        return take

    size = fetcher.stream(url, start)
    if not size:
        raise ResolveError(f"{url}: the file is empty")
    return digest.hexdigest(), size
