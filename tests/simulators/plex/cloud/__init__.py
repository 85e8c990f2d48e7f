"""The Plex cloud simulator."""

from tests.simulators.plex.cloud.server import PlexCloud

__all__ = ["PlexCloud"]
