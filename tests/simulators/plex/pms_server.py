"""Server, accounts, libraries and playback sessions (API reference 1.7, 2.3, 2.4, 2.12)."""

from typing import TYPE_CHECKING, Final

from aiohttp import web

from tests.simulators.plex.render import html_error, respond
from tests.simulators.plex.rows import Row, Shape, item_row, section_row
from tests.simulators.plex.server import Call, container, page_headers

if TYPE_CHECKING:
    from tests.simulators.plex.pms import PlexMediaServer, PmsCall

API_VERSION: Final = "1.2.2"
PLAYBACK_TIMEOUT: Final = 300.0
MOVIE_AGENTS: Final = (
    "tv.plex.agents.movie",
    "com.plexapp.agents.imdb",
    "com.plexapp.agents.themoviedb",
    "com.plexapp.agents.none",
)
SHOW_AGENTS: Final = (
    "tv.plex.agents.series",
    "com.plexapp.agents.thetvdb",
    "com.plexapp.agents.themoviedb",
    "com.plexapp.agents.hama",
    "com.plexapp.agents.none",
)


def register(pms: PlexMediaServer) -> None:
    """Add the routes."""

    async def identity(request: web.Request) -> web.Response:
        data: Row = {
            "size": 0,
            "apiVersion": API_VERSION,
            "claimed": True,
            "machineIdentifier": pms.machine_identifier,
            "version": pms.options.version,
        }
        return respond(request, data)

    pms.app.router.add_get("/identity", identity)  # the one call without a token
    pms.route("GET", "/", root)
    pms.route("GET", "/accounts", accounts, owner=True)
    pms.route("GET", "/devices", devices, owner=True)
    pms.route("GET", "/:/prefs", prefs)
    pms.route("GET", "/library", library, owner=True)
    for path in ("/library/sections", "/library/sections/", "/library/sections/all"):
        pms.route("GET", path, sections)
    pms.route("GET", "/status/sessions", sessions)
    pms.route("GET", "/system/agents", agents)


