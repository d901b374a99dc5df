"""Requests: what is repeated and what never is, certificates, and errors that tell enough and no secret."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from bootstrap.errors import (
    ApiError,
    ForbiddenError,
    NotFoundError,
    OutcomeUnknownError,
    ServerFailureError,
    UnauthorizedError,
    UnreachableError,
    UnsupportedServerError,
    UsageError,
)
from bootstrap.models import Ignored, Organizations, ServerStatus
from bootstrap.transport import Repeat, Transport
from simulator.certificates import make_certificates
from tests.bootstrap.conftest import PatientClock
from tests.bootstrap.stand_in import Fault, StandIn
from tests.bootstrap.stand_in_instance import Identity

STATUS = "/api/status"


@pytest.fixture
def transport(server: StandIn, patience: PatientClock) -> Iterator[Transport]:
    made = Transport(server.url, clock=patience.clock())
    yield made
    made.close()


def ask(transport: Transport, repeat: Repeat, timeout_seconds: float = 30.0) -> ServerStatus:
    return transport.request(ServerStatus, "GET", STATUS, repeat=repeat, timeout_seconds=timeout_seconds)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failing_server_is_asked_again_where_that_is_safe(
    server: StandIn, transport: Transport, patience: PatientClock, status: int
) -> None:
    server.fail("GET", STATUS, Fault(status=status, times=3))
    assert ask(transport, Repeat.SAFE).message == "Ok"
    assert patience.slept == [0.5, 1.0, 2.0]


def test_attempts_are_bounded_and_the_error_tells_status_and_reason(server: StandIn, transport: Transport) -> None:
    server.fail("GET", STATUS, Fault(status=500, times=99))
    with pytest.raises(ServerFailureError) as failed:
        ask(transport, Repeat.SAFE)
    assert server.count("GET", STATUS) == 4
    assert failed.value.message.startswith("GET /api/status: Something went wrong (HTTP 500, InternalServerError, req-")
    assert failed.value.status == 500


def test_a_wait_is_random_below_a_growing_bound(server: StandIn, patience: PatientClock) -> None:
    bounds: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        bounds.append((low, high))
        return 0.0

    clock = patience.clock()
    transport = Transport(server.url, clock=type(clock)(clock.sleep, clock.monotonic, uniform))
    server.fail("GET", STATUS, Fault(status=500, times=2))
    ask(transport, Repeat.SAFE)
    transport.close()
    assert bounds == [(0, 0.5), (0, 1.0)]


@pytest.mark.parametrize(
    "fault", [Fault(status=500), Fault(status=503), Fault(reset=True), Fault(reset=True, handled=True)]
)
def test_what_may_have_been_carried_out_is_not_sent_again(server: StandIn, transport: Transport, fault: Fault) -> None:
    server.fail("GET", STATUS, fault)
    with pytest.raises((ServerFailureError, OutcomeUnknownError)):
        ask(transport, Repeat.UNSENT)
    assert server.count("GET", STATUS) == 1


def test_a_lost_answer_is_asked_for_again_where_that_is_safe(server: StandIn, transport: Transport) -> None:
    server.fail("GET", STATUS, Fault(reset=True, times=3))
    assert ask(transport, Repeat.SAFE).message == "Ok"


def test_a_server_that_never_answers_is_given_up(server: StandIn, transport: Transport) -> None:
    server.fail("GET", STATUS, Fault(hang=0.4, times=9))
    with pytest.raises(UnreachableError, match=r"gave no answer in 0\.1 s") as failed:
        ask(transport, Repeat.SAFE, timeout_seconds=0.1)
    assert failed.value.connected
    assert "Redis" in failed.value.next_step
    assert server.count("GET", STATUS) == 4


@pytest.mark.parametrize("repeat", list(Repeat))
def test_a_refused_connection_is_tried_again_whatever_the_request(patience: PatientClock, repeat: Repeat) -> None:
    transport = Transport("http://127.0.0.1:1", clock=patience.clock())
    with pytest.raises(UnreachableError, match="Connection refused") as failed:
        ask(transport, repeat)
    transport.close()
    assert len(patience.slept) == 3
    assert not failed.value.connected


@pytest.mark.parametrize("repeat", list(Repeat))
def test_too_many_requests_waits_as_told(
    server: StandIn, transport: Transport, patience: PatientClock, repeat: Repeat
) -> None:
    server.fail("GET", STATUS, Fault(status=429, headers={"Retry-After": "7"}))
    ask(transport, repeat)
    assert patience.slept == [7.0]


def test_retry_after_may_be_a_date(server: StandIn, transport: Transport, patience: PatientClock) -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    server.fail("GET", STATUS, Fault(status=429, headers={"Retry-After": moment}))
    ask(transport, Repeat.SAFE)
    assert patience.slept == [pytest.approx(20, abs=2)]


def test_a_strange_retry_after_is_ignored(server: StandIn, transport: Transport, patience: PatientClock) -> None:
    server.fail("GET", STATUS, Fault(status=429, headers={"Retry-After": "soon"}))
    ask(transport, Repeat.SAFE)
    assert patience.slept == [0.5]


def test_nobody_waits_an_hour(server: StandIn, transport: Transport, patience: PatientClock) -> None:
    server.fail("GET", STATUS, Fault(status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(ApiError, match="HTTP 429"):
        ask(transport, Repeat.SAFE)
    assert patience.slept == []


@pytest.mark.parametrize(
    ("path", "token", "error"),
    [
        ("/api/v1/identities/details", "", UnauthorizedError),
        ("/api/v1/identities/details", "eyJhbGciOiJ9.eyJpZCI6MX0.c2ln", UnauthorizedError),
        ("/api/v1/nowhere", "", NotFoundError),
    ],
)
def test_a_refusal_is_final_and_of_its_own_kind(
    server: StandIn, transport: Transport, path: str, token: str, error: type[ApiError]
) -> None:
    with pytest.raises(error):
        transport.request(Ignored, "GET", path, repeat=Repeat.SAFE, token=token)
    assert server.count("GET", path) == 1


def test_forbidden_is_not_unauthorized(server: StandIn, transport: Transport) -> None:
    admin = server.instance.add_admin("a@example.com", "p")
    server.instance.finish_bootstrap(admin, "homelab")
    other = Identity("other", "other", "admin")
    server.instance.identities[other.id] = other
    token = server.instance.issue(60, identity_id=other.id, organization_id="other")
    with pytest.raises(ForbiddenError, match="Requires elevated super admin privileges"):
        transport.request(Ignored, "PATCH", "/api/v1/admin/config", repeat=Repeat.SAFE, token=token.text, body={})


def test_every_issue_of_a_validation_error_is_told(transport: Transport) -> None:
    with pytest.raises(ApiError) as refused:
        transport.request(
            Ignored, "POST", "/api/v1/admin/bootstrap", repeat=Repeat.UNSENT, body={"organization": "homelab"}
        )
    assert "email: String must contain at least 1 character(s); password: String must" in refused.value.reason
    assert refused.value.kind == "ValidationFailure"


def test_a_page_of_something_else_is_not_infisical(server: StandIn, transport: Transport) -> None:
    server.fail("GET", STATUS, Fault(status=200, text="<html>welcome</html>"))
    with pytest.raises(UnsupportedServerError, match="not JSON"):
        ask(transport, Repeat.SAFE)


def test_an_answer_of_another_shape_is_told_by_names_not_by_values(transport: Transport, server: StandIn) -> None:
    server.instance.add_admin("a@example.com", "p")
    with pytest.raises(UnsupportedServerError, match="organizations: missing") as refused:
        transport.request(Organizations, "GET", STATUS, repeat=Repeat.SAFE)
    assert "redisConfigured" not in refused.value.message


def test_a_proxys_error_page_is_told_by_its_status(server: StandIn, transport: Transport) -> None:
    server.fail("GET", STATUS, Fault(status=502, text="<html>bad gateway</html>", times=9))
    with pytest.raises(ServerFailureError, match=r"GET /api/status: Bad Gateway \(HTTP 502\)"):
        ask(transport, Repeat.SAFE)


def test_a_redirect_is_not_followed_and_names_the_address(server: StandIn, transport: Transport) -> None:
    location = "https://user:hunter22@infisical.home.arpa/api/status"
    server.fail("GET", STATUS, Fault(status=308, text="moved", headers={"Location": location}))
    with pytest.raises(UsageError, match=r"redirects to https://infisical\.home\.arpa") as refused:
        ask(transport, Repeat.SAFE)
    assert "hunter22" not in refused.value.message


def test_no_error_holds_the_token_or_the_password(server: StandIn, transport: Transport) -> None:
    token = SecretStr("opaque-token-of-mine")
    server.fail("GET", STATUS, Fault(status=400, text='{"message": "no: opaque-token-of-mine"}'))
    with pytest.raises(ApiError, match=r"no: \[redacted\]") as refused:
        transport.request(Ignored, "GET", STATUS, repeat=Repeat.SAFE, token=token.get_secret_value())
    assert "opaque" not in repr(refused.value)


def test_every_request_has_a_connection_of_its_own(server: StandIn, transport: Transport) -> None:
    ask(transport, Repeat.SAFE)
    ask(transport, Repeat.SAFE)
    assert len({call.client_port for call in server.calls}) == 2


def test_cookies_of_a_login_are_not_sent_along(server: StandIn, transport: Transport) -> None:
    server.fail("GET", STATUS, Fault(status=400, text="{}", headers={"Set-Cookie": "jid=refresh; Path=/"}))
    with pytest.raises(ApiError):
        ask(transport, Repeat.SAFE)
    assert not transport._client.cookies


def test_proxies_and_netrc_of_the_environment_are_not_used(
    server: StandIn, patience: PatientClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    transport = Transport(server.url, clock=patience.clock())
    assert ask(transport, Repeat.SAFE).message == "Ok"
    transport.close()


class TestCertificates:
    """HTTPS is verified, always."""

    @pytest.fixture
    def authority_and_server(self, tmp_path: Path, start: Callable[..., StandIn]) -> tuple[Path, StandIn]:
        authority, context = make_certificates(tmp_path, "127.0.0.9")
        return authority, start(tls=context)

    def test_the_named_authority_is_trusted(self, authority_and_server: tuple[Path, StandIn]) -> None:
        authority, server = authority_and_server
        transport = Transport(server.url, ca_certificate=authority)
        assert ask(transport, Repeat.SAFE).message == "Ok"
        transport.close()

    def test_another_authority_is_not_and_nothing_is_sent(
        self, authority_and_server: tuple[Path, StandIn], patience: PatientClock
    ) -> None:
        _, server = authority_and_server
        transport = Transport(server.url, clock=patience.clock())
        with pytest.raises(UnreachableError, match="its certificate is not trusted: ") as refused:
            ask(transport, Repeat.SAFE)
        transport.close()
        assert "--ca-certificate" in refused.value.next_step
        assert (patience.slept, server.calls) == ([], [])

    def test_a_certificate_of_another_name_is_not_trusted(self, authority_and_server: tuple[Path, StandIn]) -> None:
        authority, server = authority_and_server
        transport = Transport(server.url.replace("localhost", "127.0.0.1"), ca_certificate=authority)
        with pytest.raises(UnreachableError, match=r"certificate is not trusted: .*127\.0\.0\.1"):
            ask(transport, Repeat.SAFE)
        transport.close()

    def test_https_to_a_plain_server_is_explained(self, server: StandIn) -> None:
        transport = Transport(server.url.replace("http://", "https://"))
        with pytest.raises(UnreachableError, match="no TLS connection") as refused:
            ask(transport, Repeat.SAFE)
        transport.close()
        assert "http://" in refused.value.next_step

    @pytest.mark.parametrize("content", [None, "not a certificate"])
    def test_a_wrong_file_is_refused_before_anything_is_sent(self, tmp_path: Path, content: str | None) -> None:
        path = tmp_path / "ca.pem"
        if content is not None:
            path.write_text(content)
        with pytest.raises(UsageError, match=r"ca\.pem"):
            Transport("https://localhost", ca_certificate=path)

    def test_the_systems_authorities_are_the_default(self) -> None:
        transport = Transport("https://localhost")
        context = transport._client._transport._pool._ssl_context  # type: ignore[attr-defined]
        transport.close()
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.check_hostname
