"""plex.tv and clients.plex.tv: sign-in, user, servers, Plex Home, friends (sections 1.2 to 1.6)."""

from typing import TYPE_CHECKING, Final

from aiohttp import web

from tests.simulators.library import when
from tests.simulators.plex.cloud import plextv_rows
from tests.simulators.plex.cloud.accounts import Pin, User
from tests.simulators.plex.options import ServerTokens
from tests.simulators.plex.render import (
    api_error,
    element,
    empty_response,
    html_error,
    json_response,
    respond,
    wants_json,
    xml_response,
)
from tests.simulators.plex.rows import Row
from tests.simulators.plex.server import Call

if TYPE_CHECKING:
    from tests.simulators.plex.cloud.server import CloudCall, PlexCloud

HOSTS: Final = ("plex.tv", "clients.plex.tv")


def register(cloud: PlexCloud) -> None:
    """Add the routes."""

    async def create(request: web.Request) -> web.StreamResponse:
        return await create_pin(cloud, request)

    async def poll(request: web.Request) -> web.StreamResponse:
        return poll_pin(cloud, request)

    for host in HOSTS:
        cloud.app.router.add_post(f"/{host}/api/v2/pins", create)
        cloud.app.router.add_get(f"/{host}/api/v2/pins/{{id:\\d+}}", poll)
    cloud.route("PUT", "/api/v2/pins/link", link_pin, HOSTS)
    cloud.route("GET", "/api/v2/user", user, HOSTS)
    cloud.route("GET", "/api/v2/ping", ping, HOSTS)
    cloud.route("GET", "/api/v2/user/view_state_sync", view_state_sync, HOSTS)
    cloud.route("PUT", "/api/v2/user/view_state_sync", view_state_sync, HOSTS)
    cloud.route("GET", "/api/v2/resources", resources, HOSTS)
    cloud.route("GET", "/api/resources", resources_v1, HOSTS)
    cloud.route("GET", "/api/v2/home/users", home_users, HOSTS)
    cloud.route("GET", "/api/home/users", home_users_v1, HOSTS)
    cloud.route("GET", "/api/home/users/", home_users_v1, HOSTS)
    cloud.route("POST", "/api/v2/home/users/{who}/switch", switch, HOSTS)
    cloud.route("POST", "/api/home/users/{who}/switch", switch_v1, HOSTS)
    cloud.route("GET", "/api/users", friends, HOSTS)
    cloud.route("GET", "/api/users/", friends, HOSTS)
    cloud.route("GET", "/api/servers/{machine}/shared_servers", shared_servers, HOSTS)


# --- PINs (1.2)


async def create_pin(cloud: PlexCloud, request: web.Request) -> web.StreamResponse:
    """Create a PIN; `strong` as query argument or form field."""
    call = await Call.with_form(request)
    client, product = call.arg("X-Plex-Client-Identifier"), call.arg("X-Plex-Product")
    if not client or not product:
        missing = "X-Plex-Product" if client else "X-Plex-Client-Identifier"
        return api_error(request, 400, 1000, f"{missing} is missing")
    strong = call.flag("strong")
    options = cloud.options
    pin = cloud.accounts.create_pin(
        client=client,
        product=product,
        strong=strong,
        now=cloud.now,
        life=options.pin_lifetime if strong else options.short_pin_lifetime,
    )
    return respond(request, _pin_row(cloud, pin), root="pin", status=201)


def _pin_row(cloud: PlexCloud, pin: Pin) -> Row:
    return {
        "id": pin.id,
        "code": pin.code,
        "product": pin.product,
        "trusted": False,
        "qr": f"https://plex.tv/api/v2/pins/qr/{pin.code}",
        "clientIdentifier": pin.client,
        "location": {"code": "NL", "country": "Netherlands", "city": "", "time_zone": "UTC"},
        "expiresIn": max(0, pin.expires_at - cloud.now),
        "createdAt": when(pin.created_at),
        "expiresAt": when(pin.expires_at),
        "authToken": pin.token,
        "newRegistration": None,
    }


