"""``pct`` of a simulated node, for scripts that run on one: it does by the API what Proxmox's own does by itself.

Run as a program, with the endpoint, the node and a token in the environment: ``python pct_program.py status 200``. Uses
nothing but the standard library, as it is started for every call.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ENDPOINT, TOKEN, NODE, CA_FILE = "PCT_ENDPOINT", "PCT_TOKEN", "PCT_NODE", "PCT_CA_FILE"
_TASK_SECONDS = 600


class Refusal(Exception):
    """What the API refuses, in its own words."""


class Api:
    """The API of the node whose ``pct`` this is."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.node = environ[NODE]
        self._base = f"{environ[ENDPOINT].rstrip('/')}/api2/json/nodes/{self.node}"
        self._headers = {"Authorization": f"PVEAPIToken={environ[TOKEN]}"}
        self._context = ssl.create_default_context(cafile=environ[CA_FILE])

    def call(self, method: str, path: str, **values: str) -> Any:
        """The answer's data; a task is waited for."""
        data = urllib.parse.urlencode(values)
        url = f"{self._base}{path}" + (f"?{data}" if data and method == "DELETE" else "")
        body = data.encode() if method in ("POST", "PUT") else None
        request = urllib.request.Request(url, data=body, headers=self._headers, method=method)  # noqa: S310 - https
        try:
            with urllib.request.urlopen(request, context=self._context, timeout=60) as answer:  # noqa: S310 - https
                found = json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise Refusal(_reason(error)) from None
        return self._finished(found) if isinstance(found, str) and found.startswith("UPID:") else found

    def _finished(self, task: str) -> None:
        deadline = time.monotonic() + _TASK_SECONDS
        while time.monotonic() < deadline:
            status = self.call("GET", f"/tasks/{urllib.parse.quote(task)}/status")
            if status["status"] == "stopped":
                if status["exitstatus"] != "OK":
                    raise Refusal(status["exitstatus"])
                return
            time.sleep(0.1)
        raise Refusal(f"task {task} has not ended after {_TASK_SECONDS} seconds")


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        answer = json.loads(error.read())
    except ValueError:
        answer = {}
    errors = answer.get("errors") or {}
    return "; ".join(f"{key}: {text}" for key, text in errors.items()) or answer.get("message") or str(error.reason)


def run(arguments: Sequence[str], api: Api) -> str:
    """What ``pct`` prints for these arguments.

    Raises:
        Refusal: the API refuses it.
        ValueError: this ``pct`` has no such command.
    """
    command, vmid, *more = arguments
    if command == "create":
        return str(api.call("POST", "/lxc", vmid=vmid, ostemplate=more[0], **_options(more[1:])) or "")
    guest = f"/lxc/{int(vmid)}"
    if command == "config":
        config = api.call("GET", f"{guest}/config")
        return "".join(f"{key}: {value}\n" for key, value in sorted(config.items()) if key != "digest")
    if command == "status":
        return f"status: {api.call('GET', f'{guest}/status/current')['status']}\n"
    if command in ("start", "stop", "shutdown", "reboot"):
        api.call("POST", f"{guest}/status/{command}", **_options(more))
    elif command == "template":
        api.call("POST", f"{guest}/template")
    elif command == "resize":
        api.call("PUT", f"{guest}/resize", disk=more[0], size=more[1])
    elif command == "set":
        api.call("PUT", f"{guest}/config", **_options(more))
    elif command == "destroy":
        api.call("DELETE", guest, **_options(more))
    else:
        raise ValueError(f"no command {command}")
    return ""


def _options(words: Sequence[str]) -> dict[str, str]:
    """``--forceStop 1 --timeout 60`` as the API's parameters."""
    return {name.lstrip("-"): value for name, value in zip(words[::2], words[1::2], strict=True)}


def write_program(folder: Path, *, api_endpoint: str, token: str, node: str, ca_file: Path) -> dict[str, str]:
    """Writes ``pct`` into ``folder`` and returns the environment in which a script on ``node`` finds it."""
    program = folder / "pct"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I "{Path(__file__).resolve()}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return {
        "PATH": f"{folder}:{os.defpath}",
        ENDPOINT: api_endpoint,
        TOKEN: token,
        NODE: node,
        CA_FILE: str(ca_file),
    }


if __name__ == "__main__":
    try:
        sys.stdout.write(run(sys.argv[1:], Api(os.environ)))
    except Refusal as refusal:
        sys.exit(f"{refusal}")
    except ValueError as error:
        sys.exit(f"ERROR: unknown command or options: {error}")
