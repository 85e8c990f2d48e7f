"""Which list is the watchlist, and writing to it."""

import asyncio
from collections.abc import Sequence
import json
from pathlib import Path
from typing import Any

import pytest

from custom_components.crosswatch.providers.publicmetadb import PublicMetaDBProvider
from custom_components.crosswatch.providers.publicmetadb.lists import RemoteList, choose
from custom_components.crosswatch.sync.models import Feature, Scope
from custom_components.crosswatch.sync.provider import NotFoundError, ProviderError
from tests.simulators.base import When
from tests.simulators.publicmetadb import Duplicate, Envelope, Kind, PublicMetaDBSimulator, User

from .conftest import Build
from .helpers import ITEMS, LISTS, SCOPE, apply, listed, movie, removal, show, told

# --- selection -------------------------------------------------------------------------------


def lists(*pairs: tuple[str, str]) -> list[RemoteList]:
    """Return lists of these names and types; the id of each is its number."""
    return [RemoteList(id=str(number), name=name, type=kind) for number, (name, kind) in enumerate(pairs)]


@pytest.mark.parametrize(
    ("found", "name", "chosen"),
    [
        # step 2: the name, whatever the type, however written, wherever
        (lists(("A", "watchlist"), ("Family", "custom")), "Family", "1"),
        (lists(("A", "watchlist"), ("  faMILy ", "custom")), "Family ", "1"),
        (lists(("Family", "custom"), ("Family", "watchlist")), "Family", "0"),
        (lists(("watchlist", "watchlist"), ("STRASSE", "custom")), "straße", "1"),
        # step 3: the first of the type, whatever its name
        (lists(("Watchlist", "custom"), ("A", "watchlist"), ("B", "watchlist")), "Family", "1"),
        # step 4: the first of the common names
        (lists(("A", "custom"), ("crossWATCH", "custom"), ("Watchlist", "custom")), "Family", "1"),
        (lists(("CrossWatch Watchlist", "custom"), ("crosswatch", "custom")), "Family", "0"),
        (
            lists(
                ("My watchlist", "custom"),
            ),
            "Family",
            None,
        ),
        ([], "Family", None),
    ],
)
def test_choice_of_the_list(found: Sequence[RemoteList], name: str, chosen: str | None) -> None:
    """Steps 2 to 4 of the adapter document, in this order over all lists."""
    assert choose(found, name) == chosen


async def test_configured_list_comes_first(build: Build, sim: PublicMetaDBSimulator, user: User) -> None:
    """Step 1: without any look-up, also before a name."""
    user.add_list("Watchlist", type="watchlist", items=[("movie", 1)])
    mine = user.add_list("Mine", items=[("movie", 2)])
    provider = build(watchlist_list_id=mine.id)
    for scope in (SCOPE, Scope(pair_id="pair1", watchlist_name="Watchlist")):
        assert [entry.item for entry in (await provider.read(Feature.WATCHLIST, scope)).entries] == [movie(2)]
    assert told(await apply(provider, listed(movie(3)))) == [("applied", None)]
    assert {row.tmdb_id for row in user.items(mine.id)} == {2, 3}
    assert not sim.requests(LISTS)


async def test_configured_list_that_is_gone(build: Build, user: User) -> None:
    """Is an error, not an empty watchlist, and no reason to make another."""
    user.add_list("Watchlist", type="watchlist")
    with pytest.raises(NotFoundError):
        await build(watchlist_list_id="gone").read(Feature.WATCHLIST, SCOPE)
    assert told(await apply(build(watchlist_list_id="gone"), listed(movie(1)))) == [("failed", "http:404")]
    assert len(user.lists()) == 1


