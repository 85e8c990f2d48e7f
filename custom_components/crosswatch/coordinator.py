"""A pair: when it runs, and what its last run told."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CALLBACK_TYPE, CoreState, Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .account import (
    AccountConfigEntry,
    account_entry,
    both_locked,
    first_retry,
    loaded_account,
    note_contact,
)
from .const import (
    CONF_FEATURES,
    CONF_INTERVAL,
    CONF_PAUSED,
    CONF_SOURCE,
    CONF_TARGET,
    DEFAULT_INTERVAL,
    DOMAIN,
    LOGGER,
    OVERDUE_DELAY,
    STATUS_NEVER_RUN,
    STATUS_RUNNING,
    Trigger,
)
from .errors import state_error, state_words
from .listeners import Listeners
from .memory import PairMemory
from .models import PairState, next_turn
from .pairing import run_request
from .progress import Meter, Running
from .shared import Opened, shared_state
from .stored import async_read_state, failed
from .sync.database import StateError
from .sync.explain import Explanation
from .sync.models import Feature, Side
from .sync.report import Progress, RunReport, RunStatus
from .sync.undo import NothingToUndoError, TooOldToUndoError
from .timer import Timer

type PairConfigEntry = ConfigEntry[PairCoordinator]

CATCH_UP = (RunStatus.WAITING_FOR_ACCOUNT, RunStatus.AUTH_FAILED, RunStatus.CANCELLED)
"""Outcomes after which a pair need not wait for its next turn once its accounts are back."""

TELL_EVERY = 1.0
"""Seconds between two updates of the progress."""


class PairCoordinator(DataUpdateCoordinator[PairState]):
    """Runs one pair on its schedule and on demand, and publishes how it went.

    A refresh only reads the stored result: it never syncs.
    """

    config_entry: PairConfigEntry

    def __init__(self, hass: HomeAssistant, entry: PairConfigEntry, opened: Opened) -> None:
        """Nothing runs before Home Assistant has started."""
        super().__init__(hass, LOGGER, config_entry=entry, name=entry.entry_id, always_update=False)
        self.progress: Running | None = None
        """Where the present run stands."""
        self.preview: RunReport | None = None
        """The last dry run, also one of taking a run back, as long as no other run came after it."""
        self.next_run: datetime | None = None
        self.on_progress: Listeners[Running | None] = Listeners()
        self.on_run: Listeners[RunStatus, RunReport | None] = Listeners()
        """Told how every run ended that was no dry run and was not stopped. No report: it broke off."""
        self._state, self._engine = opened
        self.memory = PairMemory(self, opened, shared_state(hass).directory)
        self._task: asyncio.Task[RunReport] | None = None
        self._failure: BaseException | None = None  # what the last run broke off with, other than a stop
        self._closing = False
        self._last_try: datetime | None = None
        self._retry_at: datetime | None = None
        self._timer = Timer(hass, self._async_on_timer)
        self._unsub_stop: CALLBACK_TYPE | None = None
        self._told_at = 0.0

    # --- what the pair is -----------------------------------------------------------------------

    @property
    def accounts(self) -> Mapping[Side, str]:
        """Unique ids of the two account entries."""
        data = self.config_entry.data
        return {Side.SOURCE: data[CONF_SOURCE], Side.TARGET: data[CONF_TARGET]}

    @property
    def account_titles(self) -> Mapping[Side, str]:
        """Names of the two accounts."""
        entries = {side: account_entry(self.hass, each) for side, each in self.accounts.items()}
        return {side: entry.title if entry else "?" for side, entry in entries.items()}

    @property
    def features(self) -> tuple[Feature, ...]:
        """Features that are switched on, in the order they run."""
        chosen = self.config_entry.options[CONF_FEATURES]
        return tuple(feature for feature in Feature if feature in chosen)

    @property
    def interval(self) -> timedelta | None:
        """Time between two automatic runs; None when the pair only runs on demand."""
        minutes = self.config_entry.options.get(CONF_INTERVAL, DEFAULT_INTERVAL)
        if not minutes or self.config_entry.pref_disable_polling:
            return None
        return timedelta(minutes=minutes)

    @property
    def automatic(self) -> bool:
        """Whether automatic runs are switched on."""
        return not self.config_entry.data.get(CONF_PAUSED, False)

    @callback
    def async_set_automatic(self, *, on: bool) -> None:
        """Switch the automatic runs on or off, also for after a restart."""
        data = {key: value for key, value in self.config_entry.data.items() if key != CONF_PAUSED}
        self.hass.config_entries.async_update_entry(
            self.config_entry, data=data if on else {**data, CONF_PAUSED: True}
        )
        if not self.running:
            self._async_schedule()
        self.async_update_listeners()

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._task is not None

    @property
    def status(self) -> str:
        """What the pair is doing, or how its last run ended."""
        if self.running:
            return STATUS_RUNNING
        return self.data.status or STATUS_NEVER_RUN

    # --- stored result --------------------------------------------------------------------------

    @override
    async def _async_update_data(self) -> PairState:
        try:
            return await self._async_load()
        except StateError as err:
            raise UpdateFailed(translation_domain=DOMAIN, **state_words(err)) from err

    async def _async_load(self) -> PairState:
        stored = await async_read_state(self._state, self.config_entry.entry_id)
        if self._failure is not None:
            # it left no report behind, and the one before would say that all is well
            stored = failed(stored, self._failure)
        return replace(stored, status=RunStatus.WAITING_FOR_ACCOUNT) if self.account_missing else stored

    @property
    def account_missing(self) -> bool:
        """Whether an account was removed or disabled; one that failed to load may come back."""
        entries = (account_entry(self.hass, account) for account in self.accounts.values())
        return any(entry is None or entry.disabled_by for entry in entries)

    @callback
    def async_account_gone(self) -> None:
        """Tell at once that an account was removed or disabled."""
        if self.account_missing and self.data.status is not RunStatus.WAITING_FOR_ACCOUNT:
            self._async_publish_status(RunStatus.WAITING_FOR_ACCOUNT)

    @callback
    def async_account_ready(self) -> None:
        """Catch up soon when what kept the pair from running is over."""
        if self.data.status in CATCH_UP and not self.account_missing:
            self.config_entry.async_create_task(self.hass, self.async_refresh(), eager_start=False)
            self._async_schedule(soon=True)

    @callback
    def _async_publish_status(self, status: RunStatus) -> None:
        self.async_set_updated_data(replace(self.data, status=status))

    # --- schedule -------------------------------------------------------------------------------

    @callback
    def async_arm(self) -> None:
        """Begin with the schedule as soon as Home Assistant has started."""
        # Home Assistant cancels background tasks when it stops, but does not wait for their end
        self._unsub_stop = self.hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, self._async_on_stop)
        self.config_entry.async_on_unload(async_at_started(self.hass, self._async_started))

    @callback
    def _async_started(self, _hass: HomeAssistant) -> None:
        # a run that was broken off goes on soon
        self._async_schedule(soon=self.data.status is RunStatus.CANCELLED)

    async def _async_on_stop(self, _event: Event) -> None:
        self._unsub_stop = None
        await self.async_close()

    @callback
    def _async_schedule(self, *, soon: bool = False) -> None:
        """Arm the timer."""
        self._async_unschedule()
        may_run = self.automatic and not self._closing and self.hass.state is CoreState.running
        if not may_run or (interval := self.interval) is None:
            return
        now = dt_util.utcnow()
        last = self._last_try or self.data.last_run or now
        self.next_run = now + OVERDUE_DELAY if soon else next_turn(now, last, interval, self._retry_at)
        self._timer.async_arm(self.next_run)

    @callback
    def async_run_soon(self) -> None:
        """Let the next automatic run be soon: there is something new to do. Several wishes are one run."""
        if not self.running:
            self._async_schedule(soon=True)
            self.async_update_listeners()

    @callback
    def _async_unschedule(self) -> None:
        self.next_run = None
        self._timer.async_disarm()

    @callback
    def _async_on_timer(self, _now: datetime) -> None:
        try:
            self.async_start_run(Trigger.SCHEDULE)
        except ServiceValidationError as err:
            LOGGER.debug("No scheduled run of pair %s: %s", self.config_entry.entry_id, err.translation_key)
            self._async_schedule()

    # --- running --------------------------------------------------------------------------------

    @callback
    def async_start_run(
        self,
        trigger: Trigger,
        *,
        features: tuple[Feature, ...] | None = None,
        dry_run: bool = False,
        undo: str | None = None,
    ) -> asyncio.Task[RunReport]:
        """Start a run, which belongs to the entry and not to the caller. Raises when it can't start now.

        With `undo`, the id of an earlier run, that one is taken back.

        A second request is refused, not queued: whoever asks meanwhile wants what is already happening.
        """
        self.async_ensure_can_run()
        self._async_unschedule()
        self._task = self.config_entry.async_create_background_task(
            self.hass,
            self._async_run(trigger, features or self.features, dry_run=dry_run, undo=undo),
            f"{DOMAIN} run of pair {self.config_entry.entry_id}",
            eager_start=False,
        )
        self._task.add_done_callback(self._async_run_ended)
        self.async_update_listeners()
        return self._task

    @callback
    def async_ensure_can_run(self) -> None:
        """Raise when no run can start now. A missing account is shown as well: it will not pass by itself."""
        reason = None
        if self.hass.state is not CoreState.running:
            reason = "not_started"
        elif self.running:
            reason = "already_running"
        elif self._async_loaded_accounts() is None:
            reason = "waiting_for_account"
            self._last_try = dt_util.utcnow()
            self._async_publish_status(RunStatus.WAITING_FOR_ACCOUNT)
        if reason is not None:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key=reason,
                translation_placeholders={"pair": self.config_entry.title},
            )

    async def async_explain(
        self, wanted: str, features: tuple[Feature, ...] | None
    ) -> tuple[Explanation, ...]:
        """Tell why items are as they are, by reading both sides. Raises as the start of a run does."""
        self.async_ensure_can_run()
        entries = self._async_loaded_accounts()
        assert entries is not None  # noqa: S101 - made sure of a moment ago
        request = run_request(self.config_entry, Trigger.ACTION, features or self.features, dry_run=True)
        source, target = (entries[side].runtime_data.provider for side in (Side.SOURCE, Side.TARGET))
        async with both_locked(entries.values()):
            return await self._engine.explain(request, wanted, source, target)

    async def async_wait_for_run(self, task: asyncio.Task[RunReport]) -> RunReport:
        """Wait for a run. It goes on when the caller is cancelled, such as a restarted script."""
        await asyncio.wait({task})
        if task.cancelled() and self.hass.is_stopping:
            # whoever asked is gone by then, and Home Assistant logs an error that nobody gets
            raise asyncio.CancelledError
        if task.cancelled():
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="run_cancelled",
                translation_placeholders={"pair": self.config_entry.title},
            )
        try:
            return task.result()
        except StateError as err:
            raise state_error(err) from err
        except NothingToUndoError as err:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="undo_too_old" if isinstance(err, TooOldToUndoError) else "nothing_to_undo",
                translation_placeholders={"pair": self.config_entry.title},
            ) from err

    async def async_cancel_run(self) -> None:
        """Stop a run and wait for its end. What was written is journaled, the next run goes on from there."""
        if (task := self._task) is not None:
            task.cancel()
            await asyncio.wait({task})

    async def async_close(self) -> None:
        """Stop everything, for good."""
        self._closing = True
        self._async_unschedule()
        if self._unsub_stop is not None:
            self._unsub_stop()
            self._unsub_stop = None
        await self.async_cancel_run()

    def _async_loaded_accounts(self) -> Mapping[Side, AccountConfigEntry] | None:
        """Both account entries, or None when one of them is not loaded."""
        found = {side: loaded_account(self.hass, account) for side, account in self.accounts.items()}
        entries = {side: entry for side, entry in found.items() if entry is not None}
        return entries if len(entries) == len(found) else None

    async def _async_run(
        self, trigger: Trigger, features: tuple[Feature, ...], *, dry_run: bool, undo: str | None
    ) -> RunReport:
        entries = self._async_loaded_accounts()
        if entries is None:  # unloaded in the moment between start and first step
            raise asyncio.CancelledError
        self._retry_at = self.preview = None
        request = run_request(self.config_entry, trigger, features, dry_run=dry_run, undo=undo)
        source, target = (entries[side].runtime_data for side in (Side.SOURCE, Side.TARGET))
        meter = Meter(features, dry_run=dry_run, started_at=int(dt_util.utcnow().timestamp()))
        async with both_locked(entries.values()):
            report = await self._engine.run(
                request,
                source.provider,
                target.provider,
                lambda told: self._async_on_progress(meter, told),
            )
        self._retry_at = first_retry((source.provider, target.provider), request.scope)
        for feature in report.features.values():
            if feature.status is RunStatus.AUTH_FAILED and feature.side is not None:
                entries[feature.side].async_start_reauth(self.hass)
        note_contact({side: entry.runtime_data for side, entry in entries.items()}, report)
        self.preview = report if dry_run else None
        if not dry_run:
            self._failure = None
        self.async_set_updated_data(await self._async_load())
        if not dry_run:
            self.on_run.async_tell(report.status, report)
        return report

    @callback
    def _async_run_ended(self, task: asyncio.Task[RunReport]) -> None:
        self._task = None
        self.progress = None
        self._told_at = 0.0
        self.on_progress.async_tell(None)
        self._last_try = dt_util.utcnow()
        if task.cancelled():
            if not self._closing and not self.hass.is_stopping:
                # the report of a broken-off run is stored as well
                self.config_entry.async_create_task(self.hass, self.async_refresh(), eager_start=False)
        elif (err := task.exception()) is not None and not isinstance(err, NothingToUndoError):
            LOGGER.error("The run of pair %s broke off", self.config_entry.entry_id, exc_info=err)
            self._failure = err
            self.async_set_updated_data(failed(self.data, err))
            self.on_run.async_tell(RunStatus.FAILED, None)
        self._async_schedule()
        self.async_update_listeners()

    @callback
    def _async_on_progress(self, meter: Meter, told: Progress) -> None:
        """Keep how far the run is; tell every new step, and else now and then."""
        now = self.hass.loop.time()
        self.progress, new_step = meter.take(told)
        if new_step or now - self._told_at >= TELL_EVERY:
            self._told_at = now
            self.on_progress.async_tell(self.progress)
            self.async_update_listeners()
