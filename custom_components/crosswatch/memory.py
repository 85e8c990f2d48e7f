"""What somebody may do with the memory of a pair: look at it, forget it, take it along."""

from collections.abc import Awaitable, Collection, Mapping
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util, slugify

from .const import DOMAIN, EXPORT_FOLDER
from .sync.database import StateError
from .sync.models import Feature
from .sync.report import RunReport
from .sync.state import State

if TYPE_CHECKING:
    from .coordinator import PairCoordinator


class Exported(NamedTuple):
    """A file, and how many rows of each table are in it."""

    path: Path
    rows: Mapping[str, int]


class PairMemory:
    """The part of the state file that is a pair's. A change is shown at once."""

    def __init__(self, pair: PairCoordinator, state: State, directory: Path) -> None:
        """`directory` is where everything of CrossWatch is kept."""
        self._pair = pair
        self._state = state
        self._directory = directory

    @property
    def _id(self) -> str:
        return self._pair.config_entry.entry_id

    async def async_runs(self, limit: int) -> tuple[RunReport, ...]:
        """Return the last runs, newest first."""
        return await _asked(self._state.runs(self._id, limit))

    async def async_reset(self, features: Collection[Feature] | None) -> None:
        """Forget what both sides agreed on. Refused during a run, which is about to write it."""
        self._ensure_idle()
        await _asked(self._state.reset(self._id, features or tuple(Feature)))
        await self._pair.async_refresh()

    async def async_export(self) -> Exported:
        """Write everything that is remembered to a file of its own."""
        tables = await _asked(self._state.export(self._id))
        entry = self._pair.config_entry
        now = dt_util.now()
        path = self._directory / EXPORT_FOLDER / f"{slugify(entry.title)}_{now:%Y%m%d_%H%M%S}.json"
        content = {
            "pair": {"title": entry.title, "options": dict(entry.options)},
            "exported_at": now.isoformat(),
            "tables": tables,
        }
        try:
            await self._pair.hass.async_add_executor_job(_write, path, content)
        except OSError as err:
            raise _state_error() from err
        return Exported(path, {name: len(rows) for name, rows in tables.items()})

    def _ensure_idle(self) -> None:
        if self._pair.running:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="already_running",
                translation_placeholders={"pair": self._pair.config_entry.title},
            )


async def _asked[T](question: Awaitable[T]) -> T:
    """Return an answer of the state file, or say in words that there is none."""
    try:
        return await question
    except StateError as err:
        raise _state_error() from err


def _state_error() -> HomeAssistantError:
    return HomeAssistantError(translation_domain=DOMAIN, translation_key="state_error")


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # titles are in it: for the eyes of Home Assistant's own user
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
