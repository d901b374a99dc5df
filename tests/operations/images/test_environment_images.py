"""Which images of an environment are asked for when it is locked."""

from typing import Any

from homelab.config.environment import Environment
from homelab.services.registry import services
from operations.images.environment_images import requested_container_images, requested_images

NODE = {"cores": 8, "memory": "32GiB", "datastores": {"local": {}}}


def _environment(**content: Any) -> Environment:
    proxmox = {"endpoint": "https://pve.example:8006", "nodes": {"pve": NODE}}
    return Environment.model_validate({"name": "dev", "proxmox": proxmox, **content})


def test_images_of_the_catalogue_bring_their_checksum_file() -> None:
    environment = _environment(
        templates={"debian": {"vm_id": 9000, "image": "debian-12"}},
        containers={"dns": {"vm_id": 9200, "os": "alpine-3.22"}},
    )
    disk, template = requested_images([environment])
    assert disk.url.endswith("debian-12-generic-amd64.qcow2")
    assert disk.checksum_url is not None
    assert disk.checksum_url.endswith("SHA512SUMS")
    assert template.kind == "container_template"
    assert template.follow_series


def test_an_image_that_several_use_is_asked_for_once() -> None:
    containers = {name: {"vm_id": 9200 + index, "os": "debian-12"} for index, name in enumerate(("a", "b", "c"))}
    environment = _environment(containers=containers)
    assert len(requested_images([environment, environment])) == 1


def test_an_image_with_its_own_checksum_is_not_asked_for() -> None:
    image = {"url": "https://files.example/own.qcow2", "checksum": "sha256:" + "a" * 64}
    assert requested_images([_environment(templates={"own": {"vm_id": 9000, "image": image}})]) == []


def test_an_image_of_ones_own_keeps_its_checksum_file_and_its_name() -> None:
    image = {
        "url": "https://files.example/own.img",
        "checksum_url": "https://files.example/SHA256SUMS",
        "file_name": "own.qcow2",
    }
    (request,) = requested_images([_environment(templates={"own": {"vm_id": 9000, "image": image}})])
    assert (request.checksum_url, request.file_name, request.kind) == (
        "https://files.example/SHA256SUMS",
        "own.qcow2",
        "disk",
    )


def test_a_template_that_is_on_the_node_already_needs_no_lock() -> None:
    container = {"vm_id": 9200, "template_file": "local:vztmpl/mine.tar.zst", "os_type": "debian"}
    assert requested_images([_environment(containers={"mine": container})]) == []


def test_container_images_of_platforms_are_asked_for_once() -> None:
    secrets = {"network": "lan", "admin": {"email": "admin@example.com"}}
    environment = _environment(secrets=secrets)

    requests = requested_container_images([environment, environment])

    assert [request.reference for request in requests] == [
        "postgres:15-alpine",
        "redis:7-alpine",
        "infisical/infisical:v0.167.2",
    ]


def test_downloads_of_services_bring_their_checksum_file_and_not_with_a_community_script() -> None:
    built = next(service for service in services().values() if service.downloads)
    (download, *_) = built.downloads
    environment = _environment(services={built.name: {}})
    found = {request.url: request for request in requested_images([environment])}
    assert (found[download.url].checksum_url, found[download.url].kind) == (download.checksum_url, "download")
    script = {"url": "https://files.example/script.sh", "checksum": f"sha256:{'0' * 64}"}
    environment = _environment(services={built.name: {"template": {"script": script}}})
    assert download.url not in {request.url for request in requested_images([environment])}


def test_container_images_of_services_are_asked_for() -> None:
    built = next(service for service in services().values() if service.images)
    references = [request.reference for request in requested_container_images([_environment(services=[built.name])])]
    assert references == [image.reference for image in built.images]
