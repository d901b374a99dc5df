"""Digests of container images from OCI registries, by the distribution API: one GET of the manifest that a tag names.

Only what a registry gives to everybody: a registry that wants a login is named as such. The digest is computed from the
bytes of the manifest and must equal the one that the registry states.
"""

from __future__ import annotations

import hashlib
import json
import re
from ipaddress import ip_address
from urllib.parse import urlencode, urlsplit

from homelab.config.container_image_reference import DEFAULT_REGISTRY, ContainerImageReference
from operations.images.fetching import Fetched, Fetcher, FetchError

DOCKER_HUB_HOST = "registry-1.docker.io"
MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
"""Indexes first: an index is the same image for every architecture."""

_UNAUTHORIZED = frozenset({401})
_PARAMETER = re.compile(r'(?P<name>[A-Za-z_]+)="(?P<value>[^"]*)"')


class RegistryError(Exception):
    """A registry that does not say which manifest a reference names; the message says why and what to do."""


def resolve_digest(reference: ContainerImageReference, fetcher: Fetcher) -> str:
    """``sha256:<hex>`` of the index or manifest that ``reference`` names.

    Raises:
        RegistryError: there is no such image, it needs a login, or the answer contradicts itself.
        FetchError: the registry can't be reached or answers with an error.
    """
    base = registry_url(reference.registry)
    url = f"{base}/v2/{reference.repository}/manifests/{reference.digest or reference.tag}"
    headers = {"Accept": ", ".join(MANIFEST_TYPES)}
    try:
        answer = fetcher.get(url, headers, accept_status=_UNAUTHORIZED)
        if answer.status in _UNAUTHORIZED:
            token = _token(answer.headers.get("WWW-Authenticate", ""), base, reference, fetcher)
            answer = fetcher.get(url, headers | {"Authorization": f"Bearer {token}"})
    except FetchError as error:
        raise _explained(reference, error) from None
    return _checked_digest(answer)


def registry_url(registry: str) -> str:
    """The address of a registry's API: https, and http for one on this machine, as container engines do."""
    host = DOCKER_HUB_HOST if registry == DEFAULT_REGISTRY else registry
    return f"http://{host}" if _is_loopback(host) else f"https://{host}"


def _is_loopback(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _token(challenge: str, base: str, reference: ContainerImageReference, fetcher: Fetcher) -> str:
    parameters = {match["name"].lower(): match["value"] for match in _PARAMETER.finditer(challenge)}
    realm = parameters.get("realm", "")
    if not challenge.lower().startswith("bearer ") or not realm:
        raise RegistryError(_needs_login(reference))
    if base.startswith("https:") and not realm.startswith("https://"):
        raise RegistryError(f"the registry sends to {realm} for a token, which is not encrypted")
    query = {
        "service": parameters.get("service", ""),
        "scope": parameters.get("scope") or f"repository:{reference.repository}:pull",
    }
    separator = "&" if urlsplit(realm).query else "?"
    answer = fetcher.get(f"{realm}{separator}{urlencode({k: v for k, v in query.items() if v})}", {}, _UNAUTHORIZED)
    if answer.status in _UNAUTHORIZED:
        raise RegistryError(_needs_login(reference))
    try:
        data = json.loads(answer.body)
        token = data.get("token") or data.get("access_token")
    except (ValueError, AttributeError):
        token = None
    if not isinstance(token, str):
        raise RegistryError(f"{realm} gives no token")
    return token


def _checked_digest(answer: Fetched) -> str:
    try:
        manifest = json.loads(answer.body)
        known = manifest["schemaVersion"] == 2 and ("manifests" in manifest or "config" in manifest)
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise RegistryError("the answer is neither an image manifest nor an index of manifests (schema version 2)")
    computed = f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
    stated = answer.headers.get("Docker-Content-Digest", computed)
    if stated != computed:
        raise RegistryError(f"the registry states the digest {stated}, but the manifest it sends has {computed}")
    return computed


def _explained(reference: ContainerImageReference, error: FetchError) -> Exception:
    if error.status == 404:
        return RegistryError(f"there is no such image at {urlsplit(error.url).netloc}; check name and tag")
    if error.status in (401, 403):
        return RegistryError(_needs_login(reference))
    if error.status == 429:
        return RegistryError(f"{error.reason}: the registry's rate limit is reached; try again later")
    return error


def _needs_login(reference: ContainerImageReference) -> str:
    return (
        "the registry wants a login, or there is no such image; a private image can be pinned without locking: "
        f"write {reference.registry}/{reference.repository}@sha256:<digest>"
    )
