"""A client of Home Assistant's REST and websocket interfaces."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Final

import aiohttp

from lab.errors import LabError

CALM: Final = aiohttp.ClientTimeout(total=None, sock_connect=10)
"""A first sync is one request that lasts as long as the sync."""


class Client:
    """Home Assistant as a program sees it, once somebody has logged in."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        """Nobody is logged in yet."""
        self.base = base
        self._session = session
        self._token: str | None = None

    async def onboard(self, name: str, username: str, password: str) -> None:
        """Create the owner of a fresh Home Assistant and log in."""
        client_id = f"{self.base}/"
        owner = {
            "name": name,
            "username": username,
            "password": password,
            "client_id": client_id,
            "language": "en",
        }
        code = (await self.post("/api/onboarding/users", owner))["auth_code"]
        form = {"grant_type": "authorization_code", "code": code, "client_id": client_id}
        async with self._session.post(f"{self.base}/auth/token", data=form) as response:
            self._token = (await _answer(response))["access_token"]

    async def get(self, path: str) -> Any:
        """GET a path."""
        return await self._request("GET", path)

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """POST JSON to a path."""
        return await self._request("POST", path, body or {})

    async def delete(self, path: str) -> Any:
        """DELETE a path."""
        return await self._request("DELETE", path)

    async def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        async with self._session.request(
            method, f"{self.base}{path}", json=body, headers=headers, timeout=CALM
        ) as response:
            return await _answer(response)

    @asynccontextmanager
    async def websocket(self) -> AsyncIterator[Websocket]:
        """Open the websocket."""
        async with self._session.ws_connect(f"{self.base}/api/websocket", max_msg_size=0) as connection:
            await connection.receive_json()
            await connection.send_json({"type": "auth", "access_token": self._token})
            if (reply := await connection.receive_json())["type"] != "auth_ok":
                raise LabError(f"the websocket refused the token: {reply}")
            socket = Websocket(connection)
            reader = asyncio.create_task(socket.read(), name="websocket")
            try:
                yield socket
            finally:
                reader.cancel()
                await asyncio.wait({reader})


class Websocket:
    """One connection; commands may overlap."""

    def __init__(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        """Wrap a connection that is logged in."""
        self._connection = connection
        self._ids = count(1)
        self._results: dict[int, asyncio.Future[Any]] = {}
        self._events: dict[int, asyncio.Queue[Any]] = {}

    async def read(self) -> None:
        """Hand out what arrives until the connection ends."""
        async for message in self._connection:
            data = message.json()
            if data["type"] == "event":
                self._events[data["id"]].put_nowait(data["event"])
            elif (result := self._results.pop(data["id"], None)) is not None:
                if data["success"]:
                    result.set_result(data["result"])
                else:
                    result.set_exception(LabError(f"websocket: {data['error']}"))
        for result in self._results.values():
            result.set_exception(LabError("the websocket was closed"))

    async def call(self, command: str, **arguments: Any) -> Any:
        """Send a command and return its result."""
        number = next(self._ids)
        result = self._results[number] = asyncio.get_running_loop().create_future()
        await self._connection.send_json({"id": number, "type": command, **arguments})
        return await result

    async def subscribe(self, event_type: str) -> asyncio.Queue[Any]:
        """Return a queue that the events of one type arrive in."""
        number = next(self._ids)
        result = self._results[number] = asyncio.get_running_loop().create_future()
        events = self._events[number] = asyncio.Queue()
        command = {"id": number, "type": "subscribe_events", "event_type": event_type}
        await self._connection.send_json(command)
        await result
        return events


async def _answer(response: aiohttp.ClientResponse) -> Any:
    if not response.ok:
        text = await response.text()
        raise LabError(f"{response.method} {response.url.path}: {response.status} {text[:500]}")
    return await response.json()
