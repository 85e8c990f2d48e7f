"""Ways out of what the repair issues report."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import voluptuous as vol

from .account import account_entries, account_entry
from .const import CONF_FEATURES, CONF_SOURCE, CONF_TARGET, DOMAIN, OPTION_FALLBACK, IssueKind
from .flows.pair import accounts_schema
from .pairing import Problems, check_pair, pair_changes


class EntryFlow(RepairsFlow):
    """A way out of an issue of an entry."""

    def __init__(self, entry: ConfigEntry) -> None:
        """Keep the entry; it may be removed while the dialog is open."""
        self._entry = entry

    @property
    def _gone(self) -> bool:
        return self.hass.config_entries.async_get_entry(self._entry.entry_id) is None


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
            description_placeholders={"pair": self._entry.title},
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
            description_placeholders={"account": entry.title},
        )


FLOWS: Final[Mapping[str, type[EntryFlow]]] = {
    IssueKind.ACCOUNT_MISSING: AccountMissingFlow,
    IssueKind.FALLBACK_LONG: FallbackLongFlow,
}


async def async_create_fix_flow(
    hass: HomeAssistant, _issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the way out of an issue."""
    known = data or {}
    entry = hass.config_entries.async_get_known_entry(str(known["entry_id"]))
    return FLOWS[str(known["kind"])](entry)
