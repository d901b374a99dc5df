"""Requests to Infisical: time limits, certificates, bounded retries, and errors that hold no secret."""

from __future__ import annotations

import email.utils
import logging
import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr, ValidationError

from bootstrap.errors import (
    ApiError,
    BootstrapError,
    ForbiddenError,
    NotFoundError,
    OutcomeUnknownError,
    ServerFailureError,
    UnauthorizedError,
    UnreachableError,
    UnsupportedServerError,
    UsageError,
)
from bootstrap.models import Answer, AnswerType, Ignored
from bootstrap.redaction import Redactor

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 5.0
ANSWER_TIMEOUT_SECONDS = 30.0
LARGEST_ANSWER_BYTES = 64 * 1024 * 1024
"""Far above a list of all secrets; what is larger is no answer of Infisical's and would fill the memory."""

_TOO_MANY_REQUESTS = 429
_LONGEST_REASON = 1000
# X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED.
_OUT_OF_DATE = {9, 10}
_SERVER_FAILURE = 500


class Repeat(Enum):
    """When a request may be sent again."""

    SAFE = "safe"
    """Carrying it out twice is the same as once: also after a lost answer or a 5xx."""
    UNSENT = "unsent"
    """Only when the server certainly did not carry it out: no connection, or refused for its rate."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how patiently a request is repeated.

    The wait before attempt n+1 is random between zero and `first_wait_seconds * 2**n`, at most
    `longest_wait_seconds`; a `Retry-After` of the server replaces it up to `longest_retry_after_seconds`, and is
    not waited for when it is longer.
    """

    attempts: int = 4
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 8.0
    longest_retry_after_seconds: float = 60.0


@dataclass(frozen=True)
class Clock:
    """Time and chance, so that tests need neither."""

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    uniform: Callable[[float, float], float] = random.uniform


