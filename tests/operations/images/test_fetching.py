"""Fetching from a real server on loopback: retries, redirects, limits, TLS."""

import gzip
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from operations.images import fetching
from operations.images.fetching import Fetcher, FetchError, RetryPolicy, make_client
from tests.operations.images.image_servers import FileServer, serving


def collect(fetcher: Fetcher, url: str) -> tuple[bytes, int]:
    """What the last attempt at ``url`` gave, and the size that was reported."""
    received = bytearray()

    def start(_: int | None) -> Callable[[bytes], None]:
        received.clear()
        return received.extend

    size = fetcher.stream(url, start)
    return bytes(received), size


def test_a_small_file_is_fetched_once(files: FileServer, fetcher: Fetcher) -> None:
    url = files.add("SHA512SUMS", "content")
    assert fetcher.small_file(url).body == b"content"
    assert fetcher.small_file(url).body == b"content"
    assert files.count("SHA512SUMS") == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_fault_is_tried_again(files: FileServer, fetcher: Fetcher, waits: list[float], status: int) -> None:
    url = files.add("SUMS", "content")
    files.fail("SUMS", status, status)
    assert fetcher.small_file(url).body == b"content"
    assert waits == [0.5, 1.0]


def test_attempts_are_bounded(files: FileServer, fetcher: Fetcher) -> None:
    url = files.add("SUMS", "content")
    files.fail("SUMS", *[503] * 10)
    with pytest.raises(FetchError, match=r"SUMS: the server answers 503 Service Unavailable \(tried 3 times\)"):
        fetcher.small_file(url)
    assert files.count("SUMS") == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_lasting_fault_is_not_tried_again(files: FileServer, fetcher: Fetcher, status: int) -> None:
    url = files.add("SUMS", "content")
    files.fail("SUMS", status)
    with pytest.raises(FetchError, match=f"the server answers {status}") as caught:
        fetcher.small_file(url)
    assert caught.value.status == status
    assert files.count("SUMS") == 1


def test_retry_after_is_heeded_within_bounds(files: FileServer, fetcher: Fetcher, waits: list[float]) -> None:
    url = files.add("SUMS", "content")
    files.fail("SUMS", 429, Retry_After="7")
    fetcher.get(url, {})
    files.fail("SUMS", 503, Retry_After="86400")
    fetcher.get(url, {})
    assert waits == [7.0, 20.0]


def test_redirects_are_followed(files: FileServer, fetcher: Fetcher) -> None:
    files.add("mirror/SUMS", "content")
    files.redirects = {"/SUMS": "/next", "/next": files.url("mirror/SUMS")}
    assert fetcher.small_file(files.url("SUMS")).body == b"content"


def test_redirects_in_a_circle_end(files: FileServer, fetcher: Fetcher) -> None:
    files.redirects = {"/a": "/b", "/b": "/a"}
    with pytest.raises(FetchError, match="redirects more than 10 times"):
        fetcher.small_file(files.url("a"))


def test_a_port_without_server_is_named(fetcher: Fetcher, waits: list[float]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/SUMS"
        with pytest.raises(FetchError, match=r"the connection fails: .*refused \(tried 3 times\)"):
            fetcher.small_file(url)
    assert len(waits) == 2


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, make_client() as client:
        client.timeout = 0.1
        impatient = Fetcher(client, RetryPolicy(attempts=1))
        with pytest.raises(FetchError, match="does not answer in time"):
            impatient.small_file(f"http://127.0.0.1:{silent.getsockname()[1]}/SUMS")


def test_a_checksum_file_is_never_huge(files: FileServer, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MAX_SMALL_BYTES", 1000)
    with pytest.raises(FetchError, match="is larger than 1000 bytes"):
        fetcher.small_file(files.add("SUMS", b"x" * 1001))
    assert len(fetcher.small_file(files.add("OTHER", b"x" * 1000)).body) == 1000


def test_a_checksum_file_that_trickles_is_given_up(files: FileServer) -> None:
    with make_client() as client, pytest.raises(FetchError, match="did not arrive within"):
        Fetcher(client, RetryPolicy(attempts=1, small_file_seconds=-1)).small_file(files.add("SUMS", b"x"))


def test_an_image_arrives_whole(files: FileServer, fetcher: Fetcher) -> None:
    content = bytes(range(256)) * 4096
    assert collect(fetcher, files.add("x.qcow2", content)) == (content, len(content))


def test_an_image_is_what_is_transferred_and_not_what_it_could_be_unpacked_to(
    files: FileServer, fetcher: Fetcher
) -> None:
    packed = gzip.compress(b"unpacked")
    url = files.add("x.qcow2", packed)
    files.headers["/x.qcow2"] = {"Content_Encoding": "gzip"}
    assert collect(fetcher, url) == (packed, len(packed))


def test_a_broken_transfer_starts_anew(files: FileServer, fetcher: Fetcher) -> None:
    content = b"0123456789" * 100_000
    url = files.add("x.qcow2", content)
    files.truncated["/x.qcow2"] = 2
    assert collect(fetcher, url) == (content, len(content))
    assert files.count("x.qcow2") == 3


def test_a_transfer_that_always_breaks_is_an_error(files: FileServer, fetcher: Fetcher) -> None:
    url = files.add("x.qcow2", b"0123456789" * 1000)
    files.truncated["/x.qcow2"] = 3
    with pytest.raises(FetchError, match=r"the connection fails: .*incomplete|without sending complete"):
        collect(fetcher, url)


@pytest.fixture
def tls_files(tmp_path: Path) -> FileServer:
    server = FileServer(tmp_path / "tls")
    server.add("SUMS", "content")
    return server


def test_an_unknown_certificate_is_refused_at_once(
    tls_files: FileServer, certificate: Path, fetcher: Fetcher, waits: list[float]
) -> None:
    with serving(tls_files, certificate), pytest.raises(FetchError, match=r"not trusted .* SSL_CERT_FILE"):
        fetcher.small_file(tls_files.url("SUMS"))
    assert not waits
    assert not tls_files.requested


def test_an_own_authority_is_trusted_through_ssl_cert_file(
    tls_files: FileServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(tls_files, certificate), make_client() as client:
        assert Fetcher(client).small_file(tls_files.url("SUMS")).body == b"content"


def test_a_redirect_from_https_to_http_is_refused(
    tls_files: FileServer, files: FileServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls_files.redirects["/moved"] = files.add("SUMS", "from anybody")
    refused = pytest.raises(FetchError, match=r"redirects from https to http://.*not encrypted")
    with serving(tls_files, certificate), make_client() as client, refused:
        Fetcher(client).small_file(tls_files.url("moved"))
    assert not files.requested


def test_a_redirect_from_http_to_https_is_followed(
    tls_files: FileServer, files: FileServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(tls_files, certificate), make_client() as client:
        files.redirects["/SUMS"] = tls_files.url("SUMS")
        assert Fetcher(client).small_file(files.url("SUMS")).body == b"content"
