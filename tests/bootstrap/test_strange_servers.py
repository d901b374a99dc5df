"""Servers that answer as Infisical never does: no end, too much, nonsense, the wrong protocol, a wrong clock."""

from __future__ import annotations

import datetime as dt
import gzip
import itertools
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from bootstrap.errors import ApiError, BootstrapError, UnreachableError, UnsupportedServerError, UsageError
from bootstrap.models import ServerStatus
from bootstrap.transport import Repeat, Transport
from simulator.certificates import make_certificates
from tests.bootstrap.conftest import Machine, PatientClock
from tests.bootstrap.stand_in import Fault, StandIn

STATUS = "/api/status"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"

Serve = Callable[[Iterable[bytes]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that answers the first request with these parts; its address."""
    with ExitStack() as stack:

        def begin(parts: Iterable[bytes]) -> str:
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            thread = threading.Thread(target=_answer, args=(listening, parts), daemon=True)
            thread.start()
            stack.callback(thread.join, 30)
            return f"http://127.0.0.1:{listening.getsockname()[1]}"

        yield begin


def _answer(listening: socket.socket, parts: Iterable[bytes]) -> None:
    connection, _ = listening.accept()
    # The client may go before all is said.
    with connection, suppress(OSError):
        connection.recv(65536)
        for part in parts:
            connection.sendall(part)


def ask(url: str, patience: PatientClock, timeout_seconds: float = 30.0) -> ServerStatus:
    with closing(Transport(url, clock=patience.clock())) as transport:
        return transport.request(
            ServerStatus, "GET", STATUS, repeat=Repeat.SAFE, timeout_seconds=timeout_seconds, attempts=1
        )


def test_an_answer_that_drips_without_an_end_is_given_up(serve: Serve, patience: PatientClock) -> None:
    def drip() -> Iterator[bytes]:
        yield OK + b"\r\n{"
        for _ in range(3000):
            patience.slept.append(1.0)
            yield b" " * 4096

    with pytest.raises(UnreachableError, match="gave no answer in 30 s"):
        ask(serve(drip()), patience)


def test_an_answer_that_fills_the_memory_is_cut_off(
    serve: Serve, patience: PatientClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bootstrap.transport.LARGEST_ANSWER_BYTES", 1024**2)
    with pytest.raises(UnsupportedServerError, match="answered with more than 1 MiB"):
        ask(serve(itertools.chain([OK + b"\r\n"], itertools.repeat(b" " * 65536))), patience)


def test_a_small_answer_that_unpacks_to_a_huge_one_is_cut_off(
    serve: Serve, patience: PatientClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bootstrap.transport.LARGEST_ANSWER_BYTES", 1024**2)
    packed = gzip.compress(b" " * 4 * 1024**2)
    with pytest.raises(UnsupportedServerError, match="answered with more than 1 MiB"):
        ask(serve([OK + b"Content-Encoding: gzip\r\n\r\n", packed]), patience)


def test_an_answer_that_is_packed_is_read(serve: Serve, patience: PatientClock) -> None:
    packed = gzip.compress(b'{"message": "Ok", "date": "now"}')
    length = f"Content-Length: {len(packed)}\r\n\r\n".encode()
    assert ask(serve([OK + b"Content-Encoding: gzip\r\n" + length + packed]), patience).message == "Ok"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (OK + b"\r\n" + b"[" * 200_000, "not JSON"),
        (OK + b"\r\n\xff\xfe\x00", "not JSON"),
        (OK + b"\r\n", "not JSON"),
        (OK + b"\r\nnull", "not Infisical's"),
        (OK + b"Content-Encoding: gzip\r\n\r\nnot packed", "broke the connection"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "broke the connection"),
        (b"", "broke the connection"),
        (b"HTTP/1.1 302 Found\r\nLocation: https://[oops\r\nConnection: close\r\n\r\n", "redirects to another"),
        (b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n", "redirects to another address"),
        (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n" + b"[" * 200_000, "Bad Request (HTTP 400)"),
    ],
)
def test_nonsense_is_a_message(serve: Serve, patience: PatientClock, answer: bytes, said: str) -> None:
    with pytest.raises(BootstrapError) as refused:
        ask(serve([answer]), patience)
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ('"\\u001b[2Jgone\\u0000\\r\\n  next"', "?[2Jgone? next"),
        ('"' + "x" * 5000 + '"', "x" * 1000 + "... ("),
        ('[{"path": 5, "message": "odd"}, "plain", {"path": ["a", 1], "message": null}]', "odd; plain; a.1: None"),
        ('{"nested": 1}', "Bad Request"),
        ('""', "Bad Request"),
    ],
)
def test_a_reason_is_one_bounded_line_whatever_it_is(
    server: StandIn, patience: PatientClock, message: str, said: str
) -> None:
    server.fail("GET", STATUS, Fault(status=400, text=f'{{"message": {message}, "error": ["x"], "reqId": 5}}'))
    with pytest.raises(ApiError) as refused:
        ask(server.url, patience)
    assert refused.value.message.startswith(f"GET /api/status: {said}")
    assert refused.value.message.isprintable()


def test_a_secret_in_a_long_reason_is_not_cut_out_of_the_redactors_sight(server: StandIn, machine: Machine) -> None:
    password = machine.environment["INFISICAL_ADMIN_PASSWORD"]
    text = '{"message": "' + "x" * 990 + f' {password}"}}'
    server.fail("GET", STATUS, Fault(status=400, text=text))
    assert machine.run("admin") == 1
    assert "[redact" in machine.err
    assert password[:6] not in machine.err


@pytest.mark.parametrize("code", [400, 403])
def test_http_to_a_server_of_https_is_explained(server: StandIn, patience: PatientClock, code: int) -> None:
    page = "<html>The plain HTTP request was sent to HTTPS port</html>"
    server.fail("GET", STATUS, Fault(status=code, text=page))
    with pytest.raises(ApiError) as refused:
        ask(server.url, patience)
    assert ("https://" in refused.value.next_step) == (code == 400)


def test_a_moment_to_come_back_is_told_by_the_servers_clock(server: StandIn, patience: PatientClock) -> None:
    """This machine's clock is an hour behind."""
    there = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    headers = {
        "Date": format_datetime(there, usegmt=True),
        "Retry-After": format_datetime(there + dt.timedelta(seconds=20), usegmt=True),
    }
    server.fail("GET", STATUS, Fault(status=429, headers=headers))
    with closing(Transport(server.url, clock=patience.clock())) as transport:
        transport.request(ServerStatus, "GET", STATUS, repeat=Repeat.SAFE)
    assert patience.slept == [20.0]


@pytest.mark.parametrize(
    "text", ["Mon, 1 Jan 99999999999999999999 00:00:00 GMT", "Mon, 1 Jan 2026 00:00 +9999999999", "-1", "1.5", "nan"]
)
def test_a_moment_that_is_none_is_ignored(server: StandIn, patience: PatientClock, text: str) -> None:
    server.fail("GET", STATUS, Fault(status=429, headers={"Retry-After": text}))
    with closing(Transport(server.url, clock=patience.clock())) as transport:
        transport.request(ServerStatus, "GET", STATUS, repeat=Repeat.SAFE)
    assert patience.slept == [0.5]


@pytest.mark.parametrize(("days", "said"), [(-30, "expired"), (30, "not yet valid")])
def test_a_certificate_out_of_its_time_speaks_of_clocks(
    start: Callable[..., StandIn],
    patience: PatientClock,
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    days: int,
    said: str,
) -> None:
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    then = SimpleNamespace(datetime=SimpleNamespace(now=lambda _: moment), timedelta=dt.timedelta, UTC=dt.UTC)
    monkeypatch.setattr("simulator.certificates.dt", then)
    authority, context = make_certificates(tmp_path, "127.0.0.9")
    server = start(tls=context)
    with (
        closing(Transport(server.url, ca_certificate=authority, clock=patience.clock())) as transport,
        pytest.raises(UnreachableError, match=f"certificate is not trusted: .*{said}") as refused,
    ):
        transport.request(ServerStatus, "GET", STATUS, repeat=Repeat.SAFE)
    assert "clock" in refused.value.next_step


@pytest.mark.parametrize(
    "domain",
    ["http://.", "http://a..b", f"http://{'a' * 64}.com", "http://256.1.1.1", "http://xn--zz--", "http://\u2028x"],
)
def test_a_host_that_can_not_exist_is_a_usage_error(machine: Machine, domain: str) -> None:
    assert machine.run("status", "--domain", domain) == 2
    assert "has no host that can exist" in machine.err


def test_an_ipv6_address_is_reached() -> None:
    body = b'{"message": "Ok", "date": "now", "maxIdentityAccessTokenTTL": 1}'
    answer = OK + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listening:
        thread = threading.Thread(target=_answer, args=(listening, [answer]), daemon=True)
        thread.start()
        url = f"http://[::1]:{listening.getsockname()[1]}/"
        with closing(Transport(url.rstrip("/"))) as transport:
            assert transport.request(ServerStatus, "GET", STATUS, repeat=Repeat.SAFE).message == "Ok"
        thread.join(30)


def test_a_folder_is_no_certificate(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Is a directory"):
        Transport("https://localhost", ca_certificate=tmp_path)