async def test_pair_names_its_own_list(build: Build, user: User) -> None:
    """A pair's name replaces the account's."""
    user.add_list("Films", items=[("movie", 1)])
    user.add_list("Family", items=[("movie", 2)])
    provider = build(watchlist_name="Films")
    family = Scope(pair_id="pair2", watchlist_name="Family")
    assert [entry.item for entry in (await provider.read(Feature.WATCHLIST, SCOPE)).entries] == [movie(1)]
    assert [entry.item for entry in (await provider.read(Feature.WATCHLIST, family)).entries] == [movie(2)]
    await apply(provider, listed(movie(3)), scope=family)
    await apply(provider, listed(movie(4)))
    films, other = user.lists()
    assert [row.tmdb_id for row in user.items(films.id)] == [1, 4]
    assert [row.tmdb_id for row in user.items(other.id)] == [2, 3]


def test_list_without_an_id_is_of_no_use() -> None:
    """Nothing can be put on it."""
    assert RemoteList.from_row({"name": "Watchlist", "type": "watchlist"}) is None


# --- creation --------------------------------------------------------------------------------


async def test_many_adds_make_one_list(provider: PublicMetaDBProvider, user: User) -> None:
    """However many of them are under way when there is none."""
    await provider.read(Feature.WATCHLIST, SCOPE)
    outcomes = await apply(provider, *(listed(movie(number)) for number in range(1, 101)))
    assert told(outcomes) == [("applied", None)] * 100
    (made,) = user.lists()
    assert sorted(row.tmdb_id or 0 for row in user.items(made.id)) == list(range(1, 101))


async def test_two_pairs_make_one_list(provider: PublicMetaDBProvider, user: User) -> None:
    """Also at the same time."""
    scopes = [Scope(pair_id="a"), Scope(pair_id="b")]
    for scope in scopes:
        await provider.read(Feature.WATCHLIST, scope)
    await asyncio.gather(
        *(apply(provider, listed(movie(number)), scope=scope) for number, scope in enumerate(scopes, 1))
    )
    (made,) = user.lists()
    assert {row.tmdb_id for row in user.items(made.id)} == {1, 2}


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 500}, {"status": 503}])
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_uncertain_creation_is_not_repeated(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, when: When, fault: dict[str, Any]
) -> None:
    """The run ends; the next one looks first and finds the list or makes it."""
    sim.inject(LISTS, method="POST", when=when, **fault)
    changes = [listed(movie(number)) for number in range(1, 40)]
    with pytest.raises(ProviderError, match="may have been created"):
        await apply(provider, *changes)
    assert len(sim.requests(LISTS, "POST")) == 1
    assert not sim.requests(ITEMS, "POST")

    assert told(await apply(provider, *changes)) == [("applied", None)] * 39
    assert len(user.lists()) == 1


@pytest.mark.parametrize("kind", [Kind.NO_ID, Kind.EMPTY_BODY, Kind.TOP_LEVEL_ID])
async def test_list_whose_id_is_not_told(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, kind: Kind
) -> None:
    """Is found by its name."""
    sim.quirk(kind, LISTS, method="POST")
    assert told(await apply(provider, listed(movie(1)))) == [("applied", None)]
    assert len(user.lists()) == 1


async def test_list_that_was_not_made(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User
) -> None:
    """A lying answer ends the run; a refusal leaves the adds unresolved."""
    sim.quirk(Kind.SILENT_DROP, LISTS, method="POST")
    (outcome,) = await apply(provider, listed(movie(1)))
    # the id it was given leads nowhere
    assert told([outcome]) == [("failed", "http:404")]

    sim.quirk(Kind.SILENT_DROP, LISTS, method="POST")
    sim.quirk(Kind.NO_ID, LISTS, method="POST")
    with pytest.raises(ProviderError, match="next run looks for it"):
        await apply(provider, listed(movie(1)))

    sim.settings.max_lists = 0
    outcomes = await apply(provider, listed(movie(1)), listed(show(2)))
    assert told(outcomes) == [("unresolved", "missing_watchlist_list")] * 2
    assert not user.lists()


async def test_somebody_else_made_the_list(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User
) -> None:
    """A 409 for the list leads to the list that is there."""
    sim.settings.single_watchlist = True
    sim.quirk(
        Kind.ACTION,
        LISTS,
        method="POST",
        action=lambda: user.add_list("Theirs", type="watchlist", items=[("movie", 2)]),
    )
    assert told(await apply(provider, listed(movie(1)))) == [("applied", None)]
    (made,) = user.lists()
    assert {row.tmdb_id for row in user.items(made.id)} == {1, 2}


