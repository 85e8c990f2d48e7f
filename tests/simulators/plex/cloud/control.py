"""The control API of the demo and the browser tests, under /_simulator (no part of Plex).

POST bodies and answers are JSON. Users are named by id, user name or title.

- POST /_simulator/pins/claim {code, user}: sign in.
- POST /_simulator/tokens/revoke {user}: sign a user out everywhere. Answers {revoked: number of tokens}.
- POST /_simulator/publicmetadb/key {old, new}: replace an API key of PublicMetaDB; the old one is refused.
- POST /_simulator/plays {user, rating_key?, at?}: watch an item of the first server; without a
  rating_key the first unwatched one with a tmdb id. Answers {rating_key, title, at}.
- POST /_simulator/watchlist {user, action: add|remove, key?}: change a watchlist; without a key
  some title not on it, or the newest on it. Answers {key, title}.
- POST /_simulator/titles {title, year?, ids?, user?}: let Discover know a new movie and put it on a
  watchlist; ids are tmdb, imdb and tvdb. Answers {key, title}.
- GET /_simulator/watchlist?user=: the titles on it, the newest first.
- GET /_simulator/requests: {"plex": n, "publicmetadb": n}; DELETE (or POST …/reset) starts anew.
- GET /_simulator/requests/log: every request since then, oldest first, as {service, at (monotonic
  seconds), method, path, query, status}.
"""

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
import orjson

from tests.simulators.base import LoggedRequest, Simulator
from tests.simulators.library import Ids
from tests.simulators.plex.cloud.accounts import User
from tests.simulators.plex.render import json_response
from tests.simulators.publicmetadb import PublicMetaDBSimulator

if TYPE_CHECKING:
    from tests.simulators.plex.cloud.server import PlexCloud

PREFIX: Final = "/_simulator"
_NOT_API: Final = (PREFIX, "/app.plex.tv/")


def register(cloud: PlexCloud) -> None:
    """Add the routes."""
    _register_sign_in(cloud)

    async def play(request: web.Request) -> web.Response:
        return _play(cloud, await _body(request))

    async def change(request: web.Request) -> web.Response:
        return _change_watchlist(cloud, await _body(request))

    async def add_title(request: web.Request) -> web.Response:
        return _add_title(cloud, await _body(request))

    async def watchlist(request: web.Request) -> web.Response:
        listed = cloud.listed(_user(cloud, dict(request.query)))
        rows = sorted(listed.items(), key=lambda pair: -pair[1])
        return json_response(
            [{"key": key, "title": cloud.catalogue.titles[key].title, "at": at} for key, at in rows]
        )

    async def counts(_request: web.Request) -> web.Response:
        return json_response(request_counts(cloud))

    async def log(_request: web.Request) -> web.Response:
        return json_response(request_log(cloud))

    async def reset(_request: web.Request) -> web.Response:
        for simulator in simulators(cloud):
            simulator.log.clear()
        return json_response(request_counts(cloud))

    add = cloud.app.router
    add.add_post(f"{PREFIX}/plays", play)
    add.add_post(f"{PREFIX}/watchlist", change)
    add.add_post(f"{PREFIX}/titles", add_title)
    add.add_get(f"{PREFIX}/watchlist", watchlist)
    add.add_get(f"{PREFIX}/requests", counts)
    add.add_get(f"{PREFIX}/requests/log", log)
    add.add_delete(f"{PREFIX}/requests", reset)
    add.add_post(f"{PREFIX}/requests/reset", reset)


def _register_sign_in(cloud: PlexCloud) -> None:
    async def claim(request: web.Request) -> web.Response:
        body = await _body(request)
        pin = cloud.claim_pin(str(body.get("code") or ""), _user(cloud, body))
        return _not_found("no such PIN") if pin is None else json_response({"claimed": pin.code})

    async def revoke(request: web.Request) -> web.Response:
        user = _user(cloud, await _body(request))
        tokens = [token for token, owner in cloud.accounts.tokens.items() if owner is user]
        for token in tokens:
            cloud.revoke(token)
        return json_response({"revoked": len(tokens)})

    async def change_key(request: web.Request) -> web.Response:
        body = await _body(request)
        service = cloud.others.get("publicmetadb")
        if not isinstance(service, PublicMetaDBSimulator) or body.get("old") not in service.state.users:
            return _not_found("no such key")
        service.change_key(str(body["old"]), str(body["new"]))
        return json_response({"changed": True})

    add = cloud.app.router
    add.add_post(f"{PREFIX}/pins/claim", claim)
    add.add_post(f"{PREFIX}/tokens/revoke", revoke)
    add.add_post(f"{PREFIX}/publicmetadb/key", change_key)


