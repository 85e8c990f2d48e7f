"""The way to the account's media server: finds it again when it moved, renews the token when it changed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import aiohttp

from ...sync.provider import AuthError, ForbiddenError, ProviderError, UnreachableError
from .account import PlexAccount, ServerAccess
from .auth import PlexCloud
from .client import PlexServerClient
from .connection import Prober
from .limits import Limits

type Job[T] = Callable[[PlexServerClient, ServerAccess], Awaitable[T]]


class NoServerError(ProviderError):
    """The account has no media server, or not this one any more."""


class ServerLink:
    """Gives out a client for the server, whose identity was checked before any token goes there."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        cloud: PlexCloud,
        account: PlexAccount,
        *,
        parallel: int,
        limits: Limits | None = None,
        backoff: float = 0.5,
    ) -> None:
        """Start from the stored account. `account` follows what is learned, for storage."""
        self.account = account
        self._session = session
        self._cloud = cloud
        self._parallel = parallel
        self._limits = limits or Limits()
        self._backoff = backoff
        self._prober = Prober(session, account.client_id)
        self._client: PlexServerClient | None = None
        self._spent = 0
        self._lock = asyncio.Lock()

    @property
    def requests(self) -> int:
        """Requests sent so far, all clients and probes together."""
        return self._spent + self._prober.requests + (self._client.requests if self._client else 0)

    async def use[T](self, job: Job[T]) -> tuple[T, ServerAccess]:
        """Run a read against the server; once more with a renewed token when this one was refused.

        Returns its result and the access it was done with.
        """
        client, server = await self._open()
        try:
            return await job(client, server), server
        except AuthError:
            await self._renew()
        client, server = await self._open()
        try:
            return await job(client, server), server
        except AuthError:
            # plex.tv vouches for user and token, so signing in again would change nothing
            raise ForbiddenError("the media server refuses this user") from None

    async def _open(self) -> tuple[PlexServerClient, ServerAccess]:
        """Return the client, after the server's identity was checked; raises `UnreachableError`."""
        async with self._lock:
            server = self._server()
            if server.uri is None or not await self._prober.answers(server.uri, server.machine_id):
                server = await self._find(server)
            return self._client_for(server), server

    async def _find(self, server: ServerAccess) -> ServerAccess:
        """Find the address that answers: among those known, else among those plex.tv knows by now."""
        try:
            found = await self._prober.find(server.connections, server.machine_id)
        except UnreachableError:
            server = await self._look_up()
            found = await self._prober.find(server.connections, server.machine_id)
        return self._keep(replace(server, uri=found.uri))

    async def _renew(self) -> None:
        """Take the user's current token for the server from plex.tv; `AuthError` if signed out there."""
        async with self._lock:
            self._keep(replace(await self._look_up(), uri=self._server().uri))

    async def _look_up(self) -> ServerAccess:
        wanted = self._server().machine_id
        try:
            servers = await self._cloud.servers(self.account.token)
        except AuthError:
            await self._cloud.user(self.account.token)
            raise ForbiddenError("plex.tv refuses the list of servers") from None
        for server in servers:
            if server.machine_id == wanted:
                return ServerAccess.from_server(server)
        raise NoServerError("this user has no access to the media server any more")

    def _server(self) -> ServerAccess:
        if self.account.server is None:
            raise NoServerError("this account has no media server")
        return self.account.server

    def _keep(self, server: ServerAccess) -> ServerAccess:
        self.account = replace(self.account, server=server)
        return server

    def _client_for(self, server: ServerAccess) -> PlexServerClient:
        if server.uri is None:
            raise UnreachableError("no address of the media server is known")
        current = self._client
        if current is None or (current.uri, current.token) != (server.uri, server.token):
            if current is not None:
                self._spent += current.requests
            current = self._client = PlexServerClient(
                self._session,
                server.uri,
                self.account.client_id,
                server.token,
                parallel=self._parallel,
                limit=self._limits.server(server.machine_id),
                backoff=self._backoff,
            )
        return current
