"""Rows of plex.tv: users, home users, servers (API reference sections 1.3 to 1.6)."""

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from tests.simulators.library import when
from tests.simulators.plex.cloud.accounts import Share, User
from tests.simulators.plex.render import element
from tests.simulators.plex.rows import Row

if TYPE_CHECKING:
    from tests.simulators.plex.cloud.server import PlexCloud

_JOINED: Final = 1_420_070_400


def _avatar(user: User) -> str:
    return f"https://plex.tv/users/{user.uuid}/avatar?c=1758000000"


def user_row(user: User, token: str, home_size: int) -> Row:
    """The user object of v2, JSON form."""
    return {
        "id": user.id,
        "uuid": user.uuid,
        "username": user.username,
        "title": user.title,
        "email": user.email,
        "friendlyName": user.title,
        "locale": None,
        "confirmed": True,
        "joinedAt": _JOINED,
        "emailOnlyAuth": False,
        "hasPassword": True,
        "protected": user.pin is not None,
        "thumb": _avatar(user),
        "authToken": token,
        "mailingListStatus": "removed",
        "mailingListActive": False,
        "scrobbleTypes": "",
        "country": "NL",
        "subscription": {
            "active": True,
            "subscribedAt": when(_JOINED),
            "status": "Active",
            "paymentService": None,
            "plan": "lifetime",
            "features": ["webhooks"],
        },
        "restricted": user.restricted,
        "anonymous": False,
        "home": user.home is not None,
        "guest": user.guest,
        "homeSize": home_size,
        "homeAdmin": user.admin,
        "maxHomeSize": 15,
        "rememberExpiresAt": 1_900_000_000,
        "profile": {
            "autoSelectAudio": True,
            "defaultAudioLanguage": "en",
            "defaultSubtitleLanguage": "en",
            "autoSelectSubtitle": 0,
            "defaultSubtitleAccessibility": 0,
            "defaultSubtitleForced": 0,
        },
        "entitlements": ["all"],
        "roles": ["plexpass"],
        "services": [],
        "adsConsent": None,
        "experimentalFeatures": False,
        "twoFactorEnabled": False,
        "backupCodesCreated": False,
    }


def user_xml(row: Row) -> str:
    """The XML form: features, entitlements and roles are wrapped."""
    data = dict(row)
    subscription = dict(data["subscription"])
    subscription["features"] = {"feature": [{"id": one} for one in subscription["features"]]}
    data["subscription"] = subscription
    data["entitlements"] = {"entitlement": [{"id": one} for one in row["entitlements"]]}
    data["roles"] = {"role": [{"id": one} for one in row["roles"]]}
    del data["services"]
    return element("user", data)


def home_user_row(user: User) -> Row:
    """A member of a Plex Home."""
    return {
        "id": user.id,
        "uuid": user.uuid,
        "title": user.title,
        "username": user.username,
        "email": user.email,
        "friendlyName": None,
        "thumb": _avatar(user),
        "hasPassword": bool(user.username),
        "restricted": user.restricted,
        "restrictionProfile": None,
        "admin": user.admin,
        "guest": user.guest,
        "protected": user.pin is not None,
    }


def resource_rows(cloud: PlexCloud, user: User, *, https: bool, relay: bool) -> list[Row]:
    """The servers a user reaches; the local connection is the simulator's real address."""
    rows: list[Row] = []
    for share in cloud.accounts.shares_of(user):
        pms = share.pms
        owner = cloud.accounts.servers[pms.machine_identifier][1]
        owned = owner is user
        connections = [] if cloud.hidden_addresses else [_connection(pms.url, local=True)]
        scheme = "https" if https else "http"
        connections.append(
            _connection(f"{scheme}://203-0-113-7.{pms.machine_identifier[:8]}.plex.direct:32400")
        )
        if relay:
            connections.append(
                _connection(
                    f"{scheme}://198-51-100-9.{pms.machine_identifier[:8]}.plex.direct:8443",
                    relay=True,
                )
            )
        rows.append(
            {
                "name": pms.name,
                "product": "Plex Media Server",
                "productVersion": pms.options.version,
                "platform": "Linux",
                "platformVersion": "6.1",
                "device": "PC",
                "clientIdentifier": pms.machine_identifier,
                "createdAt": when(_JOINED),
                "lastSeenAt": when(cloud.now),
                "provides": "server",
                "ownerId": None if owned else owner.id,
                "sourceTitle": None if owned else owner.name,
                "publicAddress": "203.0.113.7",
                "accessToken": share.token,
                "owned": owned,
                "home": not owned and user.home is not None and user.home is owner.home,
                "synced": False,
                "relay": True,
                "presence": True,
                "httpsRequired": False,
                "publicAddressMatches": True,
                "dnsRebindingProtection": False,
                "natLoopbackSupported": False,
                "connections": connections,
            }
        )
    return rows


def _connection(uri: str, *, local: bool = False, relay: bool = False) -> Row:
    parts = urlsplit(uri)
    return {
        "protocol": parts.scheme,
        "address": parts.hostname,
        "port": parts.port,
        "uri": uri,
        "local": local,
        "relay": relay,
        "IPv6": False,
    }


def friend_server_row(cloud: PlexCloud, share: Share) -> Row:
    """A server as listed below a friend."""
    total = len(share.pms.state.sections)
    return {
        "id": 1000 + cloud.accounts.shares.index(share),
        "serverId": 500 + list(cloud.accounts.servers).index(share.pms.machine_identifier),
        "machineIdentifier": share.pms.machine_identifier,
        "name": share.pms.name,
        "lastSeenAt": cloud.now,
        "numLibraries": total if share.sections is None else len(share.sections),
        "allLibraries": share.sections is None,
        "owned": True,
        "pending": False,
    }
