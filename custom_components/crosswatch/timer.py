"""A timer for the next turn, which a clock that is set back does not put off for years."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later, async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

LATE: Final = timedelta(minutes=1)
"""How long after its time a timer counts as missed."""


class Timer:
    """One timer: armed anew, the one before is off."""

    def __init__(self, hass: HomeAssistant, action: Callable[[datetime], None]) -> None:
        """Nothing is armed yet."""
        self._hass = hass
        self._action = action
        self._unsubs: list[CALLBACK_TYPE] = []

    @callback
    def async_arm(self, when: datetime) -> None:
        """Call the action at a time."""
        self.async_disarm()
        armed = dt_util.utcnow()

        @callback
        def fire(now: datetime) -> None:
            self.async_disarm()
            self._action(now)

        @callback
        def check(now: datetime) -> None:
            # by a clock that was set back the time may be far away again: so long was waited already
            if dt_util.utcnow() < armed:
                fire(now)

        self._unsubs = [
            async_track_point_in_utc_time(self._hass, fire, when),
            async_call_later(self._hass, when - armed + LATE, check),
        ]

    @callback
    def async_disarm(self) -> None:
        """Call nothing."""
        while self._unsubs:
            self._unsubs.pop()()
