"""Ways out of what the repair issues report."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import voluptuous as vol

from .account import account_entries, account_entry
from .const import (
    CONF_ACCOUNT,
    CONF_FEATURES,
    CONF_SOURCE,
    CONF_TARGET,
    DOMAIN,
    OPTION_FALLBACK,
    IssueKind,
)
from .flows.choices import async_ask
from .flows.pair import accounts_schema
from .flows.plex_options import async_libraries
from .flows.settings import library_selector
from .libraries import library_options, plex_account_of
from .memory import PairMemory
from .models import kind_of, lacking_ids
from .pairing import Problems, check_pair, pair_changes
from .providers.plex.account import PlexAccount
from .sync.held import HeldPlan
from .sync.models import Feature
from .texts import Word, own_texts, plain

CONF_TITLE: Final = "title"
CONF_TMDB: Final = "tmdb"

MOST_LINES: Final = 25
"""Changes of a plan that a dialog lists."""

type Decide = Callable[[PairMemory, Collection[tuple[Feature, str]]], Awaitable[None]]


class EntryFlow(RepairsFlow):
    """A way out of an issue of an entry."""

    def __init__(self, entry: ConfigEntry) -> None:
        """Keep the entry; it may be removed while the dialog is open."""
        self._entry = entry

    @property
    def _gone(self) -> bool:
        return self.hass.config_entries.async_get_entry(self._entry.entry_id) is None

    @property
    def _usable(self) -> bool:
        return not self._gone and self._entry.state is ConfigEntryState.LOADED


class AccountMissingFlow(EntryFlow):
    """A pair lacks an account: choose another one, delete the pair, or wait for the account."""

    async def async_step_init(self, _user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Choose a way out. Another account needs accounts to choose from."""
        options = ["replace", "remove", "wait"] if len(account_entries(self.hass)) > 1 else ["remove", "wait"]
        return self.async_show_menu(
            step_id="init", menu_options=options, description_placeholders={"pair": self._entry.title}
        )

    async def async_step_replace(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Join the pair's accounts anew, by the rules of its own dialog."""
        if self._gone:
            return self.async_abort(reason="pair_gone")
        entry = self._entry
        problems = Problems()
        if user_input is not None:
            problems = check_pair(self.hass, user_input, entry.options[CONF_FEATURES], entry)
            problems.move(CONF_FEATURES, "base")
            if not problems.errors:
                self.hass.config_entries.async_update_entry(
                    entry,
                    data={**entry.data, **user_input},
                    **pair_changes(self.hass, entry, user_input),
                )
                self.hass.config_entries.async_schedule_reload(entry.entry_id)
                return self.async_create_entry(data={})
        return self.async_show_form(
            step_id="replace",
            data_schema=self.add_suggested_values_to_schema(
                accounts_schema(self.hass), user_input or self._present(entry.data)
            ),
            errors=problems.errors,
            description_placeholders={"pair": entry.title, **problems.placeholders},
        )

    def _present(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is known of the pair, without the account that is missing."""
        gone = {side for side in (CONF_SOURCE, CONF_TARGET) if account_entry(self.hass, data[side]) is None}
        return {key: value for key, value in data.items() if key not in gone}

    async def async_step_remove(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Delete the pair, after a second look."""
        if self._gone:
            return self.async_abort(reason="pair_gone")
        if user_input is not None:
            await self.hass.config_entries.async_remove(self._entry.entry_id)
            return self.async_create_entry(data={})
        return self.async_show_form(
            step_id="remove",
            data_schema=vol.Schema({}),
            description_placeholders={"pair": plain(self._entry.title)},
        )

    async def async_step_wait(self, _user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Leave it at that, until the account is there again."""
        if self._gone:
            return self.async_abort(reason="pair_gone")
        ir.async_ignore_issue(self.hass, DOMAIN, self.issue_id, ignore=True)
        return self.async_abort(reason="waiting")


class FallbackLongFlow(EntryFlow):
    """The experimental GUID fallback is on for long: switch it off."""

    async def async_step_init(self, _user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Switch it off, if that is wanted."""
        if self._gone:
            return self.async_abort(reason="account_gone")
        entry = self._entry
        if user_input is not None:
            options = {key: value for key, value in entry.options.items() if key != OPTION_FALLBACK}
            self.hass.config_entries.async_update_entry(entry, options=options)
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
            return self.async_create_entry(data={})
        return self.async_show_form(
            step_id="confirm",
            data_schema=vol.Schema({}),
            description_placeholders={"account": plain(entry.title)},
        )


class PlanHeldFlow(EntryFlow):
    """A plan waits for a person: approve it, reject it, or think it over."""

    def _plan(self) -> HeldPlan | None:
        wanted = self.data or {}
        return next(
            (
                plan
                for plan in self._entry.runtime_data.data.held
                if (plan.feature, plan.plan_hash) == (wanted.get("feature"), wanted.get("plan_hash"))
            ),
            None,
        )

    async def async_step_init(self, _user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Show what waits, and why."""
        if not self._usable or (plan := self._plan()) is None:
            return self.async_abort(reason="plan_gone")
        texts = own_texts(self.hass)
        titles = self._entry.runtime_data.account_titles
        names = {side: plain(title) for side, title in titles.items()}
        lines = [
            f"- {texts.word(Word.ACTION, change.action)} ({names[change.side]}): {plain(change.name)}"
            for change in plan.changes[:MOST_LINES]
        ]
        return self.async_show_menu(
            step_id="init",
            menu_options=["approve", "reject"],
            description_placeholders={
                "pair": self._entry.title,
                "feature": texts.feature(plan.feature),
                "reason": texts.held(plan.reason, names),
                "count": str(len(plan.changes)),
                "shown": str(len(lines)),
                "changes": "\n".join(lines),
            },
        )

    async def async_step_approve(self, _user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Carry it out."""
        return await self._async_decide(PairMemory.async_approve)

    async def async_step_reject(self, _user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Leave it out."""
        return await self._async_decide(PairMemory.async_reject)

    async def _async_decide(self, decide: Decide) -> RepairsFlowResult:
        if not self._usable or (plan := self._plan()) is None:
            return self.async_abort(reason="plan_gone")
        try:
            await decide(self._entry.runtime_data.memory, [(plan.feature, plan.plan_hash)])
        except HomeAssistantError as err:
            return self.async_abort(reason=_reason(err) or "plan_gone")
        return self.async_create_entry(data={})


class NeedsIdFlow(EntryFlow):
    """Titles lack their TMDb id: a person gives it, title after title, for all pairs."""

    def __init__(self, entry: ConfigEntry) -> None:
        """No id was given yet."""
        super().__init__(entry)
        self._given: set[str] = set()

    async def async_step_init(self, _user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_id()

    async def async_step_id(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Ask for the id of one of the titles, until none is left."""
        if not self._usable:
            return self.async_abort(reason="pair_gone")
        errors: dict[str, str] = {}
        titles = lacking_ids(self._entry.runtime_data.data)
        if user_input is not None:
            title = user_input[CONF_TITLE]
            row = titles.get(title)
            try:
                if row is not None:
                    memory: PairMemory = self._entry.runtime_data.memory
                    await memory.async_map(row.key, kind_of(row.key), int(user_input[CONF_TMDB]))
                self._given.add(title)
            except HomeAssistantError as err:
                errors["base"] = _reason(err) or "not_mappable"
        left = {title: row for title, row in titles.items() if title not in self._given}
        if not left:
            return self.async_create_entry(data={})
        options = [SelectOptionDict(value=title, label=row.name) for title, row in left.items()]
        schema = vol.Schema(
            {
                vol.Required(CONF_TITLE, default=next(iter(left))): SelectSelector(
                    SelectSelectorConfig(options=options, mode=SelectSelectorMode.DROPDOWN)
                ),
                vol.Required(CONF_TMDB): NumberSelector(
                    NumberSelectorConfig(min=1, step=1, mode=NumberSelectorMode.BOX)
                ),
            }
        )
        return self.async_show_form(
            step_id="id",
            data_schema=schema,
            errors=errors,
            description_placeholders={"pair": plain(self._entry.title), "count": str(len(left))},
        )


class LibraryGoneFlow(EntryFlow):
    """A library that was chosen is gone from the server: choose anew."""

    async def async_step_init(self, _user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_choose()

    async def async_step_choose(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Choose among the libraries that are there."""
        if not self._usable or (account := plex_account_of(self.hass, self._entry)) is None:
            return self.async_abort(reason="account_gone")
        entry = self._entry
        if user_input is not None:
            options = {key: value for key, value in entry.options.items() if key not in self._fields()}
            options |= {key: user_input[name] for key, name in self._fields().items() if user_input.get(name)}
            self.hass.config_entries.async_update_entry(entry, options=options)
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
            return self.async_create_entry(data={})
        plex = PlexAccount.from_dict(account.data[CONF_ACCOUNT])
        libraries = await async_ask(async_libraries(self.hass, plex))
        if libraries is None:
            return self.async_abort(reason="libraries_unknown")
        known = {each["value"] for each in libraries}
        schema = vol.Schema(
            {vol.Optional(name): library_selector(libraries, []) for name in self._fields().values()}
        )
        there = {
            name: [each for each in entry.options[key] if each in known]
            for key, name in self._fields().items()
        }
        return self.async_show_form(
            step_id="choose",
            data_schema=self.add_suggested_values_to_schema(schema, there),
            description_placeholders={"entry": plain(entry.title)},
        )

    def _fields(self) -> Mapping[str, str]:
        """Return the options to choose anew, with the names that their fields have."""
        return {key: key.replace(".", "_") for key in library_options(self._entry)}


def _reason(err: HomeAssistantError) -> str | None:
    """Return the word for an error in a dialog; what exactly is wrong with the disk is told elsewhere."""
    key = err.translation_key
    return "state_error" if key is not None and key.startswith("state_") else key


FLOWS: Final[Mapping[str, type[EntryFlow]]] = {
    IssueKind.ACCOUNT_MISSING: AccountMissingFlow,
    IssueKind.FALLBACK_LONG: FallbackLongFlow,
    IssueKind.LIBRARY_GONE: LibraryGoneFlow,
    IssueKind.NEEDS_ID: NeedsIdFlow,
    IssueKind.PLAN_HELD: PlanHeldFlow,
}


async def async_create_fix_flow(
    hass: HomeAssistant, _issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the way out of an issue."""
    known = data or {}
    entry = hass.config_entries.async_get_known_entry(str(known["entry_id"]))
    return FLOWS[str(known["kind"])](entry)
