"""What can go wrong at a service, and how its simulator is made to do it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from custom_components.crosswatch.sync.models import Feature
from custom_components.crosswatch.sync.report import Phase, Progress
from tests.simulators.base import When
from tests.simulators.plex import Flaw
from tests.simulators.publicmetadb import Kind

from .world import Place, World

DISCOVER: Final = "/discover.provider.plex.tv"
LISTED: Final = {
    Feature.WATCHLIST: (f"{DISCOVER}/library/sections/watchlist/all",),
    Feature.HISTORY: ("/status/sessions/history/all", "/library/sections/*/all"),
    Feature.RATINGS: ("/library/sections/*/all",),
    Feature.PROGRESS: ("/library/sections/*/all",),
}
"""Where Plex tells what it holds."""
WRITTEN: Final = {
    Feature.WATCHLIST: f"{DISCOVER}/actions/*",
    Feature.HISTORY: "/:/*scrobble",
    Feature.RATINGS: "/:/rate",
    Feature.PROGRESS: "/:/timeline",
}
"""Where Plex is told."""
ROWS: Final = {
    Feature.WATCHLIST: "/api/external/lists/*/items*",
    Feature.HISTORY: "/api/external/watched*",
    Feature.RATINGS: "/api/external/*ratings*",
    Feature.PROGRESS: "/api/external/resume*",
}
"""Where PublicMetaDB tells and is told."""
FRESH: Final = 10
"""Things a person adds before a fault strikes."""
SPOILED: Final = FRESH // 2
"""Writes that go wrong, the later half of them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault. `strike` makes a service have it from now on, of so many things, until it is healed.

    `runs` is for how many runs it stays. With `writes` it strikes writes only. With `lies` a service hides
    what it holds.
    """

    name: str
    strike: Callable[[World, Feature, Place, int], None]
    runs: int = 1
    writes: bool = False
    lies: bool = False


def _rows_left(share: float) -> Callable[[World, Feature, Place, int], None]:
    """Let lists tell no more than this share of what they hold, with totals that agree."""

    def strike(world: World, feature: Feature, place: Place, held: int) -> None:
        left = round(share * held)
        if place is Place.PLEX:
            for path in LISTED[feature]:
                simulator = world.services.cloud if path.startswith(DISCOVER) else world.services.pms
                # of a library a half is the half of its own
                simulator.spoil(path, Flaw.CUT_QUIETLY, left if feature is Feature.WATCHLIST else left // 2)
        elif feature is Feature.RATINGS:
            # there is no list: one title after the other is asked for
            world.services.pmdb.quirk(Kind.EMPTY, ROWS[feature], method="GET", times=held - left)
        else:
            world.services.pmdb.quirk(Kind.TRUNCATED, ROWS[feature], method="GET", rows=left, times=None)

    return strike


def _unavailable(world: World, feature: Feature, place: Place, _held: int) -> None:
    if place is Place.PLEX:
        for path in LISTED[feature]:
            simulator = world.services.cloud if path.startswith(DISCOVER) else world.services.pms
            simulator.inject(path, status=503, times=None)
    else:
        world.services.pmdb.fail(ROWS[feature], method="GET", status=503, times=None)


def _html(world: World, feature: Feature, place: Place, _held: int) -> None:
    body = "<html>Please sign in to the guest network</html>"
    if place is Place.PLEX:
        for path in LISTED[feature]:
            simulator = world.services.cloud if path.startswith(DISCOVER) else world.services.pms
            simulator.inject(path, status=200, body=body, times=None)
    else:
        world.services.pmdb.inject(ROWS[feature], method="GET", status=200, body=body, times=None)


def _stale(world: World, feature: Feature, place: Place, _held: int) -> None:
    """Show what stood there before the writes of this run, from their end on."""

    def after(progress: Progress) -> None:
        if progress.phase is not Phase.OBSERVING:
            return
        if place is Place.PLEX:
            world.services.pms.options.stale_writes = FRESH
            world.services.cloud.options.watchlist_stale_writes = FRESH
        else:
            writes = FRESH * (2 if feature is Feature.RATINGS else 1)
            world.services.pmdb.quirk(Kind.STALE, ROWS[feature], method="GET", writes=writes, times=None)

    world.on_progress = after


def _spoil_writes(**how: object) -> Callable[[World, Feature, Place, int], None]:
    """Let the later half of the writes go wrong."""

    def strike(world: World, feature: Feature, place: Place, _held: int) -> None:
        aim = {"first": FRESH - SPOILED + 1, "times": SPOILED}
        if place is Place.PLEX:
            path = WRITTEN[feature]
            simulator = world.services.cloud if path.startswith(DISCOVER) else world.services.pms
            simulator.inject(path, **aim, **how)
        else:
            world.services.pmdb.inject(ROWS[feature], method="POST", **aim, **how)

    return strike


def _drop_writes(world: World, feature: Feature, place: Place, held: int) -> None:
    """Answer that all is well, and keep nothing of the later half."""
    if place is Place.PLEX:
        _spoil_writes(status=200)(world, feature, place, held)
    else:
        world.services.pmdb.quirk(
            Kind.SILENT_DROP, ROWS[feature], method="POST", first=FRESH - SPOILED + 1, times=SPOILED
        )


def _nothing(_world: World, _feature: Feature, _place: Place, _held: int) -> None:
    """Let all go well."""


FAULTS: Final = (
    Fault("none", _nothing),
    Fault("empty-once", _rows_left(0), lies=True),
    Fault("empty-for-a-day", _rows_left(0), runs=3, lies=True),
    Fault("half-once", _rows_left(0.5), lies=True),
    Fault("half-for-a-day", _rows_left(0.5), runs=3, lies=True),
    Fault("most-once", _rows_left(0.05), lies=True),
    Fault("most-for-a-day", _rows_left(0.05), runs=3, lies=True),
    Fault("read-fails", _unavailable, runs=2),
    Fault("read-is-html", _html, runs=2),
    Fault("stale-after-write", _stale, runs=2, writes=True),
    Fault("written-not-stored", _drop_writes, writes=True),
    Fault("write-refused", _spoil_writes(status=400), writes=True),
    Fault("stored-no-answer", _spoil_writes(when=When.AFTER, drop=True), writes=True),
    Fault("stored-answered-503", _spoil_writes(when=When.AFTER, status=503), writes=True),
    Fault("lost-no-answer", _spoil_writes(drop=True), writes=True),
)
