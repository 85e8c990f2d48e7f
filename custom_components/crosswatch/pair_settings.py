"""The options of a pair that are rules of the engine, under the names they are stored by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .sync.models import Feature, Kind, Side
from .sync.settings import PairSettings

CONF_BRAKE: Final = "brake"
CONF_TRUTH: Final = "ratings_truth"
CONF_KINDS: Final = "ratings_kinds"

DEFAULTS: Final = PairSettings()


@dataclass(frozen=True, slots=True)
class Number:
    """A number as a person sets it: `factor` of its units make one of the engine's `name`."""

    name: str
    minimum: int
    maximum: int
    factor: int = 1

    @property
    def default(self) -> int:
        """The default in the person's unit."""
        return int(getattr(DEFAULTS, self.name)) // self.factor


NUMBERS: Final[Mapping[str, Number]] = {
    "history_window": Number("play_window", 0, 1440, 60),
    "progress_minimum": Number("least_position", 0, 3600),
    "progress_change": Number("least_move", 1, 3600),
    "progress_maximum": Number("most_percent", 1, 100),
    "progress_tolerance": Number("clock_tolerance", 0, 3600),
}
"""Minutes, seconds, seconds, percent, seconds. Each name begins with its feature."""


def add_key(feature: Feature) -> str:
    """Name of the switch for additions and updates."""
    return f"{feature}_add"


def remove_key(feature: Feature) -> str:
    """Name of the switch for removals."""
    return f"{feature}_remove"


def pair_settings(options: Mapping[str, Any]) -> PairSettings:
    """Return the rules of a pair."""
    return PairSettings(
        adds=frozenset(each for each in Feature if options.get(add_key(each), each in DEFAULTS.adds)),
        removals=frozenset(
            each for each in Feature if options.get(remove_key(each), each in DEFAULTS.removals)
        ),
        rating_kinds=frozenset(Kind(kind) for kind in options.get(CONF_KINDS, DEFAULTS.rating_kinds)),
        brake=options.get(CONF_BRAKE, DEFAULTS.brake),
        truth=Side(options.get(CONF_TRUTH, DEFAULTS.truth)),
        **{number.name: options[key] * number.factor for key, number in NUMBERS.items() if key in options},
    )
