"""The metadata provider: matches, items, children, userState (API reference 3.4 to 3.6)."""

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from tests.simulators.plex.cloud.catalogue import CloudKind, Entry, entry_row
from tests.simulators.plex.render import api_error, empty_response, html_error, respond
from tests.simulators.plex.rows import Row
from tests.simulators.plex.server import container, page_headers

if TYPE_CHECKING:
    from tests.simulators.plex.cloud.server import CloudCall, PlexCloud

METADATA: Final = ("metadata.provider.plex.tv",)
BOTH: Final = ("metadata.provider.plex.tv", "discover.provider.plex.tv")
IDENTIFIER: Final = "tv.plex.provider.metadata"
PAGE_SIZE: Final = 20
_KINDS: Final[dict[str, CloudKind]] = {"1": "movie", "2": "show", "3": "season", "4": "episode"}
_LEGACY: Final = {
    "com.plexapp.agents.imdb": "imdb",
    "com.plexapp.agents.themoviedb": "tmdb",
    "com.plexapp.agents.thetvdb": "tvdb",
}


def register(cloud: PlexCloud) -> None:
    """Add the routes."""
    cloud.route("GET", "/", root, METADATA)
    cloud.route("GET", "/library/metadata/matches", matches, BOTH)
    cloud.route("GET", "/library/metadata/{keys}", item, BOTH)
    cloud.route("GET", "/library/metadata/{key}/children", children, BOTH)
    cloud.route("GET", "/library/metadata/{key}/grandchildren", grandchildren, BOTH)
    cloud.route("GET", "/library/metadata/{key}/userState", user_state, BOTH)
    cloud.route("GET", "/actions/scrobble", scrobble, METADATA)
    cloud.route("GET", "/actions/unscrobble", unscrobble, METADATA)
    # rating on this host is 404 without a route of its own


async def root(_cloud: PlexCloud, call: CloudCall) -> web.Response:
    """Describe the provider, so that a client may treat it as a server (7.3)."""
    data: Row = {
        "size": 0,
        "friendlyName": "Plex Metadata Provider",
        "identifier": IDENTIFIER,
        "machineIdentifier": IDENTIFIER,
        "version": "1.0",
    }
    return respond(call.call.request, data)


