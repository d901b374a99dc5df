"""``/nodes/{node}/tasks``: status, log and list of tasks."""

from __future__ import annotations

from typing import Any

from simulator.call import Call
from simulator.endpoints import endpoint
from simulator.errors import ApiError, failed
from simulator.tasks import Task

_TASK = "/nodes/{node}/tasks/{upid}"


def _find(call: Call) -> Task:
    upid = call.path["upid"]
    task = call.server.tasks.by_upid.get(upid)
    if task is None:
        if not upid.startswith("UPID:"):
            raise ApiError(400, "Parameter verification failed.", {"upid": f"unable to parse worker upid '{upid}'"})
        raise failed(f"no such task '{upid}'")
    if task.user != call.who.name and task.user.partition("!")[0] != call.who.user:
        call.require(f"/nodes/{task.node}", "Sys.Audit")
    return task


def _summary(task: Task) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "upid": task.upid,
        "node": task.node,
        "pid": task.pid,
        "pstart": task.pid * 7,
        "starttime": task.starttime,
        "type": task.type,
        "id": task.id,
        "user": task.user,
    }
    if task.endtime is not None:
        summary["endtime"] = task.endtime
    return summary


@endpoint(
    "GET",
    "/nodes/{node}/tasks",
    "errors:bool limit:int since:int source start:int statusfilter typefilter until:int userfilter vmid:int",
)
def list_tasks(call: Call) -> Any:
    """Newest first."""
    wanted = call.values
    found = []
    for task in reversed(call.server.tasks.by_upid.values()):
        if task.node != call.node or (wanted.get("errors") and task.exitstatus in (None, "OK")):
            continue
        if wanted.get("typefilter", task.type) != task.type or str(wanted.get("vmid", task.id)) != task.id:
            continue
        found.append(_summary(task) | ({"status": task.exitstatus} if task.exitstatus else {}))
    start = int(wanted.get("start", 0))
    return found[start : start + int(wanted.get("limit", 50))]


@endpoint("GET", f"{_TASK}/status")
def status(call: Call) -> Any:
    """``running``, or ``stopped`` with the exit status."""
    task = _find(call)
    if task.exitstatus is None:
        return _summary(task) | {"status": "running"}
    return _summary(task) | {"status": "stopped", "exitstatus": task.exitstatus}


@endpoint("GET", f"{_TASK}/log", "download:bool limit:int start:int")
def log(call: Call) -> Any:
    """Numbered lines."""
    start = int(call.values.get("start", 0))
    lines = _find(call).lines[start : start + int(call.values.get("limit", 50))]
    return [{"n": start + i + 1, "t": line} for i, line in enumerate(lines)]


@endpoint("DELETE", _TASK)
def stop(call: Call) -> None:
    """Stopping is accepted for tasks that are already over; a running one of the simulator can't be stopped."""
    task = _find(call)
    if task.exitstatus is None:
        raise failed("stopping a running task is not simulated")
