"""Shows what Terraform is doing: on a terminal a few lines that change, elsewhere one line for each thing done."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from operations.terraform.messages import Message, Said, Work
from operations.terraform.stacks import Stack

_DOING = {"create": "creating", "update": "changing", "delete": "destroying", "replace": "replacing", "read": "reading"}
_DONE = {"create": "created", "update": "changed", "delete": "destroyed", "replace": "replaced", "read": "read"}
LINES = 8
"""How many things in progress a terminal shows at once."""


@dataclass
class _Running:
    step: str
    since: float = field(default_factory=time.monotonic)
    resources: dict[str, tuple[str, float]] = field(default_factory=dict)


class Display:
    """Progress of several stacks at once; its methods may be called from any thread.

    Args:
        console: where to; the changing lines come only where it is a terminal.
        prefix: what stacks' names begin with and lines leave out, such as ``dev-``.
    """

    def __init__(self, console: Console, *, prefix: str = "") -> None:
        self.console = console
        self._prefix = prefix
        self._running: dict[str, _Running] = {}
        self._lock = threading.RLock()
        self._done = 0
        self._total = 0

    @contextmanager
    def showing(self, total: int) -> Iterator[None]:
        """Shows progress while the context is entered; ``total`` is the number of stacks."""
        self._done, self._total = 0, total
        if not self.console.is_terminal:
            yield
            return
        with Live(
            get_renderable=self._render,
            console=self.console,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ):
            yield

    def line(self, stack: str, text: str, style: str = "") -> None:
        """One finished line about a stack."""
        self.console.print(Text.assemble((f"  {self._short(stack)}  ", "dim"), (text, style)), soft_wrap=True)

    def note(self, text: str) -> None:
        """One line about several stacks."""
        self.console.print(Text(text, "yellow"), soft_wrap=True)

    @contextmanager
    def step(self, stack: Stack, step: str, *, counts: bool = True) -> Iterator[None]:
        """While the context is entered, ``stack`` is in ``step``: ``planning``, ``applying``.

        Args:
            counts: the stack is done with at the end of it.
        """
        with self._lock:
            self._running[stack.name] = _Running(step)
        try:
            yield
        finally:
            with self._lock:
                self._running.pop(stack.name, None)
                self._done += counts

    def hear(self, stack: Stack, message: Message) -> None:
        """Takes in a message of Terraform."""
        if isinstance(message, Said):
            self._said(stack, message)
            return
        if not isinstance(message, Work) or message.action not in _DOING or message.address.startswith("data."):
            return
        label = stack.resource(message.address).label
        with self._lock:
            resources = self._running[stack.name].resources if stack.name in self._running else {}
            if message.stage == "start":
                resources[message.address] = (f"{_DOING[message.action]} {label}", time.monotonic())
            elif message.stage != "progress":
                resources.pop(message.address, None)
        if message.stage == "complete":
            self.line(stack.name, f"{_DONE[message.action]} {label}{_seconds(message.seconds)}")
        elif message.stage == "errored":
            self.line(stack.name, f"failed: {label}", "red")
        elif message.stage == "progress" and not self.console.is_terminal and message.seconds % 30 < 10:
            self.line(stack.name, f"still {_DOING[message.action]} {label}{_seconds(message.seconds)}")

    def _said(self, stack: Stack, message: Said) -> None:
        """The last line of a script that runs, in place of the time that it has taken."""
        text = " ".join(message.text.split())
        with self._lock:
            running = self._running.get(stack.name)
            if text and running and message.address in running.resources:
                label = stack.resource(message.address).label
                running.resources[message.address] = (f"{label}: {text}", running.resources[message.address][1])

    def _short(self, stack: str) -> str:
        return stack.removeprefix(self._prefix)

    def _render(self) -> Group:
        now = time.monotonic()
        lines: list[Text] = []
        with self._lock:
            for name, running in self._running.items():
                if not running.resources:
                    lines.append(_line(self._short(name), running.step, now - running.since))
                lines += [_line(self._short(name), text, now - since) for text, since in running.resources.values()]
        hidden = len(lines) - LINES
        lines = lines[:LINES]
        if hidden > 0:
            lines.append(Text(f"  and {hidden} more at once", style="dim"))
        if self._total > 1:
            lines.append(Text(f"  {self._done} of {self._total} stacks", style="dim"))
        return Group(*lines)


def _line(stack: str, text: str, seconds: float) -> Text:
    line = Text.assemble((f"  {stack}  ", "dim"), (text, "cyan"), (_seconds(seconds), "dim"), no_wrap=True)
    line.overflow = "ellipsis"
    return line


def _seconds(seconds: float) -> str:
    if seconds < 1:
        return ""
    return f" ({seconds:.0f} s)" if seconds < 100 else f" ({seconds // 60:.0f} min {seconds % 60:.0f} s)"
