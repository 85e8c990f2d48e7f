"""Work during which the garbage collector rests."""

from collections.abc import Iterator
import contextlib
import gc
import weakref

import pytest

from custom_components.crosswatch.sync.collector import SOME, free, resting, without_collector


class Thing:
    """Something the collector has to look at."""


@pytest.fixture
def thawed() -> Iterator[None]:
    """Let nothing be frozen: the test runner freezes what is there when it starts."""
    gc.unfreeze()
    yield
    gc.freeze()


def many_and_one() -> tuple[list[object], Thing]:
    """Build more than the collector lets pass without a look."""
    return [[] for _ in range(gc.get_threshold()[0] + 1)], Thing()


def generation_of(thing: object) -> int | None:
    """Return where the collector keeps the object."""
    return next((n for n in range(3) if any(one is thing for one in gc.get_objects(n))), None)


def test_it_runs_again_afterwards() -> None:
    with without_collector():
        assert not gc.isenabled()
    assert gc.isenabled()
    with contextlib.suppress(ValueError), without_collector():
        raise ValueError
    assert gc.isenabled()
    gc.disable()
    try:
        with without_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_was_built_is_old_at_once_and_nothing_stays_frozen(thawed: None) -> None:
    _, thing = resting(many_and_one)
    assert generation_of(thing) == 2
    assert gc.get_freeze_count() == 0


def test_what_is_little_stays_young(thawed: None) -> None:
    gc.collect(0)
    assert generation_of(resting(Thing)) == 0


def test_what_others_have_frozen_stays_frozen() -> None:
    gc.freeze()
    _, thing = resting(many_and_one)
    assert gc.get_freeze_count() > 0
    assert generation_of(thing) in (0, 1)


def test_cycles_are_still_collected() -> None:
    def build() -> None:
        one, other = Thing(), Thing()
        one.other, other.other = other, one  # type: ignore[attr-defined]

    resting(build)
    assert gc.collect() >= 2


def test_freed_is_freed() -> None:
    things = [Thing() for _ in range(2 * SOME + 1)]
    last = weakref.ref(things[0])
    by_name = {str(number): Thing() for number in range(3)}
    some = {Thing(), Thing()}
    others = [weakref.ref(by_name["0"]), *map(weakref.ref, some)]
    fixed = (1, 2)
    free(things, by_name, some, fixed)
    assert not things
    assert not by_name
    assert not some
    assert last() is None
    assert not any(other() for other in others)
    assert fixed == (1, 2)