async def root(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """Describe the server."""
    data: Row = {
        "size": 0,
        "allowCameraUpload": True,
        "allowMediaDeletion": True,
        "allowSharing": True,
        "allowSync": True,
        "claimed": True,
        "countryCode": "nld",
        "friendlyName": pms.name,
        "machineIdentifier": pms.machine_identifier,
        "multiuser": True,
        "myPlex": True,
        "myPlexMappingState": "mapped",
        "myPlexSigninState": "ok",
        "myPlexSubscription": True,
        "myPlexUsername": pms.owner_username,
        "ownerFeatures": "",
        "platform": "Linux",
        "platformVersion": "6.1",
        "transcoderActiveVideoSessions": 0,
        "updatedAt": pms.now,
        "version": pms.options.version,
    }
    return respond(call.call.request, data)


async def accounts(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """List the local accounts; paged like other containers (1.7)."""
    page = pms.page(call.call, sorted(pms.accounts.values(), key=lambda one: one.id))
    rows: list[Row] = [
        {
            "id": account.id,
            "key": f"/accounts/{account.id}",
            "name": account.name,
            "defaultAudioLanguage": "en",
            "autoSelectAudio": True,
            "defaultSubtitleLanguage": "en",
            "subtitleMode": 0,
            "thumb": "",
        }
        for account in page.rows
    ]
    data = container(page, rows, "Account", {"identifier": "com.plexapp.system.accounts"})
    return respond(call.call.request, data, headers=page_headers(page))


async def devices(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """List the devices that have played something."""
    page = pms.page(call.call, [7])
    rows: list[Row] = [
        {
            "id": number,
            "name": "Living room",
            "platform": "tvOS",
            "clientIdentifier": f"device-{number}",
            "createdAt": pms.now,
        }
        for number in page.rows
    ]
    data = container(page, rows, "Device", {"identifier": "com.plexapp.system.devices"})
    return respond(call.call.request, data)


async def prefs(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """Show the preferences a client may ask for, the played threshold in percent among them."""
    if pms.options.prefs_owner_only and call.account.id != 1:
        return html_error(pms.options.denied_status)
    rows: list[Row] = [
        {
            "id": "FriendlyName",
            "label": "Friendly name",
            "type": "text",
            "default": "",
            "value": pms.name,
            "hidden": False,
            "advanced": False,
            "group": "general",
        },
        {
            "id": "LibraryVideoPlayedThreshold",
            "label": "Video played threshold",
            "type": "int",
            "default": "90",
            "value": str(pms.options.played_threshold),
            "hidden": False,
            "advanced": True,
            "group": "library",
        },
    ]
    return respond(call.call.request, {"size": len(rows), "Setting": rows})


async def library(_pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """Describe the library as a whole; owner only (1.8)."""
    rows: list[Row] = [
        {"key": key, "title": title}
        for key, title in (
            ("sections", "Library Sections"),
            ("recentlyAdded", "Recently Added Content"),
            ("onDeck", "On Deck Content"),
        )
    ]
    data: Row = {
        "size": len(rows),
        "allowSync": False,
        "identifier": "com.plexapp.plugins.library",
        "mediaTagPrefix": "/system/bundle/media/flags/",
        "mediaTagVersion": 1788000000,
        "title1": "Plex Library",
        "Directory": rows,
    }
    return respond(call.call.request, data)


async def sections(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """List the libraries shared with the caller."""
    page = pms.page(call.call, pms.sections_of(call.account))
    data = container(
        page,
        [section_row(section, pms.now) for section in page.rows],
        "Directory",
        {"allowSync": False, "title1": "Plex Library"},
    )
    return respond(call.call.request, data, headers=page_headers(page))


async def agents(_pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """List the metadata agents for a kind of library (2.4)."""
    movie = call.call.arg("mediaType") != "2"
    names = MOVIE_AGENTS if movie else SHOW_AGENTS
    rows: list[Row] = [
        {
            "hasAttribution": False,
            "hasPrefs": False,
            "identifier": identifier,
            "name": identifier.rpartition(".")[2],
            "primary": True,
            "Language": [{"code": "en"}],
        }
        for identifier in names
    ]
    return respond(call.call.request, {"size": len(rows), "identifier": "com.plexapp.system", "Agent": rows})


async def sessions(pms: PlexMediaServer, call: PmsCall) -> web.Response:
    """List what plays right now: items with User, Player and Session (2.12)."""
    if pms.options.sessions_owner_only and call.account.id != 1:
        return html_error(pms.options.denied_status)
    limit = pms.clock() - PLAYBACK_TIMEOUT
    rows: list[Row] = []
    for place, playing in list(pms.playbacks.items()):
        if playing.updated < limit:
            del pms.playbacks[place]
            continue
        account = pms.accounts[playing.account]
        row = item_row(pms.state, account.id, playing.item, Shape(guids=True, section=True))
        row["sessionKey"] = str(playing.key)
        row["viewOffset"] = playing.offset
        row["User"] = {"id": str(account.id), "title": account.name, "thumb": ""}
        row["Player"] = {
            "title": "Living room",
            "state": playing.state,
            "machineIdentifier": playing.client,
            "product": "Plex for tvOS",
            "platform": "tvOS",
            "address": "192.168.1.30",
            "local": True,
        }
        row["Session"] = {"id": f"session-{playing.key}", "bandwidth": 8000, "location": "lan"}
        rows.append(row)
    data: Row = {"size": len(rows)}
    if rows:
        data["Metadata"] = rows
    return respond(call.call.request, data)


def shape_of(pms: PlexMediaServer, call: Call, *, single: bool = False, section: bool = False) -> Shape:
    """Read from the arguments what the rows are to hold (2.5, 2.7)."""
    elements = set((call.arg("excludeElements") or "").split(","))
    fields = set((call.arg("excludeFields") or "").split(","))
    if not pms.options.exclude_elements_drops_guids:
        elements.discard("Guid")
    guids = (single or call.flag("includeGuids")) and pms.options.supports_guids
    return Shape(
        guids=guids,
        section=section or single or pms.options.rows_repeat_section,
        dropped=frozenset(elements | fields) - {"", "ratingKey", "key", "type"},
    )