class Transport:
    """Sends JSON to one Infisical server and parses what comes back.

    Certificates are verified against the system's authorities, or against `ca_certificate` (a PEM file) alone.
    Proxy variables and `.netrc` are not read: the server is on the own network. Every request has a connection of its
    own, so that none is lost on one the server has closed meanwhile.

    Raises:
        UsageError: `ca_certificate` can't be read or holds no certificate.
    """

    def __init__(
        self,
        domain: str,
        *,
        ca_certificate: Path | None = None,
        retry: RetryPolicy | None = None,
        clock: Clock | None = None,
        redact: Redactor | None = None,
    ) -> None:
        self.domain = domain
        self.redact = redact or Redactor()
        self.clock = clock or Clock()
        self._retry = retry or RetryPolicy()
        self._client = httpx.Client(
            base_url=domain,
            verify=_tls_context(domain, ca_certificate),
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_keepalive_connections=0),
            headers={"User-Agent": "homelab-bootstrap", "Accept": "application/json"},
        )

    def close(self) -> None:
        """Frees what the transport holds."""
        self._client.close()

    def request(
        self,
        answer: type[AnswerType],
        method: str,
        path: str,
        *,
        repeat: Repeat,
        token: str | None = None,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        timeout_seconds: float = ANSWER_TIMEOUT_SECONDS,
        attempts: int | None = None,
    ) -> AnswerType:
        """Sends one request, again where `repeat` allows it, and returns the parsed answer.

        Raises:
            UnreachableError: no connection, or (safe requests) no answer.
            OutcomeUnknownError: the connection broke after a request that must not be repeated was sent.
            ApiError: Infisical refused; the subclasses tell why.
            UnsupportedServerError: the answer is not what Infisical answers.
            UsageError: the server redirects to another address.
        """
        if token:
            self.redact.add(token)
        request = self._client.build_request(
            method,
            path,
            json=body,
            params=query,
            headers={"Authorization": f"Bearer {token}"} if token else None,
            timeout=httpx.Timeout(timeout_seconds, connect=CONNECT_TIMEOUT_SECONDS),
        )
        attempts = self._retry.attempts if attempts is None else attempts
        for attempt in range(1, attempts + 1):
            outcome = self._attempt(request, repeat, timeout_seconds)
            if isinstance(outcome, httpx.Response):
                return self._parsed(answer, outcome)
            wait_seconds = self._wait_seconds(attempt, outcome)
            if attempt == attempts or not outcome.repeatable or wait_seconds is None:
                raise outcome.error
            log.info("%s; trying again in %.1f s", outcome.error.message, wait_seconds)
            self.clock.sleep(wait_seconds)
        raise ValueError("a request needs at least one attempt")

    def _attempt(self, request: httpx.Request, repeat: Repeat, timeout_seconds: float) -> httpx.Response | _Failure:
        place = f"{request.method} {request.url.path}"
        started = self.clock.monotonic()
        try:
            response = self._received(request, started + timeout_seconds)
        except _TooLargeError:
            message = f"{place}: {self.domain} answered with more than {LARGEST_ANSWER_BYTES // 1024**2} MiB"
            return _Failure(UnsupportedServerError(message, f"is {self.domain} really Infisical?"), repeatable=False)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            log.debug("%s: %s", place, type(error).__name__)
            return self._no_connection(place, error)
        except httpx.RequestError as error:
            log.debug("%s: %s", place, type(error).__name__)
            return self._no_answer(place, error, repeat, timeout_seconds)
        finally:
            # Logging in sets session cookies; every request carries its token itself.
            self._client.cookies.clear()
        log.debug("%s: HTTP %d in %.0f ms", place, response.status_code, (self.clock.monotonic() - started) * 1000)
        if response.is_success:
            return response
        if response.is_redirect:
            raise self._redirected(place, response)
        refused_for_rate = response.status_code == _TOO_MANY_REQUESTS
        repeatable = refused_for_rate or (response.status_code >= _SERVER_FAILURE and repeat is Repeat.SAFE)
        return _Failure(self._api_error(request, response), repeatable, _retry_after_seconds(response))

    def _received(self, request: httpx.Request, deadline: float) -> httpx.Response:
        """The whole answer. The library's own time limit is for each part of it, which a slow drip never reaches."""
        with closing(self._client.send(request, stream=True)) as response:
            content = bytearray()
            for part in response.iter_bytes():
                content += part
                if len(content) > LARGEST_ANSWER_BYTES:
                    raise _TooLargeError
                if self.clock.monotonic() > deadline:
                    raise httpx.ReadTimeout("the answer does not end", request=request)
        # The content is decoded now.
        headers = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
        return httpx.Response(response.status_code, headers=headers, content=bytes(content), request=request)

    def _wait_seconds(self, attempt: int, failure: _Failure) -> float | None:
        if failure.retry_after_seconds is not None:
            asked = failure.retry_after_seconds
            return asked if asked <= self._retry.longest_retry_after_seconds else None
        longest = min(self._retry.first_wait_seconds * 2 ** (attempt - 1), self._retry.longest_wait_seconds)
        return self.clock.uniform(0, longest)

    def _no_connection(self, place: str, error: httpx.RequestError) -> _Failure:
        for cause in _causes(error):
            if isinstance(cause, ssl.SSLCertVerificationError):
                reason = f"its certificate is not trusted: {cause.verify_message or cause.reason}"
                step = "name the authority that signed it with --ca-certificate FILE, and the server as it is certified"
                if cause.verify_code in _OUT_OF_DATE:
                    step = "renew the certificate, or set the clock of the machine that has it wrong"
                return self._tls_failure(reason, step)
            if isinstance(cause, ssl.SSLError):
                return self._tls_failure(f"no TLS connection: {cause.reason or cause}", "is it served by http:// ?")
        reason = str(error) or type(error).__name__
        message = f"{place}: no connection to {self.domain}: {reason}"
        return _Failure(UnreachableError(self.redact(message), "is the address right and the server running?"), True)

    def _tls_failure(self, reason: str, step: str) -> _Failure:
        message = self.redact(f"{self.domain}: {reason}")
        return _Failure(UnreachableError(message, step, passing=False, connected=True), repeatable=False)

    def _no_answer(self, place: str, error: httpx.RequestError, repeat: Repeat, timeout_seconds: float) -> _Failure:
        if isinstance(error, httpx.TimeoutException):
            happened = f"gave no answer in {timeout_seconds:g} s"
            step = "Infisical hangs like this when its Redis can't be reached: look at the Redis container"
        else:
            happened = f"broke the connection ({self.redact(str(error)) or type(error).__name__})"
            step = "look at the server's log"
        message = f"{place}: {self.domain} {happened}"
        if repeat is Repeat.SAFE:
            return _Failure(UnreachableError(message, step, connected=True), repeatable=True)
        return _Failure(OutcomeUnknownError(f"{message}; it may have carried the request out", step), repeatable=False)

    def _redirected(self, place: str, response: httpx.Response) -> BootstrapError:
        to = "another address"
        with suppress(ValueError):
            target = urlsplit(response.headers.get("location", ""))
            to = f"{target.scheme}://{target.netloc.rpartition('@')[2]}" if target.netloc else to
        return UsageError(f"{place}: {self.domain} redirects to {to}", "use that address as INFISICAL_DOMAIN")

    def _api_error(self, request: httpx.Request, response: httpx.Response) -> ApiError:
        reason, kind, request_id = _described(response)
        # Servers of Go and nginx say so, as text of their own, to those who forget the s of https.
        wrong_scheme = response.status_code == httpx.codes.BAD_REQUEST and not kind and request.url.scheme == "http"
        return _error_class(response.status_code, kind)(
            method=request.method,
            path=request.url.path,
            status=response.status_code,
            reason=_shown(self.redact(reason)),
            kind=_shown(self.redact(kind)),
            request_id=_shown(self.redact(request_id)),
            next_step="is it served by https:// ?" if wrong_scheme else "",
        )

    def _parsed(self, answer: type[AnswerType], response: httpx.Response) -> AnswerType:
        place = f"{response.request.method} {response.request.url.path}"
        step = f"is {self.domain} really Infisical, and a supported version?"
        try:
            # Some routes answer with nothing, which is all that is wanted of them.
            document = response.json() if response.content or answer is not Ignored else {}
        except (ValueError, RecursionError):
            message = f"{place}: {self.domain} answered with something that is not JSON"
            raise UnsupportedServerError(message, step) from None
        try:
            parsed = answer.model_validate(document)
        except ValidationError as error:
            # Only names and kinds: the values of an answer can be secrets.
            wrong = "; ".join(
                f"{'.'.join(str(part) for part in issue['loc']) or 'answer'}: {issue['type']}"
                for issue in error.errors(include_input=False, include_url=False, include_context=False)
            )
            message = f"{place}: the answer is not Infisical's: {self.redact(wrong)}"
            raise UnsupportedServerError(message, step) from None
        self._remember_secrets(parsed)
        return parsed

    def _remember_secrets(self, answer: Answer) -> None:
        for _, value in answer:
            for one in value if isinstance(value, tuple) else (value,):
                if isinstance(one, SecretStr):
                    self.redact.add(one.get_secret_value())
                elif isinstance(one, Answer):
                    self._remember_secrets(one)


