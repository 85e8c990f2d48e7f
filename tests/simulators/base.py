"""What every simulator shares: a server on 127.0.0.1, a request log and faults on demand."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
import time
from typing import Any, Self

from aiohttp import web

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class When(StrEnum):
    """Whether a fault strikes before or after the request has changed the server's state."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault to inject.

    `path` is a glob over the path as the server sees it. The fault strikes from the `first` matching
    call on (counted from 1, from the moment the fault was added), `times` times (None: for good).
    Exactly one of `status`, `drop` or `delay` alone decides what happens; `delay` (seconds) may also
    precede a status or a drop.
    """

    path: str
    method: str = "*"
    first: int = 1
    times: int | None = 1
    when: When = When.BEFORE
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    content_type: str = "text/html"
    drop: bool = False
    delay: float = 0.0
    seen: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Count the call and tell whether this fault hits it."""
        if self.method not in ("*", method) or not fnmatchcase(path, self.path):
            return False
        self.seen += 1
        return self.seen >= self.first and (self.times is None or self.seen < self.first + self.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """A request as the server received it. `at` is monotonic seconds, `status` 0 for a dropped one."""

    at: float
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: dict[str, str]
    body: bytes
    status: int


class Simulator:
    """A server with state. Subclasses add routes to `app` in their constructor."""

    def __init__(self) -> None:
        """Prepare the application; nothing listens until `start`."""
        self.app = web.Application(middlewares=[self._serve], client_max_size=16 * 2**20)
        self.faults: list[Fault] = []
        self.log: list[LoggedRequest] = []
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Base URL without a trailing slash."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self, port: int = 0) -> Self:
        """Listen on 127.0.0.1; port 0 takes a free one, a later start keeps it."""
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port or self._port)
        await site.start()
        sockets = site._server.sockets if isinstance(site._server, asyncio.Server) else ()
        self._port = sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Stop listening; the state stays, so that a later `start` is a restarted server."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        """Start on a free port."""
        return await self.start()

    async def __aexit__(self, *_exc: object) -> None:
        """Stop."""
        await self.stop()

    def inject(self, path: str, **settings: Any) -> Fault:
        """Add a fault and return it; see `Fault` for the settings."""
        fault = Fault(path=path, **settings)
        self.faults.append(fault)
        return fault

    def heal(self) -> None:
        """Remove all faults."""
        self.faults.clear()

    def requests(self, path: str = "*", method: str = "*") -> list[LoggedRequest]:
        """Logged requests whose path matches the glob."""
        return [r for r in self.log if method in ("*", r.method) and fnmatchcase(r.path, path)]

    @web.middleware
    async def _serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        arrived = time.monotonic()
        body = await request.read()
        status = 0
        try:
            response = await self._answer(request, handler)
            status = response.status
        except web.HTTPException as err:
            status = err.status
            raise
        finally:
            self.log.append(
                LoggedRequest(
                    at=arrived,
                    method=request.method,
                    path=request.path,
                    query=tuple(request.query.items()),
                    headers=dict(request.headers),
                    body=body,
                    status=status,
                )
            )
        return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        # every fault counts the call, also when an earlier one already struck
        hits = [f for f in self.faults if f.strikes(request.method, request.path)]
        fault = hits[0] if hits else None
        if fault is None:
            return await handler(request)
        if fault.when is When.AFTER:
            normal = await handler(request)
            if fault.status is None and not fault.drop:
                await asyncio.sleep(fault.delay)
                return normal
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.drop:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("dropped on purpose")
        if fault.status is None:
            return await handler(request)
        return web.Response(
            status=fault.status, text=fault.body, headers=fault.headers, content_type=fault.content_type
        )
