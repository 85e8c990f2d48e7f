"""What all clients of one host share: how many requests at once, and the pause that a 429 orders."""

import asyncio
from collections.abc import Mapping
import time
from typing import Final

from yarl import URL

from ..http import Pacer, http_date

SERVER_SLOTS: Final = 8
"""Requests at once to a media server, all accounts together: it keeps its state in SQLite (5.1)."""
CLOUD_SLOTS: Final = 4
"""Requests at once to a host of Plex's cloud (API reference 3.7)."""


class HostLimit:
    """The limit of one host. A 429 to one request lets none of the others start for a while."""

    def __init__(self, slots: int = SERVER_SLOTS) -> None:
        """Nothing is under way yet."""
        self.slots = asyncio.Semaphore(slots)
        self.pacer = Pacer(0)


class Limits:
    """The limits of all hosts. Share one between all accounts."""

    def __init__(self) -> None:
        """Know no host yet."""
        self._hosts: dict[str, HostLimit] = {}

    def server(self, machine_id: str) -> HostLimit:
        """Return the limit of a media server, whatever address it is reached at."""
        return self._hosts.setdefault(machine_id, HostLimit())

    def cloud(self, base: URL) -> HostLimit:
        """Return the limit of a host of Plex's cloud."""
        return self._hosts.setdefault(str(base), HostLimit(CLOUD_SLOTS))


class ServerClock:
    """The server's own time, from the Date of its answers: epochs of Plex are by that clock (6)."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._date: int | None = None
        self._heard = 0.0

    def note(self, headers: Mapping[str, str]) -> int:
        """Take in the headers of an answer; return its time, our own where the server tells none."""
        moment = http_date(headers.get("Date", ""))
        if moment is None:
            return self.now()
        self._date, self._heard = int(moment.timestamp()), time.monotonic()
        return self._date

    def now(self) -> int:
        """Epoch seconds UTC by the server's clock, our own while nothing was heard of it."""
        if self._date is None:
            return int(time.time())
        return self._date + int(time.monotonic() - self._heard)

    @property
    def latest(self) -> int:
        """A moment that surely lies not in the server's future."""
        return int(time.time()) if self._date is None else self._date
