"""Faults to inject: answers with an HTTP status, delays, dropped connections, tasks that fail or take long."""

from __future__ import annotations

import fnmatch
import threading
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        method: HTTP method, ``*`` for any.
        path: pattern of the path below ``/api2/json`` with ``*`` and ``?``; ``*`` for any.
        times: how many matching requests (or tasks) it hits; ``None`` is all until it is removed.
        status: HTTP status to answer with, and ``message`` as its reason.
        delay: seconds to wait before the request is worked on.
        drop: ``before`` closes the connection before anything is done, ``after`` when the change is made.
        task: pattern of a task's type (``vzcreate``, ``qmstart``, ...); makes this a fault of tasks.
        task_error: exit status the task ends with; its change isn't made.
        task_seconds: how long the task takes instead of the usual time.
        task_held: the task goes on until this fault is removed.
    """

    method: str = "*"
    path: str = "*"
    times: int | None = 1
    status: int | None = None
    message: str = "internal error"
    delay: float = 0.0
    drop: Literal["", "before", "after"] = ""
    task: str = ""
    task_error: str = ""
    task_seconds: float | None = None
    task_held: bool = False
    hits: int = 0


class Faults:
    """The faults in force; safe to change from another thread than the server's."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault | None = None, **values: Any) -> Fault:
        """Puts a fault into force; keyword arguments are those of `Fault`."""
        fault = fault or Fault(**values)
        with self._lock:
            self._faults.append(fault)
        return fault

    def fail_request(
        self, method: str, path: str, status: int = 500, message: str = "internal error", times: int | None = 1
    ) -> Fault:
        """The next matching requests are answered with this status; nothing is changed."""
        return self.add(method=method, path=path, status=status, message=message, times=times)

    def drop_connection(
        self, method: str, path: str, when: Literal["before", "after"] = "before", times: int | None = 1
    ) -> Fault:
        """The connection of the next matching requests breaks before or after the change."""
        return self.add(method=method, path=path, drop=when, times=times)

    def fail_task(self, task: str, error: str, times: int | None = 1) -> Fault:
        """The next tasks of this type end with this exit status."""
        return self.add(task=task, task_error=error, times=times)

    def slow_task(self, task: str, seconds: float, times: int | None = None) -> Fault:
        """Tasks of this type take this long."""
        return self.add(task=task, task_seconds=seconds, times=times)

    def hold_task(self, task: str) -> Fault:
        """Tasks of this type go on until the fault is removed, however long what is tested meanwhile takes."""
        return self.add(task=task, task_held=True, times=None)

    def node_unreachable(self, node: str) -> Fault:
        """Every request about the node is answered as by a cluster that can't reach it, until the fault is removed."""
        return self.add(path=f"/nodes/{node}/*", status=595, message="No route to host", times=None)

    def refuse_all(self, status: int = 401, message: str = "permission denied - invalid PVE ticket") -> Fault:
        """Every request is refused, until the fault is removed."""
        return self.add(status=status, message=message, times=None)

    def remove(self, fault: Fault) -> None:
        """Takes one fault out of force."""
        with self._lock:
            if fault in self._faults:
                self._faults.remove(fault)

    def clear(self) -> None:
        """Takes all faults out of force."""
        with self._lock:
            self._faults.clear()

    def active(self) -> list[Fault]:
        """The faults in force, in the order they were added."""
        with self._lock:
            return list(self._faults)

    def in_force(self, fault: Fault) -> bool:
        """Whether a fault was not removed yet."""
        with self._lock:
            return fault in self._faults

    def for_request(self, method: str, path: str) -> Fault | None:
        """The first fault that hits this request; counts the hit."""
        if not self._faults:
            return None
        return self._take(lambda f: not f.task and f.method in ("*", method) and fnmatch.fnmatchcase(path, f.path))

    def for_task(self, task: str) -> Fault | None:
        """The first fault that hits a task of this type; counts the hit."""
        if not self._faults:
            return None
        return self._take(lambda f: bool(f.task) and fnmatch.fnmatchcase(task, f.task))

    def _take(self, matches: Any) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if matches(fault):
                    fault.hits += 1
                    if fault.times is not None and fault.hits >= fault.times:
                        self._faults.remove(fault)
                    return fault
        return None
