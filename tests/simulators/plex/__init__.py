"""The Plex simulators: `PlexMediaServer` is one server, `PlexCloud` all of Plex's own hosts.

They follow the project's Plex API reference; section numbers in the docstrings are its sections.
"""

from tests.simulators.plex.cloud import PlexCloud
from tests.simulators.plex.cloud.accounts import User
from tests.simulators.plex.listing import Flaw, ListingFault
from tests.simulators.plex.options import (
    Clearing,
    CloudOptions,
    NonOwnerHistory,
    Oversize,
    PmsOptions,
    ServerTokens,
)
from tests.simulators.plex.pms import OWNER, PlexMediaServer
from tests.simulators.plex.populate import Populated, populate
from tests.simulators.plex.server import Budget
from tests.simulators.plex.state import Item, Play, Section

__all__ = [
    "OWNER",
    "Budget",
    "Clearing",
    "CloudOptions",
    "Flaw",
    "Item",
    "ListingFault",
    "NonOwnerHistory",
    "Oversize",
    "Play",
    "PlexCloud",
    "PlexMediaServer",
    "PmsOptions",
    "Populated",
    "Section",
    "ServerTokens",
    "User",
    "populate",
]
