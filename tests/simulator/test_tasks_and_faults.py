"""Tasks that take time, locks they hold, and faults that are injected."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from simulator import Fault, Simulator
from tests.simulator.api_client import CT_TEMPLATE, TEMPLATE_URL, Api


@pytest.fixture
def slow() -> Iterator[Api]:
    """A client of a simulator whose tasks take 0.3 seconds, and whose requests wait 0.1 for a lock."""
    with Simulator(task_seconds=0.3, lock_seconds=0.1) as simulator:
        client = Api(simulator, simulator.api_token)
        yield client
        client.http.close()


def test_a_task_runs_and_then_has_an_exit_status_and_a_log(slow: Api) -> None:
    upid = slow.post("/nodes/pve/qemu", vmid=100)
    assert upid.startswith("UPID:pve:")
    assert upid.endswith(":qmcreate:100:root@pam!simulator:")
    assert slow.status(upid)["status"] == "running"
    assert slow.get("/nodes/pve/qemu/100/config")["lock"] == "create"
    slow.done(upid)
    assert "lock" not in slow.get("/nodes/pve/qemu/100/config")
    assert slow.get(f"/nodes/pve/tasks/{upid}/log")[-1]["t"] == "TASK OK"
    assert slow.get("/nodes/pve/tasks")[0]["upid"] == upid


def test_a_request_waits_for_a_task_on_its_guest_and_then_gives_up(slow: Api) -> None:
    upid = slow.post("/nodes/pve/qemu", vmid=100)
    message = "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout"
    assert slow.refused("POST", "/nodes/pve/qemu/100/status/start").message == message
    slow.done(upid)
    slow.done(slow.post("/nodes/pve/qemu/100/status/start"))


def test_a_request_succeeds_when_the_task_ends_in_time() -> None:
    with Simulator(task_seconds=0.2) as simulator:
        api = Api(simulator, simulator.api_token)
        api.post("/nodes/pve/qemu", vmid=100)
        api.put("/nodes/pve/qemu/100/config", cores=2)
        api.http.close()


def test_a_malformed_upid_is_refused(api: Api) -> None:
    refusal = api.refused("GET", "/nodes/pve/tasks/nonsense/status")
    assert refusal.errors == {"upid": "unable to parse worker upid 'nonsense'"}


def test_others_do_not_see_a_task(api: Api, simulator: Simulator) -> None:
    upid = api.post("/nodes/pve/qemu", vmid=100)
    simulator.add_user("robot@pve")
    robot = Api(simulator, simulator.add_token("robot@pve", "t"))
    refusal = robot.refused("GET", f"/nodes/pve/tasks/{upid}/status")
    assert refusal.message == "Permission check failed (/nodes/pve, Sys.Audit)"
    robot.http.close()


def test_a_failing_task_of_a_creation_leaves_nothing(api: Api, simulator: Simulator) -> None:
    api.download(TEMPLATE_URL, "vztmpl")
    simulator.faults.fail_task("vzcreate", "unable to create CT 200 - no space left on device")
    upid = api.post("/nodes/pve/lxc", vmid=200, ostemplate=CT_TEMPLATE, rootfs="local-lvm:4")
    assert api.finished(upid) == "unable to create CT 200 - no space left on device"
    assert api.get(f"/nodes/pve/tasks/{upid}/log")[-1]["t"].startswith("TASK ERROR: unable to create CT 200")
    assert simulator.guests() == {}
    assert api.get("/nodes/pve/storage/local-lvm/content") == []
    api.add_container()


@pytest.mark.parametrize("kind", ["qemu", "lxc"])
def test_a_failing_clone_leaves_its_source_alone(api: Api, simulator: Simulator, kind: str) -> None:
    api.add_machine(100) if kind == "qemu" else api.add_container(100)
    simulator.faults.fail_task("*clone", "clone failed: disk full")
    assert api.finished(api.post(f"/nodes/pve/{kind}/100/clone", newid=101)) == "clone failed: disk full"
    assert list(simulator.guests()) == [100]
    assert len(api.get("/nodes/pve/storage/local-lvm/content")) == 1


def test_a_task_can_be_made_slow(api: Api, simulator: Simulator) -> None:
    simulator.faults.slow_task("qmcreate", 0.3)
    upid = api.post("/nodes/pve/qemu", vmid=100)
    assert api.status(upid)["status"] == "running"
    api.done(upid)


def test_a_held_task_goes_on_until_it_is_let_go(api: Api, simulator: Simulator) -> None:
    simulator.faults.hold_task("qmcreate")
    upid = api.post("/nodes/pve/qemu", vmid=100)
    time.sleep(0.1)
    assert api.status(upid)["status"] == "running"
    simulator.faults.clear()
    api.done(upid)


def test_a_status_hits_the_next_matching_requests_only(api: Api, simulator: Simulator) -> None:
    simulator.faults.fail_request("GET", "/nodes/*/qemu", status=503, message="overloaded", times=2)
    assert [api.answer("GET", "/nodes/pve/qemu").status_code for _ in range(3)] == [503, 503, 200]
    assert simulator.faults.active() == []


def test_a_connection_dropped_before_changes_nothing(api: Api, simulator: Simulator) -> None:
    simulator.faults.drop_connection("POST", "/pools", "before")
    with pytest.raises(httpx.TransportError):
        api.post("/pools", poolid="lab")
    assert api.get("/pools") == []


def test_a_connection_dropped_after_has_made_the_change(api: Api, simulator: Simulator) -> None:
    simulator.faults.drop_connection("POST", "/pools", "after")
    with pytest.raises(httpx.TransportError):
        api.post("/pools", poolid="lab")
    assert [pool["poolid"] for pool in api.get("/pools")] == ["lab"]


def test_a_delay_holds_a_request_back(api: Api, simulator: Simulator) -> None:
    simulator.faults.add(Fault(path="/version", delay=0.3))
    started = time.monotonic()
    api.get("/version")
    assert time.monotonic() - started >= 0.3


def test_an_unreachable_node_answers_595_until_it_is_back(api: Api, simulator: Simulator) -> None:
    fault = simulator.faults.node_unreachable("pve2")
    refusal = api.refused("GET", "/nodes/pve2/qemu")
    assert (refusal.status, refusal.message) == (595, "No route to host")
    assert api.get("/nodes/pve/qemu") == []
    simulator.faults.remove(fault)
    assert api.get("/nodes/pve2/qemu") == []


def test_everything_can_be_refused(api: Api, simulator: Simulator) -> None:
    simulator.faults.refuse_all(401)
    assert api.refused("GET", "/version").message == "permission denied - invalid PVE ticket"
    simulator.faults.clear()
    assert api.get("/version")


def test_faults_are_set_over_http_by_root_only(api: Api, simulator: Simulator) -> None:
    url = f"{simulator.endpoint}simulator/faults"
    assert api.http.post(url, json={"path": "/version", "status": 500}).json()["data"][0]["path"] == "/version"
    assert api.answer("GET", "/version").status_code == 500
    assert api.http.post(url, json={"colour": "red"}).status_code == 400
    api.http.post(url, json={"path": "/pools", "status": 500, "times": None})
    api.http.delete(url)
    assert api.get("/pools") == []
    simulator.add_user("robot@pve")
    robot = Api(simulator, simulator.add_token("robot@pve", "t"))
    assert robot.http.post(url, json={"status": 500}).status_code == 403
    robot.http.headers.clear()
    assert robot.http.post(url, json={"status": 500}).status_code == 401
    robot.http.close()