def poll_pin(cloud: PlexCloud, request: web.Request) -> web.StreamResponse:
    """Show a PIN: 404 when unknown, expired or another client's; 429 when asked too fast."""
    call = Call(request)
    if not call.arg("X-Plex-Client-Identifier"):
        return api_error(request, 400, 1000, "X-Plex-Client-Identifier is missing")
    pin = cloud.accounts.pins.get(int(request.match_info["id"]))
    if pin is None or pin.expires_at <= cloud.now or pin.client != call.arg("X-Plex-Client-Identifier"):
        return api_error(request, 404, 1020, "Code not found or expired")
    since, pin.polled_at = cloud.clock() - pin.polled_at, cloud.clock()
    if since < cloud.options.pin_poll_interval:
        return api_error(request, 429, 1003, "Too many requests")
    return respond(request, _pin_row(cloud, pin), root="pin")


async def link_pin(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """Claim a typed code from the signed-in side."""
    pin = cloud.claim_pin(call.call.arg("code") or "", call.user)
    if pin is None:
        return api_error(call.call.request, 404, 1020, "Code not found or expired")
    return empty_response(204)


# --- the user (1.3)


async def user(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """Describe the token's user: 200 is what makes a token valid."""
    return _user_response(cloud, call.call.request, call.user, call.call.token or "", 200)


def _user_response(
    cloud: PlexCloud, request: web.Request, who: User, token: str, status: int
) -> web.Response:
    size = len(cloud.accounts.home_of(who)) if who.home is not None else 1
    row = plextv_rows.user_row(who, token, size)
    if wants_json(request):
        return json_response(row, status=status)
    return xml_response(plextv_rows.user_xml(row), status=status)


async def ping(_cloud: PlexCloud, call: CloudCall) -> web.Response:
    """Keep a token from expiring."""
    if wants_json(call.call.request):
        return json_response({"pong": True})
    return xml_response("<pong>true</pong>")


async def view_state_sync(_cloud: PlexCloud, call: CloudCall) -> web.Response:
    """Show or set the consent to sync watch state to the cloud (3.6); always JSON."""
    if call.call.request.method == "PUT":
        call.user.view_state_sync = call.call.flag("consent")
    return json_response({"consent": call.user.view_state_sync})


# --- servers (1.4)


async def resources(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """List the servers of the user: a bare JSON array, or <resources> in XML."""
    https, relay = call.call.flag("includeHttps"), call.call.flag("includeRelay")
    rows = plextv_rows.resource_rows(cloud, call.user, https=https, relay=relay)
    if wants_json(call.call.request):
        return json_response(rows)
    for row in rows:
        row["connections"] = {"connection": row["connections"]}
    return xml_response(element("resources", {"resource": rows}))


async def resources_v1(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """List the servers in the old XML form."""
    https = call.call.flag("includeHttps")
    rows = plextv_rows.resource_rows(cloud, call.user, https=https, relay=True)
    for row in rows:
        row["Connection"] = row.pop("connections")
    return xml_response(element("MediaContainer", {"size": len(rows), "Device": rows}))


# --- Plex Home (1.5)


async def home_users(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """List the members of the user's home."""
    home = cloud.accounts.home_of(call.user)
    data: Row = {
        "id": home[0].id,
        "name": f"{home[0].title}'s home",
        "guestUserID": None,
        "guestUserUUID": "",
        "guestEnabled": False,
        "subscription": True,
        "users": [plextv_rows.home_user_row(one) for one in home],
    }
    if wants_json(call.call.request):
        return json_response(data)
    data["users"] = {"user": data["users"]}
    return xml_response(element("home", data))


async def home_users_v1(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """List the members in the old XML form."""
    home = cloud.accounts.home_of(call.user)
    rows = [plextv_rows.home_user_row(one) for one in home]
    data: Row = {
        "friendlyName": "myPlex",
        "identifier": "com.plexapp.plugins.myplex",
        "size": len(rows),
        "User": rows,
    }
    return xml_response(element("MediaContainer", data))


def _switch(cloud: PlexCloud, call: CloudCall) -> tuple[User, str] | web.Response:
    """Find the member to switch to and check the PIN; answer its new token."""
    request = call.call.request
    who = request.match_info["who"]
    for member in cloud.accounts.home_of(call.user):
        if who in (str(member.id), member.uuid):
            break
    else:
        return api_error(request, 404, 1002, "User not found")
    if member.pin is not None and call.call.arg("pin") != member.pin:
        return api_error(request, cloud.options.switch_denied_status, 1041, "Invalid PIN")
    member.switches += 1
    token = cloud.accounts.new_token(member)
    cloud.let_in(member)
    return member, token


async def switch(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """Switch to a member: 201 with the member's user object and token."""
    switched = _switch(cloud, call)
    if isinstance(switched, web.Response):
        return switched
    return _user_response(cloud, call.call.request, *switched, 201)


async def switch_v1(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """Switch the old way: the token is the attribute authenticationToken."""
    switched = _switch(cloud, call)
    if isinstance(switched, web.Response):
        return switched
    member, token = switched
    row = plextv_rows.home_user_row(member)
    row["authenticationToken"] = token
    return xml_response(element("user", row), status=201)


# --- friends (1.6)


async def friends(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """List friends and home users with the caller's servers they reach."""
    people = [*call.user.friends]
    people += [one for one in cloud.accounts.home_of(call.user) if one is not call.user]
    rows: list[Row] = []
    for person in people:
        row: Row = {
            "id": person.id,
            "title": person.title,
            "username": person.username,
            "email": person.email,
            "restricted": person.restricted,
            "home": person.home is not None and person.home is call.user.home,
            "thumb": f"https://plex.tv/users/{person.uuid}/avatar?c=1758000000",
            "allowSync": True,
        }
        servers = [
            plextv_rows.friend_server_row(cloud, share)
            for share in cloud.accounts.shares_of(person)
            if cloud.accounts.servers[share.pms.machine_identifier][1] is call.user
        ]
        if servers:
            row["Server"] = servers
        rows.append(row)
    data: Row = {
        "friendlyName": "myPlex",
        "identifier": "com.plexapp.plugins.myplex",
        "machineIdentifier": "0" * 40,
        "totalSize": len(rows),
        "size": len(rows),
    }
    if rows:
        data["User"] = rows
    return xml_response(element("MediaContainer", data))


async def shared_servers(cloud: PlexCloud, call: CloudCall) -> web.Response:
    """Show the owner with whom the server is shared; tokens as the option says."""
    known = cloud.accounts.servers.get(call.call.request.match_info["machine"])
    if known is None or known[1] is not call.user:
        return html_error(404)
    pms, owner = known
    shown = cloud.options.shared_servers_tokens
    rows: list[Row] = []
    for share in cloud.accounts.shares:
        if share.pms is not pms or share.user is owner:
            continue
        at_home = share.user.home is not None and share.user.home is owner.home
        row: Row = {
            "id": len(rows) + 1,
            "username": share.user.name,
            "email": share.user.email,
            "userID": share.user.id,
            "name": pms.name,
            "allLibraries": share.sections is None,
        }
        if shown is ServerTokens.ALL or (shown is ServerTokens.HOME and at_home):
            row["accessToken"] = share.token
        row["Section"] = [
            {
                "id": 9000 + section.id,
                "key": section.id,
                "title": section.title,
                "type": section.kind,
                "shared": share.sections is None or section.id in share.sections,
            }
            for section in pms.state.sections.values()
        ]
        rows.append(row)
    data: Row = {"size": len(rows)}
    if rows:
        data["SharedServer"] = rows
    return xml_response(element("MediaContainer", data))
