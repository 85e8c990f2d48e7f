"""Play log, watched marks, ratings, resume points, hubs (API reference 2.8 to 2.12)."""

from heapq import nlargest
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from aiohttp import web

from tests.simulators.plex.options import Clearing, NonOwnerHistory
from tests.simulators.plex.pms_library import item_page
from tests.simulators.plex.pms_server import shape_of
from tests.simulators.plex.render import empty_response, html_error, respond
from tests.simulators.plex.rows import IDENTIFIER, Row, item_row, play_row
from tests.simulators.plex.server import container, page_headers
from tests.simulators.plex.state import Item

if TYPE_CHECKING:
    from tests.simulators.plex.pms import PlexMediaServer, PmsCall

OWNER: Final = 1
_STATES: Final = frozenset({"stopped", "playing", "paused", "buffering"})
_HUB_WEEKS: Final = 16
_HUB_ITEMS: Final = 500


def register(pms: PlexMediaServer) -> None:
    """Add the routes."""
    pms.route("GET", "/status/sessions/history/all", history)
    pms.route("GET", "/status/sessions/history/{id:\\d+}", history_row, owner=True)
    pms.route("DELETE", "/status/sessions/history/{id:\\d+}", delete_history_row, owner=True)
    for method in ("GET", "PUT"):
        pms.route(method, "/:/scrobble", scrobble)
        pms.route(method, "/:/unscrobble", unscrobble)
        pms.route(method, "/:/rate", rate)
        pms.route(method, "/:/progress", progress, owner=True, denied=401)
        pms.route(method, "/actions/removeFromContinueWatching", hide)
    for method in ("GET", "POST"):
        pms.route(method, "/:/timeline", timeline)
    for path in ("/library/onDeck", "/library/sections/{id:\\d+}/onDeck"):
        pms.route("GET", path, on_deck)
    pms.route("GET", "/hubs/continueWatching", continue_watching_hub)
    for path in (
        "/hubs/continueWatching/items",
        "/hubs/sections/{id:\\d+}/continueWatching/items",
    ):
        pms.route("GET", path, continue_watching)