@pytest.mark.parametrize("quirk", [Kind.EMPTY, Kind.STALE])
async def test_list_that_is_not_told_gets_no_twin(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, quirk: Kind
) -> None:
    """The list used so far under this name is used on while it answers, whatever the look-up says."""
    await apply(provider, listed(movie(1)))
    await provider.read(Feature.WATCHLIST, SCOPE)
    sim.quirk(quirk, LISTS, method="GET", times=None, writes=10)
    snapshot = await provider.read(Feature.WATCHLIST, SCOPE)
    assert [entry.item for entry in snapshot.entries] == [movie(1)]
    assert told(await apply(provider, listed(movie(2)))) == [("applied", None)]
    assert len(user.lists()) == 1

    # under another name it is another matter
    other = Scope(pair_id="pair1", watchlist_name="Anime Queue")
    assert (await provider.read(Feature.WATCHLIST, other)).entries == ()


async def test_list_that_is_gone_is_made_again(
    provider: PublicMetaDBProvider, user: User, sim: PublicMetaDBSimulator
) -> None:
    """Known or not: if it doesn't answer any more there is none."""
    await apply(provider, listed(movie(1)))
    user.remove_list(user.lists()[0].id)
    snapshot = await provider.read(Feature.WATCHLIST, SCOPE)
    assert snapshot.entries == ()
    assert told(await apply(provider, listed(movie(1)))) == [("applied", None)]
    assert len(user.lists()) == 1

    # gone between the read and the write: told, and found out about by the next
    await provider.read(Feature.WATCHLIST, SCOPE)
    user.remove_list(user.lists()[0].id)
    assert told(await apply(provider, listed(movie(2)))) == [("failed", "http:404")]
    assert told(await apply(provider, listed(movie(2)))) == [("applied", None)]


@pytest.mark.parametrize("duplicate", list(Duplicate))
async def test_list_that_turns_up_after_the_read(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, duplicate: Duplicate
) -> None:
    """What is on it was unknown to the plan and isn't added a second time."""
    sim.settings.list_item_duplicate = duplicate
    made = user.add_list("Watchlist", items=[("movie", 1), ("tv", 2)])
    sim.quirk(Kind.EMPTY, LISTS, method="GET")
    assert (await provider.read(Feature.WATCHLIST, SCOPE)).entries == ()
    for _ in range(2):
        outcomes = await apply(provider, listed(movie(1)), listed(show(2)))
        assert told(outcomes) == [("already", "already_listed")] * 2
    assert told(await apply(provider, listed(movie(3)))) == [("applied", None)]
    assert len(user.items(made.id)) == 3


# --- writing ---------------------------------------------------------------------------------


