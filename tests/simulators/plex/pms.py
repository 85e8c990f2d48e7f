"""The Plex Media Server simulator: state, mutators and rights (API reference sections 1.8 and 2)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
import hashlib
import time
from typing import Literal

from aiohttp import web

from tests.simulators.library import Ids
from tests.simulators.plex import pms_library, pms_playback, pms_server
from tests.simulators.plex.listings import Listings
from tests.simulators.plex.options import PmsOptions
from tests.simulators.plex.query import QueryError
from tests.simulators.plex.render import html_error
from tests.simulators.plex.server import Call, Clock, PlexSimulator
from tests.simulators.plex.state import Item, Kind, Play, PmsState, Section, UserState

OWNER = 1
type Resolver = Callable[[Kind, str], tuple[str, str, int | None] | None]


@dataclass(slots=True)
class Account:
    """An account local to the server: owner 1, others their plex.tv id (1.7)."""

    id: int
    name: str
    sections: frozenset[int] | None = None
    """Section ids shared with it; None is all."""


@dataclass(slots=True)
class PlaybackSession:
    """A running playback, as in /status/sessions; `offset` in milliseconds."""

    key: int
    account: int
    client: str
    item: Item
    state: str
    offset: int
    updated: float


@dataclass(frozen=True, slots=True)
class PmsCall:
    """A call with the account its token belongs to."""

    call: Call
    account: Account


class PlexMediaServer(PlexSimulator):
    """One server. Accounts and tokens come from a `PlexCloud`, or from `add_account` alone."""

    def __init__(
        self,
        name: str = "Attic",
        *,
        options: PmsOptions | None = None,
        clock: Clock = time.time,
    ) -> None:
        """Create an empty server with an owner whose server token is `owner-token`."""
        super().__init__(clock)
        self.name = name
        self.options = options or PmsOptions()
        self.machine_identifier = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
        self.state = PmsState()
        self.listings = Listings(self.state)
        self.accounts: dict[int, Account] = {0: Account(0, "")}
        self.tokens: dict[str, int] = {}
        self.revoked: set[str] = set()
        self.playbacks: dict[tuple[int, str], PlaybackSession] = {}
        self._playback_keys = 0
        self.lingering: set[tuple[int, str]] = set()
        self.resolver: Resolver | None = None
        self.owner_username = "owner"
        self.add_account(OWNER, "owner", "owner-token")
        pms_server.register(self)
        pms_library.register(self)
        pms_playback.register(self)

    # --- accounts and rights

    def add_account(
        self,
        account_id: int,
        name: str,
        token: str | None = None,
        sections: frozenset[int] | None = None,
    ) -> Account:
        """Enter an account, with a server token when it has one."""
        account = self.accounts[account_id] = Account(account_id, name, sections)
        if token is not None:
            self.tokens[token] = account_id
        return account

    def revoke(self, token: str) -> None:
        """Invalidate a token; a server that caches notices only at `forget_tokens` (1.3)."""
        self.revoked.add(token)
        if not self.options.caches_tokens:
            self.forget_tokens()

    def forget_tokens(self) -> None:
        """Drop the tokens revoked so far."""
        for token in self.revoked:
            self.tokens.pop(token, None)

    def sees(self, account: Account, section_id: int) -> bool:
        """Whether the section is shared with the account."""
        return account.sections is None or section_id in account.sections

    def sections_of(self, account: Account) -> list[Section]:
        """The sections the account may see, in their order."""
        return [s for s in self.state.sections.values() if self.sees(account, s.id)]

    def item_for(self, account: Account, key: str | None) -> Item | None:
        """The item of a ratingKey, if the account may see it."""
        item = self.state.items.get(int(key)) if key and key.isdigit() else None
        return item if item is not None and self.sees(account, item.section.id) else None

    def route(
        self,
        method: str,
        path: str,
        answer: Callable[[PlexMediaServer, PmsCall], Awaitable[web.StreamResponse]],
        *,
        owner: bool = False,
        denied: int | None = None,
    ) -> None:
        """Serve a path for valid tokens; `owner` refuses everyone else with `denied` (1.8)."""

        async def handle(request: web.Request) -> web.StreamResponse:
            call = Call(request)
            account_id = self.tokens.get(call.token or "")
            if account_id is None:
                return html_error(401)
            if owner and account_id != OWNER:
                return html_error(denied or self.options.denied_status)
            try:
                return await answer(self, PmsCall(call, self.accounts[account_id]))
            except QueryError:
                return html_error(400)

        self.app.router.add_route(method, path, handle)

    # --- catalogue

    def add_section(
        self,
        title: str,
        kind: Literal["movie", "show"],
        agent: str | None = None,
        section_id: int | None = None,
    ) -> Section:
        """Create a library; ids rise from 1 and are not reused by themselves."""
        number = section_id or max(self.state.sections, default=0) + 1
        modern = "tv.plex.agents.movie" if kind == "movie" else "tv.plex.agents.series"
        section = Section(
            id=number,
            kind=kind,
            title=title,
            agent=agent or modern,
            uuid=hashlib.md5(f"{self.name}/{number}".encode(), usedforsecurity=False).hexdigest(),
            path=f"/media/{title.lower().replace(' ', '-')}",
            created_at=self.now - 1000,
        )
        self.state.sections[number] = section
        return section

    def remove_section(self, section: Section) -> None:
        """Delete a library with its items; rows of the play log keep its id."""
        for kind in ("movie", "show"):
            for item in list(section.items[kind].values()):
                self.state.remove(item)
        del self.state.sections[section.id]

    def _add(self, kind: Kind, section: Section, title: str, guid: str | None, **values: object) -> Item:
        key = values.pop("key", None) or self.state.next_key
        assert isinstance(key, int)
        self.state.next_key = max(self.state.next_key, key + 1)
        added = values.pop("added_at", None) or self.now
        digest = hashlib.md5(f"{kind}/{title}/{key}".encode(), usedforsecurity=False).hexdigest()
        settings: dict[str, object] = {"ids": Ids(), "year": None, "duration": None}
        if kind in ("show", "season"):
            settings["children"] = []
        settings.update(values)
        item = Item(
            key=key,
            kind=kind,
            section=section,
            guid=guid or f"plex://{kind}/{digest[:24]}",
            title=title,
            added_at=added,  # type: ignore[arg-type]
            updated_at=added,  # type: ignore[arg-type]
            **settings,  # type: ignore[arg-type]
        )
        return self.state.add(item)

    def add_movie(self, section: Section, title: str, *, guid: str | None = None, **values: object) -> Item:
        """Add a movie; `values` are fields of `Item`: ids, year, duration (ms), aired, key, edition."""
        values.setdefault("duration", 6_000_000)
        return self._add("movie", section, title, guid, **values)

    def add_show(self, section: Section, title: str, *, guid: str | None = None, **values: object) -> Item:
        """Add a show without seasons."""
        return self._add("show", section, title, guid, **values)

    def add_season(self, show: Item, number: int | None, *, guid: str | None = None) -> Item:
        """Find or add a season; 0 is the specials."""
        for season in show.children:
            if season.index == number:
                return season
        title = "Specials" if number == 0 else f"Season {number}"
        return self._add("season", show.section, title, guid, index=number, parent=show)

    def add_episode(
        self,
        show: Item,
        season: int | None,
        number: int | None,
        title: str | None = None,
        *,
        guid: str | None = None,
        **values: object,
    ) -> Item:
        """Add an episode and, when missing, its season."""
        values.setdefault("duration", 2_500_000)
        parent = self.add_season(show, season)
        name = title or f"Episode {number}"
        return self._add("episode", show.section, name, guid, index=number, parent=parent, **values)

    def delete_item(self, item: Item) -> None:
        """Delete an item and all below; its states and plays stay (2.6)."""
        self.state.remove(item)

    def readd_item(self, item: Item, key: int | None = None) -> Item:
        """Add a deleted item again, with a new ratingKey (or `key`) and the same guid."""
        number = key or self.state.next_key
        self.state.next_key = max(self.state.next_key, number + 1)
        parent = item.parent
        if parent is not None and parent.key not in self.state.items:
            parent = self.readd_item(parent)
        folder: dict[str, list[Item]] = {"children": []} if item.kind in ("show", "season") else {}
        return self.state.add(
            replace(item, key=number, parent=parent, updated_at=self.now, **folder)  # type: ignore[arg-type]
        )

    # --- what people do

    def play(self, account: int, item: Item, at: int | None = None, *, logged: bool = True) -> Play | None:
        """Watch to the end: viewCount + 1, lastViewedAt, and a row in the play log."""
        moment = self.now if at is None else at
        row = self.state.log_play(account, item, moment) if logged else None
        state = self.state.write(account, item.guid, row.id if row else None)
        state.view_count += 1
        state.view_offset = 0
        state.last_viewed_at = max(state.last_viewed_at or 0, moment)
        return row

    def mark_watched(self, account: int, item: Item, at: int | None = None) -> None:
        """Set the checkmark on every leaf, as scrobble does (2.9)."""
        moment = self.now if at is None else at
        for leaf in list(item.leaves()):
            row = None
            if self.options.scrobble_writes_history:
                row = self.state.log_play(account, leaf, moment)
            state = self.state.write(account, leaf.guid, row.id if row else None)
            state.view_count += 1
            state.last_viewed_at = moment
            state.view_offset = 0
            if self.options.marked_stays_in_continue_watching:
                self.lingering.add((account, leaf.guid))

    def mark_unwatched(self, account: int, item: Item) -> None:
        """Take the checkmark off every leaf; ratings and plays stay (2.9)."""
        for leaf in list(item.leaves()):
            state = self.state.write(account, leaf.guid)
            state.view_count = state.view_offset = 0
            state.last_viewed_at = None
            state.finished = False
            self.lingering.discard((account, leaf.guid))

    def rate(self, account: int, item: Item, rating: float | None, at: int | None = None) -> None:
        """Rate from 0 to 10, or take the rating away."""
        state = self.state.write(account, item.guid)
        state.rating = rating
        state.rated_at = None if rating is None else (self.now if at is None else at)

    def set_resume(self, account: int, item: Item, offset: int, at: int | None = None) -> None:
        """Leave off at `offset` milliseconds, whatever the thresholds."""
        state = self.state.write(account, item.guid)
        state.view_offset = offset
        state.last_viewed_at = self.now if at is None else at
        state.hidden = False

    def user_state(self, account: int, item: Item) -> UserState:
        """What the account's state of the item is now."""
        return self.state.state(account, item.guid)

    def start_playback(self, account: int, item: Item, offset: int = 0) -> PlaybackSession:
        """Open a playback session that does not time out by itself."""
        self._playback_keys += 1
        session = PlaybackSession(
            key=self._playback_keys,
            account=account,
            client=f"player-{item.key}",
            item=item,
            state="playing",
            offset=offset,
            updated=float("inf"),
        )
        self.playbacks[account, session.client] = session
        return session

    def stop_playback(self, session: PlaybackSession) -> None:
        """Close a playback session."""
        self.playbacks.pop((session.account, session.client), None)
