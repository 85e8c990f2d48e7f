"""The simulated services as a process, and their control interface."""

from dataclasses import dataclass, replace
import json
from pathlib import Path
import sys
from typing import Any, Self

import aiohttp

from lab.errors import LabError
from lab.paths import ROOT
from lab.process import Child


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the services are and what opens them."""

    cloud: str
    pms: str
    publicmetadb: str
    api_key: str
    account_token: str
    server_token: str
    pin_user: str
    """Who signs in; `owner` is how that person is called."""
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as a service received it; `at` is monotonic seconds."""

    service: str
    at: float
    method: str
    path: str
    query: list[list[str]]
    status: int


class Simulators:
    """Plex's cloud, a Plex Media Server and PublicMetaDB."""

    def __init__(self, child: Child, session: aiohttp.ClientSession, told: dict[str, Any]) -> None:
        """Wrap a running process and what it told about itself."""
        self.child = child
        self.told = told
        self.addresses = Addresses(
            **{name: told[name] for name in Addresses.__slots__ if name != "owner"},
            owner=told["users"][0]["name"],
        )
        self._control: str = told["control"]
        self._session = session

    @classmethod
    async def start(
        cls, session: aiohttp.ClientSession, log: Path, *, size: int, seed: int, both: bool, ports: list[int]
    ) -> Self:
        """Start them with a generated library; `ports`: the cloud's, the server's and PublicMetaDB's.

        Plex is full of it, and with `both` PublicMetaDB holds something of its own.
        """
        names = ("cloud-port", "pms-port", "pmdb-port")
        child = await Child.start(
            "the simulators",
            sys.executable,
            "-m",
            "tests.simulators",
            f"--size={size}",
            f"--seed={seed}",
            "--everyday",
            *(["--both"] if both else []),
            *(f"--{name}={port}" for name, port in zip(names, ports, strict=True)),
            f"--max-seconds={7 * 86_400}",
            log=log,
            env={"PYTHONPATH": str(ROOT)},
        )
        return cls(child, session, json.loads(await child.line_with('{"cloud":')))

    async def claim(self, code: str, user: str) -> None:
        """Sign somebody in with a code, as the page at app.plex.tv does."""
        await self.control("POST", "pins/claim", {"code": code, "user": user})

    async def revoke(self, user: str) -> None:
        """Sign somebody out of Plex everywhere."""
        await self.control("POST", "tokens/revoke", {"user": user})

    async def change_key(self, new: str) -> None:
        """Replace the key of the PublicMetaDB account; the old one is refused from now on."""
        await self.control("POST", "publicmetadb/key", {"old": self.addresses.api_key, "new": new})
        self.addresses = replace(self.addresses, api_key=new)

    async def counts(self) -> dict[str, int]:
        """Requests received since the last reset, by service."""
        counts: dict[str, int] = await self.control("GET", "requests")
        return counts

    async def reset_counts(self) -> None:
        """Forget the requests received so far."""
        await self.control("DELETE", "requests")

    async def requests(self) -> list[Request]:
        """All requests received since the last reset, oldest first."""
        return [Request(**row) for row in await self.control("GET", "requests/log")]

    async def publicmetadb(self, path: str, *, method: str = "GET") -> Any:
        """Ask PublicMetaDB with the account's key."""
        url = f"{self.addresses.publicmetadb}/api/external/{path}"
        headers = {"Authorization": f"Bearer {self.addresses.api_key}"}
        async with self._session.request(method, url, headers=headers, raise_for_status=True) as response:
            return await response.json()

    async def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Use the control interface."""
        async with self._session.request(method, f"{self._control}/{path}", json=body) as response:
            if not response.ok:
                raise LabError(f"simulators: {path}: {response.status} {await response.text()}")
            return await response.json()
