"""Requests to PublicMetaDB: one account, one pace."""

from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from ...sync.provider import AuthError, BadAnswerError, ForbiddenError
from ..http import HttpClient, Path, Response
from .pacing import Pacers
from .settings import PublicMetaDBSettings

USER_AGENT = "CrossWatch/1.0 (Home Assistant)"


class PublicMetaDBClient:
    """What can be asked of the service, with its errors as provider errors."""

    def __init__(self, session: aiohttp.ClientSession, settings: PublicMetaDBSettings, pacers: Pacers) -> None:
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

    @property
    def requests(self) -> int:
        """HTTP requests sent so far, repeated ones included."""
        return self._http.requests

    async def verify(self) -> None:
        """Ask for something small once, or raise: the key works (API reference 2.2).

        `AuthError` for a key that is blank, can't be one, or is refused; `UnreachableError`,
        `RateLimitedError` or `BadAnswerError` for a service in trouble or something else at this address.
        """
        try:
            answer = await self.request("GET", ("lists",), params={"page": 1, "perPage": 1}, attempts=1)
        except ForbiddenError as err:
            raise AuthError(str(err)) from None
        if not isinstance(answer.data, dict) or not isinstance(answer.data.get("items"), list):
            raise BadAnswerError("lists: another shape")

    async def request(
        self,
        method: str,
        path: Path,
        *,
        params: Mapping[str, str | int] | None = None,
        json: Any = None,
        repeatable: bool = True,
        attempts: int | None = None,
    ) -> Response:
        """Send a request below `/api/external`; see `HttpClient.request`."""
        if not self._key or not self._key.isascii() or not self._key.isprintable() or " " in self._key:
            # sending it could only fail, and not always with a 401
            raise AuthError("no usable API key")
        return await self._http.request(
            method, path, params=params, json=json, repeatable=repeatable, attempts=attempts
        )
