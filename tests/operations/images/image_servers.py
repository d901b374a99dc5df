"""Servers on loopback that the image tests talk to: files with faults on demand, and a registry that wants a token."""

from __future__ import annotations

import hashlib
import json
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Keeps the test output clean."""

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Says nothing of clients that hang up, as they do on a certificate that they do not trust."""


@dataclass
class FileServer:
    """Serves the files of a folder. Faults are told per path, and used up one request at a time."""

    root: Path
    base_url: str = ""
    requested: list[str] = field(default_factory=list)
    faults: dict[str, deque[tuple[int, dict[str, str]]]] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    truncated: dict[str, int] = field(default_factory=dict)
    """Path -> how many requests in a row get only half of the file."""

    def add(self, path: str, content: bytes | str) -> str:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return self.url(path)

    def url(self, path: str) -> str:
        return f"{self.base_url}/{path.lstrip('/')}"

    def fail(self, path: str, *statuses: int, **headers: str) -> None:
        self.faults[f"/{path.lstrip('/')}"] = deque((status, headers) for status in statuses)

    def count(self, path: str) -> int:
        return self.requested.count(f"/{path.lstrip('/')}")

    def handle(self, request: Handler) -> None:
        path = urlsplit(request.path).path
        self.requested.append(path)
        if self.faults.get(path):
            status, headers = self.faults[path].popleft()
            return request.answer(status, b"broken", **headers)
        if path in self.redirects:
            return request.answer(302, Location=self.redirects[path])
        file = self.root / path.lstrip("/")
        if not file.is_file():
            return request.answer(404, b"<html>not found</html>")
        content = file.read_bytes()
        if self.truncated.get(path):
            self.truncated[path] -= 1
            request.close_connection = True
            return request.answer(200, content[: len(content) // 2], Content_Length=str(len(content)))
        return request.answer(200, content, **self.headers.get(path, {}))


@dataclass
class TokenRegistry:
    """A registry that gives manifests only to who brings the token that its own token service gives out."""

    manifests: dict[str, bytes] = field(default_factory=dict)
    """``repository:tag`` -> manifest."""
    stated_digest: str | None = None
    """What it says in Docker-Content-Digest; None for the truth, empty for no such header."""
    challenge: str | None = None
    """What it says in WWW-Authenticate; None for what a real one says."""
    token_field: str = "token"
    gives_token: bool = True
    base_url: str = ""
    scopes: list[str] = field(default_factory=list)
    accepts: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).netloc

    def handle(self, request: Handler) -> None:
        parts = urlsplit(request.path)
        if parts.path == "/token":
            query = parse_qs(parts.query)
            self.scopes.append(f"{query['service'][0]} {query['scope'][0]}")
            if not self.gives_token:
                return request.answer(401)
            return request.answer(200, json.dumps({self.token_field: "for-everybody"}).encode())
        repository, _, tag = parts.path.removeprefix("/v2/").partition("/manifests/")
        if request.headers.get("Authorization") != "Bearer for-everybody":
            challenge = self.challenge
            if challenge is None:
                scope = f"repository:{repository}:pull"
                challenge = f'Bearer realm="{self.base_url}/token",service="registry.test",scope="{scope}"'
            return request.answer(401, b"{}", WWW_Authenticate=challenge)
        self.accepts.append(request.headers.get("Accept", ""))
        manifest = self.manifests.get(f"{repository}:{tag}")
        if manifest is None:
            return request.answer(404, b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}')
        stated = digest_of(manifest) if self.stated_digest is None else self.stated_digest
        headers = {"Docker_Content_Digest": stated} if stated else {}
        return request.answer(200, manifest, Content_Type=MANIFEST_TYPE, **headers)


@contextmanager
def serving(target: FileServer | TokenRegistry, certificate: Path | None = None) -> Iterator[None]:
    """Serves ``target`` on a free port of 127.0.0.1; over TLS with a certificate and its key in one file."""

    class TargetHandler(Handler):
        def do_GET(self) -> None:
            target.handle(self)

    server = QuietServer(("127.0.0.1", 0), TargetHandler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    target.base_url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def image_manifest(config: bytes, layer: bytes) -> bytes:
    """The manifest of an image of one layer."""
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": digest_of(config),
                "size": len(config),
            },
            "layers": [
                {
                    "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                    "digest": digest_of(layer),
                    "size": len(layer),
                }
            ],
        },
        indent=3,
    ).encode()


def image_index(manifest: bytes) -> bytes:
    """The index of one manifest for linux/amd64."""
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": INDEX_TYPE,
            "manifests": [
                {
                    "mediaType": MANIFEST_TYPE,
                    "digest": digest_of(manifest),
                    "size": len(manifest),
                    "platform": {"architecture": "amd64", "os": "linux"},
                }
            ],
        }
    ).encode()
