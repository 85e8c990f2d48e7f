"""Requests to PublicMetaDB: one account, one pace."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
import time
from typing import Any

import aiohttp
from yarl import URL

from ...sync.provider import AuthError, BadAnswerError, ForbiddenError, NotFoundError, RateLimitedError
from ..http import HttpClient, Response
from .pacing import Pacers
from .paging import read_complete
from .settings import PublicMetaDBSettings
from .wire import Row, row_id

USER_AGENT = "CrossWatch/1.0 (Home Assistant)"

SECOND_LOOK = 2.0
"""Seconds after which a refused key is tried once more: a single 401 may be transient (API reference 2.3)."""


class PublicMetaDBClient:
    """What can be asked of the service, with its errors as provider errors."""

    def __init__(
        self, session: aiohttp.ClientSession, settings: PublicMetaDBSettings, pacers: Pacers
    ) -> None:
        """Talk to `settings.base_url` with `settings.api_key`; nothing is sent yet."""
        self._key = settings.api_key
        self._http = HttpClient(
            session=session,
            base=URL(settings.base_url) / "api" / "external",
            headers={
                # API reference 2.1
                "Accept": "application/json",
                "Authorization": f"Bearer {settings.api_key}",
                "Content-Type": "application/json",
                "User-Agent": USER_AGENT,
            },
            timeout=settings.timeout,
            attempts=settings.max_retries,
            pacer_for=pacers.of(settings).of,
        )
        self._looking = asyncio.Lock()
        self._refused_at = -1.0
        """Loop time of the last second look that was refused as well."""
        self.second_look = SECOND_LOOK
        self._break_ends = 0.0
        """Monotonic seconds."""

    @property
    def asked_to_wait(self) -> float:
        """Seconds for which the service still wants to be left alone."""
        return max(self._break_ends - time.monotonic(), 0.0)

    @property
    def requests(self) -> int:
        """HTTP requests sent so far, repeated ones included."""
        return self._http.requests

    async def verify(self, attempts: int = 1, *, patient: bool = False) -> None:
        """Ask for something small, or raise: the key works (API reference 2.2).

        With `patient` a key that is refused is tried a second time after a moment.
        `AuthError` for a key that is blank, can't be one, or is refused; `UnreachableError`,
        `RateLimitedError` or `BadAnswerError` for a service in trouble or something else at this address.
        """
        try:
            answer = await self._request(
                "GET", ("lists",), params={"page": 1, "perPage": 1}, attempts=attempts, patient=patient
            )
        except ForbiddenError as err:
            raise AuthError(str(err)) from None
        if not isinstance(answer.data, dict) or not isinstance(answer.data.get("items"), list):
            raise BadAnswerError("lists: another shape")

    async def read[T](
        self, path: tuple[str, ...], make: Callable[[Row], T | None], *, per_page: int, max_pages: int
    ) -> list[T]:
        """Return what `make` makes of every row of a collection; complete, or it raises (`read_complete`)."""

        async def fetch(page: int) -> bytes:
            return await self.page(path, {"page": page, "perPage": per_page})

        return await read_complete(fetch, make, per_page=per_page, max_pages=max_pages)

    async def page(self, path: tuple[str, ...], params: Mapping[str, str | int]) -> bytes:
        """Return the body of one page."""
        answer = await self._request("GET", path, params=params, raw=True)
        body: bytes = answer.data
        return body

    async def create(
        self, path: tuple[str, ...], body: Mapping[str, Any], params: Mapping[str, str] | None = None
    ) -> Row:
        """Send a POST that must not be sent twice and return the new row as far as the answer tells it.

        Raises `UncertainWriteError` when it may have been carried out, `BadAnswerError` for a 2xx that
        says `success: false`. An id at the top level counts like one in `item` (API reference 3.0).
        """
        data = await self.send(path, body, params)
        item = data.get("item")
        row: dict[str, Any] = item if isinstance(item, dict) else {}
        return row if row_id(row) else {**row, "id": row_id(data)}

    async def send(
        self, path: tuple[str, ...], body: Mapping[str, Any], params: Mapping[str, str] | None = None
    ) -> Row:
        """Send a POST that must not be sent twice and return its whole answer; raises like `create`."""
        answer = await self._request("POST", path, params=params, json=body, repeatable=False)
        data: Row = answer.data if isinstance(answer.data, dict) else {}
        if data.get("success") is False:
            raise BadAnswerError("success: false")
        return data

    async def delete(self, path: tuple[str, ...]) -> bool:
        """Send a DELETE; False when there was nothing to delete (404)."""
        try:
            answer = await self._request("DELETE", path)
        except NotFoundError:
            return False
        if isinstance(answer.data, dict) and answer.data.get("success") is False:
            raise BadAnswerError("success: false")
        return True

    async def _request(
        self,
        method: str,
        path: tuple[str, ...],
        *,
        params: Mapping[str, str | int] | None = None,
        json: Any = None,
        repeatable: bool = True,
        attempts: int | None = None,
        raw: bool = False,
        patient: bool = True,
    ) -> Response:
        if not self._key or not self._key.isascii() or not self._key.isprintable() or " " in self._key:
            # sending it could only fail, and not always with a 401
            raise AuthError("no usable API key")

        async def send() -> Response:
            try:
                return await self._http.request(
                    method, path, params=params, json=json, repeatable=repeatable, attempts=attempts, raw=raw
                )
            except RateLimitedError as err:
                self._break_ends = time.monotonic() + (err.retry_after or 0.0)
                raise

        asked_at = asyncio.get_running_loop().time()
        try:
            return await send()
        except AuthError:
            if not patient:
                raise
        return await self._look_again(send, asked_at)

    async def _look_again(self, send: Callable[[], Awaitable[Response]], asked_at: float) -> Response:
        """Send what was refused with a 401, and so not carried out, once more after a moment.

        One at a time: of several requests that were refused together, the first to be sent again decides
        for all of them.
        """
        async with self._looking:
            if self._refused_at >= asked_at:
                raise AuthError("http:401")
            await asyncio.sleep(self.second_look)
            try:
                return await send()
            except AuthError:
                self._refused_at = asyncio.get_running_loop().time()
                raise
