"""Digests from a registry that wants a token, and from ones that answer wrongly."""

from pathlib import Path

import pytest

from homelab.config.container_image_reference import parse_container_image_reference
from operations.images import registry
from operations.images.fetching import Fetcher, make_client
from operations.images.registry import MANIFEST_TYPES, registry_url
from operations.images.requests import RequestedContainerImage
from operations.images.resolving import ResolveError, resolve_container_image
from tests.operations.images.image_servers import TokenRegistry, digest_of, image_index, image_manifest, serving

MANIFEST = image_manifest(b"{}", b"layer")


def request(registry: TokenRegistry, name: str = "library/postgres:15-alpine") -> RequestedContainerImage:
    return RequestedContainerImage(f"{registry.host}/{name}")


@pytest.mark.parametrize("manifest", [MANIFEST, image_index(MANIFEST)], ids=["manifest", "index"])
@pytest.mark.parametrize("token_field", ["token", "access_token"])
def test_the_digest_is_that_of_the_bytes(
    token_registry: TokenRegistry, fetcher: Fetcher, manifest: bytes, token_field: str
) -> None:
    token_registry.manifests["library/postgres:15-alpine"] = manifest
    token_registry.token_field = token_field
    assert resolve_container_image(request(token_registry), fetcher) == digest_of(manifest)
    assert token_registry.scopes == ["registry.test repository:library/postgres:pull"]
    assert [entry.strip() for entry in token_registry.accepts[0].split(",")] == list(MANIFEST_TYPES)


def test_a_challenge_without_scope_is_asked_for_this_repository(
    token_registry: TokenRegistry, fetcher: Fetcher
) -> None:
    token_registry.manifests["library/postgres:15-alpine"] = MANIFEST
    token_registry.challenge = f'Bearer realm="{token_registry.base_url}/token?x=1",service="registry.test"'
    assert resolve_container_image(request(token_registry), fetcher) == digest_of(MANIFEST)
    assert token_registry.scopes == ["registry.test repository:library/postgres:pull"]


def test_a_registry_that_states_no_digest_is_believed_by_its_bytes(
    token_registry: TokenRegistry, fetcher: Fetcher
) -> None:
    token_registry.manifests["library/postgres:15-alpine"] = MANIFEST
    token_registry.stated_digest = ""
    assert resolve_container_image(request(token_registry), fetcher) == digest_of(MANIFEST)


def test_a_registry_that_states_another_digest_is_refused(token_registry: TokenRegistry, fetcher: Fetcher) -> None:
    token_registry.manifests["library/postgres:15-alpine"] = MANIFEST
    token_registry.stated_digest = "sha256:" + "0" * 64
    with pytest.raises(
        ResolveError, match=rf"states the digest sha256:0+, but the manifest it sends has {digest_of(MANIFEST)}"
    ):
        resolve_container_image(request(token_registry), fetcher)


def test_a_registry_with_tls_can_not_send_to_a_token_service_without(
    token_registry: TokenRegistry, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encrypted = TokenRegistry(challenge=f'Bearer realm="{token_registry.base_url}/token",service="x"')
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(registry, "registry_url", lambda _: encrypted.base_url)
    refused = pytest.raises(ResolveError, match=r"sends to http://.*/token for a token, which is not encrypted")
    with serving(encrypted, certificate), make_client() as client, refused:
        resolve_container_image(request(encrypted), Fetcher(client))
    assert not token_registry.scopes


def test_a_missing_tag_is_named(token_registry: TokenRegistry, fetcher: Fetcher) -> None:
    with pytest.raises(
        ResolveError, match=r"postgres:15-alpine: there is no such image at 127.0.0.1:.*check name and tag"
    ):
        resolve_container_image(request(token_registry), fetcher)


@pytest.mark.parametrize("challenge", ['Basic realm="registry"', "", "Bearer service=x"])
def test_a_registry_that_wants_a_login_is_named(
    token_registry: TokenRegistry, fetcher: Fetcher, challenge: str
) -> None:
    token_registry.challenge = challenge
    with pytest.raises(ResolveError, match=r"wants a login.*write 127.0.0.1:\d+/library/postgres@sha256:<digest>"):
        resolve_container_image(request(token_registry), fetcher)


def test_a_token_service_that_refuses_means_a_login(token_registry: TokenRegistry, fetcher: Fetcher) -> None:
    token_registry.gives_token = False
    with pytest.raises(ResolveError, match="wants a login"):
        resolve_container_image(request(token_registry), fetcher)


def test_a_token_service_without_token_is_named(token_registry: TokenRegistry, fetcher: Fetcher) -> None:
    token_registry.token_field = "nothing"
    with pytest.raises(ResolveError, match="/token gives no token"):
        resolve_container_image(request(token_registry), fetcher)


@pytest.mark.parametrize(
    "answer",
    [b"<html></html>", b"[]", b'"text"', b'{"schemaVersion": 1, "fsLayers": []}', b'{"schemaVersion": 2}', b""],
)
def test_what_is_no_manifest_is_refused(token_registry: TokenRegistry, fetcher: Fetcher, answer: bytes) -> None:
    token_registry.manifests["library/postgres:15-alpine"] = answer
    with pytest.raises(ResolveError, match="neither an image manifest nor an index"):
        resolve_container_image(request(token_registry), fetcher)


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("postgres:15", "https://registry-1.docker.io"),
        ("ghcr.io/a/b", "https://ghcr.io"),
        ("registry.home.arpa:5000/a", "https://registry.home.arpa:5000"),
        ("10.0.0.5:5000/a", "https://10.0.0.5:5000"),
        ("localhost:5000/a", "http://localhost:5000"),
        ("127.0.0.9:5000/a", "http://127.0.0.9:5000"),
        ("[::1]:5000/a", "http://[::1]:5000"),
    ],
)
def test_registries_are_asked_over_tls_except_on_this_machine(reference: str, url: str) -> None:
    assert registry_url(parse_container_image_reference(reference).registry) == url
