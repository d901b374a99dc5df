"""The secrets platform in an environment file: what its models decide and what they refuse."""

# ruff: noqa: E501 (what is said is compared as it is printed)

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from homelab.config.platform_containers import all_containers
from homelab.config.resolution import resolve
from homelab.config.secret_resources import desired_resources
from homelab.config.secrets import Secrets
from tests.config.cases import environment
from tests.config.file_cases import aligned, said

SMALL = "network: lan, admin: {email: admin@example.com}"


def secrets(**changes: Any) -> Secrets:
    return Secrets.model_validate({"network": "lan", "admin": {"email": "admin@example.com"}, **changes})


def project(**named: Any) -> dict[str, Any]:
    return {"homelab": {"environments": {"prod": {"folders": {"/": named}}}}}


def test_a_network_and_an_email_are_enough() -> None:
    container = secrets().container()

    assert (container.vm_id, container.os, container.cores, container.memory) == (9900, "debian-12", 2, 4096)
    assert (container.swap, container.disk, container.start_on_boot, container.protection) == (512, 16, True, True)
    assert (container.unprivileged, container.features.nesting, container.features.keyctl) == (True, True, False)


def test_only_ssh_and_the_web_port_are_let_in_from_its_own_network() -> None:
    firewall = secrets(port=8443).container().firewall

    assert firewall.enabled
    assert firewall.input_policy == "DROP"
    assert [(allow.port, allow.from_) for allow in firewall.allow] == [("22", "lan"), ("8443", "lan")]


def test_ssh_and_the_web_port_are_for_whom_is_named() -> None:
    firewall = secrets(ssh_from=["admins"], web_from=["lan", "10.0.5.0/24"]).container().firewall

    assert [allow.from_ for allow in firewall.allow] == ["admins", "lan,10.0.5.0/24"]


def test_the_host_is_a_container_of_the_environment_like_any_other() -> None:
    one = environment(f"secrets: {{{SMALL}, cores: 4}}\ndefaults: {{ssh_keys: []}}\n")

    assert [(defined.path, defined.key) for defined in all_containers(one)] == [(("secrets",), "secrets")]
    resolved = resolve(one)
    assert resolved.containers["secrets"].cores == 4
    assert resolved.groups == {"secrets-host": ("secrets",)}
    assert resolved.digests == dict.fromkeys(
        ("postgres:15-alpine", "redis:7-alpine", "infisical/infisical:v0.167.2"), None
    )


def test_origins_of_secrets_are_told_in_the_words_of_the_bootstrap() -> None:
    wanted = secrets(
        projects=project(
            A={"generate": "hex", "length": 16},
            B={"from_environment": "B_TOKEN", "comment": "of the mail server"},
            C={"sops": "prod.sops.yaml", "key": "mail.password", "references": True},
            D={"prompt": "Licence key"},
        ),
        identities={"builds": {"projects": {"homelab": "viewer"}}},
    )
    document = desired_resources("prod", wanted.projects, wanted.identities)

    [made] = document["projects"]
    assert {secret["name"]: secret["value"] for secret in made["secrets"]} == {
        "A": {"source": "generated", "kind": "hex", "length": 16},
        "B": {"source": "environment", "variable": "B_TOKEN"},
        "C": {"source": "sops", "file": "prod.sops.yaml", "key": "mail.password"},
        "D": {"source": "prompt", "text": "Licence key"},
    }
    assert {key: made[key] for key in ("key", "name", "slug")} == dict.fromkeys(("key", "name", "slug"), "homelab")
    assert made["environments"] == [{"slug": "prod", "name": "prod"}]
    assert made["folders"] == [{"environment": "prod", "path": "/"}]
    assert document["identities"] == [
        {"name": "builds", "role": "no-access", "projects": [{"project": "homelab", "role": "viewer"}]}
    ]
    assert document["owner"] == "prod"


def test_the_document_is_one_that_the_bootstrap_takes() -> None:
    from bootstrap.desired import Resources

    wanted = secrets(
        projects={**project(A={"generate": "password"}), "other": {"environments": {"dev": {"name": "Development"}}}},
        identities={
            "builds": {"role": "member", "projects": {"homelab": "admin", "other": "no-access"}},
            "backups": {"universal_auth": True},
        },
    )

    document = Resources.model_validate(desired_resources("prod", wanted.projects, wanted.identities))
    assert [one.slug for one in document.projects] == ["homelab", "other"]
    assert {one.name: one.universal_auth for one in document.identities} == {"builds": False, "backups": True}


def placed(text: str) -> str:
    return f"secrets: {{{SMALL}, {text}}}"


def secret(text: str) -> str:
    return placed(f"projects: {{homelab: {{environments: {{prod: {{folders: {{/: {{TOKEN: {text}}}}}}}}}}}}}")


