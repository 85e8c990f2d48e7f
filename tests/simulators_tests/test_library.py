"""The generator: deterministic, complete in its shapes, and faithfully served."""

from collections import Counter
import itertools

import pytest

from tests.simulators.library import Match, Role, generate
from tests.simulators.plex import PlexCloud, PlexMediaServer, populate


def test_same_seed_same_library() -> None:
    """Every field is decided by the seed."""
    assert generate(150, seed=3) == generate(150, seed=3)
    assert generate(150, seed=3) != generate(150, seed=4)


@pytest.mark.parametrize("size", [100, 1_000])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_shape_is_there(size: int, seed: int) -> None:
    """Small libraries too have each thing that makes syncing hard."""
    library = generate(size, seed=seed)
    assert len([e for e in library.watched if e.person == library.owner]) >= size
    movies = {t.ids.tmdb for t in library.titles if t.kind == "movie"}
    shows = {t.ids.tmdb for t in library.titles if t.kind == "show"}
    assert movies & shows - {None}
    assert {copy.match for copy in library.copies} == set(Match)
    assert any(copy.deleted for copy in library.copies)
    assert any(copy.hidden == {"tmdb"} for copy in library.copies)
    assert any(len(copy.hidden) == 3 for copy in library.copies)
    assert max(Counter(copy.title for copy in library.copies).values()) > 1
    numbers = {(e.season, e.number) for t in library.titles for e in t.episodes}
    assert (0, 0) in numbers
    assert any(not entry.logged for entry in library.watched)
    assert {person.role for person in library.people} == set(Role)
    assert any(person.pin for person in library.people)
    assert {entry.person for entry in library.watched} == {p.name for p in library.people}
    assert all(entry.at < library.as_of for entry in library.watched)
    values = {entry.value for entry in library.rated}
    assert all(0 < value <= 10 for value in values)
    keys = [t.plex_key for t in library.titles]
    keys += [e.plex_key for t in library.titles for e in t.episodes]
    assert len(keys) == len(set(keys))


def test_repeats_and_languages() -> None:
    """Rewatches, plays recorded twice within minutes, titles beyond ASCII."""
    library = generate(1_000)
    plays: dict[tuple[str, int, int | None], list[int]] = {}
    for entry in library.watched:
        plays.setdefault((entry.person, entry.title, entry.episode), []).append(entry.at)
    gaps = [b - a for times in plays.values() for a, b in itertools.pairwise(times)]
    assert any(gap > 86_400 for gap in gaps)
    assert any(0 < gap < 300 for gap in gaps)
    assert any(not title.title.isascii() for title in library.titles)


def test_populate() -> None:
    """The server and the cloud hold what the library says."""
    library = generate(200, seed=7)
    cloud, pms = PlexCloud(), PlexMediaServer()
    done = populate(pms, cloud, library)
    logged = [entry for entry in library.watched if entry.logged]
    assert len(pms.state.plays) == len(logged)
    assert [s.title for s in pms.state.sections.values()] == [s.title for s in library.sections]
    gone = {copy.title for copy in library.copies if copy.deleted}
    for play in pms.state.plays.values():
        assert (pms.state.item_of(play) is None) == (play.guid not in pms.state.by_guid)
    assert gone
    assert any(pms.state.item_of(play) is None for play in pms.state.plays.values())
    legacy = [i.guid for i in pms.state.items.values() if i.guid.startswith("com.plexapp")]
    assert any(guid.count("/") == 4 for guid in legacy)  # show, season and episode numbers
    owner = done.users[library.owner]
    wanted = [entry for entry in library.wanted if entry.person == library.owner]
    assert len(cloud.listed(owner)) == len(wanted)
    seen = next(entry for entry in library.watched if entry.person != library.owner)
    account = cloud.account_id(done.users[seen.person], pms)
    assert account != 1
    (item, *_copies) = done.items[seen.title, seen.episode]
    assert pms.user_state(account, item).view_count >= 1
    assert pms.state.journal.maxlen
    assert not pms.state.journal
