"""Plex: the user's own media server, and Plex's cloud for sign-in and watchlist."""

from .account import PlexAccount, ServerAccess
from .auth import HomeUser, Pin, PinExpiredError, PlexCloud, PlexServer, PlexUser, WrongPinError
from .hosts import PLEX_HOSTS, PlexHosts
from .provider import PlexProvider
from .settings import PlexSettings, SettingError

__all__ = [
    "PLEX_HOSTS",
    "HomeUser",
    "Pin",
    "PinExpiredError",
    "PlexAccount",
    "PlexCloud",
    "PlexHosts",
    "PlexProvider",
    "PlexServer",
    "PlexSettings",
    "PlexUser",
    "ServerAccess",
    "SettingError",
    "WrongPinError",
]
