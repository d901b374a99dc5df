"""The HTTPS side: from a request to a handler and back, in the order of Proxmox's own server."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast
from urllib.parse import parse_qs, unquote

from aiohttp import web

from .api import AREAS
from .authentication import Authentication
from .call import Call
from .endpoints import ENDPOINTS, Endpoint, Routes
from .errors import ApiError, bad_parameters, failed
from .faults import Fault, Faults
from .files import NodeFiles
from .options import SimulatorOptions
from .permissions import Identity
from .state import Cluster
from .tasks import Tasks

PREFIX = "/api2/json"
KEPT_REQUESTS = 200_000
_SECRET = frozenset({"password", "cipassword"})
_ANONYMOUS = frozenset({("POST", "/access/ticket"), ("GET", "/access/ticket"), ("GET", "/access/domains")})

RequestHook = Callable[[str, str, Mapping[str, Sequence[str]]], list[str]]
"""Gets method, path below ``/api2/json`` as sent (percent-encoded) and parameters; returns what is wrong with them."""


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One answered request, without secrets."""

    method: str
    path: str
    parameters: dict[str, list[str]]
    status: int
    user: str
    message: str


class Prepared:
    """An answer that is already JSON."""

    def __init__(self, data: bytes) -> None:
        self.body = b'{"data":' + data + b"}"


