"""Finding the address under which a server answers (API reference 1.4 and 2.3)."""

import asyncio
from collections.abc import Sequence

import aiohttp
from yarl import URL

from ...sync.provider import ProviderError, UnreachableError
from ..http import HttpClient
from .auth import Connection
from .wire import client_headers, mapping, text

PROBE_LIMIT = 5.0
"""Seconds an address may take to answer."""
GRACE = 1.0
"""Seconds the other addresses get to finish by themselves once the best one is known."""


def rank(connection: Connection) -> tuple[int, bool, bool]:
    """Local before remote before relay, https before http, IPv4 before IPv6."""
    place = 2 if connection.relay else 0 if connection.local else 1
    return place, not connection.uri.startswith("https:"), connection.ipv6


class Prober:
    """Asks addresses for the identity of the server behind them. No token leaves this way."""

    def __init__(self, session: aiohttp.ClientSession, client_id: str) -> None:
        """Use the given session."""
        self._session = session
        self._client_id = client_id
        self.requests = 0

    async def answers(self, uri: str, machine_id: str) -> bool:
        """Whether the server with this machineIdentifier answers at `uri` within the limit."""
        http = HttpClient(
            session=self._session,
            base=URL(uri),
            headers=client_headers(self._client_id),
            timeout=PROBE_LIMIT,
            attempts=1,
        )
        try:
            answer = mapping((await http.request("GET", "identity")).data)
            return text(mapping(answer.get("MediaContainer")), "machineIdentifier") == machine_id
        except ProviderError:
            # whatever it is that answers there, it is not this server
            return False
        finally:
            self.requests += http.requests

    async def find(self, connections: Sequence[Connection], machine_id: str) -> Connection:
        """Return the best address that answers, or raise `UnreachableError`.

        All are asked at once; the first in order of preference wins, however fast the others are.
        """
        if not connections:
            raise UnreachableError("no address of the media server is known")
        ranked = sorted(connections, key=rank)
        probes = [asyncio.ensure_future(self.answers(each.uri, machine_id)) for each in ranked]
        try:
            for connection, probe in zip(ranked, probes, strict=True):
                if await probe:
                    return connection
        finally:
            # cancelled in the middle of a name lookup, its later failure would end up in the log
            await asyncio.wait(probes, timeout=GRACE)
            for probe in probes:
                probe.cancel()
            await asyncio.gather(*probes, return_exceptions=True)
        raise UnreachableError("the media server answers at none of its addresses")
