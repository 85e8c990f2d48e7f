"""Where Plex's own services live, in one value that a stand-in can take."""

from dataclasses import dataclass
from typing import Self

from yarl import URL


@dataclass(frozen=True, slots=True, kw_only=True)
class PlexHosts:
    """Base URLs of Plex's cloud services (API reference 1.2 to 1.4 and 3.1)."""

    plex_tv: URL
    discover: URL
    metadata: URL
    app: URL

    @classmethod
    def under(cls, base: URL | str) -> Self:
        """All services under one base URL, each host name being the first segment of the path."""
        root = URL(base)
        return cls(
            plex_tv=root / "plex.tv",
            discover=root / "discover.provider.plex.tv",
            metadata=root / "metadata.provider.plex.tv",
            app=root / "app.plex.tv",
        )


PLEX_HOSTS = PlexHosts(
    plex_tv=URL("https://plex.tv"),
    discover=URL("https://discover.provider.plex.tv"),
    metadata=URL("https://metadata.provider.plex.tv"),
    app=URL("https://app.plex.tv"),
)
