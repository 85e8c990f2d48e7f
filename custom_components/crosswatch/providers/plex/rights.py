"""What a user may not do on a server, found out at set-up instead of in a run (API reference 1.8)."""

from dataclasses import dataclass
from typing import Final, Self

from ...sync.provider import AuthError, ForbiddenError
from .client import PlexServerClient
from .history import PATH

MARKED_OWNER_ONLY: Final = "marked_watched_owner_only"
"""`history.include_marked_watched` is switched off by itself (adapter document)."""
OWN_STATE_ONLY: Final = "history_own_state_only"
"""An older server shows the play log to its owner only: of each item only the last watching is known."""
SESSIONS_HIDDEN: Final = "sessions_hidden"
"""What is being played can't be seen: it is guessed from how lately a position moved."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What a user may see beside the own state."""

    is_owner: bool
    log: bool
    sessions: bool

    @classmethod
    def unknown(cls, *, is_owner: bool) -> Self:
        """What to expect before anybody asked: newer servers show everybody the own plays."""
        return cls(is_owner=is_owner, log=True, sessions=is_owner)

    @property
    def limits(self) -> tuple[str, ...]:
        """Codes of what the user may not do, always in the same order."""
        found = (
            (MARKED_OWNER_ONLY, not self.is_owner),
            (OWN_STATE_ONLY, not self.log),
            (SESSIONS_HIDDEN, not self.sessions),
        )
        return tuple(code for code, limited in found if limited)


async def read_rights(client: PlexServerClient, *, user_id: int, is_owner: bool) -> Rights:
    """Prove the token with the list of libraries, and ask for what others than the owner may not see."""
    await client.container("library/sections")
    if is_owner:
        return Rights(is_owner=True, log=True, sessions=True)
    log = await _allowed(client, PATH, {"accountID": user_id, "X-Plex-Container-Size": 0})
    return Rights(is_owner=False, log=log, sessions=await _allowed(client, "status/sessions", {}))


async def _allowed(client: PlexServerClient, path: str, params: dict[str, str | int]) -> bool:
    """Whether the user gets an answer. The token itself is good; older servers refuse with 401."""
    try:
        await client.container(path, params)
    except AuthError, ForbiddenError:
        return False
    return True
