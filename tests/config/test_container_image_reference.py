"""References to container images in every form that people write."""

import pytest

from homelab.config.container_image_reference import (
    ImageReferenceError,
    normalise_container_image_reference,
    parse_container_image_reference,
)

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("written", "complete"),
    [
        ("postgres", "docker.io/library/postgres:latest"),
        ("postgres:15-alpine", "docker.io/library/postgres:15-alpine"),
        ("library/postgres:15-alpine", "docker.io/library/postgres:15-alpine"),
        ("docker.io/postgres:15", "docker.io/library/postgres:15"),
        ("index.docker.io/library/postgres:15", "docker.io/library/postgres:15"),
        ("registry-1.docker.io/infisical/infisical:v0.160.1", "docker.io/infisical/infisical:v0.160.1"),
        ("infisical/infisical:v0.160.1", "docker.io/infisical/infisical:v0.160.1"),
        ("ghcr.io/goauthentik/server:2025.8", "ghcr.io/goauthentik/server:2025.8"),
        ("GHCR.io/goauthentik/server:2025.8", "ghcr.io/goauthentik/server:2025.8"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/team/app:1", "localhost:5000/team/app:1"),
        ("127.0.0.1:5000/library/postgres:15-alpine", "127.0.0.1:5000/library/postgres:15-alpine"),
        ("[::1]:5000/app:1", "[::1]:5000/app:1"),
        (f"postgres@{DIGEST}", f"docker.io/library/postgres@{DIGEST}"),
        (f"postgres:15@{DIGEST}", f"docker.io/library/postgres:15@{DIGEST}"),
        ("a/b/c_d/e__f/g-h:V1.2_x-y", "docker.io/a/b/c_d/e__f/g-h:V1.2_x-y"),
    ],
)
def test_every_default_is_written_out(written: str, complete: str) -> None:
    assert normalise_container_image_reference(written) == complete
    assert normalise_container_image_reference(complete) == complete


def test_the_parts_can_be_read_one_by_one() -> None:
    reference = parse_container_image_reference(f"ghcr.io/team/app:1.2@{DIGEST}")
    assert (reference.registry, reference.repository, reference.tag, reference.digest) == (
        "ghcr.io",
        "team/app",
        "1.2",
        DIGEST,
    )


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("", "the name 'library/' must be"),
        ("Postgres", "the name 'library/Postgres' must be"),
        ("postgres:", "the tag '' must be"),
        ("postgres:-x", "the tag '-x' must be"),
        ("postgres:" + "x" * 129, "must be 1 to 128 letters"),
        ("postgres@sha256:abc", "the digest 'sha256:abc' is not"),
        ("postgres@", "the digest '' is not"),
        ("ghcr.io/", "the name '' must be"),
        ("ghcr.io//app", "the name '/app' must be"),
        ("bad host.io/app", "'bad host.io' is not a registry"),
        ("ghcr.io:port/app", "'ghcr.io:port' is not a registry"),
        ("https://ghcr.io/app", "'https:' is not a registry"),
    ],
)
def test_what_is_no_reference_is_refused_with_the_part_that_is_wrong(written: str, problem: str) -> None:
    with pytest.raises(ImageReferenceError) as caught:
        parse_container_image_reference(written)
    assert problem in str(caught.value)
    assert repr(written) in str(caught.value)
