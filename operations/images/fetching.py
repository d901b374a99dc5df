"""HTTP for locking: bounded retries, time limits and sizes, redirects that never leave TLS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import httpx

Result = TypeVar("Result")

RETRIED_STATUS = frozenset({429, 500, 502, 503, 504})
MAX_REDIRECTS = 10
MAX_SMALL_BYTES = 16 * 1024 * 1024
"""The largest checksum file, index or manifest that is read."""
_CHUNK_BYTES = 256 * 1024


class FetchError(Exception):
    """An address that did not give what was asked for; the message names it and the reason."""

    def __init__(self, url: str, reason: str, status: int | None = None) -> None:
        super().__init__(f"{url}: {reason}")
        self.url = url
        self.reason = reason
        self.status = status


class _RetryableError(FetchError):
    def __init__(self, url: str, reason: str, status: int | None = None, wait_seconds: float | None = None) -> None:
        super().__init__(url, reason, status)
        self.wait_seconds = wait_seconds


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is tried, and how long to wait in between: twice as long each time."""

    attempts: int = 4
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 20.0
    """Bounds a server's Retry-After too."""
    small_file_seconds: float = 60.0
    """The time for one attempt at a checksum file, index or manifest. Images have none, as long as bytes arrive."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A small answer."""

    status: int
    body: bytes
    headers: httpx.Headers


def make_client() -> httpx.Client:
    """A client that verifies TLS against ``SSL_CERT_FILE`` or ``SSL_CERT_DIR``, or else the public authorities."""
    return httpx.Client(
        timeout=httpx.Timeout(30.0, connect=10.0),
        headers={"User-Agent": "homelab-images"},
        follow_redirects=False,
    )


class Fetcher:
    """Fetches with one client and one retry policy. A small file is fetched once, whoever asks for it again."""

    def __init__(
        self, client: httpx.Client, retry: RetryPolicy | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._retry = retry or RetryPolicy()
        self._sleep = sleep
        self._files: dict[str, Fetched] = {}

    def small_file(self, url: str) -> Fetched:
        """The whole file at ``url``.

        Raises:
            FetchError: it can't be had, or is larger than `MAX_SMALL_BYTES`.
        """
        if url not in self._files:
            self._files[url] = self.get(url, {})
        return self._files[url]

    def get(self, url: str, headers: dict[str, str], accept_status: frozenset[int] = frozenset()) -> Fetched:
        """The answer to one GET, which is not kept.

        Raises:
            FetchError: as `small_file`; ``status`` is set when the server answered with an error that is not in
                ``accept_status``.
        """
        return self._with_retries(lambda: self._get_once(url, headers, accept_status))

    def stream(self, url: str, start: Callable[[int | None], Callable[[bytes], None]]) -> int:
        """Reads the file at ``url`` to its end and returns its size in bytes.

        ``start`` is called at the beginning of each attempt with the size that the server announces, and returns what
        takes the chunks of that attempt.

        Raises:
            FetchError: it can't be had whole.
        """
        return self._with_retries(lambda: self._stream_once(url, start))

    def _get_once(self, url: str, headers: dict[str, str], accept_status: frozenset[int]) -> Fetched:
        deadline = time.monotonic() + self._retry.small_file_seconds
        with self._open(url, headers, accept_status) as response:
            body = bytearray()
            for chunk in response.iter_bytes(_CHUNK_BYTES):
                body += chunk
                if len(body) > MAX_SMALL_BYTES:
                    raise FetchError(url, f"is larger than {MAX_SMALL_BYTES} bytes, which no checksum file is")
                if time.monotonic() > deadline:
                    raise _RetryableError(url, f"did not arrive within {self._retry.small_file_seconds:g} seconds")
            return Fetched(response.status_code, bytes(body), response.headers)

    def _stream_once(self, url: str, start: Callable[[int | None], Callable[[bytes], None]]) -> int:
        # Content-Encoding would change the bytes that nodes download and verify.
        with self._open(url, {"Accept-Encoding": "identity"}, frozenset()) as response:
            announced = response.headers.get("Content-Length")
            take = start(int(announced) if announced and announced.isdigit() else None)
            size = 0
            for chunk in response.iter_raw(_CHUNK_BYTES):
                take(chunk)
                size += len(chunk)
            return size

    @contextmanager
    def _open(self, url: str, headers: dict[str, str], accept_status: frozenset[int]) -> Iterator[httpx.Response]:
        request = self._client.build_request("GET", url, headers=headers)
        try:
            response = self._client.send(request, stream=True)
            for _ in range(MAX_REDIRECTS):
                if response.next_request is None:
                    break
                response.close()
                following = response.next_request
                if response.url.scheme == "https" and following.url.scheme != "https":
                    raise FetchError(url, f"redirects from https to {following.url}, which is not encrypted")
                response = self._client.send(following, stream=True)
            try:
                _check_status(url, response, accept_status)
                yield response
            finally:
                response.close()
        except httpx.RequestError as error:
            raise _request_error(url, error) from None
        except httpx.InvalidURL as error:
            raise FetchError(url, f"has an address that can't be used: {error}") from None

    def _with_retries(self, attempt: Callable[[], Result]) -> Result:
        wait = self._retry.first_wait_seconds
        for left in range(self._retry.attempts - 1, -1, -1):
            try:
                return attempt()
            except _RetryableError as error:
                if not left:
                    tried = f" (tried {self._retry.attempts} times)" if self._retry.attempts > 1 else ""
                    raise FetchError(error.url, f"{error.reason}{tried}", error.status) from None
                self._sleep(min(error.wait_seconds or wait, self._retry.longest_wait_seconds))
                wait *= 2
        raise AssertionError("a retry policy has at least one attempt")


def _check_status(url: str, response: httpx.Response, accept_status: frozenset[int]) -> None:
    status = response.status_code
    if response.is_success or status in accept_status:
        return
    phrase = f"{status} {response.reason_phrase}".strip()
    if response.next_request is not None:
        raise FetchError(url, f"redirects more than {MAX_REDIRECTS} times", status)
    if status in RETRIED_STATUS:
        after = response.headers.get("Retry-After", "")
        raise _RetryableError(url, f"the server answers {phrase}", status, float(after) if after.isdigit() else None)
    raise FetchError(url, f"the server answers {phrase}", status)


def _request_error(url: str, error: httpx.RequestError) -> FetchError:
    text = str(error) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return FetchError(
            url, f"the server's certificate is not trusted ({text}); name your own authority's file in SSL_CERT_FILE"
        )
    if isinstance(error, httpx.UnsupportedProtocol):
        return FetchError(url, "is not an http:// or https:// address")
    if isinstance(error, httpx.TimeoutException):
        return _RetryableError(url, "the server does not answer in time")
    return _RetryableError(url, f"the connection fails: {text}")
