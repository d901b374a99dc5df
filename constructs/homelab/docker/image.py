"""Container images on an engine."""

from cdktf_cdktf_provider_docker.image import Image as DockerImage
from constructs import Construct


class Image(DockerImage):
    """Defines a container image that the engine pulls.

    Decided for you: with a digest the engine takes that very image, whatever the tag points to by now; an image that is
    no longer used stays on the engine (``keep_locally``), because the engine refuses to remove one that still runs
    while its successor is pulled.

    Args:
        reference: name and tag, such as ``postgres:15-alpine``.
        digest: ``sha256:<hex>``; what the tag points to at the first pull when None.

    Source: ``docker_image``.
    """

    def __init__(self, scope: Construct, id_: str, *, reference: str, digest: str | None = None) -> None:
        pinned = f"{reference}@{digest}" if digest and "@" not in reference else reference
        super().__init__(scope, id_, name=pinned, keep_locally=True)
