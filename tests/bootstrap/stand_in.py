"""A stand-in for an Infisical server: its routes, errors and traps on loopback, told to fail where a test wants it.

It answers with the shapes of `shapes.py` and nothing else: an answer of another shape is recorded in `violations`.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.bootstrap import shapes
from tests.bootstrap.stand_in_instance import Instance, Version
from tests.bootstrap.stand_in_refusals import RefusedError, error_document, missing, unknown_route
from tests.bootstrap.stand_in_routes import Handler, Routes


@dataclass
class Fault:
    """What happens to requests instead of, or after, being handled.

    With `status`, that answer (`text` as an HTML page where given). With `reset`, the connection breaks: before the
    request is handled, or after it where `handled`. With `hang`, no answer for that many seconds. With `until`, the
    request is held back until that is set, and then handled.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""
    reset: bool = False
    handled: bool = False
    hang: float = 0.0
    until: threading.Event | None = None
    times: int = 1


@dataclass(frozen=True)
class Call:
    """A request that arrived."""

    method: str
    path: str
    body: dict[str, Any]
    client_port: int


class StandIn:
    """One stand-in server in a thread of its own. Use it as a context manager.

    Args:
        version: the release to behave like.
        tls: serve HTTPS with this context.
        listen_after_seconds: refuse connections for so long, as a server does that still migrates its database.
    """

    def __init__(
        self,
        version: Version = Version.V0_167,
        *,
        tls: ssl.SSLContext | None = None,
        listen_after_seconds: float = 0.0,
    ) -> None:
        self.instance = Instance(version)
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self._faults: dict[tuple[str, str], Fault] = {}
        self._tls = tls
        self._listen_after_seconds = listen_after_seconds
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._serving: asyncio.Future[None] | None = None
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.1)

    @property
    def url(self) -> str:
        """Where it listens."""
        scheme, host = ("https", "localhost") if self._tls else ("http", "127.0.0.1")
        return f"{scheme}://{host}:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        serving = asyncio.run_coroutine_threadsafe(self._serve(), self._loop)
        if not self._listen_after_seconds:
            serving.result(timeout=60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(timeout=60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=60)
        self._loop.close()
        self._socket.close()

    def fail(self, method: str, path: str, fault: Fault) -> None:
        """Applies the fault to the next `fault.times` requests of a method to a path."""
        self._faults[method, path] = fault

    def count(self, method: str, path: str) -> int:
        """How many requests of a method to a path arrived."""
        return sum(call.method == method and call.path == path for call in self.calls)

    async def _end(self) -> None:
        await self._runner.cleanup()
        # Requests that hang, of callers that are gone.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self) -> None:
        await asyncio.sleep(self._listen_after_seconds)
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket, ssl_context=self._tls).start()

    def _application(self) -> web.Application:
        application = web.Application()
        for method, path, handler in Routes(self.instance).table():
            application.router.add_route(method, path, self._answering(f"{method} {path}", handler))
        application.router.add_route("*", "/{rest:.*}", self._unknown_route)
        return application

    def _answering(self, route: str, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                await self._record(request)
            except web.HTTPRequestEntityTooLarge:
                # The limit of both servers is 1 MiB; Infisical's answer does not name it.
                return self._error(RefusedError(500, "InternalServerError", "Something went wrong"), {})
            fault = self._faults.get((request.method, request.path))
            if fault is None or fault.times < 1:
                return await self._handled(request, route, handler)
            fault.times -= 1
            if fault.until:
                await asyncio.get_running_loop().run_in_executor(None, fault.until.wait, 60)
                return await self._handled(request, route, handler)
            if fault.hang:
                await asyncio.sleep(fault.hang)
            if fault.handled:
                await self._handled(request, route, handler)
            if fault.reset:
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            if fault.text:
                return web.Response(
                    status=fault.status, text=fault.text, headers=fault.headers, content_type="text/html"
                )
            return self._error(RefusedError(fault.status, "InternalServerError", "Something went wrong"), fault.headers)

        return answer

    async def _record(self, request: web.Request) -> None:
        text = await request.text()
        assert request.transport is not None
        port = request.transport.get_extra_info("peername")[1]
        self.calls.append(Call(request.method, request.path, json.loads(text) if text else {}, port))

    async def _handled(self, request: web.Request, route: str, handler: Handler) -> web.Response:
        try:
            document = await handler(request)
        except RefusedError as refused:
            return self._error(refused, {})
        except KeyError as absent:
            return self._error(missing(str(absent.args[0])), {})
        if document is None:
            return web.Response()
        self.violations += [f"{route}: {fault}" for fault in shapes.faults(document, shapes.ANSWERS[route])]
        return web.json_response(document)

    def _error(self, refused: RefusedError, headers: dict[str, str]) -> web.Response:
        document = error_document(refused)
        self.violations += shapes.faults(document, shapes.ERROR, "error")
        return web.json_response(document, status=refused.status, headers=headers)

    async def _unknown_route(self, request: web.Request) -> web.Response:
        await self._record(request)
        document = unknown_route(request.method, request.path)
        self.violations += shapes.faults(document, shapes.UNKNOWN_ROUTE, "unknown route")
        return web.json_response(document, status=404)
