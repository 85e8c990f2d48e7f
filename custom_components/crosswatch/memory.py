"""What somebody may do with the memory of a pair: look at it, decide about it, forget it, take it along."""

from collections.abc import Awaitable, Callable, Collection, Mapping
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util, slugify

from .account import loaded_account
from .const import DOMAIN, EXPORT_FOLDER, LOGGER, Trigger
from .errors import state_error
from .shared import Opened
from .sync.database import StateError
from .sync.held import PlanGoneError
from .sync.mapping import NotMappableError
from .sync.models import Feature, Kind, Side
from .sync.provider import Provider
from .sync.report import RunReport

if TYPE_CHECKING:
    from .coordinator import PairCoordinator


class Exported(NamedTuple):
    """A file, and how many rows of each table are in it."""

    path: Path
    rows: Mapping[str, int]


class PairMemory:
    """The part of the state file that is a pair's. A change is shown at once."""

    def __init__(self, pair: PairCoordinator, opened: Opened, directory: Path) -> None:
        """`directory` is where everything of CrossWatch is kept."""
        self._pair = pair
        self._state, self._engine = opened
        self._directory = directory

    @property
    def _id(self) -> str:
        return self._pair.config_entry.entry_id

    async def async_runs(self, limit: int) -> tuple[RunReport, ...]:
        """Return the last runs, newest first."""
        return await _asked(self._state.runs(self._id, limit))

    async def async_undoable(self, runs: Collection[RunReport]) -> Collection[str]:
        """Return the ids of those of these runs that can be taken back."""
        return await _asked(self._state.undoable(self._id, [run.run_id for run in runs]))

    async def async_reset(self, features: Collection[Feature] | None) -> None:
        """Forget what both sides agreed on. Refused during a run, which is about to write it."""
        self.ensure_idle()
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
            raise state_error(err, path.name) from err
        return Exported(path, {name: len(rows) for name, rows in tables.items()})

    # --- plans that wait ------------------------------------------------------------------------

    async def async_approve(self, plans: Collection[tuple[Feature, str]]) -> None:
        """Approve plans that wait, by feature and hash, and carry them out at once if a run can start now."""
        await self._decide(self._state.approve_plan, plans)
        try:
            self._pair.async_start_run(Trigger.APPROVAL)
        except ServiceValidationError as err:
            # the next run does it
            LOGGER.debug("No run right after an approval: %s", err.translation_key)

    async def async_reject(self, plans: Collection[tuple[Feature, str]]) -> None:
        """Reject plans that wait: what they would change is left alone until it changes by itself."""
        await self._decide(self._state.reject_plan, plans)

    async def _decide(
        self,
        decision: Callable[[str, Feature, str, int], Awaitable[None]],
        plans: Collection[tuple[Feature, str]],
    ) -> None:
        self.ensure_idle()
        now = int(dt_util.utcnow().timestamp())
        try:
            for feature, plan_hash in plans:
                await _asked(decision(self._id, feature, plan_hash, now))
        except PlanGoneError as err:
            raise self._refusal("plan_gone") from err
        finally:
            await self._pair.async_refresh()

    # --- items that can't be written ------------------------------------------------------------

    async def async_retry(self, keys: Collection[str] | None = None) -> int:
        """Let unresolved items, without keys all of them, be tried again soon; return how many."""
        retried = await _asked(self._engine.retry(self._id, self._providers(), keys))
        await self._pair.async_refresh()
        if retried:
            self._pair.async_run_soon()
        return retried

    async def async_ignore(self, feature: Feature, side: Side, key: str, *, ignored: bool = True) -> None:
        """Count an unresolved item as trouble no longer, or again."""
        decision = self._state.ignore_item if ignored else self._state.unignore_item
        found = await _asked(decision(self._id, feature, side, key))
        await self._pair.async_refresh()
        if not found:
            raise self._refusal("no_such_item", item=key)

    async def async_map(self, item: str, kind: Kind, tmdb: int) -> None:
        """Give a title its TMDb id, for all pairs, and try what it was missing for soon."""
        try:
            await _asked(self._state.map_item(item, kind, tmdb))
        except NotMappableError as err:
            raise self._refusal("not_mappable", item=item) from err
        self._pair.async_run_soon()

    async def async_unmap(self, item: str, kind: Kind) -> None:
        """Take the TMDb id of a title back, for all pairs, none of which may be running."""
        try:
            found = await _asked(self._state.unmap_item(item, kind))
        except NotMappableError as err:
            raise self._refusal("not_mapped", item=item) from err
        if not found:
            raise self._refusal("not_mapped", item=item)
        self._pair.async_run_soon()

    def _providers(self) -> list[Provider]:
        """Return the providers of those accounts that are loaded."""
        entries = (loaded_account(self._pair.hass, account) for account in self._pair.accounts.values())
        return [entry.runtime_data.provider for entry in entries if entry is not None]

    # --- helpers --------------------------------------------------------------------------------

    def ensure_idle(self) -> None:
        """Raise while a run of the pair is under way."""
        if self._pair.running:
            raise self._refusal("already_running")

    def _refusal(self, key: str, **placeholders: str) -> ServiceValidationError:
        return ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key=key,
            translation_placeholders={"pair": self._pair.config_entry.title, **placeholders},
        )


async def _asked[T](question: Awaitable[T]) -> T:
    """Return an answer of the state file, or say in words that there is none."""
    try:
        return await question
    except StateError as err:
        raise state_error(err) from err


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # titles are in it: for the eyes of Home Assistant's own user
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
