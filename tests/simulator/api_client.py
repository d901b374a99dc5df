"""A small client for the simulator's API, and what a refusal looks like."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from typing import Any

import httpx

from simulator import Simulator

IMAGE_URL = "https://images.example.org/debian-12.qcow2"
TEMPLATE_URL = "https://images.example.org/debian-12-standard_12.7-1_amd64.tar.zst"
CT_TEMPLATE = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"


@dataclass(frozen=True)
class Refusal:
    """An answer that isn't 200."""

    status: int
    message: str
    errors: dict[str, str]


class Api:
    """Calls the API with one token or ticket."""

    def __init__(self, simulator: Simulator, token: str | None = None) -> None:
        self.simulator = simulator
        context = ssl.create_default_context(cafile=str(simulator.ca_file))
        self.http = httpx.Client(base_url=f"{simulator.endpoint}api2/json", verify=context, timeout=30)
        if token:
            self.http.headers["Authorization"] = f"PVEAPIToken={token}"

    def answer(self, method: str, path: str, /, **values: Any) -> httpx.Response:
        """The raw answer; names may use ``_`` for ``-``."""
        sent = {name.replace("__", "-"): value for name, value in values.items()}
        if method in ("GET", "DELETE"):
            return self.http.request(method, path, params=sent)
        return self.http.request(method, path, data=sent)

    def call(self, method: str, path: str, /, **values: Any) -> Any:
        """The data of a good answer."""
        answer = self.answer(method, path, **values)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()["data"]

    def get(self, path: str, /, **values: Any) -> Any:
        return self.call("GET", path, **values)

    def post(self, path: str, /, **values: Any) -> Any:
        return self.call("POST", path, **values)

    def put(self, path: str, /, **values: Any) -> Any:
        return self.call("PUT", path, **values)

    def delete(self, path: str, /, **values: Any) -> Any:
        return self.call("DELETE", path, **values)

    def refused(self, method: str, path: str, /, **values: Any) -> Refusal:
        """What a refused request says; the reason line and the body must agree."""
        answer = self.answer(method, path, **values)
        assert answer.status_code != 200, answer.text
        body = answer.json()
        assert body["data"] is None
        assert body["message"].strip() == answer.reason_phrase
        return Refusal(answer.status_code, answer.reason_phrase, body.get("errors", {}))

    def status(self, upid: str) -> dict[str, Any]:
        """Status of a task."""
        status: dict[str, Any] = self.get(f"/nodes/{upid.split(':')[1]}/tasks/{upid}/status")
        return status

    def finished(self, upid: str) -> str:
        """The exit status of a task, when it has one."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            status = self.status(upid)
            if status["status"] == "stopped":
                return str(status["exitstatus"])
            time.sleep(0.02)
        raise AssertionError(f"{upid} does not end")

    def done(self, upid: str) -> None:
        """Asserts that a task ends well."""
        assert self.finished(upid) == "OK"

    def add_machine(self, vmid: int = 100, **values: Any) -> None:
        """A virtual machine with a disk and an interface."""
        settings = {"name": f"vm{vmid}", "scsi0": "local-lvm:8", "net0": "virtio,bridge=vmbr0", **values}
        self.done(self.post("/nodes/pve/qemu", vmid=vmid, **settings))

    def add_container(self, vmid: int = 200, **values: Any) -> None:
        """A container from a downloaded template."""
        if CT_TEMPLATE not in [v["volid"] for v in self.get("/nodes/pve/storage/local/content")]:
            self.download(TEMPLATE_URL, "vztmpl")
        settings = {
            "ostemplate": CT_TEMPLATE,
            "unprivileged": 1,
            "rootfs": "local-lvm:4",
            "net0": "name=eth0,bridge=vmbr0,ip=dhcp",
            **values,
        }
        self.done(self.post("/nodes/pve/lxc", vmid=vmid, **settings))

    def download(self, url: str, content: str, /, **values: Any) -> None:
        """A file on ``local``."""
        name = url.rpartition("/")[2]
        path = "/nodes/pve/storage/local/download-url"
        self.done(self.post(path, url=url, content=content, filename=name, **values))
