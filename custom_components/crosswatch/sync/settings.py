"""What a pair may set about its rules."""

from dataclasses import dataclass

from .models import Feature, Kind, Side

DEFAULT_PLAY_WINDOW = 15 * 60
"""Seconds within which two plays of one item are one play; 0 to 24 h may be set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSettings:
    """The rules of a pair. Its planners and guards and nobody else read them.

    `adds` are the features whose additions and updates travel, `removals` those whose removals do;
    `rating_kinds` are the kinds of items whose ratings travel. Without `brake` no plan is held.

    `play_window` is seconds, 0 to 86,400. `truth` is the side whose rating counts where no date decides.
    Of resume positions: below `least_position` seconds and from `most_percent` of the duration on they
    don't travel, a move of less than `least_move` seconds is none, and stops whose times are at most
    `clock_tolerance` seconds apart count as simultaneous.
    """

    adds: frozenset[Feature] = frozenset(Feature)
    removals: frozenset[Feature] = frozenset()
    rating_kinds: frozenset[Kind] = frozenset(Kind)
    brake: bool = True
    play_window: int = DEFAULT_PLAY_WINDOW
    truth: Side = Side.SOURCE
    least_position: int = 60
    least_move: int = 30
    most_percent: float = 95.0
    clock_tolerance: int = 30
