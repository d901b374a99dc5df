"""Which images environments use, as requests to lock them."""

from __future__ import annotations

from collections.abc import Iterable

from homelab.config.environment import Environment
from homelab.config.image import Image
from homelab.config.image_catalogue import container_template, disk_image
from homelab.config.platform_containers import all_containers
from operations.images.requests import (
    ImageKind,
    RequestedImage,
    request_for_container_template,
    request_for_disk_image,
)


def requested_images(environments: Iterable[Environment]) -> list[RequestedImage]:
    """The images of templates and containers that have no checksum of their own: each URL once, in the files' order."""
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
    return list(found.values())


def _add_own(found: dict[str, RequestedImage], key: str, image: Image, kind: ImageKind) -> None:
    if image.checksum is None:
        _add(found, RequestedImage(key, image.url, image.checksum_url, kind=kind, file_name=image.stored_name))


def _add(found: dict[str, RequestedImage], request: RequestedImage) -> None:
    found.setdefault(request.url, request)