CASES = {
    "value in clear": (
        secret("{value: hunter2-in-clear}"),
        """
        117 error: secrets.projects.homelab.environments.prod.folders./.TOKEN
            a secret's value never stands in this file, only where it comes from
            allowed:  generate: password, from_environment: VARIABLE, sops: FILE with key: a.b, or prompt: TEXT
            fix:      remove value, say where it comes from, and change the value if it was committed
        """,
    ),
    "value as a text": (
        secret("hunter2-in-clear"),
        """
        124 error: secrets.projects.homelab.environments.prod.folders./.TOKEN
            a secret's value never stands in this file, only where it comes from
            allowed:  generate: password, from_environment: VARIABLE, sops: FILE with key: a.b, or prompt: TEXT
            fix:      write {generate: password}, and change the value if it was committed
        """,
    ),
    "two origins": (
        secret("{generate: password, prompt: which}"),
        """
        117 error: secrets.projects.homelab.environments.prod.folders./.TOKEN
            a secret comes from one place, here: generate and prompt
            allowed:  generate: password, from_environment: VARIABLE, sops: FILE with key: a.b, or prompt: TEXT
            fix:      keep one of them
        """,
    ),
    "sops without key": (
        secret("{sops: prod.sops.yaml}"),
        """
        117 error: secrets.projects.homelab.environments.prod.folders./.TOKEN
            sops names the file and key the place in it
            allowed:  both or neither
            fix:      add what is missing
        """,
    ),
    "image that moves": (
        placed("images: {infisical: 'infisical/infisical:latest'}"),
        """
        80 error: secrets.images.infisical
            this image is another one every few days, and a database does not go back to an older release
            found:    infisical/infisical:latest
            allowed:  an image with the tag of one release, or with a digest
            fix:      write the release, such as infisical/infisical:v0.167.2
        """,
    ),
    "image without tag": (
        placed("images: {redis: redis}"),
        """
        76 error: secrets.images.redis
            this image is another one every few days, and a database does not go back to an older release
            found:    redis
            allowed:  an image with the tag of one release, or with a digest
            fix:      write the release, such as infisical/infisical:v0.167.2
        """,
    ),
    "no image at all": (
        placed("images: {redis: 'Redis:7'}"),
        """
        76 error: secrets.images.redis
            container image 'Redis:7': the name 'library/Redis' must be lower-case letters and digits, separated by '.', '_' or '-' within a part and by '/' between parts
            found:    Redis:7
            allowed:  NAME:TAG, or NAME@sha256:...
            fix:      write postgres:15-alpine
        """,
    ),
    "email": (
        "secrets: {network: lan, admin: {email: admin}}",
        """
        40 error: secrets.admin.email
            this is not an email address
            found:    admin
            allowed:  NAME@DOMAIN
            fix:      write it like admin@example.com
        """,
    ),
    "no admin": (
        "secrets: {network: lan}",
        """
        1 error: secrets.admin
            the key admin is missing
            allowed:  The first administrator
            fix:      add admin: ...
        """,
    ),
    "address with a path": (
        placed("url: 'https://secrets.home.arpa/ui'"),
        """
        65 error: secrets.url
            this is not the address of a web site
            found:    https://secrets.home.arpa/ui
            allowed:  http:// or https:// and a host, with a port or without, and nothing after it
            fix:      write it like https://secrets.home.arpa
        """,
    ),
    "port of SSH": (
        placed("port: 22"),
        """
        1 error: secrets
            port 22 is that of SSH
            allowed:  another port
            fix:      write port: 8080
        """,
    ),
    "slug": (
        placed("projects: {abc: {environments: {prod: {}}}}"),
        """
        71 error: secrets.projects.abc
            this is not the slug of a project
            found:    abc
            allowed:  5 to 36 of a-z and 0-9, with single - between them
            fix:      write it like homelab-secrets
        """,
    ),
    "role in an unknown project": (
        placed("identities: {builds: {projects: {homelab: viewer}}}"),
        """
        1 error: secrets
            identity builds has a role in the project homelab, which is not there
            allowed:  no project is defined
            fix:      add it to projects, or remove it from identities.builds.projects
        """,
    ),
    "identity of its own name": (
        placed("identities: {Terraform-Controller: {}}"),
        """
        1 error: secrets
            Terraform-Controller is the identity that everything is set up with
            allowed:  another name in identities
            fix:      rename it there, or in identity.name
        """,
    ),
}


@pytest.mark.parametrize(("change", "text"), CASES.values(), ids=CASES)
def test_what_is_said(change: str, text: str, tmp_path: Path) -> None:
    assert said(tmp_path, change) == aligned(text)


@pytest.mark.parametrize("change", [secret("{value: hunter2-in-clear}"), secret("hunter2-in-clear")])
def test_a_value_that_was_written_is_not_repeated(change: str, tmp_path: Path) -> None:
    assert "hunter2" not in said(tmp_path, change)


@pytest.mark.parametrize(
    "reference", ["infisical/infisical:v0.167.2", "postgres@sha256:" + "ab" * 32, "ghcr.io:443/team/redis:7"]
)
def test_a_tag_of_a_release_and_a_digest_are_pinned(reference: str) -> None:
    assert secrets(images={"redis": reference}).images.redis == reference
