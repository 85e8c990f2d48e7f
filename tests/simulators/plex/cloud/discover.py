"""Discover: watchlist and text search (API reference sections 3.2 to 3.4)."""

import hashlib
from typing import TYPE_CHECKING, Final

from aiohttp import web

from tests.simulators.plex.cloud.catalogue import Entry, entry_row
from tests.simulators.plex.options import Oversize
from tests.simulators.plex.query import sort_rows
from tests.simulators.plex.render import api_error, html_error, respond
from tests.simulators.plex.rows import Row
from tests.simulators.plex.server import container, page_headers

if TYPE_CHECKING:
    from tests.simulators.plex.cloud.accounts import User
    from tests.simulators.plex.cloud.server import CloudCall, PlexCloud

HOSTS: Final = ("discover.provider.plex.tv",)
_KINDS: Final = {"1": "movie", "2": "show"}
_SEARCH_TYPES: Final = {"movies": "movie", "tv": "show"}


def register(cloud: PlexCloud) -> None:
    """Add the routes."""
    cloud.route("GET", "/library/sections/watchlist/{part:all|available|released}", listing, HOSTS)
    cloud.route("PUT", "/actions/addToWatchlist", add, HOSTS)
    cloud.route("PUT", "/actions/removeFromWatchlist", remove, HOSTS)
    cloud.route("GET", "/library/search", search, HOSTS)

    async def gone(_request: web.Request) -> web.Response:
        return html_error(404)

    # the watchlist has left this host (3.1); the GraphQL host is not simulated
    cloud.app.router.add_get("/metadata.provider.plex.tv/library/sections/watchlist/{part}", gone)
    cloud.app.router.add_route("*", "/community.plex.tv{tail:.*}", gone)


async def listing(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """List the watchlist; 101 rows are too many to ask for, an unchanged ETag is 304."""
    options, request = cloud.options, call.call.request
    size = call.call.number("X-Plex-Container-Size")
    window = call.call.window(options.watchlist_page_size)
    if size is not None and size > options.watchlist_max_size:
        if options.watchlist_oversize is Oversize.REJECT:
            return api_error(request, 400, 1000, "X-Plex-Container-Size is too large")
        if options.watchlist_oversize is Oversize.CLAMP:
            window = type(window)(window.start, options.watchlist_max_size, paged=True)
    listed = cloud.listed(call.user)
    entries = [entry for key in listed if (entry := cloud.catalogue.get(key)) is not None]
    if (kind := _KINDS.get(call.call.arg("type") or "")) is not None:
        entries = [entry for entry in entries if entry.kind == kind]
    elif call.call.arg("type"):
        entries = []
    entries = _sorted(entries, call.call.arg("sort") or "watchlistedAt:desc", listed)
    page = cloud.page(call.call, entries, window)
    guids = call.call.flag("includeGuids")
    rows: list[Row] = []
    for entry in page.rows:
        shown = guids and (entry.kind == "movie" or options.watchlist_show_guids)
        row = entry_row(entry, guids=shown)
        if options.watchlist_rows_have_user_state:
            row["UserState"] = {"ratingKey": entry.key, "watchlistedAt": listed[entry.key]}
        rows.append(row)
    headers = page_headers(page)
    if options.watchlist_etag:
        tag = _etag(call.user, entries, request.query_string, stable=options.etag_survives_reordering)
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        headers["ETag"] = tag
    data = container(
        page,
        rows,
        "Metadata",
        {
            "librarySectionID": "watchlist",
            "librarySectionTitle": "Watchlist",
            "identifier": "tv.plex.provider.discover",
        },
    )
    return respond(request, data, headers=headers)


def _etag(user: User, entries: list[Entry], query: str, *, stable: bool) -> str:
    keys = [entry.key for entry in entries]
    if stable:
        keys.sort()
    text = f"{user.id}/{query}/{','.join(keys)}"
    return f'W/"{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}"'


def _sorted(entries: list[Entry], spec: str, listed: dict[str, int]) -> list[Entry]:
    def get(entry: Entry, field: str) -> tuple[str | int, ...]:
        match field:
            case "watchlistedAt":
                return (listed[entry.key],)
            case "originallyAvailableAt" | "firstAvailableAt":
                return (entry.title.released,)
            case "rating":
                return (int(entry.key[:4], 16),)
            case _:
                return (entry.name,)

    return sort_rows(sorted(entries, key=lambda entry: entry.key), spec, get)


async def add(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """Put a movie or show on the list; twice is fine, an unknown key is 404 (3.3)."""
    key = call.call.arg("ratingKey")
    if not key:
        return api_error(call.call.request, 400, 1000, "ratingKey is missing")
    return _written(call, done=cloud.watchlist_add(call.user, key))


async def remove(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """Take a title off the list; absent is fine, an unknown key is 404 (3.3)."""
    key = call.call.arg("ratingKey")
    if not key:
        return api_error(call.call.request, 400, 1000, "ratingKey is missing")
    return _written(call, done=cloud.watchlist_remove(call.user, key))


def _written(call: CloudCall, *, done: bool) -> web.Response:
    if not done:
        return api_error(call.call.request, 404, 1002, "Metadata item was not found")
    return respond(call.call.request, {"size": 0})


async def search(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """Search titles; rows never have Guid, searchProviders is mandatory (3.4)."""
    words, providers = call.call.arg("query"), call.call.arg("searchProviders")
    for name, value in (("query", words), ("searchProviders", providers)):
        if not value:
            return api_error(call.call.request, 400, 1000, f"{name} is missing")
    types = (call.call.arg("searchTypes") or "movies,tv").split(",")
    kinds = frozenset(_SEARCH_TYPES[one] for one in types if one in _SEARCH_TYPES)
    hits = cloud.catalogue.search(words or "", kinds)[: call.call.number("limit") or 10]
    results: list[Row] = [
        {"score": round(1.0 - place * 0.01, 2), "Metadata": entry_row(entry, guids=False)}
        for place, entry in enumerate(hits)
    ]
    bucket: Row = {"id": "external", "title": "More Ways To Watch", "size": len(results)}
    if results:
        bucket["SearchResult"] = results
    empty: Row = {"id": "plex", "title": "On Plex", "size": 0}
    data: Row = {
        "size": 2,
        "identifier": "tv.plex.provider.discover",
        "suggestedTerms": [],
        "SearchResults": [empty, bucket],
    }
    return respond(call.call.request, data)
