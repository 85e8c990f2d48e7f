"""A Plex account as it is stored: who reads, with which tokens, on which server."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from .auth import Connection, PlexServer, PlexUser, whole
from .wire import flag, mapping, required, rows, text


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAccess:
    """One user's access to one media server. `uri` is the address that last answered."""

    machine_id: str
    name: str
    token: str
    is_owner: bool
    connections: tuple[Connection, ...]
    uri: str | None = None

    @classmethod
    def from_server(cls, server: PlexServer, uri: str | None = None) -> Self:
        """Build from plex.tv's list of servers, read with the token of the very user."""
        return cls(
            machine_id=server.machine_id,
            name=server.name,
            token=server.access_token,
            is_owner=server.owned,
            connections=server.connections,
            uri=uri,
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Build from what `as_dict` gave."""
        return cls(
            machine_id=required(data, "machine_id"),
            name=required(data, "name"),
            token=required(data, "token"),
            is_owner=flag(data, "is_owner"),
            connections=tuple(Connection.from_row(row) for row in rows(data.get("connections"))),
            uri=text(data, "uri"),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for storage as JSON."""
        return {
            "machine_id": self.machine_id,
            "name": self.name,
            "token": self.token,
            "is_owner": self.is_owner,
            "connections": [connection.as_dict() for connection in self.connections],
            "uri": self.uri,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PlexAccount:
    """The selected user and the chosen server. Without a server there is the watchlist only.

    `token` is the plex.tv token of the selected user, a home user after the switch included.
    """

    client_id: str
    token: str
    user_id: int
    user_name: str
    server: ServerAccess | None = None

    @classmethod
    def of(cls, client_id: str, token: str, user: PlexUser, server: PlexServer | None = None) -> Self:
        """Build from the answers of sign-in; `user` and `server` must have been read with `token`."""
        return cls(
            client_id=client_id,
            token=token,
            user_id=user.id,
            user_name=user.name,
            server=None if server is None else ServerAccess.from_server(server),
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Build from what `as_dict` gave."""
        server = data.get("server")
        return cls(
            client_id=required(data, "client_id"),
            token=required(data, "token"),
            user_id=whole(data, "user_id"),
            user_name=required(data, "user_name"),
            server=None if server is None else ServerAccess.from_dict(mapping(server)),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for storage as JSON."""
        return {
            "client_id": self.client_id,
            "token": self.token,
            "user_id": self.user_id,
            "user_name": self.user_name,
            "server": None if self.server is None else self.server.as_dict(),
        }
