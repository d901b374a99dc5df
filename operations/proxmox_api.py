"""Asks a Proxmox VE API, with the credentials and the trust that the Terraform provider has."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

TIMEOUT_SECONDS = 10.0
_TOKEN = re.compile(r"[^\s!@]+@[^\s!@]+![^\s!=]+=\S+")


class ProxmoxError(Exception):
    """A request that was not answered as hoped.

    Attributes:
        text: the error in the words that the provider would use, for the diagnosis.
        status: the HTTP status; None where there was no answer.
    """

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.status = status


@dataclass(frozen=True)
class Credentials:
    """How to log in: an API token, or user and password."""

    token: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Credentials:
        """Those of the provider's variables; a token goes before user and password, as with the provider."""
        return cls(
            environ.get("PROXMOX_VE_API_TOKEN", ""),
            environ.get("PROXMOX_VE_USERNAME", ""),
            environ.get("PROXMOX_VE_PASSWORD", ""),
        )

    @property
    def are_complete(self) -> bool:
        """Whether there is anything to log in with."""
        return bool(self.token or (self.username and self.password))

    @property
    def are_well_formed(self) -> bool:
        """Whether the token looks like ``user@realm!name=value``, and the user like ``user@realm``."""
        return bool(_TOKEN.fullmatch(self.token)) if self.token else "@" in self.username

    @property
    def identity(self) -> str:
        """Who this is, without the secret."""
        return self.token.partition("=")[0] if self.token else self.username


def verification(environ: Mapping[str, str], *, insecure: bool) -> ssl.SSLContext:
    """How certificates are verified: by ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``, else what the system trusts; TLS 1.3.

    Raises:
        ProxmoxError: ``SSL_CERT_FILE`` names no certificates.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    oldest = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2}
    context.minimum_version = oldest.get(environ.get("PROXMOX_VE_MIN_TLS", ""), ssl.TLSVersion.TLSv1_3)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    file, folder = environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR")
    try:
        if file or folder:
            context.load_verify_locations(cafile=file or None, capath=folder or None)
        else:
            context.load_default_certs()
    except (OSError, ssl.SSLError) as error:
        raise ProxmoxError(f"SSL_CERT_FILE={file} SSL_CERT_DIR={folder}: {error}") from error
    return context


class ProxmoxApi:
    """A connection to one API; a context manager.

    Args:
        endpoint: ``https://host:port``.
        credentials: how to log in; a password is turned into a ticket at the first request.
        environ: where ``SSL_CERT_FILE`` and its like come from.
        insecure: accept any certificate.

    Raises:
        ProxmoxError: the trusted certificates can't be read.
    """

    def __init__(
        self, endpoint: str, credentials: Credentials, environ: Mapping[str, str], *, insecure: bool = False
    ) -> None:
        self.endpoint = endpoint.rstrip("/")
        self.credentials = credentials
        self._client = httpx.Client(
            base_url=f"{self.endpoint}/api2/json",
            verify=verification(environ, insecure=insecure),
            timeout=TIMEOUT_SECONDS,
            trust_env=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()

    def get(self, path: str, **parameters: str) -> Any:
        """The ``data`` of a GET.

        Raises:
            ProxmoxError: no answer, or another one than 200.
        """
        self._log_in()
        return self._send("GET", path, params=parameters or None)

    def post(self, path: str, **parameters: str) -> Any:
        """The ``data`` of a POST, which for what takes time is the id of a task.

        Raises:
            ProxmoxError: no answer, or another one than 200.
        """
        self._log_in()
        return self._send("POST", path, data=parameters)

    def put(self, path: str, **parameters: str) -> Any:
        """The ``data`` of a PUT.

        Raises:
            ProxmoxError: no answer, or another one than 200.
        """
        self._log_in()
        return self._send("PUT", path, data=parameters)

    def guests(self) -> dict[int, dict[str, Any]]:
        """The guests of the cluster that the credentials may see, by VMID."""
        return {int(guest["vmid"]): guest for guest in self.get("/cluster/resources", type="vm")}

    def guest_configuration(self, guest: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration of a guest as `guests` lists it; empty when its node does not answer, or it is gone."""
        try:
            found: dict[str, Any] = self.get(f"/nodes/{guest['node']}/{guest['type']}/{guest['vmid']}/config")
        except ProxmoxError:
            return {}
        return found

    def _log_in(self) -> None:
        if "Authorization" in self._client.headers or "Cookie" in self._client.headers:
            return
        if self.credentials.token:
            self._client.headers["Authorization"] = f"PVEAPIToken={self.credentials.token}"
            return
        answer = self._send(
            "POST",
            "/access/ticket",
            data={"username": self.credentials.username, "password": self.credentials.password},
        )
        self._client.headers["Cookie"] = f"PVEAuthCookie={answer['ticket']}"
        self._client.headers["CSRFPreventionToken"] = answer["CSRFPreventionToken"]

    def _send(self, method: str, path: str, **arguments: Any) -> Any:
        try:
            answer = self._client.request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise ProxmoxError(_in_words(error)) from error
        if answer.status_code != httpx.codes.OK:
            reason = answer.reason_phrase
            raise ProxmoxError(f"received an HTTP {answer.status_code} response - Reason: {reason}", answer.status_code)
        try:
            return answer.json()["data"]
        except (ValueError, KeyError, TypeError) as error:
            raise ProxmoxError(f"{self.endpoint} does not answer as a Proxmox VE API does") from error


_IN_WORDS = (
    (
        re.compile(r"self[- ]signed certificate|unable to get (?:local )?issuer certificate"),
        "certificate signed by unknown authority",
    ),
    (re.compile(r"(?:Hostname|IP address) mismatch, ([^(]*)"), r"\1"),
    (
        re.compile(r"certificate has expired|certificate is not yet valid"),
        "certificate has expired or is not yet valid",
    ),
    (
        re.compile(r"WRONG_VERSION_NUMBER|record layer failure|UNEXPECTED_EOF|http request"),
        "first record does not look like a TLS handshake",
    ),
    (re.compile(r"PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL"), "protocol version not supported"),
    (
        re.compile(
            r"Name or service not known|nodename nor servname|No address associated|Temporary failure in "
            r"name resolution"
        ),
        "dial tcp: no such host",
    ),
    (re.compile(r"Connection refused"), "dial tcp: connection refused"),
    (re.compile(r"No route to host|Network is unreachable"), "dial tcp: no route to host"),
)


def _in_words(error: httpx.HTTPError) -> str:
    """The error as Go would word it, so that one set of rules knows both."""
    if isinstance(error, httpx.TimeoutException):
        return f"dial tcp: i/o timeout after {TIMEOUT_SECONDS:g} s"
    text = str(error)
    for pattern, words in _IN_WORDS:
        if match := pattern.search(text):
            return match.expand(words).strip()
    return text or type(error).__name__