async def _body(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    body = orjson.loads(raw) if raw else {}
    return body if isinstance(body, dict) else {}


def _user(cloud: PlexCloud, body: dict[str, Any]) -> User:
    who = body.get("user")
    user = cloud.accounts.users[0] if who is None else cloud.accounts.find(str(who))
    if user is None:
        raise web.HTTPNotFound(text=f"no user {who}")
    return user


def _not_found(message: str) -> web.Response:
    return json_response({"error": message}, status=404)


def _play(cloud: PlexCloud, body: dict[str, Any]) -> web.Response:
    user = _user(cloud, body)
    share = next(iter(cloud.accounts.shares_of(user)), None)
    if share is None:
        return _not_found("the user has no server")
    pms, account = share.pms, cloud.account_id(user, share.pms)
    key = body.get("rating_key")
    if key is not None:
        item = pms.state.items.get(int(key))
    else:
        item = next(
            (
                one
                for one in pms.state.items.values()
                if one.kind in ("movie", "episode")
                and (one.show or one).ids.tmdb is not None
                and not pms.user_state(account, one).view_count
            ),
            None,
        )
    if item is None:
        return _not_found("no such item")
    at = int(body.get("at") or pms.now)
    pms.play(account, item, at)
    return json_response({"rating_key": str(item.key), "title": item.title, "at": at})


def _change_watchlist(cloud: PlexCloud, body: dict[str, Any]) -> web.Response:
    user, key = _user(cloud, body), body.get("key")
    listed = cloud.listed(user)
    adding = body.get("action", "add") == "add"
    if key is None:
        others = (
            one.plex_key
            for one in cloud.catalogue.titles.values()
            if one.plex_key not in listed and one.ids.tmdb is not None
        )
        newest = max(listed, key=lambda one: listed[one], default=None)
        key = next(others, None) if adding else newest
    change = cloud.watchlist_add if adding else cloud.watchlist_remove
    if key is None or not change(user, str(key)):
        return _not_found("no such title")
    title = cloud.catalogue.titles[str(key).rpartition("/")[2]]
    return json_response({"key": title.plex_key, "title": title.title})


def _add_title(cloud: PlexCloud, body: dict[str, Any]) -> web.Response:
    key = f"{len(cloud.catalogue.titles):024x}"
    title = cloud.add_movie(str(body["title"]), key, Ids(**body.get("ids", {})), int(body.get("year", 2000)))
    cloud.watchlist_add(_user(cloud, body), title.plex_key)
    return json_response({"key": title.plex_key, "title": title.title})


def simulators(cloud: PlexCloud) -> list[Simulator]:
    """Every server whose requests are counted."""
    servers = [pms for pms, _owner in cloud.accounts.servers.values()]
    return [cloud, *servers, *cloud.others.values()]


def counted_requests(cloud: PlexCloud) -> dict[str, list[LoggedRequest]]:
    """Requests received so far, by service; the sign-in page and this API do not count."""
    plex: list[Simulator] = [cloud, *(pms for pms, _owner in cloud.accounts.servers.values())]
    counted = {
        "plex": [r for one in plex for r in one.log if not r.path.startswith(_NOT_API)],
    }
    return counted | {name: list(one.log) for name, one in cloud.others.items()}


def request_counts(cloud: PlexCloud) -> dict[str, int]:
    """Number of requests received so far, by service."""
    return {name: len(requests) for name, requests in counted_requests(cloud).items()}


def request_log(cloud: PlexCloud) -> list[dict[str, Any]]:
    """Requests received so far, of all services, in the order they came."""
    rows = [
        {
            "service": name,
            "at": one.at,
            "method": one.method,
            "path": one.path,
            "query": list(one.query),
            "status": one.status,
        }
        for name, requests in counted_requests(cloud).items()
        for one in requests
    ]
    return sorted(rows, key=lambda row: row["at"])