class Server:
    """Serves the API of one cluster."""

    def __init__(self, options: SimulatorOptions, cluster: Cluster, files: NodeFiles, root_password: str) -> None:
        self.options = options
        self.cluster = cluster
        self.files = files
        self.faults = Faults()
        self.tasks = Tasks(options.task_seconds, self.faults, self.changed)
        self.authentication = Authentication(cluster, root_password)
        self.requests: deque[RequestRecord] = deque(maxlen=KEPT_REQUESTS)
        self.unimplemented: list[str] = []
        self.violations: list[str] = []
        self.hook: RequestHook | None = None
        self.revision = 0
        self.prepared: dict[tuple[str, str], tuple[int, float, Prepared]] = {}
        self.areas = AREAS
        self._routes = Routes(ENDPOINTS)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answers one HTTP request."""
        raw_path = request.raw_path.partition("?")[0]
        if not raw_path.startswith(PREFIX):
            return await self._control(request, raw_path)
        segments = [unquote(part) for part in raw_path[len(PREFIX) :].strip("/").split("/")]
        path = "/" + "/".join(segments)
        method = request.method
        sent: dict[str, list[str]] = parse_qs(request.query_string, keep_blank_values=True)
        user = ""
        fault = self.faults.for_request(method, path)
        if fault:
            await asyncio.sleep(fault.delay)
            if fault.drop == "before":
                return _abort(request)
        try:
            _refuse(fault)
            who = self._identify(request, path)
            user = who.name
            item, names = self._find(method, segments)
            upload = await self._read(request, item, sent)
            if self.hook and (problems := self.hook(method, raw_path[len(PREFIX) :], sent)):
                self.violations += [f"{method} {path}: {problem}" for problem in problems]
            data = await self._run(item, Call(self, who, names, upload=upload), sent)
            response = _answer(data)
        except ApiError as error:
            response = _refusal(error)
        if method != "GET":
            self.changed()
        kept = {name: ["***"] if name in _SECRET else values for name, values in sent.items()}
        message = response.reason or "" if response.status >= 400 else ""
        self.requests.append(RequestRecord(method, path, kept, response.status, user, message))
        return _abort(request) if fault and fault.drop == "after" else response

    def changed(self) -> None:
        """Says that the cluster isn't what it was: no prepared answer holds any longer."""
        self.revision += 1

    def prepare(self, key: tuple[str, str], make: Callable[[], Any]) -> Prepared:
        """The answer to a large list, made again when something changed or a second has passed."""
        now = time.monotonic()
        known = self.prepared.get(key)
        if known is None or known[0] != self.revision or now - known[1] > 1:
            known = (self.revision, now, Prepared(json.dumps(make(), separators=(",", ":")).encode()))
            self.prepared[key] = known
        return known[2]

    def _find(self, method: str, segments: list[str]) -> tuple[Endpoint, dict[str, str]]:
        found = self._routes.find(method, segments)
        if found is None:
            path = "/" + "/".join(segments)
            self.unimplemented.append(f"{method} {path}")
            raise ApiError(501, f"Method '{method} {path}' not implemented")
        return found

    def _identify(self, request: web.BaseRequest, path: str) -> Identity:
        if (request.method, path) in _ANONYMOUS:
            return Identity("")
        headers = request.headers
        ticket = unquote(request.cookies.get("PVEAuthCookie", ""))
        return self.authentication.identify(
            request.method, headers.get("Authorization"), ticket, headers.get("CSRFPreventionToken")
        )

    async def _run(self, item: Endpoint, call: Call, sent: dict[str, list[str]]) -> Any:
        if item.check:
            call.values = {name: values[0] for name, values in sent.items()}
            if not item.check_needs <= call.values.keys() | call.path.keys():
                item.parameters.verify(_without_path(sent, call.path))
            call.check(item.check)
        call.values = item.parameters.verify(_without_path(sent, call.path))
        if "node" in call.path:
            self.cluster.node(call.path["node"])
            if call.path["node"] in self.cluster.failed_nodes:
                raise ApiError(595, "No route to host")
        if item.locks:
            await self._wait_for_guest(call)
        data = item.handler(call)
        if asyncio.iscoroutine(data):
            return await cast(Awaitable[Any], data)
        return data

    async def _wait_for_guest(self, call: Call) -> None:
        guest = self.cluster.guests.get(int(call.path["vmid"])) if call.path["vmid"].isdigit() else None
        deadline = time.monotonic() + self.options.lock_seconds
        while guest is not None and guest.busy and guest.vmid in self.cluster.guests:
            if time.monotonic() >= deadline:
                where = (
                    f"qemu-server/lock-{guest.vmid}.conf"
                    if guest.kind == "qemu"
                    else f"lxc/pve-config-{guest.vmid}.lock"
                )
                raise failed(f"can't lock file '/var/lock/{where}' - got timeout")
            await asyncio.sleep(0.01)

    async def _read(
        self, request: web.BaseRequest, item: Endpoint, sent: dict[str, list[str]]
    ) -> tuple[str, bytes] | None:
        if item.raw and request.content_type.startswith("multipart/"):
            upload = None
            async for part in await request.multipart():
                name = str(getattr(part, "name", ""))
                data = bytes(await part.read(decode=False))  # type: ignore[union-attr]
                if filename := getattr(part, "filename", None):
                    upload = (str(filename), data)
                    sent[name] = [str(filename)]
                else:
                    sent[name] = [data.decode()]
            return upload
        if request.body_exists:
            body = await request.read()
            if request.content_type == "application/json":
                for name, value in json.loads(body or b"{}").items():
                    sent[name] = [_text(v) for v in value] if isinstance(value, list) else [_text(value)]
            else:
                sent.update(parse_qs(body.decode(), keep_blank_values=True, max_num_fields=1000))
        return None

    async def _control(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """``/simulator/faults``: GET lists, POST (JSON, fields of `Fault`) adds, DELETE clears. ``root@pam`` only."""
        if path != "/simulator/faults":
            return web.Response(status=404, text=f"no such file '{path}'\n")
        try:
            who = self._identify(request, path)
        except ApiError as error:
            return _refusal(error)
        if who.user != "root@pam":
            return _refusal(ApiError(403, "Permission check failed"))
        if request.method == "POST":
            try:
                self.faults.add(**await request.json())
            except (TypeError, ValueError) as problem:
                return _refusal(ApiError(400, f"not a fault: {problem}"))
        elif request.method == "DELETE":
            self.faults.clear()
        return _answer([asdict(fault) for fault in self.faults.active()])


def _without_path(sent: dict[str, list[str]], path: dict[str, str]) -> dict[str, list[str]]:
    """What was sent besides the names in the path, which clients may repeat."""
    repeated = path.keys() & sent.keys()
    if conflicts := {name for name in repeated if sent[name] != [path[name]]}:
        text = "duplicate parameter (already defined in URI) with conflicting values!"
        raise bad_parameters(dict.fromkeys(conflicts, text))
    return {name: values for name, values in sent.items() if name not in repeated} if repeated else sent


def _refuse(fault: Fault | None) -> None:
    if fault and fault.status is not None:
        raise ApiError(fault.status, fault.message)


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _answer(data: Any) -> web.Response:
    body = data.body if isinstance(data, Prepared) else json.dumps({"data": data}, separators=(",", ":")).encode()
    return web.Response(body=body, content_type="application/json")


def _refusal(error: ApiError) -> web.Response:
    body: dict[str, Any] = {"data": None, "message": error.message + "\n"}
    if error.errors:
        body["errors"] = error.errors
    reason = error.message.replace("\r", " ").replace("\n", " ")
    return web.Response(
        status=error.status, reason=reason, body=json.dumps(body).encode(), content_type="application/json"
    )


def _abort(request: web.BaseRequest) -> web.Response:
    """Breaks the connection; the answer that is returned goes nowhere."""
    if request.transport:
        request.transport.abort()
    return web.Response()
