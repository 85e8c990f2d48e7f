"""How far a run is, made from what the engine tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .models import percent
from .sync.models import Feature
from .sync.report import Progress

LEAST_SPAN: Final = 2.0
"""Seconds of writing after which a pace is told: the first writes say nothing about the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Where a run stands. `percent` is of all of it and never goes back, `started_at` epoch seconds UTC."""

    told: Progress
    percent: int
    dry_run: bool
    started_at: int

    @property
    def rate(self) -> float | None:
        """Writes a second; None while that can't be told."""
        return self.told.rate if self.told.elapsed_s >= LEAST_SPAN else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds that the writes of this feature will still take; None while that can't be told."""
        return self.told.seconds_left if self.rate else None


class Meter:
    """Follows one run."""

    def __init__(self, features: Sequence[Feature], *, dry_run: bool, started_at: int) -> None:
        """Nothing was told yet. `started_at` is epoch seconds UTC."""
        self._features = features
        self._dry_run = dry_run
        self._started_at = started_at
        self._last: Running | None = None

    def take(self, told: Progress) -> tuple[Running, bool]:
        """Take in what was told. The flag says that another step of the run has begun."""
        before = self._last
        new = before is None or _step(before.told) != _step(told)
        self._last = Running(
            told=told,
            percent=max(before.percent if before else 0, percent(told, self._features)),
            dry_run=self._dry_run,
            started_at=self._started_at,
        )
        return self._last, new


def _step(told: Progress) -> tuple[object, ...]:
    return told.feature, told.phase, told.side
