"""The secrets platform among everything else: its host is checked like any container, and what is its own besides."""

from __future__ import annotations

import pytest

from homelab.config.image_lock import ImageLock, LockedContainerImage
from homelab.config.platform_images import container_images
from tests.config.cases import environment, expected, said

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxhcHRvcGxhcHRvcGxhcHRvcGxhcHRvcGxhcHRvcGxh me@laptop"
BASE = f"""
firewall: {{enabled: true, ipsets: {{management: {{addresses: [lan]}}}}}}
defaults: {{ssh_keys: [{KEY}]}}
secrets: {{network: {{name: lan, address: 10.0.0.20}}, admin: {{email: admin@example.com}}}}
"""


def changed(**settings: str) -> str:
    lines = "".join(f"  {name}: {value}\n" for name, value in settings.items())
    return BASE.replace(
        "secrets: {network: {name: lan, address: 10.0.0.20}, admin: {email: admin@example.com}}\n", ""
    ) + (
        "secrets:\n"
        + ("" if "network" in settings else "  network: {name: lan, address: 10.0.0.20}\n")
        + "  admin: {email: admin@example.com}\n"
        + lines
    )


def test_nothing_is_said_about_a_small_one() -> None:
    assert said(BASE) == ""


CASES = {
    "too little memory": (
        changed(memory="1GiB"),
        """
        error: secrets.memory
            Infisical with its database does not start in so little memory
            found:    1GiB
            allowed:  2GiB or more
            fix:      write memory: 4GiB, or remove it
        """,
    ),
    "another system": (
        changed(os="ubuntu-24.04"),
        """
        error: secrets.os
            the Docker host is set up on Debian or Alpine
            found:    ubuntu-24.04
            allowed:  debian-12, debian-13, alpine-3.22, alpine-3.23, alpine-3.24
            fix:      write os: debian-12
        """,
    ),
    "unknown system": (
        changed(os="debian-1"),
        """
        error: secrets.os
            there is no container template debian-1 in the catalogue
            found:    debian-1
            allowed:  CATALOGUE
            fix:      did you mean debian-13?
        """,
    ),
    "no key": (
        BASE.replace(KEY, ""),
        """
        error: secrets.ssh_keys
            root of the Docker host has no key, and Terraform reaches the engine over SSH
            allowed:  at least one public key
            fix:      add ssh_keys here or in defaults, with the key of the deploying machine
        """,
    ),
    "Docker's own subnet": (
        changed(docker_network="10.0.0.0/16"),
        """
        error: secrets.docker_network
            Docker's network on the host overlaps with 10.0.0.0/24 of networks.lan, which the host could then not reach
            found:    10.0.0.0/16
            allowed:  a subnet that no network of the environment has
            fix:      write docker_network: 172.31.240.0/24, or another free one
        """,
    ),
    "an address that somebody has": (
        changed() + "containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.20}}}\n",
        """
        error: secrets.network[0].address
            the address 10.0.0.20 of secrets is already that of containers.dns
            found:    10.0.0.20
            allowed:  an address that no other guest of the network has
            fix:      write 10.0.0.2
        """,
    ),
    "a number that somebody has": (
        changed(vm_id="9200") + "containers: {dns: {os: debian-12, vm_id: 9200}}\n",
        """
        error: secrets.vm_id
            VMID 9200 of secrets is already that of containers.dns
            found:    9200
            allowed:  a number that nothing else in the cluster has
            fix:      write vm_id: 9201
        """,
    ),
    "a name that somebody has": (
        changed() + "containers: {secrets: {os: debian-12, vm_id: 9200, hostname: other}}\n",
        """
        error: secrets
            secrets is also the name of containers.secrets
            found:    secrets
            allowed:  a key that no platform's container has
            fix:      rename containers.secrets
        """,
    ),
    "a network that is not there": (
        changed(network="lann"),
        """
        error: secrets.network[0].name
            there is no network lann
            found:    lann
            allowed:  lan
            fix:      did you mean lan?
        """,
    ),
    "a peer that is not there": (
        changed(web_from="[lann]"),
        """
        error: secrets.web_from
        """,
    ),
    "more memory than there is": (
        changed(memory="128GiB"),
        """
        error: proxmox.nodes.pve.memory
            guests are promised more than the memory of node pve, 64GiB less 2GiB for Proxmox: secrets 128GiB
        """,
    ),
    "a group of its own": (
        changed() + "containers: {dns: {os: debian-12, vm_id: 9200, group: secrets-host}}\n",
        """
        error: containers.dns.group
            the stack one-secrets-host is not for guests
            found:    secrets-host
        """,
    ),
    "sops and an absolute folder of the state": (
        "state: {backend: local, directory: /srv/state}\n"
        + changed(
            projects="{homelab: {environments: {prod: {folders: {/: {A: {sops: a.yaml, key: b}}}}}}}",
        ),
        """
        error: secrets.projects.homelab.environments.prod.folders./.A.sops
            files of sops are found from the folder of the state, and that is an absolute one here
            found:    /srv/state
            allowed:  sops with a state folder relative to the project
            fix:      write state: {directory: state}, or give the value by from_environment
        """,
    ),
}


@pytest.mark.parametrize(("change", "text"), CASES.values(), ids=CASES)
def test_what_is_said(change: str, text: str) -> None:
    assert expected(text).replace("CATALOGUE", _catalogue()) in said(change)


def _catalogue() -> str:
    from homelab.config.image_catalogue import CONTAINER_TEMPLATES

    return ", ".join(CONTAINER_TEMPLATES)


def test_a_document_that_does_not_fit_is_refused() -> None:
    named = ", ".join(f"SECRET_{number}: {{generate: password, comment: {'x' * 200}}}" for number in range(400))
    text = said(changed(projects=f"{{homelab: {{environments: {{prod: {{folders: {{/: {{{named}}}}}}}}}}}}}"))

    assert "error: secrets.projects\n    the projects make a document of" in text


def test_images_without_digest_are_said_each_where_it_is_named() -> None:
    text = said(BASE, image_lock=ImageLock.empty())

    for name in ("postgres", "redis", "infisical"):
        assert f"warning: secrets.images.{name}\n    the image has no digest" in text
    assert said("policy: {unlocked_images: error}\n" + BASE, image_lock=ImageLock.empty()).count("error: ") == 4


def test_locked_images_are_not_mentioned() -> None:
    locked = LockedContainerImage(digest=f"sha256:{'ab' * 32}", resolved_at="2026-01-01T00:00:00Z")  # type: ignore[arg-type]
    references = ("postgres:15-alpine", "library/redis:7-alpine", "infisical/infisical:v0.167.2")
    from homelab.config.container_image_reference import normalise_container_image_reference

    lock = ImageLock(container_images={normalise_container_image_reference(one): locked for one in references})

    assert "secrets.images" not in said(BASE, image_lock=lock)


def test_every_container_image_is_named_with_its_place() -> None:
    used = {one.path: one.reference for one in container_images(environment(BASE))}

    assert used == {
        ("secrets", "images", "postgres"): "postgres:15-alpine",
        ("secrets", "images", "redis"): "redis:7-alpine",
        ("secrets", "images", "infisical"): "infisical/infisical:v0.167.2",
    }
