"""``homelab images``: what guests are made from, and how it is pinned."""

from __future__ import annotations

from typing import Annotated

import typer

images = typer.Typer(help="What guests are made from, and how it is pinned.", rich_markup_mode=None)


@images.command("lock")
def lock(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE]...", help="Names of environments, or paths of files. All of environments/ when left out."
        ),
    ] = None,
    *,
    container_image: Annotated[
        list[str] | None,
        typer.Option(
            "--container-image",
            metavar="REFERENCE",
            help="Pin this container image too, such as postgres:15-alpine; repeatable.",
        ),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Take what is served now in place of what is locked.")
    ] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Remove entries that no environment named here uses.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Download every image and compare it with its checksum.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; say whether everything is locked and unchanged.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document instead of lines.")] = False,
) -> int:
    """Write the vendors' checksums of all images that environments use to images.lock.json.

    Exit code: 0 all is locked, 1 something could not be resolved or has moved (see --update), 2 called wrongly, 3 with
    --check: something is not locked or has moved.
    """
    from rich.console import Console

    from homelab.config.container_image_reference import ImageReferenceError
    from homelab.config.image_lock import default_lock_path
    from homelab.config.loading import load_environments
    from homelab.config.problems import InvalidEnvironment, render
    from operations.command_line.errors import CommandError, UsageError
    from operations.command_line.project import chosen_files, project_root
    from operations.images.command import LockOptions, lock_images
    from operations.images.environment_images import requested_container_images, requested_images
    from operations.images.requests import RequestedContainerImage

    root = project_root()
    try:
        environments = load_environments(chosen_files(files or [], root)).environments
    except InvalidEnvironment as error:
        raise CommandError("\n".join(render(problem) for problem in error.problems)) from None
    try:
        references = [
            *requested_container_images(environments),
            *(RequestedContainerImage(reference) for reference in container_image or []),
        ]
    except ImageReferenceError as error:
        raise UsageError(str(error)) from None
    options = LockOptions(update=update, prune=prune, verify=verify, check=check, json=json)
    return lock_images(requested_images(environments), references, default_lock_path(root), options, Console())