async def test_what_is_sent(provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User) -> None:
    """Media type `tv` for shows, integers for ids; no look-up after a read that found the list."""
    user.add_list("Watchlist")
    await provider.read(Feature.WATCHLIST, SCOPE)
    sim.log.clear()
    await apply(provider, listed(movie(603)), listed(show(1399)))
    assert [json.loads(request.body) for request in sim.log] == [
        {"tmdb_id": 603, "media_type": "movie"},
        {"tmdb_id": 1399, "media_type": "tv"},
    ]
    assert sim.log[0].headers["User-Agent"].startswith("CrossWatch/")
    assert sim.log[0].headers["Accept"] == sim.log[0].headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("duplicate", "outcome"),
    [
        (Duplicate.SAME_ROW, ("applied", None)),
        (Duplicate.CONFLICT, ("already", "http:409")),
        (Duplicate.SECOND_ROW, ("applied", None)),
    ],
)
async def test_item_that_is_there_already(
    provider: PublicMetaDBProvider,
    sim: PublicMetaDBSimulator,
    user: User,
    duplicate: Duplicate,
    outcome: tuple[str, str | None],
) -> None:
    """Every answer to it is fine, and two rows are one entry that is removed as one."""
    sim.settings.list_item_duplicate = duplicate
    made = user.add_list("Watchlist", items=[("movie", 603), ("movie", 1)])
    await provider.read(Feature.WATCHLIST, SCOPE)
    assert told(await apply(provider, listed(movie(603)))) == [outcome]

    snapshot = await provider.read(Feature.WATCHLIST, SCOPE)
    assert [entry.item for entry in snapshot.entries] == [movie(603), movie(1)]
    assert told(await apply(provider, removal(snapshot.entries[0]))) == [("applied", None)]
    assert [row.tmdb_id for row in user.items(made.id)] == [1]


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 503}])
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_lost_answer_of_an_add(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, when: When, fault: dict[str, Any]
) -> None:
    """Is uncertain and sent once; the others go on."""
    made = user.add_list("Watchlist")
    sim.inject(ITEMS, method="POST", when=when, **fault)
    outcomes = await apply(provider, listed(movie(1)), listed(movie(2)))
    assert sorted(str(outcome.status) for outcome in outcomes) == ["applied", "uncertain"]
    assert len(sim.requests(ITEMS, "POST")) == 2
    assert len(user.items(made.id)) == (2 if when is When.AFTER else 1)


@pytest.mark.parametrize("status", [200, 204])
async def test_lost_answer_of_a_removal_is_repeated(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, status: int
) -> None:
    """Removing by id twice removes once."""
    sim.settings.delete_status = status
    made = user.add_list("Watchlist", items=[("movie", 1), ("movie", 2)])
    await provider.read(Feature.WATCHLIST, SCOPE)
    sim.inject("*/items/*", method="DELETE", when=When.AFTER, status=503)
    outcomes = await apply(provider, removal(listed(movie(1))))
    assert told(outcomes) == [("already", "http:404")]
    assert told(await apply(provider, removal(listed(movie(2))))) == [("applied", None)]
    assert not user.items(made.id)


async def test_refused_item_is_told(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User
) -> None:
    """With the status, and without stopping the others."""
    user.add_list("Watchlist")
    sim.fail(ITEMS, status=422, method="POST")
    sim.fail(ITEMS, status=403, method="POST", first=2)
    outcomes = await apply(provider, *(listed(movie(number)) for number in (1, 2, 3)))
    assert sorted(told(outcomes)) == [
        ("applied", None),
        ("unresolved", "http:403"),
        ("unresolved", "http:422"),
    ]


async def test_rows_of_another_list_are_not_removed(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path
) -> None:
    """The shadow of the list used before says nothing about the present one."""
    old = user.add_list("Old", items=[("movie", 1)])
    new = user.add_list("New", items=[("movie", 1)])
    await build(watchlist_name="Old").read(Feature.WATCHLIST, SCOPE)
    outcomes = await apply(build(watchlist_name="New"), removal(listed(movie(1))))
    assert told(outcomes) == [("applied", None)]
    assert len(user.items(old.id)) == 1
    assert not user.items(new.id)
    file = json.loads((tmp_path / "publicmetadb_watchlist.pair1.shadow.json").read_text())
    assert file == {"items": {}, "list_id": new.id, "list_name": "New"}


@pytest.mark.parametrize("envelope", [Envelope.ITEMS, Envelope.RESULTS, Envelope.DATA, Envelope.BARE])
async def test_envelopes(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, envelope: Envelope
) -> None:
    """Lists and items in every envelope."""
    sim.settings.envelope = envelope
    user.add_list("Watchlist", items=[("movie", 1)])
    assert len((await provider.read(Feature.WATCHLIST, SCOPE)).entries) == 1


async def test_500_entries_take_two_requests(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User
) -> None:
    """One for the lists, one for the items."""
    user.add_list("Watchlist", items=[("movie", number) for number in range(1, 501)])
    assert len((await provider.read(Feature.WATCHLIST, SCOPE)).entries) == 500
    assert provider.requests == len(sim.log) == 2
