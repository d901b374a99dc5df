"""What locking tells people, line by line as it happens, and what it tells programs as JSON."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.text import Text

from operations.images.locking import LockResult, Outcome, Status
from operations.images.requests import RequestedImage

_STYLES = {
    Status.ADDED: "green",
    Status.UPDATED: "yellow",
    Status.MOVED: "bold red",
    Status.FAILED: "bold red",
    Status.REMOVED: "yellow",
}
_LABEL_WIDTH = 12


def print_outcome(console: Console, outcome: Outcome, check: bool) -> None:
    """One image: its status, name and checksum; what was and what is, one below the other, where they differ."""
    label, style = _label(outcome, check)
    line = Text(f"{label:<{_LABEL_WIDTH}}", style=style)
    line.append(f"{outcome.name}  ", style="bold" if outcome.status in (Status.MOVED, Status.FAILED) else "")
    if outcome.status in (Status.ADDED, Status.UNCHANGED, Status.PINNED):
        line.append(outcome.served or "", style="dim")
    _print(console, line)
    details: list[str] = []
    if outcome.status in (Status.MOVED, Status.UPDATED, Status.FAILED):
        details.append(outcome.key)
    if outcome.status in (Status.MOVED, Status.UPDATED):
        details += [f"locked  {outcome.locked}", f"served  {outcome.served}"]
    if outcome.message:
        details.append(outcome.message)
    for detail in details:
        _print(console, Text(f"{'':<{_LABEL_WIDTH}}{detail}", style="red" if style == "bold red" else "dim"))


def print_summary(console: Console, result: LockResult, lock_path: str, written: bool, check: bool) -> None:
    """How many of each, what became of the file, and what to do about what is left."""
    statuses = Counter(_label(outcome, check)[0] for outcome in result.outcomes)
    counted = ", ".join(f"{count} {label}" for label, count in statuses.items()) or "nothing to lock"
    fate = "written" if written else "not changed"
    _print(console, Text(f"{counted}; {lock_path} {fate}."))
    found = {outcome.status for outcome in result.outcomes}
    if result.interrupted:
        _print(console, Text("Interrupted: what was resolved before is kept. Run the same command again for the rest."))
    if Status.MOVED in found:
        _print(
            console,
            Text(
                "Something that is locked is served with other content now. Vendors do that to 'latest' addresses; so "
                "does an attacker. Take the new content with `homelab images lock --update`.",
                style="bold red",
            ),
        )
    if check and (Status.ADDED in found or any(_not_locked(outcome) for outcome in result.outcomes)):
        _print(console, Text("Lock what is missing with `homelab images lock`."))


def result_as_json(result: LockResult, lock_path: str, written: bool, exit_code: int) -> str:
    """The whole result for programs."""
    data = {
        "lock_file": lock_path,
        "written": written,
        "interrupted": result.interrupted,
        "exit_code": exit_code,
        "images": [asdict(outcome) for outcome in result.outcomes],
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def refusal_as_json(message: str, lock_path: str, exit_code: int) -> str:
    """For programs: why nothing was done."""
    data = {"lock_file": lock_path, "written": False, "exit_code": exit_code, "error": message}
    return json.dumps(data, indent=2, ensure_ascii=False)


class DownloadProgress:
    """A bar for the image that is being downloaded, where the console is a terminal; otherwise a line per image."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, request: RequestedImage, received: int, size: int | None) -> None:
        """Shows how far the download of ``request`` is."""
        if request.url not in self._tasks:
            if not self._console.is_terminal:
                _print(self._console, Text(f"{'download':<{_LABEL_WIDTH}}{request.name}  {request.url}"))
            self._tasks[request.url] = self._bar.add_task(request.name, total=size)
        finished = size is not None and received >= size
        self._bar.update(self._tasks[request.url], completed=received, visible=not finished)


def _label(outcome: Outcome, check: bool) -> tuple[str, str]:
    if check and outcome.status is Status.ADDED:
        return "not locked", "bold red"
    return str(outcome.status), _STYLES.get(outcome.status, "dim")


def _not_locked(outcome: Outcome) -> bool:
    return outcome.status is Status.FAILED and outcome.locked is None


def _print(console: Console, text: Text) -> None:
    console.print(text, soft_wrap=True, highlight=False)
