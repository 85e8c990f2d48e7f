"""The one request function of all providers: pacing, retry, Retry-After and the error map."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
import logging
import random
from typing import Any

import aiohttp
import orjson
from yarl import URL

from ..sync.provider import (
    AuthError,
    BadAnswerError,
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    RefusedError,
    UncertainWriteError,
    UnreachableError,
)

LOGGER = logging.getLogger(__name__)

# temporary by adapter document (429, 5xx) and API references (408, Cloudflare's 520-524)
TEMPORARY = frozenset({408, 500, 502, 503, 504, 520, 521, 522, 523, 524})
LONGEST_WAIT = 300.0
"""Seconds a server may make one request wait; beyond it the run ends and says so."""

HTTP_UNAUTHORIZED, HTTP_FORBIDDEN, HTTP_NOT_FOUND, HTTP_TOO_MANY = 401, 403, 404, 429


class Pacer:
    """Spaces the starts of requests by a minimum interval, for everybody who shares it."""

    def __init__(self, per_second: float) -> None:
        """`per_second` 0 means no pacing."""
        self._interval = 1 / per_second if per_second > 0 else 0.0
        self._next = 0.0

    async def wait(self) -> None:
        """Sleep until this request's turn. A cancelled wait gives its turn up, which costs one interval."""
        if not self._interval:
            return
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next)
        self._next = turn + self._interval
        if turn > now:
            await asyncio.sleep(turn - now)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: status, headers, and the JSON body (None when empty; the bytes themselves when asked raw)."""

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
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
        not_modified: bool = False,
        raw: bool = False,
    ) -> Response:
        """Send one request and return its answer, or raise one of the provider errors.

        `repeatable` False marks a write that may not be sent twice: after an attempt that may have
        reached the service it raises `UncertainWriteError`; a 429 was never carried out and is retried.
        `not_modified` lets a 304 through. `raw` leaves the body as bytes, for big answers that are to be
        parsed away from the event loop.
        """
        wait = self.backoff
        for attempt in range(1, self.attempts + 1):
            last = attempt == self.attempts
            try:
                answer = await self._attempt(method, path, params, json, headers)
            except aiohttp.ClientConnectorError as err:
                # nothing was sent: safe to repeat whatever it is
                if last:
                    raise UnreachableError(f"no connection ({type(err).__name__})") from None
                delay = wait
            except (aiohttp.ClientError, TimeoutError) as err:
                if not repeatable:
                    raise UncertainWriteError(f"no answer ({type(err).__name__})") from None
                if last:
                    raise UnreachableError(f"no answer ({type(err).__name__})") from None
                delay = wait
            else:
                status, reply_headers, body = answer
                asked = retry_after(reply_headers)
                if status == HTTP_TOO_MANY:
                    if last or (asked or 0) > LONGEST_WAIT:
                        raise RateLimitedError("http:429", asked)
                elif status in TEMPORARY:
                    if not repeatable:
                        raise UncertainWriteError(f"http:{status}")
                    if last or (asked or 0) > LONGEST_WAIT:
                        raise UnreachableError(f"http:{status}")
                else:
                    return self._checked(status, reply_headers, body, not_modified=not_modified, raw=raw)
                delay = max(wait, asked or 0.0)
            wait *= 2
            LOGGER.debug("%s attempt %d failed, next in %.1f s", method, attempt, delay)
            await asyncio.sleep(delay * random.uniform(1.0, 1.1))  # noqa: S311 - spreads load, hides nothing
        raise AssertionError("the loop returns or raises")

    async def _attempt(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        json: Any,
        headers: Mapping[str, str] | None,
    ) -> tuple[int, Mapping[str, str], bytes]:
        if (pacer := self.pacer_for(method)) is not None:
            await pacer.wait()
        self.requests += 1
        url = self.base / path.lstrip("/")
        if params:
            url = url.with_query({name: str(value) for name, value in params.items()})
        async with (
            asyncio.timeout(self.timeout),
            self.session.request(
                method,
                url,
                data=None if json is None else orjson.dumps(json),
                headers={**self.headers, **(headers or {})},
                allow_redirects=False,
            ) as reply,
        ):
            return reply.status, reply.headers, await reply.read()

    def _checked(
        self, status: int, headers: Mapping[str, str], body: bytes, *, not_modified: bool, raw: bool
    ) -> Response:
        if 200 <= status < 300 or (status == 304 and not_modified):  # noqa: PLR2004
            if raw:
                return Response(status, headers, body)
            return Response(status, headers, decode(body) if body else None)
        if status == HTTP_UNAUTHORIZED or status == 498:  # noqa: PLR2004 - 498: expired Plex JWT
            raise AuthError(f"http:{status}")
        if status == HTTP_FORBIDDEN:
            if self.challenges and "html" in headers.get("Content-Type", ""):
                # a gateway's challenge page says nothing about the credential
                raise UnreachableError("http:403 (challenge page)")
            raise ForbiddenError("http:403")
        if status == HTTP_NOT_FOUND:
            raise NotFoundError("http:404")
        if 400 <= status < 500:  # noqa: PLR2004
            raise RefusedError(status, error_text(body))
        raise BadAnswerError(f"http:{status}")


def decode(body: bytes) -> Any:
    """Parse JSON, or raise `BadAnswerError` (an HTML page with status 200, half a body)."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadAnswerError("not JSON") from None


def error_text(body: bytes) -> str:
    """Return the server's short error text of a JSON error body, else nothing.

    Known shapes: `{"error": "text"}` and plex.tv's `{"errors": [{"code": 1001, "message": "text"}]}`.
    """
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(data, dict):
        return ""
    text, errors = data.get("error"), data.get("errors")
    if text is None and isinstance(errors, list) and errors and isinstance(errors[0], dict):
        text = errors[0].get("message")
    return text[:120] if isinstance(text, str) else ""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds asked for by Retry-After, from either of its forms; None when absent or unreadable."""
    value = headers.get("Retry-After")
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