class _TooLargeError(Exception):
    """An answer is larger than any of Infisical's."""


@dataclass(frozen=True)
class _Failure:
    error: BootstrapError
    repeatable: bool
    retry_after_seconds: float | None = None


def _tls_context(domain: str, ca_certificate: Path | None) -> ssl.SSLContext:
    if ca_certificate is None and domain.startswith("http://"):
        # Not used, and reading the system's authorities takes longer than most requests.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return ssl.create_default_context(cafile=str(ca_certificate) if ca_certificate else None)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or "no PEM certificate in it"
        if isinstance(error, ssl.SSLError):
            reason = "no PEM certificate in it"
        raise UsageError(
            f"the CA certificate {ca_certificate}: {reason}", "name a readable PEM file with --ca-certificate"
        ) from None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _error_class(status: int, kind: str) -> type[ApiError]:
    if status == httpx.codes.UNAUTHORIZED or (status == httpx.codes.FORBIDDEN and kind == "TokenError"):
        return UnauthorizedError
    if status == httpx.codes.FORBIDDEN:
        return ForbiddenError
    if status == httpx.codes.NOT_FOUND:
        return NotFoundError
    if status >= _SERVER_FAILURE:
        return ServerFailureError
    return ApiError


def _described(response: httpx.Response) -> tuple[str, str, str]:
    """Reason, kind and request id of an error answer; a proxy's page has none of them."""
    try:
        document = response.json()
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return response.reason_phrase or "no reason given", "", ""
    message = document.get("message")
    if isinstance(message, list):
        message = "; ".join(_issue(issue) for issue in message)
    reason = message if isinstance(message, str) and message else response.reason_phrase
    return reason, str(document.get("error") or ""), str(document.get("reqId") or "")


def _issue(issue: object) -> str:
    if not isinstance(issue, dict):
        return str(issue)
    path = issue.get("path")
    place = ".".join(str(part) for part in path) if isinstance(path, list) else ""
    return f"{place}: {issue.get('message')}" if place else str(issue.get("message"))


def _shown(text: str) -> str:
    """A part of an answer as it may go to a terminal: in one line, bounded, without control characters."""
    text = " ".join(text.split())
    text = "".join(sign if sign.isprintable() else "?" for sign in text)
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}..."


def _retry_after_seconds(response: httpx.Response) -> float | None:
    text = response.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    until = _moment(text)
    if until is None:
        return None
    # By the server's clock, which set the moment; this machine's may be wrong.
    now = _moment(response.headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def _moment(text: str) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
