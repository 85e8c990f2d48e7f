"""The writes of a media server, one function each (API reference 2.9 to 2.11).

Each returns when the server answered, epoch seconds UTC by its own clock.
"""

from typing import Final

from .client import PlexServerClient

IDENTIFIER: Final = "com.plexapp.plugins.library"


async def scrobble(client: PlexServerClient, key: str) -> int:
    """Mark watched, everything below a season or a show. Each time counts, so never sent twice."""
    return await client.write("PUT", ":/scrobble", {"identifier": IDENTIFIER, "key": key}, repeatable=False)


async def unscrobble(client: PlexServerClient, key: str) -> int:
    """Mark unwatched."""
    return await client.write("PUT", ":/unscrobble", {"identifier": IDENTIFIER, "key": key}, repeatable=True)


async def rate(client: PlexServerClient, key: str, tenths: int, rated_at: int | None = None) -> int:
    """Rate. `tenths` is ten times the value; without `rated_at`, epoch seconds UTC, it is dated now."""
    params: dict[str, str | int] = {"identifier": IDENTIFIER, "key": key, "rating": f"{tenths / 10:g}"}
    if rated_at is not None:
        params["ratedAt"] = rated_at
    return await client.write("PUT", ":/rate", params, repeatable=True)


async def stop_at(client: PlexServerClient, key: str, position: int, duration: int) -> int:
    """Leave off at `position` of `duration`, both milliseconds."""
    params: dict[str, str | int] = {
        "ratingKey": key,
        "key": f"/library/metadata/{key}",
        "identifier": IDENTIFIER,
        "state": "stopped",
        "time": position,
        "duration": duration,
    }
    return await client.write("POST", ":/timeline", params, repeatable=True)
