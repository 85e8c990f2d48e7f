"""The Plex cloud simulator: one server for all hosts, each under its name as first path segment."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
import time
from typing import Final

from aiohttp import web

from tests.simulators.base import Simulator
from tests.simulators.library import Ids, Title
from tests.simulators.plex.cloud import auth_page, control, discover, metadata, plextv
from tests.simulators.plex.cloud.accounts import Accounts, Pin, User
from tests.simulators.plex.cloud.catalogue import LISTABLE, Catalogue, Entry
from tests.simulators.plex.options import CloudOptions
from tests.simulators.plex.pms import OWNER, PlexMediaServer
from tests.simulators.plex.query import QueryError
from tests.simulators.plex.render import api_error, html_error
from tests.simulators.plex.server import Call, Clock, PlexSimulator
from tests.simulators.plex.state import Kind

HOSTS: Final = (
    "plex.tv",
    "clients.plex.tv",
    "discover.provider.plex.tv",
    "metadata.provider.plex.tv",
    "community.plex.tv",
    "app.plex.tv",
)


@dataclass(slots=True)
class CloudState:
    """A user's state of one Discover item; dates in epoch seconds, offset in ms (3.6)."""

    view_count: int = 0
    view_offset: int = 0
    last_viewed_at: int | None = None
    rating: float | None = None


@dataclass(frozen=True, slots=True)
class CloudCall:
    """A call with the user its token belongs to."""

    call: Call
    user: User


def no_client(request: web.Request) -> web.Response:
    """Refuse a v2 call without a client identifier (1.1)."""
    return api_error(request, 400, 1000, "X-Plex-Client-Identifier is missing")


