"""Names of what is to be taken away: a person may have to judge it, and a service may tell none."""

from collections.abc import Sequence
from dataclasses import replace

from custom_components.crosswatch.sync.models import Entry, Side

from .fakes import listed, movie
from .lab import Lab
from .test_removals import Pair


def bare(entries: Sequence[Entry]) -> list[Entry]:
    """Show nothing but ids."""
    return [replace(entry, item=replace(entry.item, title=None)) for entry in entries]


async def test_a_removal_bears_the_name_under_which_it_was_written(lab: Lab) -> None:
    pair = Pair(lab)
    # one of them was there before: of that no name was ever written
    pair.of(Side.TARGET).append(listed(movie(1)))
    lab.target.shown = bare
    await pair.agree(30)
    del pair.of(Side.SOURCE)[:2]
    await pair.run()
    pair.of(Side.SOURCE).append(listed(replace(movie(31), title=None)))
    report = await pair.run(dry_run=True)
    (plan,) = report.plans
    assert {(change.side, change.key): change.entry.item.title for change in plan.changes} == {
        (Side.TARGET, "movie:tmdb:1"): None,
        (Side.TARGET, "movie:tmdb:2"): "Movie 2",
        (Side.TARGET, "movie:tmdb:31"): None,
    }
