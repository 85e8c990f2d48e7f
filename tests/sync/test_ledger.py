"""The ledger: what is remembered of plays that were written to a service which dates them itself."""

import sqlite3

import pytest

from custom_components.crosswatch.sync import ledger
from custom_components.crosswatch.sync.ledger import LONGEST, Mark
from custom_components.crosswatch.sync.models import Action, Change, Feature, Outcome, OutcomeStatus, Side

from .fakes import NOW, movie, play
from .lab import in_memory

M1 = "movie:tmdb:1"
WATCHED = NOW - 86_400


def change(number: int = 1, action: Action = Action.ADD) -> Change:
    """A play to be written."""
    return Change(
        feature=Feature.HISTORY,
        side=Side.TARGET,
        action=action,
        key=f"movie:tmdb:{number}@{WATCHED}",
        entry=play(movie(number), WATCHED),
        rule="only_at_source",
    )


def announced(*changes: Change) -> sqlite3.Connection:
    """A ledger in which plays are about to be written."""
    db = in_memory()
    ledger.announce(db, "plex", "P", "R", changes or [change()], now=NOW)
    return db


def settled(status: OutcomeStatus, at: int | None = None, *, now: int = NOW + 9) -> tuple[Mark, ...]:
    """What is known of a play once its write has ended, and of another one that has not."""
    db = announced(change(), change(2))
    ledger.settle(db, "plex", "R", [Outcome(change=change(), status=status, written_at=at)], now)
    marks = ledger.load(db, "plex", "P")
    assert marks[-1] == Mark("movie:tmdb:2", WATCHED, NOW, NOW + LONGEST), "the other one is under way"
    return marks[:-1]


def test_what_is_announced_may_land_for_a_while() -> None:
    marks = ledger.load(announced(), "plex", "P")
    assert marks == (Mark(M1, WATCHED, since=NOW, until=NOW + LONGEST),)


def test_marking_as_unwatched_makes_no_play() -> None:
    assert ledger.load(announced(change(action=Action.REMOVE)), "plex", "P") == ()


@pytest.mark.parametrize("status", [OutcomeStatus.APPLIED, OutcomeStatus.UNCERTAIN])
def test_the_time_that_the_service_gave_is_the_one_to_look_for(status: OutcomeStatus) -> None:
    assert settled(status, NOW + 5) == (Mark(M1, WATCHED, since=NOW + 5, until=NOW + 5),)


@pytest.mark.parametrize("status", [OutcomeStatus.APPLIED, OutcomeStatus.UNCERTAIN])
def test_without_such_a_time_it_has_landed_by_now(status: OutcomeStatus) -> None:
    assert settled(status) == (Mark(M1, WATCHED, since=NOW, until=NOW + 9),)


def test_a_clock_that_is_set_back_ends_nothing_before_it_began() -> None:
    assert settled(OutcomeStatus.APPLIED, now=NOW - 99) == (Mark(M1, WATCHED, since=NOW, until=NOW),)


@pytest.mark.parametrize("status", [OutcomeStatus.ALREADY, OutcomeStatus.UNRESOLVED, OutcomeStatus.FAILED])
def test_what_was_not_written_made_no_play(status: OutcomeStatus) -> None:
    assert settled(status) == ()


def test_what_another_pair_wrote_is_known_and_not_ours() -> None:
    (mark,) = ledger.load(announced(), "plex", "Q")
    assert mark == Mark(M1, WATCHED, since=NOW, until=NOW + LONGEST, ours=False)


def test_an_account_is_forgotten_alone() -> None:
    db = announced()
    ledger.announce(db, "other", "P", "R", [change()], now=NOW)
    ledger.forget(db, "plex")
    assert ledger.load(db, "plex", "P") == ()
    assert len(ledger.load(db, "other", "P")) == 1
