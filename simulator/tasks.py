"""Tasks: what Proxmox starts in the background and answers with a UPID."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from .errors import ApiError, TaskFailure
from .faults import Fault, Faults
from .guest_backend import GuestBackend, after_effect, before_effect
from .state import Guest

Effect = Callable[["Task"], Awaitable[None] | None]
KEPT_TASKS = 20_000
HELD_TASK_LOOKS_AFTER_SECONDS = 0.02


@dataclass(slots=True)
class Task:
    """A task and what it has written so far."""

    upid: str
    node: str
    type: str
    id: str
    user: str
    pid: int
    starttime: int
    endtime: int | None = None
    exitstatus: str | None = None
    lines: list[str] = field(default_factory=list)

    def log(self, line: str) -> None:
        """Adds a line to the log."""
        self.lines.append(line)


@dataclass(frozen=True, slots=True)
class _Work:
    """What a task does, to whom, and how it is to fail."""

    task: Task
    effect: Effect
    guest: Guest | None
    undo: Callable[[], None] | None
    error: str
    held_by: Fault | None


class Tasks:
    """All tasks of the cluster; the newest `KEPT_TASKS` are kept."""

    def __init__(self, seconds: float, faults: Faults, changed: Callable[[], None]) -> None:
        self.seconds = seconds
        self.faults = faults
        self._changed = changed
        self.by_upid: dict[str, Task] = {}
        self._pid = 0x1000
        self._background: set[asyncio.Task[None]] = set()
        self.backend: GuestBackend | None = None

    def start(
        self,
        node: str,
        task_type: str,
        task_id: str | int,
        user: str,
        effect: Effect,
        *,
        guest: Guest | None = None,
        undo: Callable[[], None] | None = None,
        seconds: float | None = None,
    ) -> str:
        """Starts a task.

        Args:
            effect: makes the change when the time is over; a coroutine function works during that time.
            guest: is busy until the end.
            undo: takes back what the request already did, if the task fails.
            seconds: how long it takes, if not the usual time.
        """
        self._pid += 1
        now = int(time.time())
        upid = f"UPID:{node}:{self._pid:08X}:{self._pid * 7:08X}:{now:08X}:{task_type}:{task_id}:{user}:"
        task = Task(upid, node, task_type, str(task_id), user, self._pid, now)
        self.by_upid[upid] = task
        if len(self.by_upid) > KEPT_TASKS:
            self.by_upid.pop(next(iter(self.by_upid)))
        fault = self.faults.for_task(task_type)
        duration = self.seconds if seconds is None else seconds
        if fault and fault.task_seconds is not None:
            duration = fault.task_seconds
        error = fault.task_error if fault else ""
        if guest:
            guest.busy += 1
        held_by = fault if fault and fault.task_held else None
        work = _Work(task, effect, guest, undo, error, held_by)
        real = self.backend is not None and guest is not None and guest.kind == "lxc"
        if duration <= 0 and not real and not held_by and (error or not inspect.iscoroutinefunction(effect)):
            self._finish(work, error)
        else:
            running = asyncio.get_running_loop().create_task(self._run(work, duration))
            self._background.add(running)
            running.add_done_callback(self._background.discard)
        return upid

    async def _run(self, work: _Work, seconds: float) -> None:
        started = time.monotonic()
        failure = work.error
        backend = self.backend if work.guest and work.guest.kind == "lxc" else None
        if not failure and backend and work.guest:
            try:
                await before_effect(backend, work.task.type, work.task.id, work.guest)
            except TaskFailure as problem:
                failure = str(problem)
        if not failure and inspect.iscoroutinefunction(work.effect):
            try:
                await work.effect(work.task)
            except (TaskFailure, ApiError) as problem:
                failure = str(problem)
        await asyncio.sleep(max(0.0, seconds - (time.monotonic() - started)))
        # Removed in another thread, which an event of this loop would not hear.
        while work.held_by and self.faults.in_force(work.held_by):  # noqa: ASYNC110
            await asyncio.sleep(HELD_TASK_LOOKS_AFTER_SECONDS)
        failure = self._take_effect(work, failure)
        if not failure and backend and work.guest:
            try:
                await after_effect(backend, work.task.type, work.guest)
            except TaskFailure as problem:
                failure = str(problem)
        self._end(work, failure)

    def _finish(self, work: _Work, error: str) -> None:
        self._end(work, self._take_effect(work, error))

    def _take_effect(self, work: _Work, error: str) -> str:
        if not error and not inspect.iscoroutinefunction(work.effect):
            try:
                work.effect(work.task)
            except (TaskFailure, ApiError) as problem:
                return str(problem)
        return error

    def _end(self, work: _Work, error: str) -> None:
        task = work.task
        if error and work.undo:
            work.undo()
        if work.guest:
            work.guest.busy -= 1
        task.endtime = int(time.time())
        task.exitstatus = error or "OK"
        task.log(f"TASK ERROR: {error}" if error else "TASK OK")
        self._changed()

    async def close(self) -> None:
        """Cancels what still runs."""
        for running in list(self._background):
            running.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
