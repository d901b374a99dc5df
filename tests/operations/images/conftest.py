"""Fixtures of the image tests: servers on loopback and a fetcher that does not wait between attempts."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from operations.images.fetching import Fetcher, RetryPolicy, make_client
from operations.images.requests import RequestedContainerImage, RequestedImage
from tests.operations.images.image_servers import FileServer, TokenRegistry, image_manifest, serving
from tests.operations.images.lock_command import NEW, OLD, LockCommand, sha512


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def files(tmp_path: Path) -> Iterator[FileServer]:
    server = FileServer(tmp_path / "www")
    with serving(server):
        yield server


@pytest.fixture
def token_registry() -> Iterator[TokenRegistry]:
    registry = TokenRegistry()
    with serving(registry):
        yield registry


@pytest.fixture
def waits() -> list[float]:
    """The seconds that the fetcher would have waited between attempts."""
    return []


@pytest.fixture
def fetcher(waits: list[float]) -> Iterator[Fetcher]:
    with make_client() as client:
        yield Fetcher(client, RetryPolicy(attempts=3), sleep=waits.append)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def homelab(tmp_path: Path) -> LockCommand:
    return LockCommand(tmp_path / "images.lock.json")


@pytest.fixture
def publish(files: FileServer) -> Callable[..., RequestedImage]:
    """Puts a build of a cloud image and its checksum file on the server."""

    def publish(name: str, content: bytes, stated: str | None = None) -> RequestedImage:
        return RequestedImage(
            name,
            files.add(f"{name}/latest.qcow2", content),
            files.add(f"{name}/SHA512SUMS", f"{stated or sha512(content)}  latest.qcow2\n"),
            file_name=f"{name}.qcow2",
        )

    return publish


@pytest.fixture
def publish_templates(files: FileServer) -> Callable[..., RequestedImage]:
    """Puts an index of templates on the server, and asks for the series of the oldest."""

    def publish(**contents: bytes) -> RequestedImage:
        names = {"old": OLD, "new": NEW}
        index = "\n".join(
            f"Location: system/{names[name]}\nsha512sum: {sha512(content)}\n" for name, content in contents.items()
        )
        return RequestedImage(
            "debian-13-lxc",
            files.url(f"system/{OLD}"),
            files.add("aplinfo-pve-9.dat", index),
            kind="container_template",
            follow_series=True,
        )

    return publish


@pytest.fixture
def postgres(token_registry: TokenRegistry) -> RequestedContainerImage:
    token_registry.manifests["library/postgres:15"] = image_manifest(b"{}", b"first")
    return RequestedContainerImage(f"{token_registry.host}/library/postgres:15")
