"""What the entries of one Home Assistant share: the state file, locks, and the paces of the services."""

import asyncio
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from homeassistant.const import EVENT_HOMEASSISTANT_CLOSE
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant
from homeassistant.helpers.singleton import singleton
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN, STATE_FOLDER
from .providers.plex.limits import Limits
from .providers.publicmetadb import Pacers
from .sync.engine import Engine
from .sync.state import State

DATA_PACERS: HassKey[Pacers] = HassKey(f"{DOMAIN}_pacers")
DATA_LIMITS: HassKey[Limits] = HassKey(f"{DOMAIN}_limits")
DATA_STATE: HassKey[SharedState] = HassKey(f"{DOMAIN}_state")
DATA_LOCKS: HassKey[defaultdict[str, asyncio.Lock]] = HassKey(f"{DOMAIN}_locks")


class Opened(NamedTuple):
    """The open state file, and the one engine that may write it."""

    state: State
    engine: Engine


class SharedState:
    """The one state file, open while a pair uses it."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Nothing is opened before somebody asks."""
        self._hass = hass
        self._lock = asyncio.Lock()
        self._users = 0
        self._opened: Opened | None = None
        self._unsub_close: CALLBACK_TYPE | None = None

    @property
    def directory(self) -> Path:
        """Folder of everything CrossWatch keeps on disk."""
        return Path(self._hass.config.path(STATE_FOLDER))

    async def acquire(self) -> Opened:
        """Return the open file, which stays open until released. Raises `StateError`."""
        async with self._lock:
            if self._opened is None:
                state = await State.open(self.directory)
                self._opened = Opened(state, Engine(state))
                # entries are not unloaded when Home Assistant stops; by then no run is left
                self._unsub_close = self._hass.bus.async_listen_once(
                    EVENT_HOMEASSISTANT_CLOSE, self._on_close
                )
            self._users += 1
            return self._opened

    async def release(self) -> None:
        """Close the file when nobody uses it any more."""
        async with self._lock:
            self._users -= 1
            if self._users == 0:
                await self._close()

    async def _on_close(self, _event: Event) -> None:
        self._unsub_close = None
        async with self._lock:
            await self._close()

    async def _close(self) -> None:
        if self._unsub_close is not None:
            self._unsub_close()
            self._unsub_close = None
        if self._opened is not None:
            opened, self._opened = self._opened, None
            await opened.state.close()


@singleton(DATA_STATE)
def shared_state(hass: HomeAssistant) -> SharedState:
    """Return the state holder of this Home Assistant."""
    return SharedState(hass)


def account_lock(hass: HomeAssistant, account: str) -> asyncio.Lock:
    """Return the lock of an account. It outlives reloads: two runs never write one account at once."""
    return hass.data.setdefault(DATA_LOCKS, defaultdict(asyncio.Lock))[account]


@singleton(DATA_PACERS)
def publicmetadb_pacers(_hass: HomeAssistant) -> Pacers:
    """Return the paces of all PublicMetaDB accounts, which a key that is being entered shares as well."""
    return Pacers()


@singleton(DATA_LIMITS)
def plex_limits(_hass: HomeAssistant) -> Limits:
    """Return what all Plex accounts share, so that together they ask no host for too much."""
    return Limits()
