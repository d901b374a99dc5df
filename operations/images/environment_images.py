"""Which images environments use, as requests to lock them."""

from __future__ import annotations

from collections.abc import Iterable

from homelab.config.environment import Environment
from homelab.config.image import Image
from homelab.config.image_catalogue import container_template, disk_image
from homelab.config.platform_containers import all_containers
from homelab.config.platform_images import container_images
from homelab.config.service_containers import built_here
from operations.images.requests import (
    ImageKind,
    RequestedContainerImage,
    RequestedImage,
    request_for_container_template,
    request_for_disk_image,
    request_for_download,
)


def requested_images(environments: Iterable[Environment]) -> list[RequestedImage]:
    """What has no checksum of its own, images and downloads of services: each URL once, in the order of the files."""
    found: dict[str, RequestedImage] = {}
    for environment in environments:
        for key, template in environment.templates.items():
            if isinstance(template.image, str):
                _add(found, request_for_disk_image(disk_image(template.image)))
            elif template.image is not None:
                _add_own(found, key, template.image, "disk")
        for defined in all_containers(environment):
            container = defined.container
            if container.os is not None:
                _add(found, request_for_container_template(container_template(container.os)))
            elif container.image is not None:
                _add_own(found, defined.key, container.image, "container_template")
        for name, enabled in built_here(environment).items():
            for download in enabled.service.downloads:
                _add(found, request_for_download(name, download))
    return list(found.values())


def requested_container_images(environments: Iterable[Environment]) -> list[RequestedContainerImage]:
    """The container images of platforms: each reference once, in the files' order."""
    references = [used.reference for environment in environments for used in container_images(environment)]
    return [RequestedContainerImage(reference) for reference in dict.fromkeys(references)]


def _add_own(found: dict[str, RequestedImage], key: str, image: Image, kind: ImageKind) -> None:
    if image.checksum is None:
        _add(found, RequestedImage(key, image.url, image.checksum_url, kind=kind, file_name=image.stored_name))


def _add(found: dict[str, RequestedImage], request: RequestedImage) -> None:
    found.setdefault(request.url, request)
