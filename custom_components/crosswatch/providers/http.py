"""The one request function of all providers: pacing, retry, Retry-After and the error map."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
import logging
import math
import random
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from ..sync.provider import (
    AuthError,
    BadAnswerError,
    ForbiddenError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    UncertainWriteError,
    UnreachableError,
)

LOGGER = logging.getLogger(__name__)

LONGEST_WAIT = 300.0
"""Seconds a server may make one request wait; beyond it the run ends and says so."""
LONGEST_BACKOFF = 30.0
"""Seconds between two attempts when the server names no time."""
CONNECT_SHARE = 2 / 3
"""Part of the timeout after which a missing connection is known not to have carried anything."""
BIG_BODY = 64 * 1024
"""Bytes from which on JSON is parsed in a thread."""

HTTP_UNAUTHORIZED, HTTP_FORBIDDEN, HTTP_NOT_FOUND, HTTP_TOO_MANY = 401, 403, 404, 429
HTTP_PLEX_EXPIRED = 498

type Path = str | tuple[str, ...]
"""A path below the base URL, or its raw segments, each of which may hold any character."""


class Pacer:
    """Spaces the starts of requests by a minimum interval, first come first served.

    Share one between all that count against the same limit. There are no bursts: a wake-up that comes
    late by up to `SLACK` of an interval is made up for, so that the average keeps the pace, while time
    lost beyond that (nothing to send, a stalled machine) is lost.
    """

    SLACK = 0.1

    def __init__(self, per_second: float) -> None:
        """`per_second` 0 means no pacing; it may be changed at any time."""
        self.per_second = per_second
        self._next = 0.0
        self._turn = asyncio.Lock()

    async def wait(self) -> None:
        """Sleep until this request's turn. A cancelled wait costs the others nothing."""
        async with self._turn:
            now = asyncio.get_running_loop().time
            while (delay := self._next - now()) > 0:  # noqa: ASYNC110 - a pause may move the turn meanwhile
                await asyncio.sleep(delay)
            if self.per_second > 0:
                interval = 1 / self.per_second
                self._next = max(self._next, now() - self.SLACK * interval) + interval

    def pause(self, seconds: float) -> None:
        """Let no request start for so long: the service asked all of us to wait, not one request."""
        self._next = max(self._next, asyncio.get_running_loop().time() + seconds)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: status, headers, and the JSON body: None when empty, the bytes themselves when asked raw."""

    status: int
    headers: Mapping[str, str]
    data: Any


@dataclass(slots=True, kw_only=True)
class HttpClient:
    """Requests to one base URL with fixed headers; credentials travel in headers only.

    `attempts` counts the first one too. `timeout` is seconds for one attempt. `pacer_for` names the
    pacer of a method. `backoff` is the wait in seconds before the second attempt, doubled from there.
    `challenges`: an HTML page with 403 is a gateway's challenge and says nothing about the user; False
    where the service itself refuses with HTML.
    """

    session: aiohttp.ClientSession
    base: URL
    headers: Mapping[str, str]
    timeout: float = 15.0
    attempts: int = 3
    backoff: float = 0.5
    pacer_for: Callable[[str], Pacer | None] = field(default=lambda _method: None)
    challenges: bool = True
    requests: int = 0

    async def request(
        self,
        method: str,
        path: Path,
        *,
        params: Mapping[str, str | int] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
        attempts: int | None = None,
        not_modified: bool = False,
        raw: bool = False,
    ) -> Response:
        """Send one request and return its answer, or raise one of the provider errors.

        `repeatable` False marks a write that may not be sent twice: after an attempt that may have
        reached the service it raises `UncertainWriteError`; a 429 was never carried out and is retried.
        `attempts` replaces the client's own number. `not_modified` lets a 304 through. `raw` leaves the
        body as bytes, for big answers that are to be parsed away from the event loop.
        """
        attempts = attempts or self.attempts
        pacer = self.pacer_for(method)
        for attempt in range(1, attempts + 1):
            backoff = min(self.backoff * 2 ** (attempt - 1), LONGEST_BACKOFF)
            asked: float | None = None
            trouble: ProviderError
            if pacer is not None:
                await pacer.wait()
            try:
                status, reply_headers, body = await self._send(method, path, params, json, headers)
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as err:
                # nothing was sent: safe to repeat whatever it is
                trouble = UnreachableError(f"no connection ({type(err).__name__})")
            except (aiohttp.ClientError, OSError) as err:
                kind = UnreachableError if repeatable else UncertainWriteError
                trouble = kind(f"no answer ({type(err).__name__})")
            else:
                if status != HTTP_TOO_MANY and not temporary(status):
                    return await self._answer(
                        status, reply_headers, body, repeatable=repeatable, not_modified=not_modified, raw=raw
                    )
                asked = retry_after(reply_headers)
                trouble = trouble_of(status, asked, repeatable=repeatable)
                if pacer is not None and (asked is not None or status == HTTP_TOO_MANY):
                    # a wait for which this request is given up is that of a quota of its own: the others
                    # of this pace slow down, and find out by themselves whether they are meant too
                    pacer.pause(backoff if asked is None or asked > LONGEST_WAIT else asked)
            again = not isinstance(trouble, UncertainWriteError) and (asked or 0.0) <= LONGEST_WAIT
            if attempt == attempts or not again:
                raise trouble
            # jitter spreads the load of many clients; it hides nothing
            delay = backoff * random.uniform(1.0, 1.5)  # noqa: S311
            if asked is not None:
                delay = max(delay, asked + random.random())  # noqa: S311
            LOGGER.debug("%s attempt %d failed (%s), next in %.1f s", method, attempt, trouble, delay)
            await asyncio.sleep(delay)
        raise AssertionError("the loop returns or raises")

    async def _send(
        self,
        method: str,
        path: Path,
        params: Mapping[str, str | int] | None,
        json: Any,
        headers: Mapping[str, str] | None,
    ) -> tuple[int, Mapping[str, str], bytes]:
        if isinstance(path, str):
            url = self.base / path.lstrip("/")
        else:
            url = self.base.joinpath(*segments(path), encoded=True)
        if params:
            url = url.with_query({name: str(value) for name, value in params.items()})
        self.requests += 1
        async with (
            asyncio.timeout(self.timeout),
            self.session.request(
                method,
                url,
                data=None if json is None else orjson.dumps(json),
                headers={**self.headers, **(headers or {})},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.timeout * CONNECT_SHARE),
                middlewares=(sent_once,),
            ) as reply,
        ):
            return reply.status, reply.headers, await reply.read()

    async def _answer(
        self,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        *,
        repeatable: bool,
        not_modified: bool,
        raw: bool,
    ) -> Response:
        if 200 <= status < 300 or (status == 304 and not_modified):  # noqa: PLR2004
            if raw or not body:
                return Response(status, headers, body if raw else None)
            try:
                data = await asyncio.to_thread(decode, body) if len(body) >= BIG_BODY else decode(body)
            except BadAnswerError:
                if repeatable:
                    raise
                # accepted by whoever answered, perhaps not by the service
                raise UncertainWriteError(f"http:{status} (not JSON)") from None
            return Response(status, headers, data)
        if status in (HTTP_UNAUTHORIZED, HTTP_PLEX_EXPIRED):
            raise AuthError(f"http:{status}")
        if status == HTTP_FORBIDDEN:
            if self.challenges and "html" in headers.get("Content-Type", ""):
                # a gateway's challenge page says nothing about the credential
                raise UnreachableError("http:403 (challenge page)")
            raise ForbiddenError("http:403")
        if status == HTTP_NOT_FOUND:
            raise NotFoundError("http:404")
        if 400 <= status < 500:  # noqa: PLR2004
            raise RefusedError(status, self._harmless(error_text(body)))
        raise BadAnswerError(f"http:{status}")

    def _harmless(self, text: str) -> str:
        """Drop a server's text that repeats an address or one of our header values, such as the key."""
        secrets = [part for value in self.headers.values() for part in value.split() if len(part) >= 8]  # noqa: PLR2004
        return "" if "://" in text or any(secret in text for secret in secrets) else text