async def history(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """List plays: all for the owner, for others by server version (2.8)."""
    options = pms.options
    only: int | None = None
    if call.account.id != OWNER:
        if options.non_owner_history is NonOwnerHistory.DENIED:
            return html_error(options.denied_status)
        if options.non_owner_history is NonOwnerHistory.OWN_ROWS:
            only = call.account.id
    plays = pms.listings.log(call.call.pairs, account=only, now=pms.now, stale=options.stale_writes)
    page = pms.page(call.call, plays)
    rows = [play_row(pms.state, play, empty_keys=options.deleted_rows_have_empty_keys) for play in page.rows]
    data = container(page, rows, "Metadata", {})
    return respond(call.call.request, data, headers=page_headers(page))


async def history_row(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """Show one play."""
    play = pms.state.plays.get(int(call.call.request.match_info["id"]))
    if play is None:
        return html_error(404)
    return respond(call.call.request, {"size": 1, "Metadata": [play_row(pms.state, play)]})


async def delete_history_row(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """Remove one play; viewCount stays."""
    if not pms.state.delete_play(int(call.call.request.match_info["id"])):
        return html_error(404)
    return empty_response()


def _target(pms: PlexMediaServer, call: PmsCall) -> Item | int:
    """The item a write is about, or the status that refuses it."""
    identifier = call.call.arg("identifier")
    key = call.call.arg("key") or call.call.arg("uri")
    if identifier is None or key is None:
        return 400
    if identifier != IDENTIFIER:
        return 404
    item = pms.item_for(call.account, key.rpartition("/")[2])
    return 404 if item is None else item


async def scrobble(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """Mark watched: now, whatever date is sent, unless the switch says otherwise (2.9)."""
    item = _target(pms, call)
    if isinstance(item, int):
        return html_error(item)
    at = call.call.number("viewedAt") if pms.options.scrobble_honours_viewed_at else None
    pms.mark_watched(call.account.id, item, at)
    return empty_response()


async def unscrobble(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """Mark unwatched."""
    item = _target(pms, call)
    if isinstance(item, int):
        return html_error(item)
    pms.mark_unwatched(call.account.id, item)
    return empty_response()


async def rate(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """Rate, or clear with -1 or 0; ratedAt may lie in the past, not in the future (2.10)."""
    item = _target(pms, call)
    if isinstance(item, int):
        return html_error(item)
    try:
        rating = float(call.call.arg("rating") or "")
    except ValueError:
        return html_error(400)
    rated_at = call.call.number("ratedAt")
    if not (rating == -1 or 0 <= rating <= 10) or (rated_at is not None and rated_at > pms.now):
        return html_error(400)
    account = call.account.id
    if rating > 0:
        pms.rate(account, item, rating, rated_at)
        return empty_response()
    match pms.options.rate_zero if rating == 0 else pms.options.rate_minus_one:
        case Clearing.CLEAR:
            pms.rate(account, item, None)
        case Clearing.STORE_ZERO:
            pms.rate(account, item, 0.0, rated_at)
        case Clearing.REJECT:
            return html_error(400)
        case Clearing.IGNORE:
            pass
    return empty_response()


async def timeline(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """Report a position in ms; at the played threshold it becomes a play (2.11)."""
    arg = call.call.arg
    key = arg("ratingKey") or (arg("key") or "").rpartition("/")[2]
    state, position = arg("state"), call.call.number("time")
    if not key or state not in _STATES or position is None:
        return html_error(400)
    item = pms.item_for(call.account, key)
    if item is None or item.kind not in ("movie", "episode"):
        return html_error(404)
    duration, client = call.call.number("duration"), arg("X-Plex-Client-Identifier")
    if duration and client:
        moment = pms.now
        if pms.options.timeline_offline_backdates and call.call.flag("offline"):
            moment = call.call.number("updated") or moment
        _keep_position(pms, call, item, position, duration, moment)
        _keep_session(pms, call, item, state, position, client)
    return respond(call.call.request, {"size": 0})


def _keep_position(
    pms: PlexMediaServer, call: PmsCall, item: Item, position: int, duration: int, moment: int
) -> None:
    options, account = pms.options, call.account.id
    if position * 100 < options.played_threshold * duration or not options.timeline_marks_watched:
        state = pms.state.write(account, item.guid)
        state.finished = False
        state.hidden = False
        state.view_offset = 0 if position < options.minimum_offset else position
        state.last_viewed_at = moment
        return
    seen = pms.state.state(account, item.guid).finished and options.timeline_counts_once
    play = None
    if options.timeline_writes_history and not seen:
        play = pms.state.log_play(account, item, moment)
    state = pms.state.write(account, item.guid, play.id if play else None)
    if not seen:
        state.view_count += 1
    state.finished = True
    state.view_offset = 0
    state.last_viewed_at = moment


def _keep_session(
    pms: PlexMediaServer, call: PmsCall, item: Item, state: str, position: int, client: str
) -> None:
    place = (call.account.id, client)
    if state == "stopped":
        pms.playbacks.pop(place, None)
        return
    session = pms.start_playback(call.account.id, item, position)
    del pms.playbacks[call.account.id, session.client]
    session.client, session.state, session.updated = client, state, pms.clock()
    pms.playbacks[place] = session


async def progress(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """Set a position the old way; 0 does not clear (2.11)."""
    item = _target(pms, call)
    if isinstance(item, int):
        return html_error(item)
    position = call.call.number("time")
    if position is None:
        return html_error(400)
    if position > 0:
        pms.set_resume(call.account.id, item, position)
    return empty_response()


async def hide(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """Take an item out of Continue Watching; the offset stays."""
    item = pms.item_for(call.account, call.call.arg("ratingKey"))
    if item is None:
        return html_error(404 if call.call.arg("ratingKey") else 400)
    for leaf in item.leaves():
        pms.state.write(call.account.id, leaf.guid).hidden = True
        pms.lingering.discard((call.account.id, leaf.guid))
    return empty_response()


def _recent(pms: PlexMediaServer, call: PmsCall) -> list[tuple[int, Item]]:
    """Items of the last weeks by falling date, one per guid."""
    oldest = pms.now - _HUB_WEEKS * 7 * 86_400
    only = call.call.request.match_info.get("id")
    recent = []
    for guid, state in pms.state.states.get(call.account.id, {}).items():
        if state.last_viewed_at is None or state.last_viewed_at < oldest:
            continue
        for item in pms.state.by_guid.get(guid, ()):
            if item.kind not in ("movie", "episode") or not pms.sees(call.account, item.section.id):
                continue
            if only is None or item.section.id == int(only):
                recent.append((state.last_viewed_at, item))
                break
    return nlargest(_HUB_ITEMS, recent, key=itemgetter(0))


def _next_up(pms: PlexMediaServer, call: PmsCall, *, deck: bool) -> list[Item]:
    """Resume points mixed with the next episodes of shows under way."""
    account = call.account.id
    rows: list[Item] = []
    shows: set[int] = set()
    for _at, item in _recent(pms, call):
        state = pms.state.state(account, item.guid)
        lingers = (account, item.guid) in pms.lingering
        if (state.view_offset or lingers) and not state.hidden:
            rows.append(item)
        show = item.show
        if show is None or show.key in shows:
            continue
        shows.add(show.key)
        if state.view_count and not state.view_offset:
            episodes = [leaf for leaf in show.leaves() if leaf.parent and leaf.parent.index]
            episodes.sort(key=lambda one: ((one.parent and one.parent.index) or 0, one.index or 0))
            place = next((n for n, one in enumerate(episodes) if one is item), len(episodes))
            rows.extend(
                one
                for one in episodes[place + 1 : place + 2]
                if not pms.state.state(account, one.guid).view_count
            )
    return rows if deck else rows[:50]


async def on_deck(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """List On Deck."""
    attrs: Row = {"allowSync": False, "identifier": IDENTIFIER, "mixedParents": True}
    return item_page(pms, call, _next_up(pms, call, deck=True), attrs, section=True)


async def continue_watching_hub(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """Show the Continue Watching hub with its items inside."""
    items = _next_up(pms, call, deck=False)
    shape = shape_of(pms, call.call, section=True)
    hub: Row = {
        "hubKey": "/hubs/continueWatching/items",
        "key": "/hubs/continueWatching/items",
        "title": "Continue Watching",
        "type": "mixed",
        "hubIdentifier": "continueWatching",
        "context": "hub.continueWatching",
        "size": len(items),
        "more": False,
        "style": "hero",
    }
    if items:
        hub["Metadata"] = [item_row(pms.state, call.account.id, item, shape) for item in items]
    return respond(call.call.request, {"size": 1, "identifier": IDENTIFIER, "Hub": [hub]})


async def continue_watching(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """List Continue Watching."""
    attrs: Row = {"allowSync": False, "identifier": IDENTIFIER, "mixedParents": True}
    return item_page(pms, call, _next_up(pms, call, deck=False), attrs, section=True)
