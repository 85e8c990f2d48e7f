"""A run that is stopped at every single await, and what the next ones make of it."""

import pytest

from custom_components.crosswatch.sync.models import APART, Direction, Feature, Side

from .machine import BOTH, PairMachine
from .simside import Stop, Trouble, Write

pytestmark = pytest.mark.thorough


def life(direction: Direction) -> PairMachine:
    """Return a pair that has something to write and to take away for both features, and something agreed."""
    pair = PairMachine()
    pair.begin(direction=direction, strict=False, removals=True)
    for side in Side:
        pair.add(side=side, feature=Feature.HISTORY, numbers=[9, 10], watching=2, jitter=0, weak=False)
        pair.add(side=side, feature=Feature.WATCHLIST, numbers=[9, 10], watching=0, jitter=0, weak=False)
    pair.go(BOTH)
    for feature in BOTH:
        slot = next(slot for slot in sorted(pair.slots(Side.SOURCE)) if slot[0] is feature)
        pair.take(Side.SOURCE, slot)
    # seen once, so that the run to be stopped believes it
    pair.go(BOTH)
    pair.time.true += APART
    assert all(pair.model.taken[Side.SOURCE])
    for feature in BOTH:
        pair.add(side=Side.SOURCE, feature=feature, numbers=[1, 2, 3], watching=0, jitter=0, weak=False)
        pair.add(side=Side.TARGET, feature=feature, numbers=[3, 4], watching=0, jitter=60, weak=False)
    return pair


def run(pair: PairMachine, trouble: Trouble, stop: Stop | None = None, at: int = 0) -> bool:
    """Run once, with the same trouble at both sides; return whether it came to its end."""
    for sim in pair.sides.values():
        sim.trouble = Trouble([], list(trouble.writes), trouble.burst)
    return pair.go(BOTH, stop, at) is not None


@pytest.mark.timeout(5 * 60)
@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("stop", list(Stop))
@pytest.mark.parametrize(
    "trouble",
    [Trouble(), Trouble(writes=[Write.LATE] * 3, burst=16)],
    ids=["one by one", "many at once, late"],
)
def test_stopped_at_every_await(direction: Direction, stop: Stop, trouble: Trouble) -> None:
    at, ended = 0, False
    while not ended:
        at += 1
        pair = life(direction)
        try:
            ended = run(pair, trouble, stop, at)
            pair.time.true += 1
            run(pair, Trouble())
            if stop is Stop.KILL:
                # nothing is known of any outcome, so the read after the wait decides
                pair.check_in_step()
            pair.time.true += 3600
            run(pair, Trouble())
            pair.check_in_step()
            pair.time.true += 3600
            pair.check_plans_are_equal()
        finally:
            pair.end()
    assert at > 50