class ConnectionLostError(aiohttp.ClientError):
    """The connection was lost after the request had been sent, or while it was."""


async def sent_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a GET, PUT or DELETE again by itself when its connection is lost.

    It would do so without a pace, uncounted, and also for what must not be repeated.
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as err:
        raise ConnectionLostError(type(err).__name__) from None


def temporary(status: int) -> bool:
    """Whether a later try may go better: 408, and every 5xx (Cloudflare's 52x too) but "can't do that"."""
    return status == 408 or (status >= 500 and status not in (501, 505))  # noqa: PLR2004


def trouble_of(status: int, asked: float | None, *, repeatable: bool) -> ProviderError:
    """Return the error for a 429 or a temporary status; `asked` is the Retry-After in seconds."""
    if status != HTTP_TOO_MANY and not repeatable:
        return UncertainWriteError(f"http:{status}")
    if status == HTTP_TOO_MANY or (asked or 0.0) > LONGEST_WAIT:
        return RateLimitedError(f"http:{status}", asked)
    return UnreachableError(f"http:{status}")


def segments(path: tuple[str, ...]) -> list[str]:
    """Percent-encode the segments of a path. Raises `BadAnswerError` for one that would lead elsewhere."""
    if any(segment in ("", ".", "..") for segment in path):
        raise BadAnswerError("not an id")
    return [quote(segment, safe="") for segment in path]


def decode(body: bytes) -> Any:
    """Parse JSON, or raise `BadAnswerError` (an HTML page with status 200, half a body)."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadAnswerError("not JSON") from None


def error_text(body: bytes) -> str:
    """Return the server's short error text of a JSON error body, else nothing.

    Known shapes: `{"error": "text"}`, with `message` or `detail` instead (PublicMetaDB API reference
    2.3), and plex.tv's `{"errors": [{"code": 1001, "message": "text"}]}`.
    """
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(data, dict):
        return ""
    errors = data.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        data = errors[0] | data
    texts = [data[name] for name in ("error", "message", "detail") if isinstance(data.get(name), str)]
    return texts[0][:120] if texts else ""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds asked for by Retry-After, from either of its forms; None when absent or unreadable.

    A date is measured against the server's own clock where the answer tells it.
    """
    value = headers.get("Retry-After")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        moment = http_date(value)
        if moment is None:
            return None
        now = http_date(headers.get("Date", "")) or datetime.now(UTC)
        seconds = (moment - now).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def http_date(value: str) -> datetime | None:
    """Read the date of a header; without a zone it is UTC."""
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
