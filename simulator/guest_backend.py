"""Something real behind the simulated containers: it does with machines what the API does with their configuration."""

from __future__ import annotations

from typing import Protocol

from .state import Guest


class GuestBackend(Protocol):
    """Makes, starts, stops and removes what stands behind a container.

    Each is called while the task of that name runs, which takes as long as the work does. `TaskFailure` ends the task
    with its message. What a task is not told of, such as a changed setting, counts from the next start on.
    """

    async def create(self, guest: Guest) -> None:
        """Makes an empty container from its template file."""

    async def clone(self, source: int, guest: Guest) -> None:
        """Copies the container with the VMID ``source``, which does not run."""

    async def start(self, guest: Guest) -> None:
        """Starts it; what is configured by then holds."""

    async def stop(self, guest: Guest, *, clean: bool) -> None:
        """Shuts it down (``clean``), or stops it at once."""

    async def destroy(self, guest: Guest) -> None:
        """Removes it with everything in it."""

    async def save(self, guest: Guest) -> None:
        """Keeps a copy of what is in it as ``guest.archive``; one that runs is stopped for that and started again."""

    async def restore(self, guest: Guest) -> None:
        """Makes it from ``guest.archive``, in the place of what has its VMID."""


async def before_effect(backend: GuestBackend, kind: str, task_id: str, guest: Guest) -> None:
    """What has to be real before the API's own state says so."""
    if kind == "vzcreate":
        await backend.create(guest)
    elif kind == "vzclone":
        await backend.clone(int(task_id), guest)
    elif kind in ("vzstop", "vzshutdown", "vzreboot"):
        await backend.stop(guest, clean=kind != "vzstop")
    elif kind == "vzdestroy":
        await backend.destroy(guest)
    elif kind == "vzrestore":
        await backend.restore(guest)


async def after_effect(backend: GuestBackend, kind: str, guest: Guest) -> None:
    """What may be done only once the API has found nothing against it."""
    if kind in ("vzstart", "vzreboot"):
        try:
            await backend.start(guest)
        except BaseException:
            guest.running = False
            raise
    elif kind == "vzdump":
        await backend.save(guest)
