"""How far a run is."""

import pytest

from custom_components.crosswatch.progress import Meter
from custom_components.crosswatch.sync.models import Feature, Side
from custom_components.crosswatch.sync.report import Phase, Progress


def applying(done: int, seconds: float = 10.0, side: Side = Side.TARGET) -> Progress:
    """Return so many of 100 writes of the history, after so many seconds."""
    return Progress(
        feature=Feature.HISTORY, phase=Phase.APPLYING, side=side, done=done, total=100, elapsed_s=seconds
    )


def a_meter() -> Meter:
    """Return the meter of a run over two features."""
    return Meter((Feature.WATCHLIST, Feature.HISTORY), dry_run=False, started_at=1_795_000_000)


def test_percent_never_goes_back() -> None:
    meter = a_meter()
    assert [meter.take(applying(done))[0].percent for done in (0, 50, 100, 0)] == [62, 78, 95, 95]


def test_pace_and_time_left() -> None:
    """Three writes a second, of which 40 are left after 20 seconds."""
    running, _ = a_meter().take(applying(60, 20.0))
    assert running.rate == pytest.approx(3.0)
    assert running.seconds_left == pytest.approx(40 / 3)


def test_no_pace_from_the_first_writes() -> None:
    running, _ = a_meter().take(applying(10, 1.0))
    assert (running.rate, running.seconds_left) == (None, None)
    running, _ = a_meter().take(applying(0, 10.0))
    assert (running.rate, running.seconds_left) == (None, None)


def test_what_is_another_step() -> None:
    meter = a_meter()
    told = (
        Progress(feature=Feature.HISTORY, phase=Phase.READING),
        applying(0),
        applying(1),
        applying(2, side=Side.SOURCE),
        applying(3, side=Side.SOURCE),
        Progress(feature=Feature.HISTORY, phase=Phase.OBSERVING),
    )
    assert [meter.take(each)[1] for each in told] == [True, True, False, True, False, True]