class PlexCloud(PlexSimulator):
    """plex.tv, Discover, the metadata provider and the sign-in page."""

    def __init__(self, *, options: CloudOptions | None = None, clock: Clock = time.time) -> None:
        """Create a cloud without users, servers or titles."""
        super().__init__(clock)
        self.options = options or CloudOptions()
        self.accounts = Accounts()
        self.catalogue = Catalogue()
        self.watchlists: dict[int, dict[str, int]] = {}
        self.user_states: dict[tuple[int, str], CloudState] = {}
        self.hidden_addresses = False
        """True: resources do not tell the servers' local addresses."""
        self.others: dict[str, Simulator] = {}
        """Further simulators the control API counts requests of, by name."""
        self._journal: deque[tuple[int, str, int | None]] = deque(maxlen=2000)
        plextv.register(self)
        discover.register(self)
        metadata.register(self)
        auth_page.register(self)
        control.register(self)

    def route(
        self,
        method: str,
        path: str,
        answer: Callable[[PlexCloud, CloudCall], Awaitable[web.StreamResponse]],
        hosts: Iterable[str],
    ) -> None:
        """Serve a path of some hosts for valid account tokens."""

        async def handle(request: web.Request) -> web.StreamResponse:
            call = await Call.with_form(request)
            if path.startswith("/api/v2/") and not call.arg("X-Plex-Client-Identifier"):
                return no_client(request)
            user = self.accounts.tokens.get(call.token or "")
            if user is None:
                return self.unauthorized(request)
            try:
                return await answer(self, CloudCall(call, user))
            except QueryError:
                return html_error(400)

        for host in hosts:
            self.app.router.add_route(method, f"/{host}{path}", handle)

    def unauthorized(self, request: web.Request) -> web.Response:
        """Refuse a missing or bad token."""
        status = self.options.invalid_token_status
        message = "Invalid token" if status == 422 else "User could not be authenticated"
        return api_error(request, status, 1001, message)

    # --- people

    def add_user(
        self, title: str, *, username: str | None = None, email: str | None = None,
        pin: str | None = None, user_id: int | None = None,
    ) -> User:  # fmt: skip
        """Add a user with an account of its own; `pin` protects it inside a Plex Home."""
        return self.accounts.add(title, username=username, email=email, pin=pin, user_id=user_id)

    def add_home_user(
        self, admin: User, title: str, *, managed: bool = False, pin: str | None = None
    ) -> User:
        """Add a member to the admin's Plex Home, making one when there is none (1.5)."""
        admin.home, admin.admin = admin, True
        user = (
            self.add_user(title, username="", email="", pin=pin) if managed else self.add_user(title, pin=pin)
        )
        user.home, user.restricted = admin, managed
        return user

    def add_friend(self, user: User, title: str) -> User:
        """Add another account and befriend the two (1.6)."""
        friend = self.add_user(title)
        user.friends.append(friend)
        friend.friends.append(user)
        return friend

    def token(self, user: User) -> str:
        """An account token of the user."""
        token = self.accounts.token_of(user)
        self.let_in(user)
        return token

    def revoke(self, token: str) -> None:
        """Invalidate an account token here and on the servers."""
        self.accounts.tokens.pop(token, None)
        for pms, _owner in self.accounts.servers.values():
            pms.revoke(token)

    def claim_pin(self, code: str, user: User) -> Pin | None:
        """Sign in with a PIN's code; None when there is no such open PIN."""
        pin = self.accounts.pin_by_code(code, self.now)
        if pin is None:
            return None
        pin.token = self.accounts.new_token(user)
        self.let_in(user)
        return pin

    def expire_pin(self, code: str) -> None:
        """Let a PIN run out now."""
        for pin in self.accounts.pins.values():
            if pin.code == code:
                pin.expires_at = self.now

    # --- servers

    def add_server(self, pms: PlexMediaServer, owner: User) -> str:
        """Claim a server for its owner; return the owner's server token."""
        self.accounts.servers[pms.machine_identifier] = (pms, owner)
        pms.owner_username = owner.name
        pms.resolver = self.resolve
        share = self.accounts.add_share(pms, owner)
        pms.tokens.clear()
        pms.add_account(OWNER, owner.name, share.token)
        self.token(owner)
        return share.token

    def let_in(self, user: User) -> None:
        """Make all account tokens of a user work on the user's own servers (section 0)."""
        for pms, owner in self.accounts.servers.values():
            if owner is user:
                for token, holder in self.accounts.tokens.items():
                    if holder is user:
                        pms.tokens[token] = OWNER

    def share(self, pms: PlexMediaServer, user: User, sections: Iterable[int] | None = None) -> str:
        """Let a home user or friend use the server; return the user's server token."""
        share = self.accounts.add_share(pms, user, sections)
        pms.add_account(user.id, user.name, share.token, share.sections)
        return share.token

    def server_token(self, user: User, pms: PlexMediaServer) -> str:
        """The user's token for the server; KeyError when it is not shared."""
        share = self.accounts.share_of(user, pms)
        if share is None:
            raise KeyError(user.name)
        return share.token

    def account_id(self, user: User, pms: PlexMediaServer) -> int:
        """The user's account id local to the server: 1 for the owner (1.7)."""
        server = self.accounts.servers.get(pms.machine_identifier)
        return OWNER if server is not None and server[1] is user else user.id

    # --- titles and watchlists

    def add_title(self, title: Title) -> Title:
        """Let Discover know a title."""
        return self.catalogue.add(title)

    def add_movie(self, title: str, plex_key: str, ids: Ids, year: int = 2000) -> Title:
        """Let Discover know a movie by the essentials."""
        return self.add_title(Title("movie", title, year, plex_key, ids, 6_000_000, f"{year}-03-10"))

    def resolve(self, kind: Kind, guid: str) -> tuple[str, str, int | None] | None:
        """Find a title by external id for a server's matches call."""
        entry = self.catalogue.by_external(kind, guid)
        return None if entry is None else (entry.guid, entry.name, entry.title.year)

    def listed(self, user: User) -> dict[str, int]:
        """The user's watchlist: 24-hex key to epoch seconds; stale by the option."""
        current = self.watchlists.setdefault(user.id, {})
        behind = self.options.watchlist_stale_writes
        if not behind:
            return current
        before = dict(current)
        for _who, key, at in [one for one in self._journal if one[0] == user.id][: -behind - 1 : -1]:
            if at is None:
                before.pop(key, None)
            else:
                before[key] = at
        return before

    def watchlist_add(self, user: User, guid: str, at: int | None = None) -> bool:
        """Put a movie or show on the list by key or plex:// guid; False when unknown."""
        entry = self._listable(guid)
        if entry is None:
            return False
        current = self.watchlists.setdefault(user.id, {})
        self._journal.append((user.id, entry.key, current.get(entry.key)))
        current.setdefault(entry.key, self.now if at is None else at)
        return True

    def watchlist_remove(self, user: User, guid: str) -> bool:
        """Take a title off the list; False when the title is unknown."""
        entry = self._listable(guid)
        if entry is None:
            return False
        current = self.watchlists.setdefault(user.id, {})
        self._journal.append((user.id, entry.key, current.get(entry.key)))
        current.pop(entry.key, None)
        return True

    def _listable(self, guid: str) -> Entry | None:
        entry = self.catalogue.get(guid.rpartition("/")[2])
        return entry if entry is not None and entry.kind in LISTABLE else None

    def user_state(self, user: User, key: str) -> CloudState:
        """The user's cloud state of an item, to read or change."""
        return self.user_states.setdefault((user.id, key), CloudState())
