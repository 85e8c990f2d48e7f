"""Library listings and metadata (API reference 2.5, 2.7, 2.13)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from aiohttp import web

from tests.simulators.plex.fields import FILTERS
from tests.simulators.plex.listings import kind_of
from tests.simulators.plex.meta import collections_meta, meta_of
from tests.simulators.plex.pms_server import shape_of
from tests.simulators.plex.query import QueryError, split_operator
from tests.simulators.plex.render import html_error, respond
from tests.simulators.plex.rows import IDENTIFIER, Row, item_row
from tests.simulators.plex.server import container, page_headers
from tests.simulators.plex.state import Item, Kind, Section

if TYPE_CHECKING:
    from tests.simulators.plex.pms import PlexMediaServer, PmsCall

_STATE_FIELDS: Final = frozenset({"viewCount", "unwatched"})
_SEARCHED: Final[tuple[Kind, ...]] = ("movie", "show", "episode")


def register(pms: PlexMediaServer) -> None:
    """Add the routes."""
    pms.route("GET", "/library/sections/{id:\\d+}", section_index)
    pms.route("GET", "/library/sections/{id:\\d+}/all", section_all)
    pms.route("GET", "/library/sections/{id:\\d+}/collections", collections)
    pms.route("GET", "/library/all", library_all)
    pms.route("GET", "/library/metadata/{keys}", metadata)
    pms.route("GET", "/library/metadata/{key}/children", children)
    pms.route("GET", "/library/metadata/{key}/allLeaves", leaves)
    pms.route("GET", "/library/metadata/{key}/grandchildren", leaves)
    pms.route("GET", "/library/metadata/{key}/matches", matches)
    pms.route("GET", "/hubs/search", hub_search)


def _shared_section(pms: PlexMediaServer, call: PmsCall) -> Section | None:
    number = int(call.call.request.match_info["id"])
    section = pms.state.sections.get(number)
    return section if section is not None and pms.sees(call.account, number) else None


def item_page(
    pms: PlexMediaServer,
    call: PmsCall,
    items: Sequence[Item],
    attrs: Row,
    *,
    section: bool = False,
) -> web.Response:
    """Answer one page of items; `limit` caps the result set before paging (2.2)."""
    options = pms.options
    rows = list(items) if not isinstance(items, list) else items
    cap = call.call.number("limit")
    if cap is not None:
        rows = rows[:cap]
    window = call.call.window()
    if options.max_container_size is not None and window.paged:
        size = window.size if window.size is not None else len(rows)
        window = type(window)(window.start, min(size, options.max_container_size), paged=True)
    page = pms.page(call.call, rows, window)
    shape = shape_of(pms, call.call, section=section)
    account, stale = call.account.id, options.stale_writes
    filled = [item_row(pms.state, account, item, shape, stale) for item in page.rows]
    data = container(page, filled, "Metadata", attrs)
    if options.unpaged_has_total and not page.paged:
        data["totalSize"] = page.total
        data["offset"] = 0
    return respond(call.call.request, data, headers=page_headers(page))


def _attrs(section: Section, kind: str) -> Row:
    return {
        "allowSync": True,
        "identifier": IDENTIFIER,
        "librarySectionID": section.id,
        "librarySectionTitle": section.title,
        "librarySectionUUID": section.uuid,
        "viewGroup": kind,
    }


def _listed(
    pms: PlexMediaServer, call: PmsCall, sections: Sequence[Section], kinds: Sequence[Kind]
) -> list[Item]:
    if tuple(kinds) == ("episode",) and not pms.options.unscoped_episode_filters_work:
        plain = {split_operator(key)[0] for key, _value in call.call.pairs}
        if plain & _STATE_FIELDS:
            return []
    return pms.listings.items(
        sections,
        kinds,
        call.call.pairs,
        account=call.account.id,
        now=pms.now,
        stale=pms.options.stale_writes,
    )


def _filters(call: PmsCall) -> frozenset[str]:
    """The names of the filter fields that were asked for."""
    fields = (split_operator(key)[0].rpartition(".")[2] for key, _value in call.call.pairs)
    return FILTERS.intersection(fields)


async def section_index(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """Describe a library; with includeDetails its types, filters and sorts."""
    section = _shared_section(pms, call)
    if section is None:
        return html_error(404)
    data: Row = {
        "size": 1,
        "allowSync": True,
        "identifier": IDENTIFIER,
        "librarySectionID": section.id,
        "title1": section.title,
        "viewGroup": "secondary",
        "Directory": [{"key": "all", "title": f"All {section.title}"}],
    }
    return respond(call.call.request, data)


async def section_all(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """List a library, or with includeMeta say which filters and sorts there are (2.5)."""
    section = _shared_section(pms, call)
    if section is None:
        return html_error(404)
    asked = kind_of(call.call.arg("type"))
    if asked is None and pms.options.filter_needs_type and _filters(call) - {"guid"}:
        raise QueryError("a filter needs type")
    kind: Kind = asked or section.kind
    items = _listed(pms, call, [section], [kind])
    attrs = _attrs(section, kind)
    if call.call.flag("includeMeta"):
        attrs["Meta"] = meta_of(section, asked)
    return item_page(pms, call, items, attrs)


async def collections(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """List collections: there are none, but python-plexapi reads their filters (7.3)."""
    section = _shared_section(pms, call)
    if section is None:
        return html_error(404)
    attrs = _attrs(section, "collection")
    if call.call.flag("includeMeta"):
        attrs["Meta"] = collections_meta(section)
    return item_page(pms, call, [], attrs)


async def library_all(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """List all shared libraries; rows carry their section (2.5)."""
    asked = kind_of(call.call.arg("type"))
    names = _filters(call)
    if asked is None and pms.options.filter_needs_type and names - {"guid"}:
        raise QueryError("a filter needs type")
    kinds: Sequence[Kind] = [asked] if asked else ["movie", "show"]
    if asked is None and "guid" in names:
        kinds = ["movie", "show", "season", "episode"]
    items = _listed(pms, call, pms.sections_of(call.account), kinds)
    attrs: Row = {"allowSync": True, "identifier": IDENTIFIER}
    return item_page(pms, call, items, attrs, section=True)


async def metadata(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """Answer one item or a comma batch, leaving unknown keys out (2.7)."""
    options = pms.options
    keys = call.call.request.match_info["keys"].split(",")
    if options.max_batch is not None and len(keys) > options.max_batch:
        return html_error(options.oversized_batch_status)
    found = [item for key in keys if (item := pms.item_for(call.account, key)) is not None]
    if not found and (len(keys) == 1 or options.unknown_batch_status == 404):
        return html_error(404)
    shape = shape_of(pms, call.call, single=len(keys) == 1, section=True)
    rows = [item_row(pms.state, call.account.id, item, shape, options.stale_writes) for item in found]
    data: Row = {"size": len(rows), "allowSync": True, "identifier": IDENTIFIER}
    if len({item.section.id for item in found}) == 1:
        section = found[0].section
        data["librarySectionID"] = section.id
        data["librarySectionTitle"] = section.title
        data["librarySectionUUID"] = section.uuid
    if rows:
        data["Metadata"] = rows
    return respond(call.call.request, data)


async def children(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """List a show's seasons or a season's episodes."""
    item = pms.item_for(call.account, call.call.request.match_info["key"])
    if item is None:
        return html_error(404)
    below = sorted(item.children, key=_by_number)
    attrs = _attrs(item.section, "season" if item.kind == "show" else "episode")
    attrs["key"] = str(item.key)
    return item_page(pms, call, below, attrs)


async def leaves(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """List every episode below a show or a season."""
    item = pms.item_for(call.account, call.call.request.match_info["key"])
    if item is None:
        return html_error(404)
    below = [
        episode
        for season in sorted(item.children, key=_by_number)
        for episode in (sorted(season.children, key=_by_number) if season.kind == "season" else [season])
    ]
    attrs = _attrs(item.section, "episode")
    attrs["key"] = str(item.key)
    return item_page(pms, call, below, attrs)


def _by_number(item: Item) -> int:
    return -1 if item.index is None else item.index


async def matches(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """Turn an external id in `title` (`tmdb-603`) into plex:// guids for an item's agent (2.7)."""
    item = pms.item_for(call.account, call.call.request.match_info["key"])
    if item is None:
        return html_error(404)
    source, _, number = (call.call.arg("title") or "").partition("-")
    rows: list[Row] = []
    if source in ("imdb", "tmdb", "tvdb") and pms.resolver is not None:
        kind: Kind = "movie" if item.section.kind == "movie" else "show"
        hit = pms.resolver(kind, f"{source}://{number}")
        if hit is not None:
            guid, name, year = hit
            rows.append({"guid": guid, "name": name, "score": 100, "lifespanEnded": False})
            if year is not None:
                rows[-1]["year"] = year
    data: Row = {"size": len(rows), "identifier": IDENTIFIER}
    if rows:
        data["SearchResult"] = rows
    return respond(call.call.request, data)


async def hub_search(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """Search titles: one hub per kind (2.13)."""
    query = call.call.arg("query")
    if not query:
        return html_error(400)
    only = call.call.number("sectionId")
    limit = call.call.number("limit") or 3
    shape = shape_of(pms, call.call, section=True)
    words = query.casefold()
    hubs: list[Row] = []
    for kind in _SEARCHED:
        found = [
            item
            for section in pms.sections_of(call.account)
            if only is None or section.id == only
            for item in section.items[kind].values()
            if words in item.title.casefold()
        ]
        rows = [item_row(pms.state, call.account.id, item, shape) for item in found[:limit]]
        hub: Row = {
            "title": f"{kind.title()}s",
            "type": kind,
            "hubIdentifier": kind,
            "context": f"hub.search.{kind}",
            "size": len(rows),
            "more": len(found) > limit,
            "style": "shelf",
        }
        if rows:
            hub["Metadata"] = rows
        hubs.append(hub)
    data: Row = {"size": len(hubs), "identifier": IDENTIFIER, "Hub": hubs}
    return respond(call.call.request, data)