async def matches(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """Find items by external id; rows are in Metadata, type is mandatory (3.4)."""
    options, request = cloud.options, call.call.request
    kind = _KINDS.get(call.call.arg("type") or "")
    if kind is None and (options.matches_needs_type or call.call.arg("type")):
        return api_error(request, 400, 1000, "type is missing or not valid")
    guid, title = call.call.arg("guid") or "", call.call.arg("title") or ""
    if not guid and not title:
        return api_error(request, 400, 1000, "guid or title is missing")
    plex = guid.startswith("plex://")
    if not title and (
        options.matches_needs_title_always or (plex and options.matches_needs_title_for_plex_guid)
    ):
        return api_error(request, 400, 1000, "title is missing")
    found: list[Entry] = []
    for one in [kind] if kind else ["movie", "show"]:
        entry = _match(cloud, str(one), guid, title)
        if entry is not None:
            found.append(entry)
    if not found and options.matches_miss_status == 404:
        return html_error(404)
    guids = call.call.flag("includeGuids")
    page = cloud.page(call.call, found, call.call.window(PAGE_SIZE))
    rows = [entry_row(entry, guids=guids) for entry in page.rows]
    return respond(request, container(page, rows, "Metadata", {"identifier": IDENTIFIER}))


def _match(cloud: PlexCloud, kind: str, guid: str, title: str) -> Entry | None:
    """Match a plex, external or legacy guid, else the spelling `title=tmdb-603`."""
    if guid.startswith("plex://"):
        entry = cloud.catalogue.get(guid.rpartition("/")[2])
        return entry if entry is not None and entry.kind == kind else None
    if guid:
        scheme, _, rest = guid.partition("://")
        source = _LEGACY.get(scheme, scheme)
        return cloud.catalogue.by_external(kind, f"{source}://{rest.partition('?')[0]}")
    source, dash, number = title.partition("-")
    if dash and source in ("imdb", "tmdb", "tvdb"):
        return cloud.catalogue.by_external(kind, f"{source}://{number}")
    hits = cloud.catalogue.search(title, frozenset({kind}))
    exact = [hit for hit in hits if hit.name.casefold() == title.casefold()]
    return exact[0] if exact else None


async def item(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """Answer one item with its ids; comma batches only by option (3.5)."""
    request = call.call.request
    keys = request.match_info["keys"].split(",")
    if len(keys) > 1 and not cloud.options.metadata_batches:
        return html_error(404)
    found = [entry for key in keys if (entry := cloud.catalogue.get(key)) is not None]
    if not found:
        return html_error(404)
    rows = []
    for entry in found:
        row = entry_row(entry, guids=call.call.flag("includeGuids"))
        if call.call.flag("includeUserState"):
            row["UserState"] = _state_row(cloud, call, entry)
        rows.append(row)
    data: Row = {
        "offset": 0,
        "totalSize": len(rows),
        "size": len(rows),
        "identifier": IDENTIFIER,
        "Metadata": rows,
    }
    return respond(request, data)


def _entry(cloud: PlexCloud, call: CloudCall) -> Entry | None:
    return cloud.catalogue.get(call.call.request.match_info["key"])


def _page(cloud: PlexCloud, call: CloudCall, below: list[Entry]) -> web.Response:
    page = cloud.page(call.call, below, call.call.window(PAGE_SIZE))
    rows = [entry_row(entry, guids=call.call.flag("includeGuids")) for entry in page.rows]
    data = container(page, rows, "Metadata", {"identifier": IDENTIFIER})
    return respond(call.call.request, data, headers=page_headers(page))


async def children(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """List seasons of a show or episodes of a season; 20 a page unless asked otherwise."""
    entry = _entry(cloud, call)
    return html_error(404) if entry is None else _page(cloud, call, cloud.catalogue.children(entry))


async def grandchildren(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """List a show's episodes."""
    entry = _entry(cloud, call)
    if entry is None:
        return html_error(404)
    return _page(cloud, call, cloud.catalogue.grandchildren(entry))


def _state_row(cloud: PlexCloud, call: CloudCall, entry: Entry) -> Row:
    """Build a UserState; watchlistedAt only while on the list (3.6)."""
    state = cloud.user_state(call.user, entry.key)
    row: Row = {
        "ratingKey": entry.key,
        "type": entry.kind,
        "viewCount": state.view_count,
        "viewedLeafCount": 0,
        "viewOffset": state.view_offset,
        "viewState": "complete" if state.view_count else "none",
    }
    listed = cloud.listed(call.user).get(entry.key)
    for name, value in (
        ("lastViewedAt", state.last_viewed_at),
        ("watchlistedAt", listed),
        ("userRating", state.rating),
    ):
        if value is not None:
            row[name] = value
    return row


async def user_state(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """Show the user's state of an item: an object, by option a one-element array."""
    entry = _entry(cloud, call)
    if entry is None:
        return html_error(404)
    row: Any = _state_row(cloud, call, entry)
    if cloud.options.user_state_is_list:
        row = [row]
    return respond(call.call.request, {"size": 1, "identifier": IDENTIFIER, "UserState": row})


def _scrobbled(cloud: PlexCloud, call: CloudCall) -> Entry | None:
    return cloud.catalogue.get(call.call.arg("key") or "")


async def scrobble(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """Mark watched in the cloud."""
    entry = _scrobbled(cloud, call)
    if entry is None:
        return html_error(404)
    state = cloud.user_state(call.user, entry.key)
    state.view_count += 1
    state.last_viewed_at = cloud.now
    return empty_response()


async def unscrobble(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """Mark unwatched in the cloud."""
    entry = _scrobbled(cloud, call)
    if entry is None:
        return html_error(404)
    state = cloud.user_state(call.user, entry.key)
    state.view_count, state.last_viewed_at = 0, None
    return empty_response()
